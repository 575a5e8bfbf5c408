import Loop
import Synchronization

/// Runs a command's waiting part as a worker would: on an event loop, which here is the calling thread's.
enum CommandLoop {
    /// Returns what `body` returns; the objects that it makes never leave the loop.
    static func run<Value: Sendable>(
        _ body: @escaping @Sendable (EventLoop, BlockingPool) async throws -> Value
    ) throws -> Value {
        let loop = try EventLoop(name: "command")
        let pool = try BlockingPool(name: "command", threads: 2, queue: 64)
        let outcome = Outcome<Value>()
        let worker = Worker(loop: loop)
        Task(executorPreference: loop) {
            do {
                let value = try await worker.run { try await body(loop, pool) }
                outcome.result.withLock { $0 = .success(value) }
            } catch {
                outcome.result.withLock { $0 = .failure(error) }
            }
            loop.stop()
        }
        loop.run()
        pool.close()
        guard let result = outcome.result.withLock({ $0 }) else { throw CommandFailure("gatehouse: the command was stopped") }
        return try result.get()
    }

    /// What isolates the command's objects, as a worker of the gateway does with its own.
    private actor Worker {
        private nonisolated let loop: EventLoop
        nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

        init(loop: EventLoop) { self.loop = loop }

        func run<Value: Sendable>(_ body: @Sendable () async throws -> Value) async throws -> Value { try await body() }
    }

    private final class Outcome<Value: Sendable>: Sendable {
        let result = Mutex<Result<Value, any Error>?>(nil)
    }
}
