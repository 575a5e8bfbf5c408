internal import Access
internal import Wire

/// One row of somebody else's users: input like any other (rules 6, 34 and 57). Every value is checked, and a row with one
/// that is not good is nobody's.
struct UserTableRow {
    private let mapping: UserMapping
    private let values: [JSON.Member]

    /// The longest modular-crypt string that is read; `PasswordHash` takes up to 512 octets.
    private static let maximumHash = 1_024

    /// - Parameter row: an object with a member for each column of the SELECT.
    init(_ row: JSON, _ mapping: UserMapping) throws(UserRowFault) {
        guard case .object(let members) = row else { throw UserRowFault("the row", "cannot be read") }
        // A misspelt flag that nobody looks at would let in who is locked out.
        for member in members where !Self.names.contains(member.name) {
            throw UserRowFault(
                String(decoding: member.name, as: UTF8.self),
                "is no column that is known here; they are \((UserMapping.needed + UserMapping.optional).joined(separator: ", "))")
        }
        self.mapping = mapping
        values = members
    }

    private static let names = (UserMapping.needed + UserMapping.optional).map { Array($0.utf8) }

    func user() throws(UserRowFault) -> UserRecord {
        let id = try id()
        do throws(UserRowFault) {
            return UserRecord(
                id: id, username: try username(), passwordHash: try passwordHash(),
                role: String(decoding: try roles(), as: UTF8.self), isDisabled: isDisabled)
        } catch {
            throw UserRowFault(error.column, error.what, of: id)
        }
    }

    /// The user's name as the table has it; nil when it is no text.
    var name: String? { text("username").map { String(decoding: $0, as: UTF8.self) } }

    // MARK: Columns

    private func id() throws(UserRowFault) -> UserID {
        guard let text = text("id") else { throw UserRowFault("id", "is neither a whole number nor text") }
        do { return try UserID(text) } catch { throw UserRowFault("id", error.description) }
    }

    private func username() throws(UserRowFault) -> String {
        guard let text = text("username") else { throw UserRowFault("username", "is no text") }
        do { return try UserName(text, mapping.usernames).text } catch { throw UserRowFault("username", error.description) }
    }

    /// Without one nobody signs in: an empty hash matches no password.
    private func passwordHash() throws(UserRowFault) -> String {
        if self["password_hash"] == .null { return "" }
        guard let text = self["password_hash"]?.string else { throw UserRowFault("password_hash", "is no text") }
        guard text.count <= Self.maximumHash else {
            throw UserRowFault("password_hash", "is longer than \(Self.maximumHash) octets")
        }
        return String(decoding: text, as: UTF8.self)
    }

    private func roles() throws(UserRowFault) -> [UInt8] {
        let column = self["role"] == nil ? "roles" : "role"
        guard self["role"] == nil || self["roles"] == nil else { throw UserRowFault("role", "stands beside roles; one of them is enough") }
        do { return try RoleList.text(of: members(of: self[column] ?? .null, column)) } catch let error as IdentityError {
            throw UserRowFault(column, error.description)
        } catch let error as UserRowFault { throw error } catch { throw UserRowFault(column, "cannot be read") }
    }

    private func members(of value: JSON, _ column: String, inList: Bool = false) throws(UserRowFault) -> [[UInt8]] {
        switch value {
        // An aggregate over a join that finds nothing holds a null.
        case .null: return []
        case .integer(let number): return [Array(String(number).utf8)]
        case .string(let text) where inList: return [text]
        case .string(let text):
            let trimmed = Self.trimmed(text[...])
            guard trimmed.first == UInt8(ascii: "[") else {
                return trimmed.split(separator: UInt8(ascii: ",")).map { Array(Self.trimmed($0)) }
            }
            guard let list = try? JSON.parse(Array(trimmed), maxDepth: 2), case .array = list else {
                throw UserRowFault(column, "begins with [ and is no JSON array")
            }
            return try members(of: list, column)
        case .array(let items) where !inList:
            guard items.count <= RoleList.maxCount else { throw UserRowFault(column, "holds more than \(RoleList.maxCount) roles") }
            var all: [[UInt8]] = []
            for item in items { all += try members(of: item, column, inList: true) }
            return all
        case .bool, .number, .array, .object: throw UserRowFault(column, "is neither text nor a list of texts")
        }
    }

    private static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var text = text
        while let first = text.first, first == 0x20 || first == 0x09 { text = text.dropFirst() }
        while let last = text.last, last == 0x20 || last == 0x09 { text = text.dropLast() }
        return text
    }

    /// Whatever is not plainly "no" in `disabled`, or plainly "yes" in `active`, locks the user out.
    private var isDisabled: Bool {
        if let disabled = self["disabled"], Self.verdict(on: disabled) != .no { return true }
        guard let active = self["active"] else { return false }
        switch Self.verdict(on: active) {
        case .yes, .time: return false
        case .no, .unclear: return true
        }
    }

    private enum Verdict { case yes, no, time, unclear }

    private static func verdict(on value: JSON) -> Verdict {
        switch value {
        case .null: return .no
        case .bool(let isTrue): return isTrue ? .yes : .no
        case .integer(let number): return number == 0 ? .no : .yes
        case .number, .array, .object: return .unclear
        case .string(let text):
            switch String(decoding: text, as: UTF8.self).lowercased() {
            case "", "0", "f", "false", "n", "no": return .no
            case "1", "t", "true", "y", "yes": return .yes
            default: break
            }
            // When it happened: 2025-07-01…
            let isTime = text.count > 4 && text[4] == UInt8(ascii: "-") && text.prefix(4).allSatisfy { (0x30...0x39).contains($0) }
            return isTime ? .time : .unclear
        }
    }

    private subscript(_ name: String) -> JSON? { values.first { $0.name.elementsEqual(name.utf8) }?.value }

    private func text(_ name: String) -> [UInt8]? {
        switch self[name] {
        case .string(let text): text
        case .integer(let number): Array(String(number).utf8)
        case .null, .bool, .number, .array, .object, nil: nil
        }
    }
}

/// Which column of which row is not good, and why; never the value.
struct UserRowFault: Error {
    let column: String
    let what: String
    let userID: UserID?

    init(_ column: String, _ what: String, of userID: UserID? = nil) {
        self.column = column
        self.what = what
        self.userID = userID
    }
}

extension UserMapping {
    /// The one user among the rows that the database found for a name or an id; nil where there is none.
    ///
    /// Two would be two people, so nobody is signed in.
    func only(
        _ rows: [JSON], at place: String, where isAsked: (UserRecord, _ name: String) -> Bool
    ) throws(StoreError) -> UserRecord? {
        var found: UserRecord?
        for row in rows {
            do throws(UserRowFault) {
                let row = try UserTableRow(row, self)
                let user = try row.user()
                guard isAsked(user, row.name ?? "") else { continue }
                guard found == nil else {
                    throw UserRowFault("username", "or id stands in another row as well", of: user.id)
                }
                found = user
            } catch {
                throw .corrupt(
                    "\(place), \(name)\(error.userID.map { ", user \($0)" } ?? ""): column \(error.column): \(error.what)")
            }
        }
        return found
    }

    /// A row that is no user can sign nobody in, and must not hide the others.
    func all(_ rows: [JSON]) -> [UserRecord] { rows.compactMap { try? UserTableRow($0, self).user() } }
}
