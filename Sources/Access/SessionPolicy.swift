package import Secrets

/// How long sessions live, and how they begin. All durations are milliseconds.
package struct SessionPolicy: Sendable, Equatable {
    /// From sign-in to the absolute end (ASVS 7.3.2).
    package let lifetime: Int64
    /// From the last request to the end (ASVS 7.3.1); 0: no such limit.
    package let idleTimeout: Int64

    package init(lifetime: Int64, idleTimeout: Int64) {
        self.lifetime = max(0, lifetime)
        self.idleTimeout = max(0, idleTimeout)
    }

    /// A session for `user`, who has just signed in. Rule 38: always under a new id. The session that the client
    /// showed before, if any, is to be removed from the store once the new one is in it.
    package func start(
        for user: UserRecord, replacing presented: SessionKey?, now: Int64
    ) throws(SessionStartError) -> SessionStart {
        let username: UserName
        do {
            username = try UserName(user.username)
            try RoleList.check(Array(user.role.utf8))
        } catch { throw .user(error) }
        let id: SessionID
        do { id = try SessionID.random() } catch { throw .random(error) }
        let record = SessionRecord(
            key: id.key, userID: user.id, username: username.bytes, role: Array(user.role.utf8), createdAt: now,
            lastSeenAt: now, expiresAt: now + lifetime, idleTimeout: idleTimeout)
        return SessionStart(id: id, record: record, replaces: presented)
    }
}

/// What a sign-in has to do: store `record`, remove `replaces`, give the client `id`.
package struct SessionStart: Sendable {
    package let id: SessionID
    package let record: SessionRecord
    package let replaces: SessionKey?
}

/// Why there is no session for somebody whose password was right.
package enum SessionStartError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The users table holds a name or role that no header may carry.
    case user(IdentityError)
    /// Rule 38: no random octets, no session.
    case random(SecretsError)

    package var description: String {
        switch self {
        case .user(let fault): fault.description
        case .random(let fault): fault.description
        }
    }
}
