import Glibc
import Synchronization
import Testing

@testable import Loop

@Suite("BlockingPool and Resolver")
struct BlockingPoolTests {
    private final class Log: Sendable { let entries = Mutex<[Int]>([]) }
    private final class Running: Sendable { let count = Mutex(0) }

    @Test("One thread does the jobs in the order in which they came, however many pass through its queue")
    func order() async throws {
        let entries = try await onWorker { loop in
            let pool = try BlockingPool(name: "pool", threads: 1, queue: 5_000)
            defer { pool.close() }
            let (log, gate) = (Log(), Gate())
            let jobs = (0..<5_000).map { index in
                Task(executorPreference: loop) {
                    try await pool.run {
                        if index == 0 { gate.wait() }
                        log.entries.withLock { $0.append(index) }
                    }
                    loop.checkIsolated()
                }
            }
            while pool.depth < 4_999 { await Waiter(loop: loop).yield() }
            gate.open()
            for job in jobs { try await job.value }
            return log.entries.withLock { $0 }
        }
        #expect(entries == Array(0..<5_000))
    }

    @Test("What computes in the background stands behind the loops; all other threads stand where the process does")
    func background() async throws {
        let own = getpriority(Int32(PRIO_PROCESS.rawValue), 0)
        let priorities = try await onWorker { loop in
            var found: [Int32] = []
            for isBackground in [true, false] {
                let pool = try BlockingPool(name: "pool", threads: 1, queue: 1, isBackground: isBackground)
                defer { pool.close() }
                found.append(try await pool.run { getpriority(Int32(PRIO_PROCESS.rawValue), 0) })
            }
            return found + [getpriority(Int32(PRIO_PROCESS.rawValue), 0)]
        }
        #expect(priorities == [19, own, own])
    }

    @Test("Closed: what was taken is finished, and nothing new is")
    func closed() async throws {
        let (before, isRefused) = try await onWorker { loop in
            let pool = try BlockingPool(name: "pool", threads: 3, queue: 100)
            let gate = Gate()
            let jobs = (0..<50).map { index in
                Task(executorPreference: loop) {
                    try await pool.run {
                        if index < 3 { gate.wait() }
                        return index
                    }
                }
            }
            while pool.depth < 47 { await Waiter(loop: loop).yield() }
            pool.close()
            pool.close()
            var isRefused = false
            do { _ = try await pool.run { 0 } } catch { isRefused = true }
            gate.open()
            var sum = 0
            for job in jobs { sum += try await job.value }
            return (sum, isRefused)
        }
        #expect(before == 1_225)
        #expect(isRefused)
    }

    @Test("No more than as many jobs as there are threads run at a time")
    func bound() async throws {
        let most = try await onWorker { loop in
            let pool = try BlockingPool(name: "pool", threads: 2, queue: 1_000)
            defer { pool.close() }
            let log = Log()
            let running = Running()
            let jobs = (0..<500).map { _ in
                Task(executorPreference: loop) {
                    try await pool.run {
                        let now = running.count.withLock {
                            $0 += 1; return $0
                        }
                        log.entries.withLock { $0.append(now) }
                        running.count.withLock { $0 -= 1 }
                    }
                }
            }
            for job in jobs { try await job.value }
            return log.entries.withLock { $0.max() ?? 0 }
        }
        #expect((1...2).contains(most))
    }

    @Test("Numbers need no look-up, localhost has an address, and a name that cannot be says why")
    func resolver() async throws {
        let texts = try await onWorker { loop in
            let closed = try BlockingPool(name: "closed", threads: 1, queue: 1)
            closed.close()
            var texts = try await Resolver.resolve(host: "::1", port: 7, on: closed).map(\.text)
            do throws(ResolveError) { _ = try await Resolver.resolve(host: "localhost", port: 7, on: closed) } catch {
                texts.append(error.description)
            }
            let pool = try BlockingPool(name: "pool", threads: 1, queue: 1)
            defer { pool.close() }
            texts += Set(try await Resolver.resolve(host: "localhost", port: 7, on: pool).map(\.port)).map { "port \($0)" }
            do throws(ResolveError) { _ = try await Resolver.resolve(host: "no such name.", port: 7, on: pool) } catch {
                texts.append(String(error.description.prefix(28)))
            }
            return texts
        }
        #expect(texts == ["[::1]:7", "cannot look up localhost: too many look-ups wait", "port 7", "cannot look up no such name."])
    }
}
