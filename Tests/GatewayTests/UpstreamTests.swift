import Glibc
import Loop
import Synchronization
import Testing
import Wire

@testable import Gateway

@Suite("UpstreamGroup and UpstreamServer")
struct UpstreamTests {
    /// A group of one worker's, with what a lease needs.
    private final class Bench {
        let group: UpstreamGroup
        let exchange: Exchange
        private let pair: SocketPair
        private let lookups: BlockingPool

        init(
            _ loop: EventLoop, ports: [UInt16], host: String = "127.0.0.1", maxConnections: Int = 8, headTimeout: Int64 = 60_000
        ) throws {
            var configuration = try plainConfiguration(ports: ports, host: host).upstreams[0]
            configuration.headTimeout = headTimeout
            configuration.maxConnections = maxConnections
            configuration.connectTimeout = 5_000
            lookups = try BlockingPool(name: "lookups", threads: 1, queue: 4)
            pair = try SocketPair(loop: loop)
            exchange = pair.exchange()
            group = UpstreamGroup(configuration: configuration, context: exchange.context, lookups: lookups, limits: exchange.limits.head)
        }

        deinit { lookups.close() }

        func release(_ connection: UpstreamConnection, isReusable: Bool) {
            connection.server.release(connection, isReusable: isReusable, at: exchange.loop.now)
        }

        func lease(fresh: Bool = false) async throws -> UpstreamConnection { try await group.lease(exchange, fresh: fresh) }

        func port(of connection: UpstreamConnection) -> UInt16 { connection.server.configuration.port }
    }

    @Test("A connection given back is used again, the latest first; a fresh one is made where that is asked for")
    func reuse() async throws {
        try await onLoop { loop in
            let listener = BlockingListener()
            defer { listener.close() }
            let bench = try Bench(loop, ports: [listener.port])
            let (a, b) = (try await bench.lease(), try await bench.lease())
            #expect(a !== b && !a.isReused)
            bench.release(a, isReusable: true)
            bench.release(b, isReusable: true)
            let again = try await bench.lease()
            #expect(again === b && again.isReused)
            let fresh = try await bench.lease(fresh: true)
            #expect(fresh !== a && !fresh.isReused)
            bench.release(fresh, isReusable: false)
            #expect(!fresh.transport.socket.isOpen)
            #expect(a.server.connections == 2)
        }
    }

