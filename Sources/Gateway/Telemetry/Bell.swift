import Glibc
import Loop

/// What one thread sleeps on and others ring: a pair of sockets of which only the fact that
/// something waits in it matters (socketpair(2)).
final class Bell: Sendable {
    private let readEnd: Int32
    private let writeEnd: Int32

    init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        guard unsafe socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw SystemError("socketpair") }
        readEnd = ends[0]
        writeEnd = ends[1]
    }

    deinit {
        Glibc.close(readEnd)
        Glibc.close(writeEnd)
    }

    /// Ends the wait under way, or the next one. Never blocks: where it is full, it rings already.
    func ring() {
        var octet: UInt8 = 1
        while unsafe Glibc.write(writeEnd, &octet, 1) < 0 && errno == EINTR {}
    }

    /// - Parameter milliseconds: -1: without end.
    /// - Returns: false when the time has passed.
    func wait(milliseconds: Int32) -> Bool {
        guard Bell.wait(for: readEnd, POLLIN, milliseconds: milliseconds) else { return false }
        var octets = [UInt8](repeating: 0, count: 64)
        while unsafe read(readEnd, &octets, octets.count) == octets.count {}
        return true
    }

    /// Waits until `descriptor` is ready (poll(2)).
    static func wait(for descriptor: Int32, _ events: Int32, milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(truncatingIfNeeded: events), revents: 0)
        while true {
            let count = unsafe poll(&entry, 1, milliseconds)
            if count >= 0 { return count > 0 }
            // A signal starts the time anew; this process takes its signals by sigwait(3), so that is rare.
            if errno != EINTR { return false }
        }
    }
}
