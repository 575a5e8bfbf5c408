import Synchronization
import Testing

@testable import Loop

/// The wheel alone, on a loop that does not run, with the time moved by hand. What fires is seen by what leaves the wheel: a waiter
/// that nobody is parked at is dropped when its slot comes up.
@Suite("TimerWheel")
struct TimerWheelTests {
    private static let ms: UInt64 = 1_000_000

    /// splitmix64: the same numbers for the same seed on every machine.
    private struct Numbers: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
            return mixed ^ (mixed >> 31)
        }
    }

    /// A waiter for another task of the same loop.
    private struct SameThread: @unchecked Sendable {
        // `@unchecked Sendable`: both tasks run on the loop's one thread.
        let waiter: Waiter
        init(_ waiter: Waiter) { self.waiter = waiter }
    }

    private final class Log: Sendable { let entries = Mutex<[Int]>([]) }

    @Test("Every task is woken by its deadline, and none before it")
    func deadlines() async throws {
        let entries = try await onWorker { loop in
            let log = Log()
            let start = loop.now
            let delays: [UInt64] = [60, 20, 100, 40, 80]
            let tasks = delays.enumerated().map { index, delay in
                Task(executorPreference: loop) {
                    let waiter = Waiter(loop: loop)
                    let isWoken = await waiter.wait(until: start + delay * Self.ms)
                    log.entries.withLock { $0.append(!isWoken && loop.now >= start + delay * Self.ms ? index : -1) }
                }
            }
            for task in tasks { await task.value }
            return log.entries.withLock { $0 }
        }
        #expect(entries.sorted() == [0, 1, 2, 3, 4])
    }

    @Test("A wake from elsewhere ends a wait early, and the deadline that it leaves behind disturbs no later wait")
    func wokenEarly() async throws {
        let results = try await onWorker { loop in
            let waiter = Waiter(loop: loop)
            var results: [Bool] = []
            for round in 0..<3 {
                let same = SameThread(waiter)
                Task(executorPreference: loop) { same.waiter.wake() }
                results.append(await waiter.wait(until: loop.now + 20 * Self.ms))
                if round == 1 { _ = await Waiter(loop: loop).wait(until: loop.now + 40 * Self.ms) }
            }
            let start = loop.now
            results.append(await waiter.wait(until: start + 50 * Self.ms))
            results.append(loop.now >= start + 50 * Self.ms)
            results.append(await waiter.wait(until: loop.now))
            results.append(await waiter.wait(until: 0))
            return results
        }
        #expect(results == [true, true, true, false, true, false, false])
    }

    @Test("A wake between the deadline and the task's turn is not lost")
    func wokenAfterDeadline() async throws {
        let results = try await onWorker { loop in
            let waiter = Waiter(loop: loop)
            let same = SameThread(waiter)
            Task(executorPreference: loop) {
                same.waiter.timeOut()
                same.waiter.wake()
            }
            return [await waiter.wait(until: loop.now + 60_000 * Self.ms), await waiter.wait(until: loop.now + 60_000 * Self.ms)]
        }
        #expect(results == [false, true])
    }

    @Test("A deadline that passes while the task is on its way to park is kept")
    func passesBeforeParking() async throws {
        let results = try await onWorker { loop in
            let log = Log()
            Task(executorPreference: loop) {
                let isWoken = await Waiter(loop: loop).wait(until: loop.now + Self.ms)
                log.entries.withLock { $0.append(isWoken ? 1 : 0) }
            }
            Task(executorPreference: loop) {
                let end = Clock.monotonic() + 20 * Self.ms
                while Clock.monotonic() < end {}
            }
            let bound = Waiter(loop: loop)
            for _ in 0..<100 where log.entries.withLock({ $0.isEmpty }) { _ = await bound.wait(until: loop.now + 20 * Self.ms) }
            return log.entries.withLock { $0 }
        }
        #expect(results == [0])
    }

    @Test("Thousands of deadlines, moved and dropped at random, against a model: nothing is early, late or forgotten")
    func model() async throws {
        let faults = try await onWorker { loop -> [String] in
            var numbers = Numbers(state: 7)
            let wheel = TimerWheel()
            var now = Clock.monotonic()
            var faults: [String] = []
            wheel.advance(to: now)
            // Held by the wheel: the tick at which it must have been looked at, and not before.
            var waiters: [Waiter] = []
            defer { for waiter in waiters where waiter.scheduledTick != 0 { wheel.remove(waiter) } }
            for round in 0..<4_000 {
                let waiter = Waiter(loop: loop)
                // Up to 60 s: far beyond the wheel's 16 s.
                waiter.deadline = now + numbers.next() % (round % 3 == 0 ? 100 * Self.ms : 60_000 * Self.ms)
                wheel.schedule(waiter)
                if waiter.scheduledTick > waiter.deadline / TimerWheel.tick + 1 { faults.append("scheduled late") }
                waiters.append(waiter)
                if round % 5 == 0, let other = waiters.randomElement(using: &numbers), other.scheduledTick != 0 {
                    if numbers.next() % 2 == 0 {
                        wheel.remove(other)
                    } else {
                        other.deadline = now + numbers.next() % (30_000 * Self.ms)
                        wheel.schedule(other)
                    }
                }
                let first = waiters.lazy.filter { $0.scheduledTick != 0 }.map(\.scheduledTick).min()
                let timeout = wheel.timeout(now: now)
                if let first {
                    let due = first * TimerWheel.tick
                    let expected = due > now ? min((due - now + Self.ms - 1) / Self.ms, 60_000) : 0
                    if timeout != Int32(expected) { faults.append("timeout \(timeout) for \(expected)") }
                } else if timeout != -1 {
                    faults.append("timeout \(timeout) for none")
                }
                // Mostly small steps, sometimes a sleep longer than the wheel.
                now += numbers.next() % (round % 500 == 499 ? 40_000 * Self.ms : 12 * Self.ms)
                wheel.advance(to: now)
                for waiter in waiters where waiter.scheduledTick != 0 && waiter.scheduledTick <= now / TimerWheel.tick {
                    faults.append("still held in round \(round)")
                }
            }
            return faults
        }
        #expect(faults.isEmpty, "\(faults.prefix(3))")
    }

    @Test("Nobody held: the poller may wait without end")
    func empty() {
        let wheel = TimerWheel()
        #expect(wheel.timeout(now: 0) == -1)
        wheel.advance(to: .max)
        #expect(wheel.timeout(now: .max) == -1)
    }
}
