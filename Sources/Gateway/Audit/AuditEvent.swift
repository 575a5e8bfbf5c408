package import Access

/// Something that matters to whoever watches over the accounts: what happened, how it ended, and whom it is about. It holds neither a
/// password nor a session id nor a token; sessions and tokens are named by what opens nothing.
package struct AuditEvent: Sendable, Equatable {
    package enum Name: String, Sendable, CaseIterable {
        case signIn = "sign_in"
        case signOut = "sign_out"
        case sessionRevoked = "session_revoked"
        /// Somebody who is signed in asked for what is not theirs: 403.
        case accessRefused = "access_refused"
        case userAdded = "user_added"
        case userDisabled = "user_disabled"
        case userEnabled = "user_enabled"
        case userRemoved = "user_removed"
        case passwordChanged = "password_changed"
    }

    package enum Outcome: String, Sendable, CaseIterable {
        case ok, failed, throttled, refused
        /// A store or the hash queue could not take it; nothing was decided.
        case unavailable
    }

    package enum Reason: String, Sendable, CaseIterable {
        case unknownUser = "unknown_user"
        case wrongPassword = "wrong_password"
        case disabled
        case tooManyFailures = "too_many_failures"
        case storeDown = "store_down"
        case hashQueueFull = "hash_queue_full"
        case hashFailed = "hash_failed"
        /// The password is right, but what is stored of the user or of the keys allows no sign-in.
        case notPossible = "not_possible"
        /// Asked for by a page of another site.
        case crossSite = "cross_site"
        case roleNotAllowed = "role_not_allowed"
        case userNotAllowed = "user_not_allowed"
        /// The session's own user ended it, from this session or from another one.
        case byUser = "by_user"
        /// By a command of the operator's.
        case byOperator = "by_operator"
        /// A new sign-in took its place.
        case replaced
        /// The token's cookie was taken away; the token itself stays good until it ends.
        case cookieCleared = "cookie_cleared"
    }

    package let name: Name
    package let outcome: Outcome
    package let reason: Reason?
    /// Nil: nobody whom the users table knows.
    package var userID: [UInt8]?
    /// Only of a user who exists: people type passwords into the field for the name, and those must not get into a log.
    package var username: [UInt8]?
    package var role: [UInt8]?
    /// The session's handle (16 characters of base64url).
    package var session: [UInt8]?
    /// The token's `jti`.
    package var token: [UInt8]?
    /// How many sessions ended, where it was not the one named.
    package var ended: Int?

    package init(_ name: Name, _ outcome: Outcome, _ reason: Reason? = nil) {
        self.name = name
        self.outcome = outcome
        self.reason = reason
    }

    /// About somebody who showed a session or a token.
    package init(_ name: Name, _ outcome: Outcome, _ reason: Reason? = nil, of identity: Identity) {
        self.init(name, outcome, reason)
        userID = identity.userID.bytes
        username = identity.username.isEmpty ? nil : identity.username
        role = identity.role.isEmpty ? nil : identity.role
        switch identity.method {
        case .session(let key): session = Array(key.handle.utf8)
        case .token(let jti): token = jti.isEmpty ? nil : jti
        }
    }

    /// About a user of the table.
    package init(_ name: Name, _ outcome: Outcome, _ reason: Reason? = nil, of user: UserRecord?) {
        self.init(name, outcome, reason)
        guard let user else { return }
        userID = user.id.bytes
        username = Array(user.username.utf8)
        role = user.role.isEmpty ? nil : Array(user.role.utf8)
    }

    /// About the owner of a stored session.
    package init(_ name: Name, _ outcome: Outcome, _ reason: Reason? = nil, of record: SessionRecord) {
        self.init(name, outcome, reason)
        userID = record.userID.bytes
        username = record.username
        role = record.role.isEmpty ? nil : record.role
        session = Array(record.key.handle.utf8)
    }
}

extension AuditEvent.Reason {
    package init(_ refusal: Refusal) {
        switch refusal {
        case .roleNotAllowed: self = .roleNotAllowed
        case .userNotAllowed: self = .userNotAllowed
        }
    }
}
