import Glibc

/// The signals that steer a server, taken one by one by a thread that waits for them (sigwait(3)) and not by handlers.
package struct Signals {
    private var set: sigset_t

    /// Blocks `signals` for the calling thread and all that it starts from now on; call before any thread is started.
    /// SIGPIPE is ignored: a write to a closed pipe answers with an error.
    package init(_ signals: [Int32]) {
        set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in signals { unsafe sigaddset(&set, signal) }
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    /// Waits for the next of the signals and returns its number.
    package mutating func wait() -> Int32 {
        var number: Int32 = 0
        while unsafe sigwait(&set, &number) != 0 {}
        return number
    }

    /// The same for at most `milliseconds`; nil: none came.
    package mutating func wait(milliseconds: Int) -> Int32? {
        var limit = timespec(tv_sec: milliseconds / 1_000, tv_nsec: milliseconds % 1_000 * 1_000_000)
        let number = unsafe sigtimedwait(&set, nil, &limit)
        return number > 0 ? number : nil
    }
}
