package import Access

/// Users, one row each. `UserStore` says what each call means.
///
/// Ids are whole numbers from 1. Any other id names nobody here.
extension PostgreSQLDatabase {
    package func findUser(name: String) throws(StoreError) -> UserRecord? {
        // PostgreSQL's texts hold no NUL, and it would cut the name short on its way there, and find somebody else.
        guard !name.utf8.contains(0) else { return nil }
        return try call { [location] call throws(StoreError) in
            try Self.user(call.row(Self.findUserByName, [.text(name)]), location)
        }
    }

    package func findUser(id: UserID) throws(StoreError) -> UserRecord? {
        guard let number = Self.number(id) else { return nil }
        return try call { [location] call throws(StoreError) in
            try Self.user(call.row(Self.findUserByID, [.integer(number)]), location)
        }
    }

    package func insertUser(_ user: NewUser, now: Int64) throws(StoreError) -> UserRecord {
        let number = user.id.flatMap(Self.number)
        guard user.id == nil || number != nil else {
            throw .conflict("a user id in a PostgreSQL store is a whole number from 1")
        }
        let name = try text(user.username.bytes, "the user name")
        let hash = try text(Array(user.passwordHash.utf8), "the password hash")
        let role = try text(Array(user.role.utf8), "the role")
        let values: [PostgreSQLValue] = [.text(name), .text(hash), .text(role), .integer(now)]
        do {
            return try transaction { [location] call throws(StoreError) in
                // One at a time, in all gateways: the sequence of ids does not see an id that is given.
                _ = try call.row(Self.lockUsers, [.integer(Self.usersLock)])
                let row: PostgreSQLRow?
                if let number {
                    row = try call.row(Self.insertUserWithID, values + [.integer(number)])
                    // An id that has named a person never names another, also after that person is removed.
                    _ = try call.row(Self.moveSequence, [.integer(number)])
                } else {
                    row = try call.row(Self.insertUser, values)
                }
                guard let given = row?.integer(0), given > 0, let id = try? UserID(String(given)) else {
                    throw .corrupt("\(location): a new user was given no id")
                }
                return UserRecord(id: id, username: name, passwordHash: hash, role: role, isDisabled: false)
            }
        } catch .conflict(let constraint) {
            throw .conflict(constraint == "users_username_key" ? "a user of that name exists" : "a user of that id exists")
        }
    }

    package func users(limit: Int) throws(StoreError) -> [UserRecord] {
        let limit = min(max(0, limit), Self.maximumUsers)
        return try call(timeouts.list) { call throws(StoreError) in
            // A row that is no user can sign nobody in, and must not hide the others.
            try call.rows(Self.allUsers, [.integer(Int64(limit))], atMost: limit).compactMap(Self.user)
        }
    }

    package func setPasswordHash(
        _ id: UserID, to hash: String, replacing old: String?, now: Int64
    ) throws(StoreError) -> Bool {
        let hash = try text(Array(hash.utf8), "the password hash")
        // The column holds no such text, so it is not what is there.
        if let old, old.utf8.contains(0) { return false }
        return try update(id) { number, call throws(StoreError) in
            try call.change(
                Self.setPasswordHash, [.integer(number), .text(hash), .integer(now), old.map { .text($0) } ?? .null])
        }
    }

    package func setRole(_ id: UserID, to role: String, now: Int64) throws(StoreError) -> Bool {
        let role = try text(Array(role.utf8), "the role")
        return try update(id) { number, call throws(StoreError) in
            try call.change(Self.setRole, [.integer(number), .text(role), .integer(now)])
        }
    }

    /// - Parameter endingSessions: the sessions of this database are ended in the same transaction when the user is
    ///   disabled.
    package func setDisabled(
        _ id: UserID, _ isDisabled: Bool, endingSessions: Bool, now: Int64
    ) throws(StoreError) -> Bool {
        guard let number = Self.number(id) else { return false }
        return try transaction(timeouts.list) { call throws(StoreError) in
            let count = try call.change(Self.setDisabled, [.integer(number), .boolean(isDisabled), .integer(now)])
            if isDisabled && endingSessions { _ = try Self.removeSessions(call, of: id, except: nil) }
            return count > 0
        }
    }

    /// - Parameter endingSessions: the sessions of this database are ended in the same transaction.
    package func removeUser(_ id: UserID, endingSessions: Bool) throws(StoreError) -> Bool {
        guard let number = Self.number(id) else { return false }
        return try transaction(timeouts.list) { call throws(StoreError) in
            let count = try call.change(Self.removeUser, [.integer(number)])
            if endingSessions { _ = try Self.removeSessions(call, of: id, except: nil) }
            return count > 0
        }
    }

