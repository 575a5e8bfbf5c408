import CShims
import Glibc
import Synchronization

/// One thread that waits for sockets, timers and jobs, and runs the tasks that they wake.
///
/// It is both the serial executor of its worker and the task executor of that worker's tasks: with the first alone, a
/// resumed continuation would first travel through the process-wide thread pool.
///
/// `@unchecked Sendable`: everything below `inbox` is touched on the loop's own thread only; `isCurrent` says whether
/// a caller is on it, and what arrives from elsewhere goes through `inbox`.
@safe
package final class EventLoop: SerialExecutor, TaskExecutor, @unchecked Sendable {
    package let name: String

    private struct Inbox {
        var jobs: [UnownedJob] = []
        var isSignalled = false
    }

    private let inbox = Mutex(Inbox())
    private let thread = Atomic<UInt>(0)
    private let isStopping = Atomic<Bool>(false)

    private let poller: Poller
    // Unchecked: these are used several times a turn, by this thread alone, and no use of one leads to another use of the same:
    // jobs run, and waiters wake, while the array that they were taken from is not touched.
    @exclusivity(unchecked) private var ready: [UnownedJob] = []
    @exclusivity(unchecked) private var running: [UnownedJob] = []
    /// Those whose sleepers are to be roused. Not retained: who goes takes itself out.
    @exclusivity(unchecked) private var queued: [Unmanaged<Waiter>?] = unsafe []
    @exclusivity(unchecked) private var rousing: [Unmanaged<Waiter>?] = unsafe []
    /// Those that have given up the rest of their turn.
    @exclusivity(unchecked) private var yielding: [Waiter] = []
    let timers = TimerWheel()
    let registry = SocketRegistry()

    // Private, and shown read-only: what another target can name costs an exclusivity check at each access.
    private var turn: (now: UInt64, wallClock: Int64)

    /// Monotonic nanoseconds, read once a turn (clock_gettime(2), CLOCK_MONOTONIC).
    package var now: UInt64 { turn.now }
    /// Milliseconds since 1970, read once a turn (CLOCK_REALTIME).
    package var wallClock: Int64 { turn.wallClock }

    package init(name: String) throws(SystemError) {
        self.name = name
        poller = try Poller()
        turn = (Clock.monotonic(), Clock.wall())
    }

    // MARK: Executor

    package var isCurrent: Bool { thread.load(ordering: .relaxed) == Thread.current }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if isCurrent {
            unsafe ready.append(job)
            return
        }
        let mustSignal = inbox.withLock { inbox in
            inbox.jobs.append(job)
            defer { inbox.isSignalled = true }
            return !inbox.isSignalled
        }
        if mustSignal { poller.interrupt() }
    }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        unsafe UnownedSerialExecutor(ordinary: self)
    }

    package func asUnownedTaskExecutor() -> UnownedTaskExecutor {
        unsafe UnownedTaskExecutor(ordinary: self)
    }

    package func checkIsolated() {
        precondition(isCurrent, "not on the thread of event loop \(name)")
    }

    package func isIsolatingCurrentContext() -> Bool? { isCurrent }

    // MARK: Running

    /// Starts the loop on a thread of its own. A stopped loop is not started again.
    package func start() throws(SystemError) -> Thread {
        try Thread.start(name: name) { self.run() }
    }

    /// Ends `run` after the turn under way. Tasks that still wait are never resumed: stop them first.
    package func stop() {
        isStopping.store(true, ordering: .releasing)
        poller.interrupt()
    }

    /// Runs the loop on the calling thread until `stop`.
    package func run() {
        thread.store(Thread.current, ordering: .relaxed)
        while !isStopping.load(ordering: .acquiring) {
            runReadyJobs()
            rouseSleepers()
            let timeout = unsafe ready.isEmpty && queued.isEmpty && yielding.isEmpty ? timers.timeout(now: now) : 0
            poller.wait(milliseconds: timeout) { event in
                if event.isInterrupt { takeInbox() } else { registry.deliver(event) }
            }
            turn = (Clock.monotonic(), Clock.wall())
            timers.advance(to: now)
            wakeYielding()
        }
        thread.store(0, ordering: .relaxed)
    }

    /// Runs what is ready now; jobs that these make ready run in the next turn, after a look at the poller, so that
    /// a task which keeps itself busy cannot starve the sockets.
    private func runReadyJobs() {
        unsafe swap(&ready, &running)
        for job in unsafe running {
            unsafe job.runSynchronously(
                isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
        }
        unsafe running.removeAll(keepingCapacity: true)
    }

    /// Rouses those who were to be when the turn began.
    private func rouseSleepers() {
        guard unsafe !queued.isEmpty else { return }
        unsafe swap(&queued, &rousing)
        // By place: one that goes meanwhile takes itself out.
        for place in unsafe rousing.indices {
            guard let waiter = unsafe rousing[place] else { continue }
            unsafe rousing[place] = nil
            unsafe waiter._withUnsafeGuaranteedRef { $0.rouse() }
        }
        unsafe rousing.removeAll(keepingCapacity: true)
    }

    /// Has `waiter` rouse its sleeper in the next turn.
    func queue(_ waiter: Waiter) { unsafe queued.append(Unmanaged.passUnretained(waiter)) }

    /// `waiter`, which is queued, goes. Seldom: who has work to do does not go just then.
    func dequeue(_ waiter: Waiter) {
        let gone = unsafe Unmanaged.passUnretained(waiter).toOpaque()
        if let place = unsafe queued.firstIndex(where: { unsafe $0?.toOpaque() == gone }) { unsafe queued[place] = nil }
        if let place = unsafe rousing.firstIndex(where: { unsafe $0?.toOpaque() == gone }) { unsafe rousing[place] = nil }
    }

    /// Wakes `waiter` in the next turn, after all that the poller and the timers then have to say.
    package func wakeNextTurn(_ waiter: Waiter) { unsafe yielding.append(waiter) }

    private func wakeYielding() {
        guard unsafe !yielding.isEmpty else { return }
        for waiter in unsafe yielding { waiter.wake() }
        unsafe yielding.removeAll(keepingCapacity: true)
    }

    private func takeInbox() {
        let jobs = inbox.withLock { inbox in
            inbox.isSignalled = false
            var jobs: [UnownedJob] = []
            swap(&jobs, &inbox.jobs)
            return jobs
        }
        unsafe ready.append(contentsOf: jobs)
    }

    /// Registers `socket` and returns the token by which the poller reports its events.
    func register(_ socket: Socket) throws(SystemError) -> UInt64 {
        let token = registry.insert(socket)
        do {
            try poller.add(socket.descriptor, token: token)
        } catch {
            registry.remove(token)
            throw error
        }
        return token
    }
}
