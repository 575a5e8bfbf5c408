import Loop
import Synchronization
import Testing
import Wire

@testable import Gateway

/// No client may have the worker for itself (as hyper bounds a connection's turns).
@Suite("Fairness")
struct FairnessTests {
    @Test("A pump between two fast sides stops after a share, and says that it could go on")
    func pump() async throws {
        let (moved, isPaused) = try await onLoop { loop in
            let source = try SocketPair(loop: loop)
            let sink = try SocketPair(loop: loop)
            let reader = try Loop.Thread.start(name: "reader") { [peer = sink.peer] in _ = peer.readToEnd() }
            let writer = try Loop.Thread.start(name: "writer") { [peer = source.peer] in
                let octets = [UInt8](repeating: 0x78, count: 1 << 20)
                for _ in 0..<64 where !peer.send(octets) { break }
            }
            await source.readable()
            let headers = HeaderPolicy(configuration: try plainConfiguration())
            var pump = BodyPump(BodyDecoder(.length(64 << 20)), framing: .plain)
            var largest: UInt64 = 0
            var hasPaused = false
            while !pump.isDone {
                let before = pump.moved
                try pump.step(from: source.transport, to: sink.transport, headers)
                largest = max(largest, pump.moved - before)
                if pump.isPaused { hasPaused = true; continue }
                if pump.isDone { break }
                _ = await (pump.blockedOn == .source ? source : sink).waiter.wait(until: loop.now.adding(milliseconds: 5_000))
            }
            sink.socket.shutdownSending()
            writer.join()
            reader.join()
            return (largest, hasPaused)
        }
        #expect(moved <= 2 << 20)
        #expect(isPaused)
    }

    /// Answers at once, notes the order, and holds the worker at `/hold`.
    private final class Noting: Handler {
        let order: Order
        init(_ order: Order) { self.order = order }

        func handle(_ exchange: Exchange) async {
            let path = String(decoding: exchange.head.bytes.array(exchange.head.path), as: UTF8.self)
            if path == "/hold" { order.hold() }
            order.paths.withLock { $0.append(path) }
            await exchange.answer(Answer(status: 204))
        }
        func record(_ exchange: Exchange) {}
        func tick() {}
    }

    private final class Order: Sendable {
        let paths = Mutex<[String]>([])
        let isHeld = Signal()
        let mayGoOn = Signal()

        func hold() {
            isHeld.raise()
            mayGoOn.wait()
        }
    }

    @Test("A client that pipelines a thousand requests lets others in between")
    func pipelining() async throws {
        let order = Order()
        let server = try Server(workers: 1)
        let address = try #require(SocketAddress(numeric: "127.0.0.1:0"))
        let port = try await server.listen(Service(address: address) { _ in Noting(order) }).port
        try await onThread { Self.talk(port, order) }
        _ = await server.stop(drain: 0)
        let paths = order.paths.withLock { $0 }
        #expect(paths.count == 503)
        #expect(try #require(paths.firstIndex(of: "/m")) < 50)
    }

    private static func talk(_ port: UInt16, _ order: Order) {
        let greedy = BlockingSocket(port: port)
        let modest = BlockingSocket(port: port)
        modest.send("GET /first HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = modest.readHead()
        greedy.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n")
        order.isHeld.wait()
        greedy.send(String(repeating: "GET /g HTTP/1.1\r\nHost:a\r\n\r\n", count: 500))
        modest.send("GET /m HTTP/1.1\r\nHost: a\r\n\r\n")
        order.mayGoOn.raise()
        for _ in 0..<501 { _ = greedy.readHead() }
        _ = modest.readHead()
        greedy.close()
        modest.close()
    }
}
