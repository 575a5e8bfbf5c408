import Access
import Wire

/// What a sign-in's content says.
struct SignInRequest: Equatable {
    let type: BodyType
    let username: [UInt8]
    let password: [UInt8]
    /// Where a form goes afterwards; validated (rule 37).
    let returnTo: [UInt8]

    /// - Throws: 400, with what is wrong and never with what was typed.
    init(_ content: [UInt8], _ type: BodyType) throws(Problem) {
        switch type {
        case .json: try self.init(json: content)
        case .form: try self.init(form: content)
        }
    }

    private init(json content: [UInt8]) throws(Problem) {
        let json: JSON
        do { json = try JSON.parse(content, maxDepth: 8) } catch {
            throw Problem(400, "The content is not valid JSON. \(error)")
        }
        guard case .object = json else { throw Problem(400, "The content is JSON, but not an object.") }
        type = .json
        username = try SignInRequest.member("username", of: json)
        password = try SignInRequest.member("password", of: json)
        returnTo = ReturnTo.fallback
    }

    private static func member(_ name: StaticString, of json: JSON) throws(Problem) -> [UInt8] {
        guard let value = json[name] else { throw Problem(400, "The member \"\(name)\" is missing.") }
        guard let text = value.string else { throw Problem(400, "The member \"\(name)\" is not a string.") }
        return text
    }

    private init(form content: [UInt8]) throws(Problem) {
        let fields: [FormURLEncoded.Field]
        do { fields = try FormURLEncoded.parse(content) } catch { throw Problem(400, "The form has too many fields.") }
        type = .form
        username = try SignInRequest.required("username", in: fields)
        password = try SignInRequest.required("password", in: fields)
        returnTo = ReturnTo.validated(try SignInRequest.field("return_to", in: fields) ?? ReturnTo.fallback)
    }

    private static func required(_ name: StaticString, in fields: [FormURLEncoded.Field]) throws(Problem) -> [UInt8] {
        guard let value = try field(name, in: fields) else { throw Problem(400, "The form's field \"\(name)\" is missing.") }
        return value
    }

    /// Of two fields of one name nobody can tell which was meant.
    private static func field(_ name: StaticString, in fields: [FormURLEncoded.Field]) throws(Problem) -> [UInt8]? {
        let values = fields.filter { $0.name.elementsEqual(name.description.utf8) }
        guard values.count <= 1 else { throw Problem(400, "The form has more than one field \"\(name)\".") }
        return values.first?.value
    }
}
