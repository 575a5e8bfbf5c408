import CShims
import Glibc

/// epoll(7), edge-triggered, with an eventfd(2) by which other threads end a wait.
@safe
final class Poller {
    struct Event {
        let token: UInt64
        let flags: UInt32

        var isInterrupt: Bool { token == Poller.interruptToken }
        var isReadable: Bool { flags & (EPOLLIN.rawValue | EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 }
        var isWritable: Bool { flags & (EPOLLOUT.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 }
        /// The connection is gone in both directions: a reset, and not only the end of what the peer sends.
        var isBroken: Bool { flags & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 }
        /// The peer has closed its side, or the connection is gone.
        var isPeerClosed: Bool { flags & (EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 }
    }

    fileprivate static let interruptToken = UInt64.max
    /// Events taken by one call: enough for a busy turn, small enough to stay in the cache.
    private static let batch = 256

    private let epoll: Int32
    private let interruption: Int32
    private let events: UnsafeMutableBufferPointer<epoll_event>

    init() throws(SystemError) {
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0 else { throw SystemError("epoll_create1") }
        interruption = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard interruption >= 0 else {
            let error = SystemError("eventfd")
            close(epoll)
            throw error
        }
        unsafe events = .allocate(capacity: Poller.batch)
        try add(interruption, token: Poller.interruptToken)
    }

    deinit {
        close(interruption)
        close(epoll)
        unsafe events.deallocate()
    }

    func add(_ descriptor: Int32, token: UInt64) throws(SystemError) {
        guard gh_epoll_add(epoll, descriptor, token) == 0 else { throw SystemError("epoll_ctl") }
    }

    /// Ends the wait under way, or the next one. For any thread.
    func interrupt() {
        // The counter cannot overflow: the loop's inbox signals once per emptying. EINTR is the only other failure.
        while eventfd_write(interruption, 1) != 0 && errno == EINTR {}
    }

    /// Waits at most `milliseconds` (-1: without end) and hands each event to `body`.
    @inline(__always)
    func wait(milliseconds: Int32, _ body: (Event) -> Void) {
        let count = unsafe gh_epoll_wait(epoll, events.baseAddress, Int32(Poller.batch), milliseconds)
        guard count > 0 else { return }
        for index in 0..<Int(count) {
            let token = unsafe gh_epoll_token(events.baseAddress! + index)
            if token == Poller.interruptToken {
                var value: eventfd_t = 0
                unsafe eventfd_read(interruption, &value)
            }
            body(Event(token: token, flags: unsafe events[index].events))
        }
    }
}
