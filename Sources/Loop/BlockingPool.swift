import Glibc
import Synchronization

/// The pool's queue is full: more work is asked for than can be done soon.
package struct PoolBusy: Error, Equatable {
    package init() {}
}

/// A few threads for calls that block or compute for long: SQLite, password hashing, name resolution.
///
/// Bounded on both ends, so that a flood costs the memory of its queue and no more, and is told so at once.
package final class BlockingPool: Sendable {
    package let name: String
    package let threads: Int
    /// How many jobs may wait.
    package let queue: Int
    private let isBackground: Bool
    private let capacity: Int
    private let state = Mutex(State())
    /// Counts the jobs that wait, for the threads to sleep on.
    private let available: Semaphore

    private struct State {
        var queue: [@Sendable () -> Void] = []
        var head = 0
        var running = 0
        var rejected: UInt64 = 0
        var isClosed = false

        var waiting: Int { queue.count - head }
    }

    /// - Parameters:
    ///   - threads: how many calls run at a time, at least 1.
    ///   - queue: how many more may wait.
    ///   - isBackground: for computing: where cores are short, a loop that has something to do takes one at once, and what computes
    ///     gets a sixtieth of it (sched(7), nice 19). At the same priority a loop would wait for a few milliseconds each time.
    package init(name: String, threads: Int, queue: Int, isBackground: Bool = false) throws(SystemError) {
        self.name = name
        self.threads = max(1, threads)
        self.queue = queue
        self.isBackground = isBackground
        capacity = queue + threads
        available = Semaphore()
        for index in 0..<max(1, threads) {
            _ = try Thread.start(name: "\(name)-\(index)") { self.work() }
        }
    }

    /// Jobs that wait for a thread.
    package var depth: Int { state.withLock { $0.waiting } }
    /// Threads that have a job.
    package var busy: Int { state.withLock { $0.running } }
    /// Jobs that found the queue full, since the pool was made.
    package var rejected: UInt64 { state.withLock { $0.rejected } }

    /// Runs `body` on one of the threads and comes back to the caller's worker with what it returned.
    package func run<T: Sendable>(_ body: @escaping @Sendable () -> T) async throws(PoolBusy) -> T {
        let result: T? = unsafe await withUnsafeContinuation { (continuation: UnsafeContinuation<T?, Never>) in
            let isTaken = submit { unsafe continuation.resume(returning: body()) }
            if !isTaken { unsafe continuation.resume(returning: nil) }
        }
        guard let result else { throw PoolBusy() }
        return result
    }

    /// Ends the threads once the queue is empty. Nothing can be submitted from now on.
    package func close() {
        state.withLock { $0.isClosed = true }
        available.signal()
    }

    private func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
        let isTaken = state.withLock { state in
            guard !state.isClosed, state.waiting + state.running < capacity else {
                state.rejected &+= 1
                return false
            }
            state.queue.append(job)
            return true
        }
        if isTaken { available.signal() }
        return isTaken
    }

    private func work() {
        // Of this thread alone, on Linux (nice(2)).
        if isBackground { _ = nice(19) }
        while true {
            available.wait()
            let (job, isClosed) = state.withLock { state in
                guard state.waiting > 0 else { return (nil as (@Sendable () -> Void)?, state.isClosed) }
                let job = state.queue[state.head]
                state.running += 1
                state.head += 1
                if state.head == state.queue.count {
                    state.queue.removeAll(keepingCapacity: true)
                    state.head = 0
                } else if state.head >= 1024 {
                    state.queue.removeFirst(state.head)
                    state.head = 0
                }
                return (job, false)
            }
            if let job {
                job()
                state.withLock { $0.running -= 1 }
            } else if isClosed {
                available.signal()  // Hands the news on to the next thread.
                return
            }
        }
    }
}

/// A counting semaphore (sem_overview(7)).
@safe
private final class Semaphore: @unchecked Sendable {
    // `@unchecked Sendable`: sem_post and sem_wait are what threads may share.
    private let handle: UnsafeMutablePointer<sem_t>

    init() {
        unsafe handle = .allocate(capacity: 1)
        unsafe sem_init(handle, 0, 0)
    }

    deinit {
        unsafe sem_destroy(handle)
        unsafe handle.deallocate()
    }

    func signal() { unsafe sem_post(handle) }

    func wait() { while unsafe sem_wait(handle) != 0 && errno == EINTR {} }
}
