import Access
import Loop
import Secrets
import Testing
import Wire

@testable import Gateway

/// What a test may set otherwise than `plainConfiguration` does.
struct Tuning {
    var trustedProxies: [CIDR] = []
    var limits = ServerLimits()
    var timeouts = ServerTimeouts()

    init() {
        timeouts.body = 60_000
        timeouts.write = 60_000
        timeouts.head = 60_000
    }
}

/// Settings for one public upstream at the given ports, with the tree `/` open and `/private/` for who is signed in by a token.
func plainConfiguration(
    ports: [UInt16] = [1], host: String = "127.0.0.1", _ tune: (inout Tuning) -> Void = { _ in }
) throws -> GatewayConfiguration {
    var tuning = Tuning()
    tune(&tuning)
    let routes = [
        try Route(index: 0, path: Array("/private/".utf8), upstream: "u"),
        try Route(index: 1, path: Array("/".utf8), upstream: "u", access: .public),
    ]
    let servers = ports.map { GatewayConfiguration.UpstreamServer(host: host, port: $0) }
    let key = try TokenKey(secret: HMACSHA256Key(secret: Array("0123456789abcdef0123456789abcdef".utf8)))
    var upstream = GatewayConfiguration.Upstream(name: "u", servers: servers)
    upstream.headTimeout = 60_000
    upstream.bodyTimeout = 60_000
    return GatewayConfiguration(
        publicURL: .init(isHTTPS: false, authority: Array("gate.example".utf8)), routes: RouteTable(routes: routes),
        routeUpstreams: [0, 0], upstreams: [upstream],
        identityHeaders: [
            .init(name: Array("X-User-Id".utf8), attribute: .id), .init(name: Array("X-User-Name".utf8), attribute: .username),
            .init(name: Array("X-User-Role".utf8), attribute: .role),
        ],
        sessionCookie: Array("session_id".utf8), tokenCookie: Array("token".utf8), login: .init(),
        sessionPolicy: SessionPolicy(lifetime: 60_000, idleTimeout: 0),
        tokens: TokenAuthority(keys: try TokenKeys([key]), lifetime: 900_000), pseudonym: Array("gatehouse-0123".utf8),
        trustedProxies: tuning.trustedProxies, limits: tuning.limits, timeouts: tuning.timeouts)
}

/// A whole gateway on one worker and a port of its own, for the time of `body`, which may block.
func withGateway<T: Sendable>(
    to upstream: ScriptedUpstream?, _ tune: (inout Tuning) -> Void = { _ in },
    _ body: @Sendable @escaping (UInt16) throws -> T
) async throws -> T {
    try await withServer(to: upstream, tune) { _, port in try await onThread { try body(port) } }
}

/// The same for a body that needs the server, and must not block.
func withServer<T: Sendable>(
    to upstream: ScriptedUpstream?, _ tune: (inout Tuning) -> Void = { _ in },
    _ body: (Server, UInt16) async throws -> T
) async throws -> T {
    try await withServer(plainConfiguration(ports: [upstream?.port ?? 1], tune), body)
}

private func withServer<T: Sendable>(
    _ configuration: GatewayConfiguration, _ body: (Server, UInt16) async throws -> T
) async throws -> T {
    let lookups = try BlockingPool(name: "lookups", threads: 1, queue: 64)
    let hashing = try BlockingPool(name: "hashing", threads: 1, queue: 64)
    defer {
        lookups.close()
        hashing.close()
    }
    let connections = ConnectionCount()
    let hub = TelemetryHub(workers: 1, log: nil, connections: connections, version: "test")
    let labels = hub.labels(of: configuration)
    let server = try Server(workers: 1)
    let address = try #require(SocketAddress(numeric: "127.0.0.1:0"))
    let service = Service(
        address: address, limits: configuration.limits, timeouts: configuration.timeouts, connections: connections
    ) { context in
        let stores = GatewayStores(
            sessions: EmptySessions(), users: EmptyUsers(), throttle: EmptyThrottle(), hashing: hashing, lookups: lookups)
        return GatewayHandler(
            configuration: configuration, stores: stores, context: context,
            telemetry: hub.makeTelemetry(worker: context.index, labels: labels, format: nil))
    }
    let port = try await server.listen(service).port
    let result: Result<T, any Error>
    do { result = .success(try await body(server, port)) } catch { result = .failure(error) }
    _ = await server.stop(drain: 0)
    return try result.get()
}

/// An actor on a loop of its own, as a worker is.
actor LoopWorker {
    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

    init(loop: EventLoop) { self.loop = loop }

    func run<T: Sendable>(_ body: (EventLoop) async throws -> T) async rethrows -> T { try await body(loop) }
}

/// Runs `body` on a worker of its own and stops the loop afterwards.
func onLoop<T: Sendable>(_ body: @Sendable @escaping (EventLoop) async throws -> T) async throws -> T {
    let loop = try EventLoop(name: "test")
    let thread = try loop.start()
    let worker = LoopWorker(loop: loop)
    let result = await Task(executorPreference: loop) { try await worker.run(body) }.result
    loop.stop()
    thread.join()
    return try result.get()
}
