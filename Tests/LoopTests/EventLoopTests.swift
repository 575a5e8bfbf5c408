import Loop
import Synchronization
import Testing
import Wire

/// An actor on a loop of its own, as a worker is.
actor TestWorker {
    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

    init(loop: EventLoop) { self.loop = loop }

    func run<T: Sendable>(_ body: (EventLoop) async throws -> T) async rethrows -> T {
        loop.checkIsolated()
        return try await body(loop)
    }
}

/// Runs `body` on a worker of its own and stops the loop afterwards.
func onWorker<T: Sendable>(_ body: @Sendable @escaping (EventLoop) async throws -> T) async throws -> T {
    let loop = try EventLoop(name: "test")
    let thread = try loop.start()
    let worker = TestWorker(loop: loop)
    let result = await Task(executorPreference: loop) {
        try await worker.run(body)
    }.result
    loop.stop()
    thread.join()
    return try result.get()
}

/// Holds a thread until it is opened.
final class Gate: Sendable {
    private let isOpen = Atomic(false)

    func open() { isOpen.store(true, ordering: .releasing) }
    func wait() { while !isOpen.load(ordering: .acquiring) {} }
}

@Suite("EventLoop")
struct EventLoopTests {
    @Test("A deadline ends a wait, no earlier than asked")
    func deadline() async throws {
        let (timedOut, waited) = try await onWorker { loop in
            let waiter = Waiter(loop: loop)
            let start = Clock.monotonic()
            let woken = await waiter.wait(until: start.adding(milliseconds: 30))
            return (!woken, Clock.monotonic() - start)
        }
        #expect(timedOut)
        #expect(waited >= 30_000_000)
    }

    @Test("A wake before the wait is not lost, and is used up by it")
    func wakeFirst() async throws {
        let results = try await onWorker { loop in
            let waiter = Waiter(loop: loop)
            waiter.wake()
            let first = await waiter.wait(until: loop.now.adding(milliseconds: 1_000))
            let second = await waiter.wait(until: loop.now.adding(milliseconds: 5))
            return [first, second]
        }
        #expect(results == [true, false])
    }

    @Test("A wake that comes while a task is on its way into its wait is not lost, also to a task outside of any actor")
    func wakeOnTheWay() async throws {
        let loop = try EventLoop(name: "test")
        let thread = try loop.start()
        // Nobody listens there: the system says so in the very turn of the call.
        let address = try #require(SocketAddress(numeric: "127.0.0.1:1"))
        let fault = await Task(executorPreference: loop) { () -> ConnectError? in
            let waiter = Waiter(loop: loop)
            do throws(ConnectError) {
                _ = try await Socket.connect(to: address, loop: loop, waiter: waiter, until: loop.now.adding(milliseconds: 500))
                return nil
            } catch {
                return error
            }
        }.value
        loop.stop()
        thread.join()
        #expect(fault != nil && fault != .timedOut)
    }

    @Test("A connection carries octets both ways and reports its end")
    func echo() async throws {
        let echoed = try await onWorker { loop in
            let listener = try Listener(address: #require(SocketAddress(numeric: "127.0.0.1:0")), loop: loop)
            let waiter = Waiter(loop: loop)
            let client = try await Socket.connect(
                to: listener.address, loop: loop, waiter: waiter, until: loop.now.adding(milliseconds: 2_000))
            let accepted = try #require(await listener.accept())
            let server = try Socket(adopting: accepted.descriptor, loop: loop)
            let serverWaiter = Waiter(loop: loop)
            server.waiter = serverWaiter
            let out = Buffer()
            out.append("ping")
            #expect(client.write(out) == .octets(4))
            client.shutdownSending()
            let input = Buffer()
            var ended = false
            while !ended {
                switch server.read(into: input, room: 64) {
                case .octets: continue
                case .wouldBlock: _ = await serverWaiter.wait()
                case .ended: ended = true
                case .failed(let code): Issue.record("error \(code)"); ended = true
                }
            }
            return (0..<input.count).map { input[$0] }
        }
        #expect(echoed == Array("ping".utf8))
    }

    @Test("A connection that nobody accepts fails with the system's reason")
    func refused() async throws {
        let error = try await onWorker { loop -> ConnectError? in
            let listener = try Listener(address: #require(SocketAddress(numeric: "127.0.0.1:0")), loop: loop)
            let address = listener.address
            listener.close()
            do throws(ConnectError) {
                _ = try await Socket.connect(
                    to: address, loop: loop, waiter: Waiter(loop: loop), until: loop.now.adding(milliseconds: 2_000))
                return nil
            } catch {
                return error
            }
        }
        guard case .failed(let failure) = error else { Issue.record("no failure"); return }
        #expect(failure.code == 111)
    }

    @Test("A full pool says so at once and takes work again later")
    func poolIsBounded() async throws {
        let pool = try BlockingPool(name: "pool", threads: 1, queue: 1)
        defer { pool.close() }
        let gate = Gate()
        let outcome = try await onWorker { loop in
            async let first = try? await pool.run {
                gate.wait(); return 1
            }
            async let second = try? await pool.run { 2 }
            let waiter = Waiter(loop: loop)
            _ = await waiter.wait(until: loop.now.adding(milliseconds: 20))
            var refused = false
            do { _ = try await pool.run { 3 } } catch { refused = true }
            gate.open()
            let results = await [first, second]
            let again = try await pool.run { 4 }
            return (refused, results, again)
        }
        #expect(outcome.0)
        #expect(outcome.1 == [1, 2])
        #expect(outcome.2 == 4)
    }
}
