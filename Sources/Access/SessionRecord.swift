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

    package var times: SessionTimes {
        SessionTimes(lastSeenAt: lastSeenAt, expiresAt: expiresAt, idleTimeout: idleTimeout)
    }

    /// Neither past its absolute end nor idle for too long.
    package func isLive(at now: Int64) -> Bool { times.isLive(at: now) }

    /// When it ends if no further request comes: the moment that a store may let its row or value expire at.
    package var endsAt: Int64 { times.endsAt }
}

/// What decides how long a session lives on. Milliseconds since 1970, and milliseconds.
package struct SessionTimes: Sendable, Equatable {
    package var lastSeenAt: Int64
    package var expiresAt: Int64
    package var idleTimeout: Int64

    package func isLive(at now: Int64) -> Bool { now < endsAt }

    package var endsAt: Int64 {
        guard idleTimeout > 0 else { return expiresAt }
        // A sum that overflows is later than any absolute end.
        let (idleEnd, overflow) = lastSeenAt.addingReportingOverflow(idleTimeout)
        return overflow ? expiresAt : min(expiresAt, idleEnd)
    }

    /// Whether a request at `now` is worth writing `lastSeenAt` again: when it is older than a minute, so that a busy client costs a
    /// store one write a minute, or than a tenth of the idle time-out, so that no session ends noticeably early. Without an idle
    /// time-out nothing hangs on it.
    package func isTouchDue(at now: Int64) -> Bool {
        guard idleTimeout > 0 else { return false }
        let (age, overflow) = now.subtractingReportingOverflow(lastSeenAt)
        return !overflow && age > min(60_000, idleTimeout / 10)
    }
}
