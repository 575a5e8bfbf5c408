import Loop
import Synchronization

/// Runs what is `async` on the main thread, without an `async` main: that one sleeps with every signal unblocked (libdispatch's
/// dispatch_main ends in sigsuspend(2)), so a SIGTERM would kill the process instead of being waited for.
enum MainLoop {
    private final class Outcome<Value: Sendable>: Sendable {
        let result = Mutex<Result<Value, any Error>?>(nil)
    }

    struct Ended: Error {}

    /// Returns or throws what `body` does, once it has ended.
    static func run<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
        let loop = try EventLoop(name: "main")
        let outcome = Outcome<Value>()
        Task(executorPreference: loop) {
            let result: Result<Value, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            outcome.result.withLock { $0 = result }
            loop.stop()
        }
        loop.run()
        guard let result = outcome.result.withLock({ $0 }) else { throw Ended() }
        return try result.get()
    }
}
