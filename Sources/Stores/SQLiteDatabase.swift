package import Access
internal import GRDB
internal import Glibc
internal import Loop
internal import Synchronization

/// One SQLite file: opened once per process, shared by all workers, and by other processes through SQLite's own locks.
///
/// The calls block, so a worker makes them through `SQLiteStore`; commands that have no loop make them directly. Each
/// waits for another writer no longer than the busy time-out.
///
/// What survives: the file is in WAL mode with `synchronous = NORMAL`, so whatever has returned survives the end of the
/// process by any signal, and a crash of the machine never damages the file. A power cut may lose the sign-ins and the
/// last-seen times since the last checkpoint. What takes rights away (ending sessions, disabling and removing users,
/// changing passwords) is written with `synchronous = FULL` and survives a power cut too: nothing revoked comes back.
package final class SQLiteDatabase: Sendable {
    package let path: String
    private let connection: DatabaseQueue
    private let readers: SQLiteReaders
    /// What this process, or another, may have changed of the sessions.
    let versions = SessionVersions()
    /// `PRAGMA data_version` of the writing connection when it was last asked for.
    private let knownVersion = Mutex<Int64?>(nil)
    /// Where workers' writes run. SQLite has one writer at a time; with a thread of its own for it, writes that wait
    /// for a lock take no thread away from the checks, which only read.
    let writer: BlockingPool

    /// Milliseconds that a call waits for another writer.
    package static let standardBusyTimeout = 5_000
    /// "GATE": what file(1) shows of the database, and the first thing that is written to it.
    private static let applicationID = 0x4741_5445
    /// Writes of the workers that may wait.
    private static let writeQueue = 512
    /// Rows that one write removes at most, so that writers in line wait for milliseconds and not for a whole purge.
    package static let purgeBatch = 500

    /// Opens the file, creates it with mode 0600 when it is not there, and brings its schema up to date.
    /// - Parameter readers: connections for reading that are kept open; as many as the blocking pool has threads.
    package init(path: String, readers: Int = 4, busyTimeout: Int = standardBusyTimeout) throws(StoreError) {
        self.path = path
        do throws(SystemError) {
            writer = try BlockingPool(name: "sqlite-writer", threads: 1, queue: Self.writeQueue)
        } catch {
            throw .unavailable("SQLite file \(path): \(error)")
        }
        try Self.createFile(path)
        var configuration = Configuration()
        configuration.foreignKeysEnabled = true
        configuration.journalMode = .wal
        configuration.busyMode = .timeout(Double(busyTimeout) / 1_000)
        let settings = configuration
        self.readers = SQLiteReaders(path: path, maximumIdle: readers, configuration)
        connection = try Self.retrying(path, milliseconds: busyTimeout) {
            let connection = try DatabaseQueue(path: path, configuration: settings)
            try SQLiteSchema.migrate(connection)
            // A file that can be read and not written is better refused at the start than at the first sign-in.
            try connection.writeWithoutTransaction { try $0.execute(sql: "PRAGMA application_id = \(Self.applicationID)") }
            return connection
        }
    }

    deinit { writer.close() }

    /// Closes the connections; every later call fails. Needed only where the file is to be moved or opened anew:
    /// otherwise the last reference closes them.
    package func close() throws(StoreError) {
        do {
            try readers.close()
            try connection.close()
        } catch {
            throw storeError(error)
        }
    }

    package func ping() throws(StoreError) {
        _ = try read { db in try Row.fetchOne(db.cachedStatement(sql: "SELECT 1 FROM sessions LIMIT 1")) }
    }

    /// Looks whether another process has written to the file. This one's writes go through the same connection, whose own commits do
    /// not change the number (sqlite.org/pragma.html, data_version), and raise the versions themselves.
    func noteOtherWriters() throws(StoreError) {
        let version = try write { db in try Int64.fetchOne(db.cachedStatement(sql: "PRAGMA data_version")) }
        let isChanged = knownVersion.withLock { known in
            defer { known = version }
            return known != version
        }
        if isChanged { versions.raiseAll() }
    }

    // MARK: Access

    /// One statement on one of the readers: it sees a whole commit or nothing of it.
    func read<T>(_ body: (Database) throws -> T) throws(StoreError) -> T { try readers.read(body) }

    /// One statement on the writer.
    func write<T>(_ body: (Database) throws -> T) throws(StoreError) -> T {
        do { return try connection.writeWithoutTransaction(body) } catch { throw storeError(error) }
    }

    /// Several statements on the writer: all or none.
    func transaction<T>(_ body: (Database) throws -> T) throws(StoreError) -> T {
        do { return try connection.write(body) } catch { throw storeError(error) }
    }

    /// Several statements on the writer: all or none, and on the disk when this returns.
    func durableTransaction<T>(_ body: (Database) throws -> T) throws(StoreError) -> T {
        do {
            return try connection.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA synchronous = FULL")
                defer {
                    // If it fails, commits stay durable: slower, and not wrong.
                    try? db.execute(sql: "PRAGMA synchronous = NORMAL")
                }
                var result: Result<T, any Error> = .failure(StoreError.unavailable("no transaction was made"))
                try db.inTransaction(.immediate) {
                    result = .success(try body(db))
                    return .commit
                }
                return try result.get()
            }
        } catch {
            throw storeError(error)
        }
    }

    // MARK: Opening

    /// SQLite would create the file with mode 0644: readable by everybody, password hashes and all. The WAL takes over
    /// the mode of the file.
    private static func createFile(_ path: String) throws(StoreError) {
        // With O_EXCL a file that is already there is not opened: closing it again would drop the locks that this
        // process may hold on it (POSIX advisory locks belong to the process, fcntl(2)).
        let descriptor = unsafe open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600)
        if descriptor >= 0 {
            Glibc.close(descriptor)
        } else if errno != EEXIST {
            let code = errno
            throw .unavailable("SQLite file \(path) cannot be created: \(unsafe String(cString: strerror(code)))")
        }
    }

    /// Switching to WAL and migrating while another process does the same can fail with "busy" without SQLite's own
    /// waiting (sqlite.org/wal.html, section 8), or because the other was first: both are over a moment later.
    private static func retrying(
        _ path: String, milliseconds: Int, _ open: () throws -> DatabaseQueue
    ) throws(StoreError) -> DatabaseQueue {
        let deadline = Clock.monotonic().adding(milliseconds: Int64(milliseconds))
        while true {
            do {
                return try open()
            } catch {
                guard isTransient(error), Clock.monotonic() < deadline else { throw Self.storeError(error, path) }
                usleep(20_000)
            }
        }
    }

    private static func isTransient(_ error: any Error) -> Bool {
        guard let error = error as? DatabaseError else { return false }
        switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED: return true
        default: return false
        }
    }

    // MARK: Errors

    private func storeError(_ error: any Error) -> StoreError { Self.storeError(error, path) }

    /// Says what and which file, and never a value that was read or written.
    static func storeError(_ error: any Error, _ path: String) -> StoreError {
        if let error = error as? StoreError { return error }
        let file = "SQLite file \(path)"
        guard let error = error as? DatabaseError else { return .unavailable("\(file): \(type(of: error))") }
        let message = error.message ?? "no message"
        switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            return .unavailable("\(file) is locked by another process (\(message))")
        case .SQLITE_READONLY:
            return .unavailable("\(file) or its folder cannot be written (\(message))")
        case .SQLITE_CANTOPEN:
            return .unavailable("\(file) cannot be opened (\(message))")
        case .SQLITE_FULL:
            return .unavailable("\(file): no space is left on the disk (\(message))")
        case .SQLITE_NOTADB:
            return .corrupt("\(file) is not a SQLite database (\(message))")
        case .SQLITE_CORRUPT:
            return .corrupt("\(file) is damaged (\(message))")
        case .SQLITE_CONSTRAINT:
            return .conflict("\(file): \(message)")
        default:
            return .unavailable("\(file): \(message) (SQLite error \(error.extendedResultCode.rawValue))")
        }
    }
}
