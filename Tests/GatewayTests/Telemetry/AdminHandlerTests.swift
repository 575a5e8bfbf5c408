import Access
import Glibc
import Loop
import Secrets
import Synchronization
import Testing
import Wire

@testable import Gateway

/// How the stores of the tests answer.
private final class StoreMood: Sendable {
    enum Mood { case well, failing, silent }
    private let mood = Mutex(Mood.well)
    private let pings = Atomic<Int>(0)

    var asked: Int { pings.load(ordering: .relaxed) }
    func set(_ new: Mood) { mood.withLock { $0 = new } }

    func ping(_ loop: EventLoop) async throws(StoreError) {
        pings.add(1, ordering: .relaxed)
        switch mood.withLock({ $0 }) {
        case .well: return
        case .failing: throw .unavailable("redis://\"h\":6379 refuses")
        case .silent: _ = await Waiter(loop: loop).wait(until: loop.now.adding(milliseconds: 3_000))
        }
    }
}

private final class PingStore: SessionStore, UserStore {
    var cache: SessionCache? { nil }
    private let mood: StoreMood
    private let loop: EventLoop

    init(_ mood: StoreMood, _ loop: EventLoop) {
        self.mood = mood
        self.loop = loop
    }

    func ping() async throws(StoreError) { try await mood.ping(loop) }

    private var unused: StoreError { .corrupt("nothing else is asked") }
    func insert(_ session: SessionRecord, now: Int64) async throws(StoreError) { throw unused }
    func find(_ key: SessionKey, now: Int64) async throws(StoreError) -> SessionRecord? { throw unused }
    func touch(_ key: SessionKey, lastSeenAt: Int64) async throws(StoreError) { throw unused }
    func remove(_ key: SessionKey) async throws(StoreError) -> Bool { throw unused }
    func sessions(of user: UserID, now: Int64) async throws(StoreError) -> [SessionRecord] { throw unused }
    func removeAll(of user: UserID, except kept: SessionKey?) async throws(StoreError) -> Int { throw unused }
    func all(limit: Int, now: Int64) async throws(StoreError) -> [SessionRecord] { throw unused }
    func purge(now: Int64) async throws(StoreError) -> Int { throw unused }
    func find(username: String) async throws(StoreError) -> UserRecord? { throw unused }
    func find(id: UserID) async throws(StoreError) -> UserRecord? { throw unused }
    func all(limit: Int) async throws(StoreError) -> [UserRecord] { throw unused }
    func setPasswordHash(_ id: UserID, to hash: String, replacing old: String?, now: Int64) async throws(StoreError) -> Bool { throw unused }
}

/// Answers everything with 200 and records it, as the gateway would.
private final class RecordingHandler: Handler {
    private let telemetry: Telemetry
    private let configuration: GatewayConfiguration

    init(_ telemetry: Telemetry, _ configuration: GatewayConfiguration) {
        self.telemetry = telemetry
        self.configuration = configuration
    }

    func handle(_ exchange: Exchange) async {
        exchange.route = configuration.routes.match(
            host: exchange.head.bytes.array(exchange.head.host), path: exchange.head.bytes.array(exchange.head.path))
        if let identity = try? Identity(
            userID: UserID("101"), username: [], role: [], method: .token(jti: []), expiresAt: 0), exchange.route != nil
        {
            exchange.identity = identity
        }
        exchange.isSignIn = exchange.route == nil
        await exchange.answer(Answer(status: 200, body: Array("hello".utf8)))
    }

    func record(_ exchange: Exchange) { telemetry.record(exchange) }
    func tick() { telemetry.tick() }
}

private func configuration() throws -> GatewayConfiguration {
    GatewayConfiguration(
        publicURL: .init(isHTTPS: false, authority: Array("gate.test".utf8)),
        routes: RouteTable(routes: [try Route(index: 0, path: Array("/app/".utf8), upstream: "u")]), routeUpstreams: [0], upstreams: [],
        identityHeaders: [], sessionCookie: [], tokenCookie: [], login: .init(),
        sessionPolicy: SessionPolicy(lifetime: 1, idleTimeout: 1), tokens: nil, pseudonym: Array("x".utf8))
}

private func admin(_ mood: StoreMood, _ hub: TelemetryHub) throws -> Service {
    guard let address = SocketAddress(numeric: "127.0.0.1:0") else { throw SystemError("no address", code: 0) }
    return Service(address: address, isOnFirstWorkerOnly: true) { context in
        let store = PingStore(mood, context.loop)
        return AdminHandler(readiness: Readiness(context: context, sessions: store, users: store), hub: hub)
    }
}

private func hub(_ log: LineLog? = nil, workers: Int = 1) -> TelemetryHub {
    TelemetryHub(workers: workers, log: log, connections: ConnectionCount(), version: "1")
}

private func get(_ path: String, method: String = "GET") -> String {
    "\(method) \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
}

