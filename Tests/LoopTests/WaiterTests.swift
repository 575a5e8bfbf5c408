import Glibc
import Testing

@testable import Loop

/// Waiting without a task.
@Suite("Waiter.rest")
struct WaiterTests {
    private static let ms: UInt64 = 1_000_000

    private final class Sleepy: Sleeper {
        let waiter: Waiter
        var times: [UInt64] = []

        init(_ waiter: Waiter) { self.waiter = waiter }
        deinit { waiter.leave() }

        func roused() { times.append(waiter.loop.now) }
    }

    @Test("Wakes rouse the sleeper once, in the next turn; the one after that is remembered, and no rest begins over it")
    func once() async throws {
        let results = try await onWorker { loop in
            let sleepy = Sleepy(Waiter(loop: loop))
            let waiter = sleepy.waiter
            var results = [waiter.rest(sleepy, until: .max)]
            waiter.wake()
            waiter.wake()
            results.append(sleepy.times.isEmpty)
            await Waiter(loop: loop).yield()
            results.append(sleepy.times.count == 1)
            waiter.wake()
            await Waiter(loop: loop).yield()
            results.append(sleepy.times.count == 1)
            results.append(!waiter.rest(sleepy, until: .max))
            results.append(waiter.rest(sleepy, until: .max))
            return results
        }
        #expect(results == [true, true, true, true, true, true])
    }

    @Test("A wake counts as one, also where the deadline has passed by the time the sleeper is told")
    func wokenInTime() async throws {
        let results = try await onWorker { loop in
            var pair: [Int32] = [-1, -1]
            _ = unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &pair)
            let peer = TestSocket(adopting: pair[1])
            defer { peer.close() }
            let socket = try Socket(adopting: pair[0], loop: loop)
            let sleepy = Sleepy(Waiter(loop: loop))
            let waiter = sleepy.waiter
            let others = Waiter(loop: loop)
            socket.waiter = waiter
            // The first event of a socket says that it may be written to.
            _ = await waiter.wait(until: loop.now + 1_000 * Self.ms)
            _ = waiter.rest(sleepy, until: loop.now + 20 * Self.ms)
            peer.send([0x78])
            // Holds the loop: it finds the octet and the deadline in the same turn.
            usleep(40_000)
            _ = await others.wait(until: loop.now + 40 * Self.ms)
            var results = [sleepy.times.count == 1, !waiter.hasTimedOut]
            _ = waiter.rest(sleepy, until: loop.now + 5 * Self.ms)
            _ = await others.wait(until: loop.now + 40 * Self.ms)
            results += [sleepy.times.count == 2, waiter.hasTimedOut]
            return results
        }
        #expect(results == [true, true, true, true])
    }

    @Test("Who goes between the wake and the turn is not roused, nor is its waiter touched; others are")
    func goneWhenRoused() async throws {
        let results = try await onWorker { loop in
            let stays = Sleepy(Waiter(loop: loop))
            var goes: Sleepy? = Sleepy(Waiter(loop: loop))
            weak let waiter = goes?.waiter
            if let goes {
                _ = goes.waiter.rest(goes, until: .max)
                goes.waiter.wake()
            }
            _ = stays.waiter.rest(stays, until: .max)
            stays.waiter.wake()
            goes = nil
            let isGone = waiter == nil
            await Waiter(loop: loop).yield()
            return [isGone, stays.times.count == 1]
        }
        #expect(results == [true, true])
    }

    @Test("The last deadline that was set rouses the sleeper, once and not early")
    func deadlines() async throws {
        let (counts, isLate) = try await onWorker { loop in
            let sleepy = Sleepy(Waiter(loop: loop))
            let others = Waiter(loop: loop)
            let start = loop.now
            var counts: [Int] = []
            _ = sleepy.waiter.rest(sleepy, until: start + 10_000 * Self.ms)
            _ = sleepy.waiter.rest(sleepy, until: start + 20 * Self.ms)
            while sleepy.times.isEmpty && loop.now < start + 5_000 * Self.ms { _ = await others.wait(until: loop.now + Self.ms) }
            counts.append(sleepy.times.count)
            _ = sleepy.waiter.rest(sleepy, until: loop.now + 10 * Self.ms)
            _ = sleepy.waiter.rest(sleepy, until: .max)
            _ = await others.wait(until: loop.now + 40 * Self.ms)
            counts.append(sleepy.times.count)
            return (counts, (sleepy.times.first ?? 0) >= start + 20 * Self.ms)
        }
        #expect(counts == [1, 1])
        #expect(isLate)
    }

    @Test("Whoever has gone is not told; a task may wait where somebody has rested")
    func gone() async throws {
        let results = try await onWorker { loop in
            let waiter = Waiter(loop: loop)
            weak var gone: Sleepy?
            do {
                let sleepy = Sleepy(waiter)
                gone = sleepy
                _ = waiter.rest(sleepy, until: loop.now + Self.ms)
            }
            var results = [gone == nil, !waiter.isAwaited]
            _ = await Waiter(loop: loop).wait(until: loop.now + 20 * Self.ms)
            waiter.wake()
            results.append(await waiter.wait(until: loop.now + Self.ms))
            return results
        }
        #expect(results == [true, true, true])
    }
}
