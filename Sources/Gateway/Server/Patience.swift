import Loop

/// How much longer a peer that has to send or to take something is waited for.
///
/// Only the time in which we really wait for this peer counts, and each octet that moves buys some of it back, up to the
/// full time-out: a stalled peer is cut after the time-out, one that drips more slowly than the minimum rate soon after,
/// and a fast one held up by the other side never (rule 56: a deadline for the whole, not only for a read).
struct Patience {
    private let limit: UInt64
    private let nanosecondsPerOctet: UInt64
    private var left: UInt64
    private var waitingSince: UInt64?

    /// - Parameters:
    ///   - milliseconds: the time-out.
    ///   - minimumRate: octets a second; 0: any octet renews the whole time-out.
    init(milliseconds: Int64, minimumRate: UInt64) {
        limit = .nanoseconds(milliseconds: milliseconds)
        nanosecondsPerOctet = minimumRate == 0 ? .max : 1_000_000_000 / minimumRate
        left = limit
    }

    /// The peer is waited for from `now` on; the deadline, if nothing moves.
    mutating func wait(from now: UInt64) -> UInt64 {
        if waitingSince == nil { waitingSince = now }
        let (deadline, overflow) = (waitingSince ?? now).addingReportingOverflow(left)
        return overflow ? .max : deadline
    }

    /// Something else is waited for.
    mutating func pause(at now: UInt64) {
        guard let since = waitingSince else { return }
        waitingSince = nil
        let waited = now > since ? now - since : 0
        left = waited < left ? left - waited : 0
    }

    /// The peer has moved `octets`.
    mutating func credit(_ octets: Int, at now: UInt64) {
        guard octets > 0 else { return }
        pause(at: now)
        let (earned, overflow) = UInt64(octets).multipliedReportingOverflow(by: nanosecondsPerOctet)
        let (sum, sumOverflow) = left.addingReportingOverflow(overflow ? limit : earned)
        left = sumOverflow ? limit : min(sum, limit)
    }

    func isExhausted(at now: UInt64) -> Bool {
        guard let since = waitingSince else { return left == 0 }
        return now >= since && now - since >= left
    }
}
