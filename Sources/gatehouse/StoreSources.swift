import Access
import Loop
import Settings
import Stores

/// The stores that the settings name, opened once for the process; each worker makes its own objects from them.
struct StoreSources: Sendable {
    private let userDatabase: SQLiteDatabase
    private let sessionSource: SessionSource
    private let areTogether: Bool

    /// Opens the SQLite files, and makes their tables when they are new.
    init(_ settings: Settings, readers: Int = 4) throws {
        guard case .sqlite(let path) = settings.users.store else {
            throw CommandFailure("gatehouse: users.store must be sqlite:", status: .configuration)
        }
        userDatabase = try SQLiteDatabase(path: path, readers: readers)
        switch settings.sessions.store {
        case .memory:
            sessionSource = .memory(MemorySessions())
            areTogether = false
        case .sqlite(path):
            sessionSource = .sqlite(userDatabase)
            areTogether = true
        case .sqlite(let other):
            sessionSource = .sqlite(try SQLiteDatabase(path: other, readers: readers))
            areTogether = false
        case .redis(let url):
            var timeouts = RedisTimeouts()
            timeouts.command = settings.sessions.storeTimeout.milliseconds
            timeouts.connect = timeouts.command
            timeouts.list = max(timeouts.list, timeouts.command)
            let password = (settings.sessions.password ?? url.password)?.octets
            let location = RedisLocation(
                host: url.host, port: url.port, database: url.database, user: url.username.map { Array($0.utf8) },
                password: password)
            sessionSource = .redis(location, timeouts)
            areTogether = false
        }
    }

    /// Call on the worker that will use it; so with `sessions`.
    func users(pool: BlockingPool) -> SQLiteStore {
        SQLiteStore(userDatabase, pool: pool, endsSessions: areTogether)
    }

    func sessions(loop: EventLoop, pool: BlockingPool) -> any SessionStore {
        sessionSource.makeStore(loop: loop, pool: pool, usersInSameFile: areTogether)
    }
}

extension Settings {
    var keepsSessionsInMemory: Bool { sessions.store == .memory }
}
