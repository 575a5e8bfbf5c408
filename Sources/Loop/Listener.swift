import CShims
import Glibc

/// A listening socket of one worker. Workers share a port by SO_REUSEPORT (socket(7)): the kernel spreads the clients.
@safe
package final class Listener {
    /// The address in force: where port 0 was asked for, the port that the kernel chose.
    package let address: SocketAddress
    private let socket: Socket
    private let waiter: Waiter
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
        self.address = Listener.localAddress(descriptor) ?? address
        waiter = Waiter(loop: loop)
        socket.waiter = waiter
        reserve = Listener.openReserve()
    }

    deinit { if reserve >= 0 { Glibc.close(reserve) } }

    /// The next client; nil once the listener is closed.
    package func accept() async -> Accepted? {
        while !isClosed {
            guard socket.mayRead else {
                tries = 0
                _ = await waiter.wait()
                continue
            }
            tries += 1
            if tries > Listener.triesPerTurn {
                tries = 0
                await waiter.yield()
                continue
            }
            if let accepted = acceptOne() { return accepted }
            if isExhausted {
                isExhausted = false
                _ = await waiter.wait(until: waiter.loop.now.adding(milliseconds: Listener.pause))
            }
        }
        return nil
    }

    /// Stops listening; clients that the kernel had queued are refused. `accept` returns nil.
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
        case EAGAIN: socket.markDrained()
        case EMFILE, ENFILE: turnOneAway()
        case ENOBUFS, ENOMEM: isExhausted = true
        default: break  // accept(2): errors of the new connection (ECONNABORTED …) concern that client alone.
        }
        return nil
    }

    private func turnOneAway() {
        guard reserve >= 0 else {
            reserve = Listener.openReserve()
            // Nothing to give up: leave the queue alone until its next client rings.
            if reserve < 0 { socket.markDrained() }
            return
        }
        Glibc.close(reserve)
        let descriptor = gh_accept(socket.descriptor, nil, nil)
        if descriptor >= 0 { Glibc.close(descriptor) }
        if descriptor < 0 && errno == EAGAIN { socket.markDrained() }
        reserve = Listener.openReserve()
    }

    private static func openReserve() -> Int32 { unsafe open("/dev/null", O_RDONLY | O_CLOEXEC) }

    private static func localAddress(_ descriptor: Int32) -> SocketAddress? {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return unsafe withUnsafeMutableBytes(of: &storage) { space in
            guard let base = space.baseAddress else { return nil }
            guard unsafe getsockname(descriptor, base.assumingMemoryBound(to: sockaddr.self), &size) == 0 else { return nil }
            return unsafe SocketAddress(system: base)
        }
    }
}