    @Test("rule 56: a deadline that has passed ends a relay, whatever has woken it")
    func deadline() async throws {
        let isEnded = try await onLoop { loop in
            let listener = BlockingListener()
            defer { listener.close() }
            let bench = try Bench(loop, ports: [listener.port], headTimeout: 30)
            let exchange = bench.exchange
            try exchange.parse("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            let connection = try await bench.lease()
            connection.serve(exchange.waiter)
            let headers = HeaderPolicy(configuration: try plainConfiguration())
            var relay = Relay(exchange, of: bench.group, maxBody: .max)
            guard case .waits(let deadline) = relay.advance(exchange, connection, headers) else { return false }
            // Nothing has moved, and no timer has fired for this waiter: it has not waited.
            while loop.now < deadline {
                usleep(5_000)
                await exchange.waiter.yield()
            }
            guard case .ended(.failed(.upstreamTooSlow)) = relay.advance(exchange, connection, headers) else { return false }
            return true
        }
        #expect(isEnded)
    }

    @Test(
        "An idle connection that has ended, or that says something unasked, is not leased again",
        arguments: ["", "HTTP/1.1 408 Request Timeout\r\n\r\n"])
    func quiet(_ unasked: String) async throws {
        try await onLoop { loop in
            let listener = BlockingListener()
            defer { listener.close() }
            let bench = try Bench(loop, ports: [listener.port])
            let first = try await bench.lease()
            let accepted = try #require(listener.accept())
            bench.release(first, isReusable: true)
            if unasked.isEmpty { accepted.close() } else { accepted.send(unasked) }
            while !first.transport.socket.mayRead { await bench.exchange.waiter.yield() }
            let second = try await bench.lease()
            #expect(second !== first)
            #expect(!first.transport.socket.isOpen)
            #expect(second.server.connections == 1)
        }
    }

    @Test("What is idle gives its memory back; what is idle for too long, or closed by its server, is swept away")
    func sweep() async throws {
        try await onLoop { loop in
            let listener = BlockingListener()
            defer { listener.close() }
            let bench = try Bench(loop, ports: [listener.port])
            let connection = try await bench.lease()
            bench.release(connection, isReusable: true)
            connection.transport.output.reserve(1)
            connection.server.sweep(olderThan: connection.idleSince, restingSince: connection.idleSince)
            #expect(connection.transport.socket.isOpen)
            #expect(connection.transport.output.capacity > 0)
            connection.server.sweep(olderThan: connection.idleSince, restingSince: connection.idleSince + 1)
            #expect(connection.transport.socket.isOpen)
            #expect(connection.transport.output.capacity == 0)
            connection.server.sweep(olderThan: connection.idleSince + 1, restingSince: 0)
            #expect(!connection.transport.socket.isOpen)
            #expect(connection.server.connections == 0)
        }
    }

    @Test("No more connections than allowed: the next is refused at once with 503 and Retry-After, until one comes back")
    func full() async throws {
        try await onLoop { loop in
            let listener = BlockingListener()
            defer { listener.close() }
            let bench = try Bench(loop, ports: [listener.port], maxConnections: 2)
            let (a, b) = (try await bench.lease(), try await bench.lease())
            var problem: Problem?
            do throws(UpstreamFailure) { _ = try await bench.group.lease(bench.exchange, fresh: false) } catch { problem = error.problem }
            #expect(problem?.status == 503 && problem?.retryAfter == 1)
            bench.release(a, isReusable: false)
            _ = try await bench.lease()
            _ = b
        }
    }

    @Test("One address sends no more than an eighth of the connections content that is still arriving")
    func uploads() async throws {
        try await onLoop { loop in
            let group = try Bench(loop, ports: [1], maxConnections: 160).group
            let (a, b) = (IPAddress(v4: 0xC000_0201), IPAddress(v4: 0xC000_0202))
            #expect((0..<20).allSatisfy { _ in group.beginUpload(from: a) })
            #expect(!group.beginUpload(from: a))
            #expect(group.beginUpload(from: b))
            group.endUpload(from: a)
            #expect(group.beginUpload(from: a))
            #expect(!group.beginUpload(from: a))
        }
    }

    @Test("A server that refuses is passed over at once, and then rests while another is there")
    func rest() async throws {
        try await onLoop { loop in
            let (dead, alive) = (BlockingListener(), BlockingListener())
            dead.close()
            defer { alive.close() }
            let bench = try Bench(loop, ports: [dead.port, alive.port])
            for _ in 0..<4 { #expect(bench.port(of: try await bench.lease()) == alive.port) }
        }
    }

    @Test("With nobody to connect to, the answer is 502, and the next request tries again")
    func refused() async throws {
        try await onLoop { loop in
            let listener = BlockingListener()
            listener.close()
            let bench = try Bench(loop, ports: [listener.port])
            for _ in 0..<2 {
                var status = 0
                do throws(UpstreamFailure) { _ = try await bench.group.lease(bench.exchange, fresh: false) } catch {
                    status = error.problem.status
                }
                #expect(status == 502)
            }
        }
    }

    @Test("A name with several addresses is good as long as one of them answers")
    func severalAddresses() async throws {
        try await onLoop { loop in
            let listener = BlockingListener()
            defer { listener.close() }
            let pool = try BlockingPool(name: "lookups", threads: 1, queue: 4)
            defer { pool.close() }
            let server = UpstreamServer(
                configuration: .init(host: "several.invalid", port: listener.port), loop: loop, lookups: pool)
            let group = try plainConfiguration().upstreams[0]
            let good = try #require(SocketAddress(numeric: "127.0.0.1:\(listener.port)"))
            // Nobody listens at these: what a machine without IPv6 behind a name with AAAA looks like.
            let bad = try ["[::1]:\(listener.port)", "127.0.0.9:\(listener.port)"].map { try #require(SocketAddress(numeric: $0)) }
            for addresses in [[good] + bad, bad + [good], [bad[0], good, bad[1]]] {
                for _ in 0..<4 {
                    server.know(addresses)
                    let connection = try await server.connect(
                        group, WorkerContext(loop: loop, index: 0, seed: 1), waiter: Waiter(loop: loop), limits: ServerLimits().head)
                    server.discard(connection)
                }
            }
            #expect(server.connections == 0)
        }
    }

    /// Keeps a pool's thread until it is opened.
    private final class Gate: Sendable {
        private let isEntered = Atomic(false)
        private let isOpen = Atomic(false)

        func open() { isOpen.store(true, ordering: .relaxed) }
        func hold() {
            isEntered.store(true, ordering: .relaxed)
            while !isOpen.load(ordering: .relaxed) { usleep(1_000) }
        }
        var holds: Bool { isEntered.load(ordering: .relaxed) }
    }

    @Test("rule 56: a name that is not looked up in time holds nobody longer, and is asked for once for all")
    func hangingLookups() async throws {
        try await onLoop { loop in
            let pool = try BlockingPool(name: "lookups", threads: 1, queue: 4)
            defer { pool.close() }
            let gate = Gate()
            defer { gate.open() }
            let held = Task(executorPreference: loop) { _ = try? await pool.run { gate.hold() } }
            let waiter = Waiter(loop: loop)
            while !gate.holds { _ = await waiter.wait(until: loop.now.adding(milliseconds: 1)) }

            let addresses = UpstreamAddresses(host: "127.0.0.1.invalid", port: 80, loop: loop, lookups: pool)
            for _ in 0..<3 { #expect(try await addresses.addresses(waiter, until: loop.now.adding(milliseconds: 20)) == nil) }
            #expect(pool.depth == 1)
            // What is known is good while nothing better is, at once when nothing speaks against it.
            let known = [try #require(SocketAddress(numeric: "127.0.0.1:80"))]
            addresses.know(known)
            #expect(try await addresses.addresses(waiter, until: loop.now) == known)
            addresses.doubt()
            #expect(try await addresses.addresses(waiter, until: loop.now.adding(milliseconds: 20)) == known)
            #expect(pool.depth == 1)
            gate.open()
            await held.value
            #expect(try await addresses.addresses(waiter, until: loop.now.adding(milliseconds: 60_000)) == known)
        }
    }
}