@Suite("AdminHandler")
struct AdminHandlerTests {
    @Test("The probes and the metrics answer, and nothing else does")
    func answers() async throws {
        let server = try Server(workers: 2)
        let address = try await server.listen(admin(StoreMood(), hub()))
        let live = telemetryAsk(address, get("/livez"))
        #expect(live.hasPrefix("HTTP/1.1 200 ") && live.hasSuffix("\r\n\r\nok\n"))
        let ready = telemetryAsk(address, get("/readyz"))
        #expect(ready.hasPrefix("HTTP/1.1 200 "))
        #expect(ready.hasSuffix("\r\n\r\n{\"ready\":true,\"server\":\"ok\",\"sessions\":\"ok\",\"users\":\"ok\"}\n"))
        let metrics = telemetryAsk(address, get("/metrics"))
        #expect(metrics.hasPrefix("HTTP/1.1 200 ") && metrics.contains("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"))
        #expect(metrics.contains("\ngatehouse_build_info{version=\"1\"} 1\n"))
        #expect(telemetryAsk(address, get("/livez", method: "HEAD")).hasSuffix("Connection: close\r\n\r\n"))
        for path in ["/", "/livez/", "/metrics/x", "/LIVEZ", "/profile"] {
            #expect(telemetryAsk(address, get(path)).hasPrefix("HTTP/1.1 404 "), "\(path)")
        }
        for path in ["/livez", "/readyz", "/metrics"] {
            let refused = telemetryAsk(address, get(path, method: "DELETE"))
            #expect(refused.hasPrefix("HTTP/1.1 405 ") && refused.contains("\r\nAllow: GET, HEAD\r\n"), "\(path)")
        }
        _ = await server.stop(drain: 100)
    }

    @Test("A store that fails or says nothing makes the server not ready, within its second; the other parts are told apart")
    func notReady() async throws {
        let mood = StoreMood()
        let server = try Server(workers: 1)
        let address = try await server.listen(admin(mood, hub()))
        mood.set(.failing)
        let failing = telemetryAsk(address, get("/readyz"))
        #expect(failing.hasPrefix("HTTP/1.1 503 ") && failing.contains("\r\nRetry-After: 1\r\n"))
        #expect(failing.contains(#""server":"ok","sessions":"unavailable: redis://\"h\":6379 refuses","users":"unavailable"#))

        mood.set(.silent)
        let asked = mood.asked
        for _ in 0..<2 {
            let start = Clock.monotonic()
            let silent = telemetryAsk(address, get("/readyz"))
            #expect(silent.hasPrefix("HTTP/1.1 503 ") && silent.contains("\"sessions\":\"no answer within 1000 ms\""))
            #expect(Clock.monotonic() - start < 2_000_000_000)
        }
        #expect(mood.asked == asked + 2, "a question that is under way is not asked again")

        mood.set(.well)
        sleep(2)
        #expect(telemetryAsk(address, get("/readyz")).hasPrefix("HTTP/1.1 200 "))
        _ = await server.stop(drain: 100)
    }

    @Test("An exchange is counted and has one line, and the lines are all there when the server has stopped")
    func recorded() async throws {
        let pipe = TestPipe(capacity: 1 << 20)
        let log = try LineLog(name: "the log", descriptor: pipe.writeEnd) { _ in }
        let hub = hub(log)
        let configuration = try configuration()
        let labels = hub.labels(of: configuration)
        let server = try Server(workers: 1)
        let address = try await server.listen(
            Service(address: try #require(SocketAddress(numeric: "127.0.0.1:0"))) {
                RecordingHandler(hub.makeTelemetry(worker: $0.index, labels: labels, format: .json), configuration)
            })
        _ = telemetryAsk(address, get("/app/a?secret=1"))
        _ = telemetryAsk(address, "BAD\r\n\r\n")
        _ = telemetryAsk(address, "POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc")
        _ = await server.stop(drain: 100)
        #expect(hub.close())
        pipe.closeWriteEnd()

        let lines = try pipe.read(1 << 20).split(separator: 0x0A).map { try JSON.parse(Array($0)) }
        try #require(lines.count == 3)
        #expect(lines.map { $0["status"] } == [.integer(200), .integer(400), .integer(200)])
        #expect(lines[0]["path"] == .string(Array("/app/a".utf8)) && lines[0]["route"] == .string(Array("/app/".utf8)))
        #expect(lines[0]["user_id"] == .string(Array("101".utf8)) && lines[0]["auth"] == .string(Array("token".utf8)))
        #expect(lines[0]["bytes_out"] == .integer(5))
        #expect(lines[1]["path"] == .null && lines[1]["method"] == .null)
        #expect(lines[2]["bytes_in"] == .integer(0) && lines[2]["path"] == .string(Array("/login".utf8)))

        let metrics = String(decoding: hub.metrics(), as: UTF8.self)
        for sample in [
            #"gatehouse_requests_total{route="/app/",code="200",method="read",outcome="answered"} 1"#,
            #"gatehouse_requests_total{route="-",code="400",method="other",outcome="refused"} 1"#,
            #"gatehouse_requests_total{route="-",code="200",method="write",outcome="answered"} 1"#,
            #"gatehouse_checks_total{kind="token",outcome="passed"} 1"#,
            #"gatehouse_sign_ins_total{outcome="accepted"} 1"#, #"gatehouse_request_duration_seconds_count{route="/app/"} 1"#,
        ] { #expect(metrics.contains("\n\(sample)\n"), "\(sample)") }
    }
}
