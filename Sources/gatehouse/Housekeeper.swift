import Access
import Logging
import Loop

/// Deletes what has ended from the stores, from time to time, on one of the workers.
actor Housekeeper {
    private nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

    private let interval: Int64
    private let policy: Throttle
    private let log: Logger

    /// - Parameters:
    ///   - interval: milliseconds between two rounds.
    ///   - policy: says when a count of failed sign-ins means nothing any more.
    init(loop: EventLoop, interval: Int64, throttle policy: Throttle, log: Logger) {
        self.loop = loop
        self.interval = interval
        self.policy = policy
        self.log = log
    }

    /// Works until the loop ends. `stores` is called on the worker.
    nonisolated func start(_ stores: @escaping @Sendable (EventLoop) -> (any SessionStore, any ThrottleStore)) {
        Task(executorPreference: loop) { await self.run(stores) }
    }

    private func run(_ stores: @Sendable (EventLoop) -> (any SessionStore, any ThrottleStore)) async {
        let (sessions, throttle) = stores(loop)
        let waiter = Waiter(loop: loop)
        while true {
            _ = await waiter.wait(until: loop.now.adding(milliseconds: interval))
            do throws(StoreError) {
                let count = try await sessions.purge(now: loop.wallClock)
                if count > 0 { log.debug("deleted \(count) ended sessions") }
                _ = try await throttle.purgeFailures(before: policy.oldest(at: loop.wallClock))
            } catch {
                // The store's own users say so louder; the next round tries again.
                log.warning("ended sessions could not be deleted: \(error)")
            }
        }
    }
}
