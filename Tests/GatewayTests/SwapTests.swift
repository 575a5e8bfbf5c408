import Glibc
import Loop
import Synchronization
import Testing
import Wire

@testable import Gateway

/// A service takes another's place while exchanges are under way.
@Suite("Server.serve: one service after another")
struct SwapTests {
    /// What the handlers of one name have done.
    private final class Diary: Sendable {
        struct Page {
            var begun = 0
            var ticks = 0
            var recorded = 0
            var ended = 0
            /// Ticks and records after the end.
            var late = 0
        }

        private let pages = Mutex<[String: Page]>([:])
        private let released = Mutex(false)

        func note(_ name: String, _ change: (inout Page) -> Void) { pages.withLock { change(&$0[name, default: Page()]) } }
        func page(_ name: String) -> Page { pages.withLock { $0[name] ?? Page() } }
        var isReleased: Bool { released.withLock { $0 } }
        func release() { released.withLock { $0 = true } }

        /// False: not within ten seconds.
        func waits(for name: String, _ check: (Page) -> Bool) async throws -> Bool {
            for _ in 0..<2_000 {
                if check(page(name)) { return true }
                try await Task.sleep(for: .milliseconds(5))
            }
            return false
        }
    }

    /// Answers with its name; `/hold` only when the diary says so.
    private final class NamedHandler: Handler {
        private let name: String
        private let diary: Diary
        private let loop: EventLoop
        private var isOver = false

        init(_ name: String, _ diary: Diary, _ loop: EventLoop) {
            self.name = name
            self.diary = diary
            self.loop = loop
        }

        func handle(_ exchange: Exchange) async {
            diary.note(name) { $0.begun += 1 }
            let head = exchange.head
            if head.bytes.array(head.path) == Array("/hold".utf8) {
                while !diary.isReleased { _ = await exchange.waiter.wait(until: loop.now.adding(milliseconds: 5)) }
            }
            await exchange.answer(Answer(status: 200, contentType: "text/plain", body: Array("<\(name)>".utf8)))
        }

        func record(_ exchange: Exchange) { diary.note(name) { if isOver { $0.late += 1 } else { $0.recorded += 1 } } }
        func tick() { diary.note(name) { if isOver { $0.late += 1 } else { $0.ticks += 1 } } }
        func end() {
            isOver = true
            diary.note(name) { $0.ended += 1 }
        }
    }

    private func service(_ name: String, at address: SocketAddress, _ diary: Diary) -> Service {
        Service(addresses: [address]) { context, _ in NamedHandler(name, diary, context.loop) }
    }

    private func ask(_ client: BlockingSocket, _ path: String) async throws -> String {
        try await onThread {
            client.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
            return client.read(until: ">")
        }
    }

    @Test("An exchange ends under the duty that it began with, the next takes the new one; the old one works until then and no longer")
    func swap() async throws {
        let diary = Diary()
        let server = try Server(workers: 1)
        let address = try #require(SocketAddress(numeric: "127.0.0.1:0"))
        let port = try await server.listen(service("old", at: address, diary)).port
        let (held, other) = (BlockingSocket(port: port), BlockingSocket(port: port))
        defer {
            held.close()
            other.close()
        }
        #expect(try await ask(other, "/").hasSuffix("<old>"))
        async let first = ask(held, "/hold")
        #expect(try await diary.waits(for: "old") { $0.begun == 2 })

        try await server.serve([service("new", at: address, diary)])
        #expect(try await ask(other, "/").hasSuffix("<new>"))
        // Several ticks of both: what the old one still has to do from time to time is done.
        let ticks = diary.page("old").ticks
        #expect(try await diary.waits(for: "old") { $0.ticks > ticks + 1 })
        #expect(diary.page("old").ended == 0)

        diary.release()
        #expect(try await first.hasSuffix("<old>"))
        #expect(try await ask(held, "/hold").hasSuffix("<new>"))
        #expect(try await diary.waits(for: "old") { $0.ended == 1 })
        let later = diary.page("new").ticks
        #expect(try await diary.waits(for: "new") { $0.ticks > later + 1 })
        let (old, new) = (diary.page("old"), diary.page("new"))
        #expect((old.begun, old.recorded, old.ended, old.late) == (2, 2, 1, 0))
        #expect((new.begun, new.ended, new.late) == (2, 0, 0))
        _ = await server.stop(drain: 0)
    }

    @Test("A service that cannot have an address of its own changes nothing, and its handler is ended")
    func refused() async throws {
        let diary = Diary()
        let server = try Server(workers: 2)
        let address = try #require(SocketAddress(numeric: "127.0.0.1:0"))
        let port = try await server.listen(service("old", at: address, diary)).port
        let taken = BlockingListener()
        defer { taken.close() }
        let wanted = try #require(SocketAddress(numeric: "127.0.0.1:\(taken.port)"))
        await #expect(throws: SystemError.self) { try await server.serve([service("new", at: wanted, diary)]) }
        let client = BlockingSocket(port: port)
        defer { client.close() }
        #expect(try await ask(client, "/").hasSuffix("<old>"))
        #expect((diary.page("new").ticks, diary.page("new").ended, diary.page("old").ended) == (0, 1, 0))
        _ = await server.stop(drain: 0)
    }

    // MARK: Upstreams

    @Test("Connections to an upstream that stays are carried over; those of a server that is gone are closed with the last exchange")
    func upstreams() async throws {
        try await onLoop { loop in
            let (one, two) = (BlockingListener(), BlockingListener())
            defer {
                one.close()
                two.close()
            }
            let pools = try Pools()
            let pair = try SocketPair(loop: loop)
            let exchange = pair.exchange()
            func handler(_ port: UInt16, after previous: GatewayHandler?) throws -> GatewayHandler {
                try pools.handler(plainConfiguration(ports: [port]), exchange.context, after: previous)
            }
            let first = try handler(one.port, after: nil)
            let connection = try await first.upstreams[0].lease(exchange, fresh: false)
            connection.server.release(connection, isReusable: true, at: loop.now)

            let second = try handler(one.port, after: first)
            first.end()
            #expect(second.upstreams[0] === first.upstreams[0])
            let again = try await second.upstreams[0].lease(exchange, fresh: false)
            #expect(again === connection && again.isReused)
            again.server.release(again, isReusable: true, at: loop.now)

            let third = try handler(two.port, after: second)
            #expect(third.upstreams[0] !== second.upstreams[0])
            #expect(connection.transport.socket.isOpen)
            second.end()
            #expect(!connection.transport.socket.isOpen)
        }
    }

    private final class Pools {
        private let lookups: BlockingPool
        private let hashing: BlockingPool
        private let hub = TelemetryHub(workers: 1, log: nil, connections: ConnectionCount(), version: "test")

        init() throws {
            lookups = try BlockingPool(name: "lookups", threads: 1, queue: 4)
            hashing = try BlockingPool(name: "hashing", threads: 1, queue: 4)
        }

        deinit {
            lookups.close()
            hashing.close()
        }

        func handler(
            _ configuration: GatewayConfiguration, _ context: WorkerContext, after previous: GatewayHandler?
        ) -> GatewayHandler {
            let stores = GatewayStores(
                sessions: EmptySessions(), users: EmptyUsers(), throttle: EmptyThrottle(), hashing: hashing, lookups: lookups)
            return GatewayHandler(
                configuration: configuration, stores: stores, context: context,
                telemetry: hub.makeTelemetry(worker: context.index, labels: hub.labels(of: configuration), format: nil), after: previous)
        }
    }
}
