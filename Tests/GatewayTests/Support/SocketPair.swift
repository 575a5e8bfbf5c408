import Loop
import Testing
import Wire

@testable import Gateway

/// A connection over loopback: one end on a loop, the other a blocking socket in the test's hands.
final class SocketPair {
    let socket: Socket
    let waiter: Waiter
    let transport: Transport
    let peer: BlockingSocket
    private let loop: EventLoop

    init(loop: EventLoop) throws {
        let listener = BlockingListener()
        peer = BlockingSocket(port: listener.port)
        let accepted = try #require(listener.accept())
        listener.close()
        accepted.makeNonBlocking()
        self.loop = loop
        socket = try Socket(adopting: accepted.descriptor, loop: loop)
        waiter = Waiter(loop: loop)
        socket.waiter = waiter
        transport = Transport(socket: socket, pool: BufferPool())
    }

    /// Waits until the poller has said that there is something to read.
    func readable() async {
        while !socket.mayRead { guard await waiter.wait(until: loop.now.adding(milliseconds: 5_000)) else { return } }
    }

    func exchange(configuration: GatewayConfiguration? = nil, peer address: String = "192.0.2.1:7") -> Exchange {
        Exchange(
            client: transport, waiter: waiter, context: WorkerContext(loop: loop, index: 0, seed: 0xabc),
            peer: SocketAddress(numeric: address) ?? SocketAddress.any, limits: configuration?.limits ?? ServerLimits(),
            timeouts: configuration?.timeouts ?? ServerTimeouts())
    }
}

extension SocketAddress {
    fileprivate static var any: SocketAddress { SocketAddress(octets: [0, 0, 0, 0], port: 0)! }
}
