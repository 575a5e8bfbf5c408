/// One session as a store keeps it. Times are milliseconds since 1970.
package struct SessionRecord: Sendable, Equatable {
    package var key: SessionKey
    package var userID: UserID
    /// UTF-8, checked again when it becomes an `Identity`.
    package var username: [UInt8]
    package var role: [UInt8]
    package var createdAt: Int64
    package var lastSeenAt: Int64
    /// The absolute end; it never moves, whatever the client does.
    package var expiresAt: Int64
    /// Milliseconds without a request after which the session is over; 0: no such limit.
    package var idleTimeout: Int64

    package init(
        key: SessionKey, userID: UserID, username: [UInt8], role: [UInt8], createdAt: Int64, lastSeenAt: Int64,
        expiresAt: Int64, idleTimeout: Int64
    ) {
        self.key = key
        self.userID = userID
        self.username = username
        self.role = role
        self.createdAt = createdAt
        self.lastSeenAt = lastSeenAt
        self.expiresAt = expiresAt
        self.idleTimeout = idleTimeout
    }

    /// Neither past its absolute end nor idle for too long.
    package func isLive(at now: Int64) -> Bool { now < endsAt }

    /// When it ends if no further request comes: the moment that a store may let its row or value expire at.
    package var endsAt: Int64 {
        guard idleTimeout > 0 else { return expiresAt }
        // A sum that overflows is later than any absolute end.
        let (idleEnd, overflow) = lastSeenAt.addingReportingOverflow(idleTimeout)
        return overflow ? expiresAt : min(expiresAt, idleEnd)
    }
}