    // MARK: Rows

    private func update(
        _ id: UserID, _ body: (Int64, borrowing PostgreSQLSession) throws(StoreError) -> Int
    ) throws(StoreError) -> Bool {
        guard let number = Self.number(id) else { return false }
        return try call { call throws(StoreError) in try body(number, call) > 0 }
    }

    /// "GATE" and "USER": the number of the lock under which users are added.
    private static let usersLock: Int64 = 0x4741_5445_5553_4552
    /// Users of a list at most.
    private static let maximumUsers = 100_000
    /// The longest modular-crypt string that is read; `PasswordHash` takes up to 512 octets.
    private static let maximumHash = 1_024

    private static let selectUser = """
        SELECT id, left(username, \(IdentityValue.maxLength + 1)), left(password_hash, \(maximumHash + 1)),
            left(role, \(IdentityValue.maxLength + 1)), disabled FROM users
        """
    private static let columns: [PostgreSQLType] = [.bigint, .text, .text, .text, .boolean]

    private static let findUserByName = PostgreSQLStatement(
        "find_user_by_name", selectUser + " WHERE username = $1", [.text], returns: columns)
    private static let findUserByID = PostgreSQLStatement(
        "find_user_by_id", selectUser + " WHERE id = $1", [.bigint], returns: columns)
    private static let allUsers = PostgreSQLStatement(
        "all_users", selectUser + " ORDER BY id LIMIT $1", [.bigint], returns: columns)
    private static let lockUsers = PostgreSQLStatement(
        "lock_users", "SELECT pg_advisory_xact_lock($1)", [.bigint], returns: [.void])
    private static let insertUser = PostgreSQLStatement(
        "insert_user",
        """
        INSERT INTO users (username, password_hash, role, created_at, updated_at) VALUES ($1, $2, $3, $4, $4) RETURNING id
        """, [.text, .text, .text, .bigint], returns: [.bigint])
    private static let insertUserWithID = PostgreSQLStatement(
        "insert_user_with_id",
        """
        INSERT INTO users (id, username, password_hash, role, created_at, updated_at) VALUES ($5, $1, $2, $3, $4, $4)
        RETURNING id
        """, [.text, .text, .text, .bigint, .bigint], returns: [.bigint])
    private static let moveSequence = PostgreSQLStatement(
        "move_sequence",
        """
        SELECT setval(sequence, $1) FROM (SELECT pg_get_serial_sequence('users', 'id')::regclass AS sequence) AS ids
        WHERE $1 > coalesce(pg_sequence_last_value(sequence), 0)
        """, [.bigint], returns: [.bigint])
    private static let setPasswordHash = PostgreSQLStatement(
        "set_password_hash",
        "UPDATE users SET password_hash = $2, updated_at = $3 WHERE id = $1 AND ($4 IS NULL OR password_hash = $4)",
        [.bigint, .text, .bigint, .text])
    private static let setRole = PostgreSQLStatement(
        "set_role", "UPDATE users SET role = $2, updated_at = $3 WHERE id = $1", [.bigint, .text, .bigint])
    private static let setDisabled = PostgreSQLStatement(
        "set_disabled", "UPDATE users SET disabled = $2, updated_at = $3 WHERE id = $1", [.bigint, .boolean, .bigint])
    private static let removeUser = PostgreSQLStatement("remove_user", "DELETE FROM users WHERE id = $1", [.bigint])

    private static func user(_ row: PostgreSQLRow?, _ location: PostgreSQLLocation) throws(StoreError) -> UserRecord? {
        guard let row else { return nil }
        guard let user = user(row) else {
            throw .corrupt("\(location): the row of user \(row.integer(0) ?? 0) is no user record")
        }
        return user
    }

    private static func user(_ row: PostgreSQLRow) -> UserRecord? {
        guard let number = row.integer(0), number > 0, let id = try? UserID(String(number)),
            let username = row.text(1, atMost: IdentityValue.maxLength),
            let passwordHash = row.text(2, atMost: maximumHash),
            let role = row.text(3, atMost: IdentityValue.maxLength), let isDisabled = row.boolean(4)
        else { return nil }
        return UserRecord(id: id, username: username, passwordHash: passwordHash, role: role, isDisabled: isDisabled)
    }

    /// The number of `id`; nil unless `id` is exactly how we write that number, so that "0101" is not user 101.
    private static func number(_ id: UserID) -> Int64? {
        guard let number = Int64(id.text), number > 0, String(number).utf8.elementsEqual(id.bytes) else { return nil }
        return number
    }
}
