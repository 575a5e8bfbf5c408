import Access
import GRDB
import Loop
import Stores
import Testing

/// The databases that users are kept in.
enum DatabaseKind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case sqlite, postgresql

    var testDescription: String { rawValue }
}

/// One worker, and a database with our own tables.
final class UsersFixture: Sendable {
    typealias Store = any UserDirectory & ThrottleStore & SessionStore

    private enum Place: Sendable {
        case sqlite(SQLiteDatabase)
        case postgresql(PostgreSQLDatabase)
    }

    let worker: TestWorker
    private let folder: TemporaryFolder
    private let place: Place

    init(_ kind: DatabaseKind) throws {
        worker = try TestWorker()
        folder = try TemporaryFolder()
        switch kind {
        case .sqlite: place = .sqlite(try SQLiteDatabase(path: folder.file("users.db")))
        case .postgresql:
            let location = try PostgreSQLServer.shared.get().makeDatabase()
            place = .postgresql(try PostgreSQLDatabase(location, connections: 4, timeouts: .patient))
        }
    }

    private init(reopening other: UsersFixture) throws {
        worker = try TestWorker()
        folder = other.folder
        switch other.place {
        case .sqlite(let database):
            try database.close()
            place = .sqlite(try SQLiteDatabase(path: database.path))
        case .postgresql(let database):
            place = .postgresql(try PostgreSQLDatabase(database.location, connections: 4, timeouts: .patient))
        }
    }

    /// The same database as another process has it.
    func reopened() throws -> UsersFixture { try UsersFixture(reopening: self) }

    /// - Parameter endsSessions: as where users and sessions are kept together.
    func run<T: Sendable>(
        endsSessions: Bool = true, _ body: @escaping @Sendable (Store, isolated TestWorker) async throws -> T
    ) async throws -> T {
        let place = place
        return try await worker.run { worker in
            let store: Store =
                switch place {
                case .sqlite(let database): SQLiteStore(database, pool: worker.pool, endsSessions: endsSessions)
                case .postgresql(let database): PostgreSQLStore(database, endsSessions: endsSessions)
                }
            worker.store = store
            return try await body(store, worker)
        }
    }

    /// Runs one statement without any of the code under test, and returns the first column of its rows.
    @discardableResult
    func raw(_ sql: String) throws -> [String] {
        switch place {
        case .sqlite(let database):
            try DatabaseQueue(path: database.path).writeWithoutTransaction { try String.fetchAll($0, sql: sql) }
        case .postgresql(let database):
            try PostgreSQLServer.shared.get().ask(sql, in: database.location.database)
        }
    }
}

extension PostgreSQLTimeouts {
    /// A busy machine may stop a test for longer than a user should wait.
    static var patient: PostgreSQLTimeouts {
        var timeouts = PostgreSQLTimeouts()
        timeouts.connect = 10_000
        timeouts.statement = 10_000
        return timeouts
    }
}

extension UserDirectory {
    func add(_ name: String, id: String? = nil, role: String = "user") async throws -> UserRecord {
        try await insert(
            NewUser(
                id: id.map { try UserID($0) }, username: UserName(name), passwordHash: "$2a$10$" + name, role: role),
            now: SessionRecord.start)
    }
}
