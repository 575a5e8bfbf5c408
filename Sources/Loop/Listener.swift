import CShims
import Glibc

/// A listening socket of one worker. Workers share a port by SO_REUSEPORT (socket(7)): the kernel spreads the clients.
@safe
package final class Listener {
    /// The address in force: where port 0 was asked for, the port that the kernel chose.
    package let address: SocketAddress
    private let socket: Socket
    private let waiter: Waiter
    /// Somebody else holds the same socket and goes on with it.
    private let isInherited: Bool
    /// When the listening ends, in monotonic nanoseconds.
    private var leavesAt = UInt64.max
    private var isEmpty = false
    /// Given up for a moment when descriptors run out, so that the waiting client can be taken and closed instead of
    /// waking the poller for ever.
    private var reserve: Int32
    private var isClosed = false
    private var isExhausted = false
    /// Tries since the loop was last given up.
    private var tries = 0

    /// Clients taken in one turn of the loop: a crowd, or a flood, must not keep it from those who are being served.
    private static let triesPerTurn = 64
    /// Milliseconds to leave the queue alone when the system is out of memory, which trying again at once does not mend.
    private static let pause: Int64 = 10

    /// A client that has connected: the descriptor, non-blocking, is the caller's to close.
    package struct Accepted {
        package let descriptor: Int32
        package let peer: SocketAddress
    }

    package init(address: SocketAddress, loop: EventLoop, backlog: Int32 = 4096) throws(SystemError) {
        let descriptor = gh_stream_socket(address.family)
        guard descriptor >= 0 else { throw SystemError("socket") }
        let socket = try Socket(adopting: descriptor, loop: loop, isConnected: false)
        Socket.setOption(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
        guard Socket.setOption(descriptor, SOL_SOCKET, SO_REUSEPORT, 1) else { throw SystemError("SO_REUSEPORT", address.text) }
        if address.isIPv6 { Socket.setOption(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
        // Inherited by the accepted sockets, which saves a system call each.
        Socket.setOption(descriptor, Socket.IPPROTO_TCP_LEVEL, TCP_NODELAY, 1)
        guard unsafe address.withSystemAddress({ unsafe bind(descriptor, $0, $1) }) == 0 else {
            throw SystemError("bind", address.text)
        }
        guard listen(descriptor, backlog) == 0 else { throw SystemError("listen", address.text) }
        self.socket = socket
        self.address = SocketAddress(ofLocalEnd: descriptor) ?? address
        isInherited = false
        waiter = Waiter(loop: loop)
        socket.waiter = waiter
        reserve = Listener.openReserve()
    }

    /// Takes over `descriptor`, which listens already at `address`. Several workers, and processes, may hold descriptors of one
    /// such socket: all are woken, and the first takes the client.
    package init(inherited descriptor: Int32, address: SocketAddress, loop: EventLoop) throws(SystemError) {
        socket = try Socket(adopting: descriptor, loop: loop, isConnected: false)
        Socket.setOption(descriptor, Socket.IPPROTO_TCP_LEVEL, TCP_NODELAY, 1)
        self.address = address
        isInherited = true
        waiter = Waiter(loop: loop)
        socket.waiter = waiter
        reserve = Listener.openReserve()
    }

    deinit { if reserve >= 0 { Glibc.close(reserve) } }

    /// The next client; nil once the listener is closed.
    package func accept() async -> Accepted? {
        while !isClosed {
            let isLeaving = waiter.loop.now >= leavesAt
            guard socket.mayRead || isLeaving else {
                tries = 0
                _ = await waiter.wait(until: leavesAt)
                continue
            }
            tries += 1
            if tries > Listener.triesPerTurn {
                tries = 0
                await waiter.yield()
                continue
            }
            isEmpty = false
            if let accepted = acceptOne() { return accepted }
            if isExhausted {
                isExhausted = false
                _ = await waiter.wait(until: waiter.loop.now.adding(milliseconds: Listener.pause))
            } else if isLeaving && isEmpty {
                close()
            }
        }
        return nil
    }

    /// Stops listening in `milliseconds` without turning anybody away; `accept` then returns nil.
    ///
    /// A close resets the clients that wait in the kernel's queue, and those whose handshake is not over, although another
    /// process may listen at the same address (the kernel moves them only where net.ipv4.tcp_migrate_req is set). So the socket
    /// first takes no new handshakes: whose SYN it drops sends it again a second later, and then meets somebody else. Those
    /// under way may end meanwhile, and the queue is emptied before the close.
    package func leave(in milliseconds: Int64) {
        guard !isClosed, leavesAt == .max else { return }
        // Whoever holds the socket with us serves those who wait.
        if isInherited { return close() }
        // Where that fails, clients may be lost as they always were.
        _ = gh_drop_new_clients(socket.descriptor)
        leavesAt = waiter.loop.now.adding(milliseconds: milliseconds)
        waiter.wake()
    }

    /// Gives all new clients of the address to the `count` sockets that began to listen after the first `others` ones: those of
    /// another process, which is about to leave, get no more.
    /// - Returns: whether the kernel does so.
    package func prefer(_ count: Int, after others: Int) -> Bool {
        gh_prefer_listeners(socket.descriptor, UInt32(clamping: others), UInt32(clamping: count)) == 0
    }

    /// Stops listening at once; clients that the kernel had queued are refused. `accept` returns nil.
    package func close() {
        isClosed = true
        socket.close()
        waiter.wake()
    }

    private func acceptOne() -> Accepted? {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let descriptor = unsafe withUnsafeMutableBytes(of: &storage) { space in
            unsafe gh_accept(socket.descriptor, space.baseAddress, &size)
        }
        if descriptor >= 0 {
            guard let peer = unsafe withUnsafeBytes(of: &storage, { unsafe SocketAddress(system: $0.baseAddress!) }) else {
                Glibc.close(descriptor)
                return nil
            }
            return Accepted(descriptor: descriptor, peer: peer)
        }
        switch errno {
        case EAGAIN: markEmpty()
        case EMFILE, ENFILE: turnOneAway()
        case ENOBUFS, ENOMEM: isExhausted = true
        default: break  // accept(2): errors of the new connection (ECONNABORTED …) concern that client alone.
        }
        return nil
    }

    private func markEmpty() {
        isEmpty = true
        socket.markDrained()
    }

    private func turnOneAway() {
        guard reserve >= 0 else {
            reserve = Listener.openReserve()
            // Nothing to give up: leave the queue alone until its next client rings.
            if reserve < 0 { markEmpty() }
            return
        }
        Glibc.close(reserve)
        let descriptor = gh_accept(socket.descriptor, nil, nil)
        if descriptor >= 0 { Glibc.close(descriptor) }
        if descriptor < 0 && errno == EAGAIN { markEmpty() }
        reserve = Listener.openReserve()
    }

    private static func openReserve() -> Int32 { unsafe open("/dev/null", O_RDONLY | O_CLOEXEC) }
}
