/// Who a credential turned out to be. Every value has been checked against rule 6 by the only initialiser, whatever
/// store or token it came from, so it can be written into a header as it is.
///
/// An object, so that it is handed on, kept and shared without copying its parts.
package final class Identity: Sendable {
    /// How the client showed who it is.
    package enum Method: Sendable, Equatable {
        case session(SessionKey)
        /// A token, named by its `jti`; empty when it has none.
        case token(jti: [UInt8])

        package var kind: CredentialKinds {
            switch self {
            case .session: .session
            case .token: .token
            }
        }
    }

    package let userID: UserID
    /// Empty when a token does not say it.
    package let username: [UInt8]
    /// One role, or several as a `RoleList`; empty when the user has none.
    package let role: [UInt8]
    package let method: Method
    /// Milliseconds since 1970: when the session or the token ends at the latest.
    package let expiresAt: Int64

    package init(
        userID: UserID, username: [UInt8], role: [UInt8], method: Method, expiresAt: Int64
    ) throws(IdentityError) {
        try IdentityValue.check(username, .username, mayBeEmpty: true)
        try RoleList.check(role)
        self.userID = userID
        self.username = username
        self.role = role
        self.method = method
        self.expiresAt = expiresAt
    }

    package convenience init(session: SessionRecord) throws(IdentityError) {
        try self.init(
            userID: session.userID, username: session.username, role: session.role,
            method: .session(session.key), expiresAt: session.expiresAt)
    }
}

extension Identity: Equatable {
    package static func == (left: Identity, right: Identity) -> Bool {
        left.userID == right.userID && left.username == right.username && left.role == right.role && left.method == right.method
            && left.expiresAt == right.expiresAt
    }
}
