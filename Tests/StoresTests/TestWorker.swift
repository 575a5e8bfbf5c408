import Access
import Glibc
import Loop

/// A worker as the gateway has it: an actor whose executor is an event loop on a thread of its own.
actor TestWorker {
    nonisolated let loop: EventLoop
    nonisolated let pool: BlockingPool

    /// The worker's store, once a test has made one: tasks that share it reach it here.
    var store: (any SessionStore)?

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

    init() throws {
        loop = try EventLoop(name: "test")
        pool = try BlockingPool(name: "test", threads: 4, queue: 1_000)
        _ = try loop.start()
    }

    deinit {
        pool.close()
        loop.stop()
    }

    private func isolated<T: Sendable>(
        _ body: @Sendable (isolated TestWorker) async throws -> T
    ) async throws -> T {
        try await body(self)
    }

    /// Runs `body` as a task of the worker, as a connection's task is run.
    nonisolated func run<T: Sendable>(
        _ body: @escaping @Sendable (isolated TestWorker) async throws -> T
    ) async throws -> T {
        try await Task(executorPreference: loop) { try await self.isolated(body) }.value
    }

    /// Begins `body` as one more task of the worker.
    nonisolated func start<T: Sendable>(
        _ body: @escaping @Sendable (any SessionStore, isolated TestWorker) async throws -> T
    ) -> Task<T, any Error> {
        Task(executorPreference: loop) { try await self.withStore(body) }
    }

    private func withStore<T: Sendable>(
        _ body: @Sendable (any SessionStore, isolated TestWorker) async throws -> T
    ) async throws -> T {
        guard let store else { throw TestFailure("the worker has no store") }
        return try await body(store, self)
    }

    /// What `body` returned, and the milliseconds that it took.
    static func timed<T>(_ body: () async throws -> T) async throws -> (T, Int64) {
        let start = Clock.monotonic()
        let result = try await body()
        return (result, Int64((Clock.monotonic() - start) / 1_000_000))
    }

    /// Parks the calling task.
    func pause(milliseconds: Int64) async {
        let waiter = Waiter(loop: loop)
        while await waiter.wait(until: loop.now.adding(milliseconds: milliseconds)) {}
    }
}
