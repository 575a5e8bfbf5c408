import Gateway
import Wire

/// Who asks, as the gateway says it in the request's header.
struct Caller: Equatable {
    /// Octets.
    private static let longestID = 128

    let userID: [UInt8]
    let username: [UInt8]?
    let role: [UInt8]?

    /// - Throws: a 400 unless X-User-Id is there exactly once and has the form of a user id: with two of them, somebody
    ///   beside the gateway has had a say.
    init(_ head: RequestHead) throws(Problem) {
        let ids = Caller.values("x-user-id", in: head)
        guard let id = ids.first else { throw Problem(400, "The header X-User-Id is missing.") }
        guard ids.count == 1 else { throw Problem(400, "The header X-User-Id is there more than once.") }
        guard (1...Caller.longestID).contains(id.count), id.allSatisfy({ 0x21...0x7E ~= $0 }) else {
            throw Problem(400, "The header X-User-Id is not a user id.")
        }
        userID = id
        username = Caller.values("x-user-name", in: head).first
        role = Caller.values("x-user-role", in: head).first
    }

    /// - Parameter name: in lower case.
    private static func values(_ name: StaticString, in head: RequestHead) -> [[UInt8]] {
        head.fields.filter { head.bytes.equalsFolded($0.name, name) }.map { head.bytes.array($0.value) }
    }
}
