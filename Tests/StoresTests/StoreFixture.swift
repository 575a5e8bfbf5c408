import Access
import Loop
import Secrets
import Stores
import Testing

/// The session stores that the contract is held against.
enum StoreKind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case memory, sqlite, postgresql, redis

    var testDescription: String { rawValue }
    /// Its values go by the server's own clock, and no purge counts them.
    var expiresByItself: Bool { self == .redis }
}

/// One worker, and one store of one kind with whatever serves it.
final class StoreFixture: Sendable {
    let worker: TestWorker
    private let source: SessionSource
    private let folder: TemporaryFolder
    /// For the kinds that have one.
    let server: RedisServer?

    init(_ kind: StoreKind) throws {
        worker = try TestWorker()
        folder = try TemporaryFolder()
        server = kind == .redis ? try RedisServer() : nil
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
            // A busy machine may stop a test for longer than a user should wait.
            var timeouts = RedisTimeouts()
            timeouts.command = 5_000
            timeouts.connect = 5_000
            timeouts.list = 10_000
            source = .redis(RedisLocation(host: "127.0.0.1", port: server?.port ?? 0), timeouts)
        }
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
