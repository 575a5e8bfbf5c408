package import Access
internal import GRDB

/// Sessions, one row each. `SessionStore` says what each call means.
extension SQLiteDatabase {
    package func insertSession(_ session: SessionRecord) throws(StoreError) {
        let username = try Self.text(session.username, "the session's user name")
        let data = session.data
        try write { db in
            let statement = try db.cachedStatement(
                sql: """
                    INSERT INTO sessions
                        (session_id, user_id, username, data, created_at, last_seen_at, idle_timeout, expires_at)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                    """)
            try statement.execute(
                arguments: [
                    session.key.text, session.userID.text, username, data, session.createdAt, session.lastSeenAt,
                    session.idleTimeout, session.expiresAt,
                ])
        }
    }

    package func findSession(_ key: SessionKey, now: Int64) throws(StoreError) -> SessionRecord? {
        try read { db in
            let statement = try db.cachedStatement(sql: Self.selectSession + " WHERE session_id = ?")
            guard let row = try Row.fetchOne(statement, arguments: [key.text]) else { return nil }
            let session = try Self.session(row)
            return session.isLive(at: now) ? session : nil
        }
    }

    package func touchSession(_ key: SessionKey, lastSeenAt: Int64) throws(StoreError) {
        try write { db in
            let statement = try db.cachedStatement(
                sql: "UPDATE sessions SET last_seen_at = ?1 WHERE session_id = ?2 AND last_seen_at < ?1")
            try statement.execute(arguments: [lastSeenAt, key.text])
        }
    }

    package func removeSession(_ key: SessionKey) throws(StoreError) -> Bool {
        try durableTransaction { db in
            try db.cachedStatement(sql: "DELETE FROM sessions WHERE session_id = ?").execute(arguments: [key.text])
            return db.changesCount > 0
        }
    }

    package func sessions(of user: UserID, now: Int64) throws(StoreError) -> [SessionRecord] {
        try read { db in
            let statement = try db.cachedStatement(
                sql: Self.selectSession + " WHERE user_id = ? ORDER BY created_at DESC, session_id")
            // A row that is no session record opens none, and must not hide those that do.
            return try Row.fetchAll(statement, arguments: [user.text]).compactMap { try? Self.session($0) }
                .filter { $0.isLive(at: now) }
        }
    }

    package func removeSessions(of user: UserID, except kept: SessionKey?) throws(StoreError) -> Int {
        try durableTransaction { db in try Self.removeSessions(db, of: user, except: kept) }
    }

    static func removeSessions(_ db: Database, of user: UserID, except kept: SessionKey?) throws -> Int {
        let statement = try db.cachedStatement(sql: "DELETE FROM sessions WHERE user_id = ? AND session_id <> ?")
        // No key has the empty text.
        try statement.execute(arguments: [user.text, kept?.text ?? ""])
        return db.changesCount
    }

    package func sessions(limit: Int, now: Int64) throws(StoreError) -> [SessionRecord] {
        try read { db in
            let statement = try db.cachedStatement(
                sql: Self.selectSession + """
                     WHERE expires_at > ?1 AND (idle_timeout <= 0 OR last_seen_at + idle_timeout > ?1)
                    ORDER BY created_at DESC, session_id LIMIT ?2
                    """)
            return try Row.fetchAll(statement, arguments: [now, max(0, limit)]).compactMap { try? Self.session($0) }
        }
    }

    /// Removes at most one batch of what is no longer live. Fewer than `purgeBatch`: there was no more.
    package func purgeSessionBatch(now: Int64) throws(StoreError) -> Int {
        try transaction { db in
            let expired = try db.cachedStatement(
                sql: """
                    DELETE FROM sessions WHERE session_id IN
                        (SELECT session_id FROM sessions WHERE expires_at <= ? LIMIT ?)
                    """)
            try expired.execute(arguments: [now, Self.purgeBatch])
            let count = db.changesCount
            let idle = try db.cachedStatement(
                sql: """
                    DELETE FROM sessions WHERE session_id IN
                        (SELECT session_id FROM sessions
                        WHERE idle_timeout > 0 AND last_seen_at + idle_timeout <= ? LIMIT ?)
                    """)
            try idle.execute(arguments: [now, Self.purgeBatch - count])
            return count + db.changesCount
        }
    }

    // MARK: Rows

    private static let selectSession = """
        SELECT session_id, user_id, username, data, created_at, last_seen_at, idle_timeout, expires_at FROM sessions
        """

    /// Rule 41: a row is input. `.corrupt` for one that `insertSession` would not have written.
    private static func session(_ row: Row) throws -> SessionRecord {
        guard let sessionID = row.text(0, atMost: 64), let userID = row.text(1, atMost: UserID.maxLength),
            let username = row.text(2, atMost: IdentityValue.maxLength), let data = row.text(3, atMost: 4_096),
            let createdAt = row.integer(4), let lastSeenAt = row.integer(5), let idleTimeout = row.integer(6),
            let expiresAt = row.integer(7)
        else { throw StoreError.corrupt("a row of sessions has a column of another type or length") }
        return try SessionRecord(
            sessionID: sessionID, userID: userID, username: username, data: data, createdAt: createdAt,
            lastSeenAt: lastSeenAt, idleTimeout: idleTimeout, expiresAt: expiresAt)
    }
}
