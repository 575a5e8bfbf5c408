/// The place where one task parks until something that it waits for may have happened, or its deadline passes.
///
/// A task has one waiter and hands it to all that can wake it: sockets, replies, shutdown. Whoever is woken looks
/// again at what it waits for, so a wake too many costs a look and a wake is never lost: one that comes before the
/// wait is remembered. With one waiter for both sides of a proxied exchange, one task can serve both.
///
/// Belongs to its loop's thread.
@safe
package final class Waiter {
    package let loop: EventLoop
    private var continuation: UnsafeContinuation<Void, Never>?
    /// Who waits here without a task. Not retained: it takes itself out when it goes.
    private unowned(unsafe) var sleeper: (any Sleeper)?
    private var isWoken = false
    /// The sleeper is to be told by the loop, which will come to it.
    private var isQueued = false
    /// The last wait, or rest, was ended by its deadline.
    private(set) var hasTimedOut = false

    // The timer wheel's links: an intrusive list, so that setting a deadline allocates nothing. They do not retain:
    // a waiter takes itself out when it goes.
    unowned(unsafe) var next: Waiter?
    unowned(unsafe) var previous: Waiter?
    /// The tick under which the wheel holds this waiter; never later than the deadline's own. 0: not held.
    var scheduledTick: UInt64 = 0
    var deadline = UInt64.max

    package init(loop: EventLoop) {
        self.loop = loop
    }

    deinit {
        if scheduledTick != 0 { loop.timers.remove(self) }
        if isQueued { loop.dequeue(self) }
    }

    /// Somebody waits who has not been woken.
    var isAwaited: Bool { unsafe continuation != nil || (sleeper != nil && !isQueued) }

    /// Parks the calling task until `wake`, or until the loop's monotonic clock passes `deadline` (nanoseconds).
    /// - Returns: false when the deadline passed.
    package func wait(until deadline: UInt64 = .max) async -> Bool {
        hasTimedOut = false
        if isWoken {
            isWoken = false
            return true
        }
        if deadline <= loop.now {
            hasTimedOut = true
            return false
        }
        unsafe await withUnsafeContinuation { parked in
            // A caller that is on the loop without being isolated to it takes a turn to get here, and may be woken in it. So the
            // deadline is set here as well: the wheel drops whoever it finds not parked.
            self.deadline = deadline
            loop.timers.schedule(self)
            if isWoken {
                isWoken = false
                unsafe parked.resume()
            } else {
                unsafe continuation = parked
            }
        }
        self.deadline = .max
        return !hasTimedOut
    }

    /// Has `sleeper` told, once, in the loop's next turn, of the next `wake` or that the loop's monotonic clock passes `deadline` (nanoseconds). Called again
    /// before that, it sets another deadline.
    /// - Returns: false: there was a wake already; look again.
    package func rest(_ sleeper: any Sleeper, until deadline: UInt64) -> Bool {
        hasTimedOut = false
        if isWoken {
            isWoken = false
            return false
        }
        unsafe self.sleeper = sleeper
        self.deadline = deadline
        loop.timers.schedule(self)
        return true
    }

    /// The sleeper goes, and is not to be told of anything.
    package func leave() { unsafe sleeper = nil }

    /// Lets all others that are ready have a turn first: for a task that finds no end of work without ever having to wait.
    package func yield() async {
        unsafe await withUnsafeContinuation { parked in
            unsafe continuation = parked
            loop.wakeNextTurn(self)
        }
    }

    /// Resumes the parked task, or tells the sleeper; with neither, the next `wait` returns at once.
    package func wake() {
        if let parked = unsafe continuation {
            unsafe continuation = nil
            unsafe parked.resume()
        } else if unsafe sleeper != nil {
            guard !isQueued else { return }
            isQueued = true
            loop.queue(self)
        } else {
            isWoken = true
        }
    }

    /// The loop has come to it.
    func rouse() {
        isQueued = false
        guard let roused = unsafe sleeper else { return }
        unsafe sleeper = nil
        deadline = .max
        roused.roused()
    }

    func timeOut() {
        hasTimedOut = true
        wake()
    }
}

/// Something that waits without a task, for as long as it is silent.
package protocol Sleeper: AnyObject {
    /// What it waits for may have happened, or its deadline has passed. Called by the loop between two tasks, when the poller and the
    /// timers have said all that they have to say.
    func roused()
}
