/// Deadlines in slots of a fixed width, so that setting, moving and dropping one costs a few writes and no system
/// call (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", scheme 6).
///
/// Lazy: a waiter whose deadline moves later stays where it is and is moved when its slot comes up. A keep-alive
/// connection so touches the wheel every few seconds, not every request. A deadline fires at most one tick late.
@safe
final class TimerWheel {
    /// Nanoseconds per tick: fine enough for a store's time-out of 100 ms.
    static let tick: UInt64 = 4_000_000
    /// 4096 slots of 4 ms: deadlines more than 16 s ahead wait in the farthest slot and are then moved on.
    private static let slots = 4096

    private let heads: UnsafeMutableBufferPointer<Unmanaged<Waiter>?>
    /// A bit for each slot that holds somebody, so that the next deadline is found by words and not by slots.
    private let occupied: UnsafeMutableBufferPointer<UInt64>
    private var lastTick: UInt64
    private var count = 0

    init() {
        unsafe heads = .allocate(capacity: TimerWheel.slots)
        unsafe heads.initialize(repeating: nil)
        unsafe occupied = .allocate(capacity: TimerWheel.slots / 64)
        unsafe occupied.initialize(repeating: 0)
        lastTick = Clock.monotonic() / TimerWheel.tick
    }

    deinit {
        unsafe heads.deallocate()
        unsafe occupied.deallocate()
    }

    /// Makes sure that `waiter` is looked at no later than one tick after its deadline.
    func schedule(_ waiter: Waiter) {
        guard waiter.deadline != .max else { return }
        let due = waiter.deadline / TimerWheel.tick &+ 1
        if waiter.scheduledTick != 0 {
            if waiter.scheduledTick <= due { return }
            remove(waiter)
        }
        insert(waiter, due: due)
    }

    private func insert(_ waiter: Waiter, due: UInt64) {
        let tick = min(max(due, lastTick &+ 1), lastTick &+ UInt64(TimerWheel.slots) &- 1)
        let slot = Int(tick % UInt64(TimerWheel.slots))
        waiter.scheduledTick = tick
        unsafe waiter.previous = nil
        let head = unsafe heads[slot]?._withUnsafeGuaranteedRef { $0 }
        unsafe waiter.next = head
        if let head { unsafe head.previous = waiter }
        unsafe heads[slot] = Unmanaged.passUnretained(waiter)
        unsafe occupied[slot >> 6] |= 1 << UInt64(slot & 63)
        count &+= 1
    }

    func remove(_ waiter: Waiter) {
        let slot = Int(waiter.scheduledTick % UInt64(TimerWheel.slots))
        if let previous = unsafe waiter.previous {
            unsafe previous.next = waiter.next
        } else if let next = unsafe waiter.next {
            unsafe heads[slot] = Unmanaged.passUnretained(next)
        } else {
            unsafe heads[slot] = nil
            unsafe occupied[slot >> 6] &= ~(1 << UInt64(slot & 63))
        }
        if let next = unsafe waiter.next { unsafe next.previous = waiter.previous }
        unsafe waiter.next = nil
        unsafe waiter.previous = nil
        waiter.scheduledTick = 0
        count &-= 1
    }

    /// How long the poller may wait: -1 without end, else milliseconds, rounded up.
    func timeout(now: UInt64) -> Int32 {
        guard count > 0 else { return -1 }
        let due = nextOccupiedTick() &* TimerWheel.tick
        guard due > now else { return 0 }
        return Int32(truncatingIfNeeded: min((due &- now &+ 999_999) / 1_000_000, 60_000))
    }

    private func nextOccupiedTick() -> UInt64 {
        let first = lastTick &+ 1
        var slot = Int(first % UInt64(TimerWheel.slots))
        var distance = 0
        while distance < TimerWheel.slots {
            let word = unsafe occupied[slot >> 6] >> UInt64(slot & 63)
            if word != 0 { return first &+ UInt64(distance &+ word.trailingZeroBitCount) }
            let step = 64 &- (slot & 63)
            distance &+= step
            slot = (slot &+ step) % TimerWheel.slots
        }
        return first &+ UInt64(TimerWheel.slots)
    }

    /// Wakes all whose deadline has passed at `now`.
    func advance(to now: UInt64) {
        let tick = now / TimerWheel.tick
        guard tick > lastTick else { return }
        // After a long sleep every slot is looked at once, not once for each tick that has gone by.
        let steps = min(tick &- lastTick, UInt64(TimerWheel.slots))
        var slotTick = tick &- steps
        lastTick = tick
        guard count > 0 else { return }
        while slotTick < tick {
            slotTick &+= 1
            let slot = Int(slotTick % UInt64(TimerWheel.slots))
            if unsafe occupied[slot >> 6] & (1 << UInt64(slot & 63)) != 0 { fire(slot: slot, now: now) }
        }
    }

    private func fire(slot: Int, now: UInt64) {
        var current = unsafe heads[slot]?.takeUnretainedValue()
        while let waiter = current {
            unsafe current = waiter.next
            remove(waiter)
            guard waiter.isAwaited, waiter.deadline != .max else { continue }
            if waiter.deadline <= now {
                waiter.timeOut()
            } else {
                insert(waiter, due: waiter.deadline / TimerWheel.tick &+ 1)
            }
        }
    }
}
