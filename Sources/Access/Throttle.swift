/// How often one may try to sign in (rule 35). Durations and times are milliseconds.
///
/// Three counts, each with some free failures and then a wait that doubles from one second to a quarter of an hour:
///
/// | count | free | what it stops |
/// | --- | --- | --- |
/// | this account from this address (/32, or /64 for IPv6) | 5 | guessing one password |
/// | any account from this address | 30 | guessing many; a house full of people who mistype gets by |
/// | this account from addresses it has not signed in from | 10 | guessing one password from many addresses |
///
/// The third leaves out an address that the account has signed in from in the last 90 days: strangers can make the owner wait nowhere
/// but at new addresses, and there for a quarter of an hour at most. Nothing is locked for good, and nobody has to unlock it.
///
/// What strangers get: waits of 1, 2, 4 … 512 s are 1023 s, then one try each 900 s. The hundredth consecutive failure on an account
/// (the limit that NIST SP 800-63B 5.2.2 names) therefore takes 20 hours and 17 minutes at least; after it there are 96 tries a day.
/// Over all accounts the pool that computes password hashes is the limit: its queue is bounded and answers 503 beyond.
///
/// An attempt is counted as failed before the password is looked at, in the same transaction that let it pass, and taken back when
/// it turns out right: so a thousand parallel attempts are a thousand attempts.
package struct Throttle: Sendable, Equatable {
    package enum Verdict: Equatable, Sendable {
        case allow
        /// For `429` and its Retry-After.
        case wait(seconds: Int)
    }

    package struct BackOff: Sendable, Equatable {
        package let free: Int64
        /// The first wait; each further one is twice as long, up to `cap`. At most an hour, so that doubling it cannot overflow.
        package let first: Int64
        package let cap: Int64

        package init(free: Int64, first: Int64 = 1000, cap: Int64 = 900_000) {
            self.free = max(0, free)
            self.first = min(max(1, first), 3_600_000)
            self.cap = max(0, cap)
        }

        /// From the last of `failures` failures to the next attempt.
        package func delay(after failures: Int64) -> Int64 {
            guard failures >= free else { return 0 }
            // Doubled twenty times, even a millisecond is longer than the caps in use; so no shift goes too far.
            return min(cap, first << min(20, failures - free))
        }

        func wait(_ count: FailureCount, now: Int64) -> Int64 {
            let delay = delay(after: count.failures)
            guard delay > 0 else { return 0 }
            // A clock that was set back makes nobody wait longer than the delay itself.
            let elapsed = max(0, now.subtractingReportingOverflow(count.lastFailureAt).partialValue)
            return max(0, delay - min(elapsed, delay))
        }
    }

    package var pair = BackOff(free: 5)
    package var address = BackOff(free: 30)
    package var account = BackOff(free: 10)
    /// After so long without a failure a count begins anew.
    package var forgetAfter: Int64 = 86_400_000
    /// For so long after a success an address is known to an account.
    package var knownFor: Int64 = 90 * 86_400_000

    package init() {}

    /// Counts whose last change is before this moment mean nothing any more: `ThrottleStore.purgeFailures(before:)`.
    package func oldest(at now: Int64) -> Int64 { now - max(forgetAfter, knownFor) }

    /// Whether an attempt may go on now; if so it is counted, as failed until `succeed` or `withdraw` says otherwise. An attempt
    /// that has to wait is not counted, so that impatience costs nothing.
    package func admit(_ counts: inout FailureCounts, now: Int64) -> Verdict {
        forget(&counts, now: now)
        let known = isKnown(counts.pair, now: now)
        var wait = max(pair.wait(counts.pair, now: now), address.wait(counts.address, now: now))
        if !known { wait = max(wait, account.wait(counts.account, now: now)) }
        guard wait == 0 else { return .wait(seconds: Int((wait + 999) / 1000)) }
        Self.add(&counts.pair, now: now)
        Self.add(&counts.address, now: now)
        if !known { Self.add(&counts.account, now: now) }
        return .allow
    }

    /// The attempt was right: the pair is cleared, and with `remembers` known from now on. The other two only get this attempt back:
    /// an attacker with an account of their own must not be able to clear what is counted against their address.
    ///
    /// Without `remembers` nothing is left in the table that was not there before: a sign-in that gives a token stores nothing.
    package func succeed(_ counts: inout FailureCounts, remembers: Bool, now: Int64) {
        giveBack(&counts, now: now)
        let lastSuccessAt = remembers ? now : counts.pair.lastSuccessAt
        counts.pair = FailureCount(failures: 0, lastFailureAt: 0, lastSuccessAt: lastSuccessAt)
    }

    /// The attempt was not made, for instance because no hash could be computed.
    package func withdraw(_ counts: inout FailureCounts, now: Int64) {
        Self.remove(&counts.pair)
        giveBack(&counts, now: now)
    }

    private func giveBack(_ counts: inout FailureCounts, now: Int64) {
        Self.remove(&counts.address)
        if !isKnown(counts.pair, now: now) { Self.remove(&counts.account) }
    }

    private func isKnown(_ pair: FailureCount, now: Int64) -> Bool {
        guard pair.lastSuccessAt > 0 else { return false }
        let (age, overflow) = now.subtractingReportingOverflow(pair.lastSuccessAt)
        return !overflow && age < knownFor
    }

    private func forget(_ counts: inout FailureCounts, now: Int64) {
        for path in [\FailureCounts.pair, \.address, \.account] {
            let (age, overflow) = now.subtractingReportingOverflow(counts[keyPath: path].lastFailureAt)
            if !overflow, age >= forgetAfter {
                counts[keyPath: path].failures = 0
                counts[keyPath: path].lastFailureAt = 0
            }
            if !isKnown(counts[keyPath: path], now: now) { counts[keyPath: path].lastSuccessAt = 0 }
        }
    }

    private static func add(_ count: inout FailureCount, now: Int64) {
        // A table's number is input: bounded at both ends. A million failures wait no longer than thirty.
        count.failures = min(max(0, count.failures), 1_000_000) + 1
        count.lastFailureAt = now
    }

    private static func remove(_ count: inout FailureCount) {
        count.failures = max(1, count.failures) - 1
        if count.failures == 0 { count.lastFailureAt = 0 }
    }
}
