/// How long something took, as a histogram that one thread writes.
struct Latency: ~Copyable, Sendable {
    /// Upper bounds in nanoseconds; the last bucket, without one, follows.
    static let bounds: [UInt64] = [
        500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 100_000_000, 250_000_000, 500_000_000,
        1_000_000_000, 2_500_000_000, 5_000_000_000, 10_000_000_000,
    ]
    /// The same in seconds, as Prometheus writes them.
    static let boundLabels = [
        "0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf",
    ]

    /// Each observation in the first bucket that it fits into.
    let buckets: [15 of Counter] = InlineArray { _ in Counter() }
    /// Nanoseconds.
    let sum = Counter()

    /// By the number of bits of a duration, the first bucket that one of them fits into. The bounds at least double, so the duration fits
    /// into this bucket or the next.
    private static let firstBuckets: [65 of UInt8] = InlineArray { bits in
        let lowest: UInt64 = bits == 0 ? 0 : 1 << UInt64(bits - 1)
        return UInt8(bounds.count { $0 < lowest })
    }

    func observe(_ nanoseconds: UInt64) {
        buckets[Latency.bucket(nanoseconds)].add(1)
        sum.add(nanoseconds)
    }

    /// The first bucket that `nanoseconds` fit into.
    static func bucket(_ nanoseconds: UInt64) -> Int {
        let first = Int(firstBuckets[64 &- nanoseconds.leadingZeroBitCount])
        return first < bounds.count && nanoseconds > bounds[first] ? first &+ 1 : first
    }
}
