import Access
import Logging
import Loop

/// Deletes what has ended from the stores, from time to time, on one of the workers.
actor Housekeeper {
    private nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

    private let waiter: Waiter
    private var task = Task()
    private var stores: (sessions: any SessionStore, throttle: any ThrottleStore)?
    private var isWorking = false

    /// What the settings say of it.
    struct Task: Sendable {
        /// Milliseconds between two rounds.
        var interval: Int64 = 60_000
        /// Says when a count of failed sign-ins means nothing any more.
        var throttle = Throttle()
        var log = Logger(label: "gatehouse")
    }

    init(loop: EventLoop) {
        self.loop = loop
        waiter = Waiter(loop: loop)
    }

    /// Works by `task` from now on, until the loop ends.
    /// - Parameter makeStores: called on the worker; nil: the stores stay what they are.
    func work(
        by task: Task, _ makeStores: (@Sendable (EventLoop) -> (sessions: any SessionStore, throttle: any ThrottleStore))?
    ) {
        self.task = task
        if let makeStores { stores = makeStores(loop) }
        waiter.wake()
        guard !isWorking else { return }
        isWorking = true
        _Concurrency.Task(executorPreference: loop) { await self.run() }
    }

    private func run() async {
        var last = loop.now
        while true {
            // Woken early, it goes by what holds now.
            guard await !waiter.wait(until: last.adding(milliseconds: task.interval)) else { continue }
            last = loop.now
            guard let stores else { continue }
            do throws(StoreError) {
                let count = try await stores.sessions.purge(now: loop.wallClock)
                if count > 0 { task.log.debug("deleted \(count) ended sessions") }
                _ = try await stores.throttle.purgeFailures(before: task.throttle.oldest(at: loop.wallClock))
            } catch {
                // The store's own users say so louder; the next round tries again.
                task.log.warning("ended sessions could not be deleted: \(error)")
            }
        }
    }
}
