import Access
import Loop
import Secrets
import Stores
import Testing

/// The session stores that the contract is held against.
enum StoreKind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case memory, sqlite, postgresql, redis, rediss, sentinel, cluster

    var testDescription: String { rawValue }
    /// Its values go by the server's own clock, and no purge counts them.
    var expiresByItself: Bool {
        switch self {
        case .memory, .sqlite, .postgresql: false
        case .redis, .rediss, .sentinel, .cluster: true
        }
    }
}

/// One worker, and one store of one kind with whatever serves it.
final class StoreFixture: Sendable {
    let worker: TestWorker
    private let source: SessionSource
    private let folder: TemporaryFolder
    /// What serves the store, and ends with the fixture.
    private let servers: [RedisServer]
    private let cluster: RedisClusterServers.Lease?

    init(_ kind: StoreKind) throws {
        worker = try TestWorker()
        folder = try TemporaryFolder()
        var servers: [RedisServer] = []
        var cluster: RedisClusterServers.Lease?
        switch kind {
        case .memory:
            source = .memory(MemorySessions())
        case .sqlite:
            source = .sqlite(try SQLiteDatabase(path: folder.file("contract.db")))
        case .postgresql:
            var timeouts = PostgreSQLTimeouts()
            // As for Redis.
            timeouts.connect = 10_000
            timeouts.statement = 10_000
            let location = try PostgreSQLServer.shared.get().makeDatabase()
            source = .postgresql(try PostgreSQLDatabase(location, connections: 4, timeouts: timeouts))
        case .redis:
            servers = [try RedisServer()]
            source = .redis(.server(RedisLocation(host: "127.0.0.1", port: servers[0].port)), .patient)
        case .rediss:
            let certificates = try Certificates.shared.get()
            let port = try TCP.freePort()
            servers = [try RedisServer(certificates.serverOptions(port: port))]
            let login = RedisLogin(tls: try TLSContext(client: certificates.client))
            source = .redis(.server(RedisLocation(RedisEndpoint(host: "127.0.0.1", port: port), login)), .patient)
        case .sentinel:
            let master = try RedisServer()
            let sentinel = try RedisServer(sentinel: ["sentinel monitor mymaster 127.0.0.1 \(master.port) 1"])
            servers = [master, sentinel]
            let sentinels = RedisSentinels(
                endpoints: [RedisEndpoint(host: "127.0.0.1", port: sentinel.port)], login: RedisLogin(), service: "mymaster",
                masterLogin: RedisLogin())
            source = .redis(.sentinel(sentinels), .patient)
        case .cluster:
            let lease = try RedisClusterServers.lease()
            cluster = lease
            // Of the three one is named; it names the others.
            source = .redis(.cluster([lease.endpoints[0]], RedisLogin()), .patient)
        }
        self.servers = servers
        self.cluster = cluster
    }

    func run<T: Sendable>(
        _ body: @escaping @Sendable (any SessionStore, isolated TestWorker) async throws -> T
    ) async throws -> T {
        let source = source
        return try await worker.run { worker in
            let store = source.makeStore(loop: worker.loop, pool: worker.pool)
            worker.store = store
            return try await body(store, worker)
        }
    }
}

extension RedisTimeouts {
    /// A busy machine may stop a test for longer than a user should wait.
    static var patient: RedisTimeouts {
        var timeouts = RedisTimeouts()
        timeouts.command = 5_000
        timeouts.connect = 5_000
        timeouts.list = 10_000
        return timeouts
    }
}

extension SessionRecord {
    /// A moment that the real clock has reached: Redis counts its expiry times by its own clock.
    static let start = Clock.wall()
    static let hour: Int64 = 3_600_000

    /// A session that begins at `start`, with an id of its own.
    static func sample(
        user: String = "101", username: String = "alice", role: String = "user", createdAt: Int64 = start,
        lifetime: Int64 = 12 * hour, idleTimeout: Int64 = hour / 2
    ) throws -> SessionRecord {
        SessionRecord(
            key: try SessionID.random().key, userID: try UserID(user), username: Array(username.utf8),
            role: Array(role.utf8), createdAt: createdAt, lastSeenAt: createdAt, expiresAt: createdAt + lifetime,
            idleTimeout: idleTimeout)
    }
}
