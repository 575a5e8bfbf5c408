import Access
import Loop
import Secrets
import Stores
import Testing

/// The session stores that the contract is held against.
enum StoreKind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case memory, sqlite

    var testDescription: String { rawValue }
}

/// One worker, and one store of one kind with whatever serves it.
final class StoreFixture: Sendable {
    let worker: TestWorker
    private let source: SessionSource
    private let folder: TemporaryFolder

    init(_ kind: StoreKind) throws {
        worker = try TestWorker()
        folder = try TemporaryFolder()
        switch kind {
        case .memory:
            source = .memory(MemorySessions())
        case .sqlite:
            source = .sqlite(try SQLiteDatabase(path: folder.file("contract.db")))
        }
    }

    func run<T: Sendable>(
        _ body: @escaping @Sendable (any SessionStore, isolated TestWorker) async throws -> T
    ) async throws -> T {
        let source = source
        return try await worker.run { worker in
            try await body(source.makeStore(loop: worker.loop, pool: worker.pool), worker)
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

extension StoreKind {
    var expiresByItself: Bool { false }
}
