package import Access
internal import GRDB

/// Users, one row each. `UserStore` says what each call means.
///
/// Ids are SQLite's row ids: whole numbers from 1. Any other id names nobody here.
extension SQLiteDatabase {
    package func findUser(name: String) throws(StoreError) -> UserRecord? {
        // A NUL would cut the name short on its way to SQLite, and find somebody else.
        guard !name.utf8.contains(0) else { return nil }
        return try read { db in
            try Self.user(
                db,
                Row.fetchOne(
                    db.cachedStatement(sql: Self.selectUser + " WHERE username = ?"), arguments: [name]), path)
        }
    }

    package func findUser(id: UserID) throws(StoreError) -> UserRecord? {
        guard let number = Self.number(id) else { return nil }
        return try read { db in
            try Self.user(
                db,
                Row.fetchOne(
                    db.cachedStatement(sql: Self.selectUser + " WHERE id = ?"), arguments: [number]), path)
        }
    }

    package func insertUser(_ user: NewUser, now: Int64) throws(StoreError) -> UserRecord {
        let number = user.id.flatMap(Self.number)
        guard user.id == nil || number != nil else {
            throw .conflict("a user id in a SQLite store is a whole number from 1")
        }
        let name = try Self.text(user.username.bytes, "the user name")
        let hash = try Self.text(Array(user.passwordHash.utf8), "the password hash")
        let role = try Self.text(Array(user.role.utf8), "the role")
        return try transaction { db in
            do {
                try db.cachedStatement(
                    sql: """
                        INSERT INTO users (id, username, password_hash, role, created_at, updated_at)
                        VALUES (?1, ?2, ?3, ?4, ?5, ?5)
                        """
                ).execute(arguments: [number, name, hash, role, now])
            } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
                let isName = error.extendedResultCode == .SQLITE_CONSTRAINT_UNIQUE
                throw StoreError.conflict(isName ? "a user of that name exists" : "a user of that id exists")
            }
            let id = try UserID(String(db.lastInsertedRowID))
            return UserRecord(id: id, username: name, passwordHash: hash, role: role, isDisabled: false)
        }
    }

    package func users(limit: Int) throws(StoreError) -> [UserRecord] {
        try read { db in
            // A row that is no user can sign nobody in, and must not hide the others.
            try Row.fetchAll(
                db.cachedStatement(sql: Self.selectUser + " ORDER BY id LIMIT ?"), arguments: [max(0, limit)]
            ).compactMap(Self.user)
        }
    }

    package func setPasswordHash(
        _ id: UserID, to hash: String, replacing old: String?, now: Int64
    ) throws(StoreError) -> Bool {
        let hash = try Self.text(Array(hash.utf8), "the password hash")
        return try update(id, "password_hash = ?2, updated_at = ?3 WHERE id = ?1 AND (?4 IS NULL OR password_hash = ?4)") {
            [$0, hash, now, old]
        }
    }

    package func setRole(_ id: UserID, to role: String, now: Int64) throws(StoreError) -> Bool {
        let role = try Self.text(Array(role.utf8), "the role")
        return try update(id, "role = ?2, updated_at = ?3 WHERE id = ?1") { [$0, role, now] }
    }

    /// - Parameter endingSessions: the sessions of this file are ended in the same transaction when the user is disabled.
    package func setDisabled(
        _ id: UserID, _ isDisabled: Bool, endingSessions: Bool, now: Int64
    ) throws(StoreError) -> Bool {
        guard let number = Self.number(id) else { return false }
        return try durableTransaction { db in
            try db.cachedStatement(sql: "UPDATE users SET disabled = ?2, updated_at = ?3 WHERE id = ?1")
                .execute(arguments: [number, isDisabled, now])
            let isChanged = db.changesCount > 0
            if isDisabled && endingSessions { _ = try Self.removeSessions(db, of: id, except: nil) }
            return isChanged
        }
    }

    /// - Parameter endingSessions: the sessions of this file are ended in the same transaction.
    package func removeUser(_ id: UserID, endingSessions: Bool) throws(StoreError) -> Bool {
        guard let number = Self.number(id) else { return false }
        return try durableTransaction { db in
            try db.cachedStatement(sql: "DELETE FROM users WHERE id = ?").execute(arguments: [number])
            let isRemoved = db.changesCount > 0
            if endingSessions { _ = try Self.removeSessions(db, of: id, except: nil) }
            return isRemoved
        }
    }

    // MARK: Rows

    private func update(
        _ id: UserID, _ assignments: String, _ arguments: (Int64) -> StatementArguments
    ) throws(StoreError) -> Bool {
        guard let number = Self.number(id) else { return false }
        return try durableTransaction { db in
            try db.cachedStatement(sql: "UPDATE users SET " + assignments).execute(arguments: arguments(number))
            return db.changesCount > 0
        }
    }

    private static let selectUser = "SELECT id, username, password_hash, role, disabled FROM users"

    /// The longest modular-crypt string that is read; `PasswordHash` takes up to 512 octets.
    private static let maximumHash = 1_024

    private static func user(_ db: Database, _ row: Row?, _ path: String) throws -> UserRecord? {
        guard let row else { return nil }
        guard let user = user(row) else {
            throw StoreError.corrupt("SQLite file \(path): the row of user \(row.integer(0) ?? 0) is no user record")
        }
        return user
    }

    private static func user(_ row: Row) -> UserRecord? {
        guard let number = row.integer(0), number > 0, let id = try? UserID(String(number)),
            let username = row.text(1, atMost: IdentityValue.maxLength),
            let passwordHash = row.text(2, atMost: maximumHash),
            let role = row.text(3, atMost: IdentityValue.maxLength),
            let disabled = row.integer(4)
        else { return nil }
        // Whatever is not plainly "no" locks the user out.
        return UserRecord(
            id: id, username: username, passwordHash: passwordHash, role: role, isDisabled: disabled != 0)
    }

    /// The row id of `id`; nil unless `id` is exactly how we write that number, so that "0101" is not user 101.
    private static func number(_ id: UserID) -> Int64? {
        guard let number = Int64(id.text), number > 0, String(number).utf8.elementsEqual(id.bytes) else { return nil }
        return number
    }
}
