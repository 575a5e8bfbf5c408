import Wire

/// A session as a row of `sessions(session_id, user_id, username, data, created_at, last_seen_at, idle_timeout, expires_at)`.
extension SessionRecord {
    /// Octets of the `data` column.
    static let maxData = 4096

    /// Milliseconds since 1970, up to the end of the year 9999: within it no sum of two of them overflows.
    static let times: ClosedRange<Int64> = 0...253_402_300_799_999

    /// The `data` column: `{"role":"user"}`.
    package var data: String {
        let text = Buffer(capacity: 64)
        text.append(#"{"role":"#)
        JSONWriter.appendString(role, to: text)
        text.append(UInt8(ascii: "}"))
        return text.readable.text
    }

    /// Reads a row back; `.corrupt` when any column is not what is written there (rule 41).
    package init(
        sessionID: String, userID: String, username: String, data: String, createdAt: Int64, lastSeenAt: Int64,
        idleTimeout: Int64, expiresAt: Int64
    ) throws(StoreError) {
        guard let key = SessionKey(text: sessionID) else { throw .corrupt("a session's session_id is not a key") }
        try self.init(
            checking: key, userID: Array(userID.utf8), username: Array(username.utf8), role: Self.role(in: data),
            createdAt: createdAt, lastSeenAt: lastSeenAt, expiresAt: expiresAt, idleTimeout: idleTimeout)
    }

    /// From what a store holds; every value is checked as it was when the session began.
    init(
        checking key: SessionKey, userID: [UInt8], username: [UInt8], role: [UInt8], createdAt: Int64,
        lastSeenAt: Int64, expiresAt: Int64, idleTimeout: Int64
    ) throws(StoreError) {
        let user: UserID
        do {
            user = try UserID(userID)
            try IdentityValue.check(username, .username, maxLength: UserName.maxLength)
            try RoleList.check(role)
        } catch { throw .corrupt("session \(key.handle): \(error)") }
        guard Self.times.contains(createdAt), Self.times.contains(lastSeenAt), Self.times.contains(expiresAt),
            Self.times.contains(idleTimeout), createdAt <= expiresAt
        else { throw .corrupt("session \(key.handle): a time is out of range") }
        self.init(
            key: key, userID: user, username: username, role: role, createdAt: createdAt, lastSeenAt: lastSeenAt,
            expiresAt: expiresAt, idleTimeout: idleTimeout)
    }

    /// Other members are left to those who put them there.
    private static func role(in data: String) throws(StoreError) -> [UInt8] {
        guard data.utf8.count <= maxData else { throw .corrupt("a session's data is longer than \(maxData) octets") }
        let json: JSON
        do { json = try JSON.parse(Array(data.utf8), maxDepth: 8) } catch {
            throw .corrupt("a session's data is not JSON")
        }
        guard case .string(let role) = json["role"] else { throw .corrupt("a session's data has no role") }
        return role
    }
}
