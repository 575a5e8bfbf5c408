package import Access

/// Sessions, one row each. `SessionStore` says what each call means.
extension PostgreSQLDatabase {
    package func insertSession(_ session: SessionRecord) throws(StoreError) {
        let username = try text(session.username, "the session's user name")
        do {
            try call { call throws(StoreError) in
                _ = try call.change(
                    Self.insertSession,
                    [
                        .text(session.key.text), .text(session.userID.text), .text(username), .text(session.data),
                        .integer(session.createdAt), .integer(session.lastSeenAt), .integer(session.idleTimeout),
                        .integer(session.expiresAt),
                    ])
            }
        } catch .conflict {
            throw .conflict("\(location): the session id is taken")
        }
    }

    package func findSession(_ key: SessionKey, now: Int64) throws(StoreError) -> SessionRecord? {
        try call { call throws(StoreError) in
            guard let row = try call.row(Self.findSession, [.text(key.text)]) else { return nil }
            let session = try Self.session(row)
            return session.isLive(at: now) ? session : nil
        }
    }

    package func touchSession(_ key: SessionKey, lastSeenAt: Int64) throws(StoreError) {
        try call { call throws(StoreError) in
            _ = try call.change(Self.touchSession, [.text(key.text), .integer(lastSeenAt)])
        }
    }

    package func removeSession(_ key: SessionKey) throws(StoreError) -> Bool {
        try call { call throws(StoreError) in try call.change(Self.removeSession, [.text(key.text)]) > 0 }
    }

    package func sessions(of user: UserID, now: Int64) throws(StoreError) -> [SessionRecord] {
        try call(timeouts.list) { call throws(StoreError) in
            // A row that is no session record opens none, and must not hide those that do.
            try call.rows(
                Self.sessionsOfUser, [.integer(now), .text(user.text), .integer(Int64(Self.maximumList))],
                atMost: Self.maximumList
            ).compactMap { try? Self.session($0) }.filter { $0.isLive(at: now) }
        }
    }

    package func removeSessions(of user: UserID, except kept: SessionKey?) throws(StoreError) -> Int {
        try call(timeouts.list) { call throws(StoreError) in try Self.removeSessions(call, of: user, except: kept) }
    }

    static func removeSessions(
        _ call: borrowing PostgreSQLSession, of user: UserID, except kept: SessionKey?
    ) throws(StoreError) -> Int {
        // No key has the empty text.
        try call.change(removeSessionsOfUser, [.text(user.text), .text(kept?.text ?? "")])
    }

    package func sessions(limit: Int, now: Int64) throws(StoreError) -> [SessionRecord] {
        let limit = min(max(0, limit), Self.maximumList)
        return try call(timeouts.list) { call throws(StoreError) in
            try call.rows(Self.allSessions, [.integer(now), .integer(Int64(limit))], atMost: limit)
                .compactMap { try? Self.session($0) }
        }
    }

    /// Removes at most one batch of what is no longer live. Fewer than `purgeBatch`: there was no more that nobody else
    /// is removing.
    package func purgeSessionBatch(now: Int64) throws(StoreError) -> Int {
        try call(timeouts.list) { call throws(StoreError) in
            let batch = Int64(Self.purgeBatch)
            let expired = try call.change(Self.purgeExpired, [.integer(now), .integer(batch)])
            guard expired < Self.purgeBatch else { return expired }
            return try expired + call.change(Self.purgeIdle, [.integer(now), .integer(batch - Int64(expired))])
        }
    }

    // MARK: Rows

    /// Records of a list at most: some megabytes.
    private static let maximumList = 10_000
    /// Octets of the `data` column that are read.
    private static let maximumData = 4_096

    // left(): the server sends no more of a text than it takes to see that it is too long. It counts characters, of at
    // least one octet each.
    private static let selectSession = """
        SELECT left(session_id, 65), left(user_id, \(UserID.maxLength + 1)), left(username, \(IdentityValue.maxLength + 1)),
            left(data, \(maximumData + 1)), created_at, last_seen_at, idle_timeout, expires_at FROM sessions
        """
    private static let columns: [PostgreSQLType] = [.text, .text, .text, .text, .bigint, .bigint, .bigint, .bigint]

    private static let insertSession = PostgreSQLStatement(
        "insert_session",
        """
        INSERT INTO sessions (session_id, user_id, username, data, created_at, last_seen_at, idle_timeout, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """, columns)
    private static let findSession = PostgreSQLStatement(
        "find_session", selectSession + " WHERE session_id = $1", [.text], returns: columns)
    private static let touchSession = PostgreSQLStatement(
        "touch_session", "UPDATE sessions SET last_seen_at = $2 WHERE session_id = $1 AND last_seen_at < $2", [.text, .bigint])
    private static let removeSession = PostgreSQLStatement(
        "remove_session", "DELETE FROM sessions WHERE session_id = $1", [.text])
    private static let removeSessionsOfUser = PostgreSQLStatement(
        "remove_sessions_of_user", "DELETE FROM sessions WHERE user_id = $1 AND session_id <> $2", [.text, .text])

    // CASE and this difference: no strange row makes a sum overflow, which would fail the whole statement.
    private static let isLive = """
        expires_at > $1 AND CASE WHEN idle_timeout <= 0 THEN TRUE ELSE last_seen_at > $1 - idle_timeout END
        """
    private static let sessionsOfUser = PostgreSQLStatement(
        "sessions_of_user",
        selectSession + " WHERE user_id = $2 AND \(isLive) ORDER BY created_at DESC, session_id LIMIT $3",
        [.bigint, .text, .bigint], returns: columns)
    private static let allSessions = PostgreSQLStatement(
        "all_sessions", selectSession + " WHERE \(isLive) ORDER BY created_at DESC, session_id LIMIT $2",
        [.bigint, .bigint], returns: columns)

    // SKIP LOCKED: what another gateway is removing it removes, and neither waits for the other.
    private static let purgeExpired = PostgreSQLStatement(
        "purge_expired",
        """
        DELETE FROM sessions WHERE session_id IN
            (SELECT session_id FROM sessions WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)
        """, [.bigint, .bigint])
    private static let purgeIdle = PostgreSQLStatement(
        "purge_idle",
        """
        DELETE FROM sessions WHERE session_id IN
            (SELECT session_id FROM sessions WHERE idle_timeout > 0 AND last_seen_at + idle_timeout <= $1
            LIMIT $2 FOR UPDATE SKIP LOCKED)
        """, [.bigint, .bigint])

    /// Rule 41: a row is input. `.corrupt` for one that `insertSession` would not have written.
    private static func session(_ row: PostgreSQLRow) throws(StoreError) -> SessionRecord {
        guard let sessionID = row.text(0, atMost: 64), let userID = row.text(1, atMost: UserID.maxLength),
            let username = row.text(2, atMost: IdentityValue.maxLength), let data = row.text(3, atMost: maximumData),
            let createdAt = row.integer(4), let lastSeenAt = row.integer(5), let idleTimeout = row.integer(6),
            let expiresAt = row.integer(7)
        else { throw .corrupt("a row of sessions has a column of another length") }
        return try SessionRecord(
            sessionID: sessionID, userID: userID, username: username, data: data, createdAt: createdAt,
            lastSeenAt: lastSeenAt, idleTimeout: idleTimeout, expiresAt: expiresAt)
    }
}
