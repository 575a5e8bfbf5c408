internal import Access
internal import GRDB
internal import Synchronization

/// Connections of one SQLite file that only read: kept while nobody uses them, and opened when all are in use.
final class SQLiteReaders: Sendable {
    private let path: String
    private let configuration: Configuration
    private let maximumIdle: Int
    /// Those that nobody uses just now; nil: closed. There are never more in all than threads that read.
    private let idle = Mutex<[DatabaseQueue]?>([])

    /// - Parameter maximumIdle: so many are kept; as many as the blocking pool has threads.
    init(path: String, maximumIdle: Int, _ configuration: Configuration) {
        self.path = path
        self.maximumIdle = maximumIdle
        var configuration = configuration
        configuration.journalMode = .default
        configuration.readonly = true
        self.configuration = configuration
    }

    /// One statement: it sees a whole commit or nothing of it.
    ///
    /// GRDB's own pool asks for the schema's version before each read: with it a check took 20 µs of CPU instead of 10.
    func read<T>(_ body: (Database) throws -> T) throws(StoreError) -> T {
        do {
            let (isOpen, idle) = idle.withLock { ($0 != nil, $0?.popLast()) }
            guard isOpen else { throw StoreError.unavailable("SQLite file \(path) is closed") }
            let reader = try idle ?? DatabaseQueue(path: path, configuration: configuration)
            defer {
                self.idle.withLock { idle in
                    if let count = idle?.count, count < maximumIdle { idle?.append(reader) }
                }
            }
            return try reader.unsafeRead(body)
        } catch {
            throw SQLiteDatabase.storeError(error, path)
        }
    }

    /// Every later call fails.
    func close() throws {
        let idle = idle.withLock { readers in
            defer { readers = nil }
            return readers ?? []
        }
        for reader in idle { try reader.close() }
    }
}
