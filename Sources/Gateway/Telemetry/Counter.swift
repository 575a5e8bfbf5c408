import Synchronization

/// A number that one thread alone raises and any thread reads: a load and a store instead of a locked instruction.
struct Counter: ~Copyable, Sendable {
    private let total = Atomic<UInt64>(0)

    init() {}

    var value: UInt64 { total.load(ordering: .relaxed) }

    /// For the one thread only; it wraps around at 2⁶⁴.
    @inline(always)
    func add(_ amount: UInt64) { total.store(total.load(ordering: .relaxed) &+ amount, ordering: .relaxed) }
}
