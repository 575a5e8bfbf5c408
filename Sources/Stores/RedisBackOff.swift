internal import Access
internal import Loop

/// Whether a server is known to be down, and when it is tried again. Moments are monotonic nanoseconds.
struct RedisBackOff {
    /// Milliseconds from a failed attempt to the next: this doubled each time, up to the cap, and by chance down to
    /// the half of it, so that many workers do not return in step.
    private static let firstPause: Int64 = 50
    private static let longestPause: Int64 = 1_000

    /// Why the server is known to be down; nil while it is not.
    private(set) var failure: StoreError?
    private(set) var failedAttempts = 0
    private var nextAttempt: UInt64 = 0
    private var openedAt: UInt64 = 0

    /// Why no attempt is made at `now`; nil: one may be.
    func objection(at now: UInt64) -> StoreError? { now < nextAttempt ? failure : nil }

    mutating func opened(at now: UInt64) {
        failure = nil
        openedAt = now
    }

    /// The connection ended, and nobody was waiting for anything.
    mutating func endedIdle() { failure = nil }

    /// The connection ended by `error`, with commands in flight.
    mutating func ended(by error: StoreError, at now: UInt64) {
        guard now >= openedAt.adding(milliseconds: Self.longestPause) else { return postpone(error, at: now) }
        // It has served: whatever ended it, a look at once finds out whether it is back.
        failure = error
        failedAttempts = 0
        nextAttempt = now
    }

    /// An attempt to connect failed.
    mutating func postpone(_ error: StoreError, at now: UInt64) {
        failure = error
        let pause = min(Self.longestPause, Self.firstPause << Int64(min(failedAttempts, 10)))
        failedAttempts += 1
        nextAttempt = now.adding(milliseconds: .random(in: pause / 2...pause))
    }
}
