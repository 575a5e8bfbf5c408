/// The failed sign-ins counted under one key. Times are milliseconds since 1970; 0: never.
package struct FailureCount: Sendable, Equatable {
    package static let none = FailureCount(failures: 0, lastFailureAt: 0, lastSuccessAt: 0)

    /// Since the last success or the last long pause.
    package var failures: Int64
    package var lastFailureAt: Int64
    /// Kept for a pair of account and address only: who has signed in from there before is no stranger.
    package var lastSuccessAt: Int64

    package init(failures: Int64, lastFailureAt: Int64, lastSuccessAt: Int64) {
        self.failures = failures
        self.lastFailureAt = lastFailureAt
        self.lastSuccessAt = lastSuccessAt
    }

    package var lastChangeAt: Int64 { max(lastFailureAt, lastSuccessAt) }
}

/// What is counted for one attempt.
package struct FailureCounts: Sendable, Equatable {
    /// This account from this address.
    package var pair: FailureCount
    /// Any account from this address.
    package var address: FailureCount
    /// This account from any address that it has not signed in from before.
    package var account: FailureCount

    package init(pair: FailureCount = .none, address: FailureCount = .none, account: FailureCount = .none) {
        self.pair = pair
        self.address = address
        self.account = account
    }
}
