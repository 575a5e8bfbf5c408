package import Access
internal import Loop

/// One PostgreSQL database: opened once per process, shared by all workers, and by other gateways.
///
/// The calls block, so a worker makes them through `PostgreSQLStore`; commands that have no loop make them directly. A
/// call ends within its time-out (`PostgreSQLTimeouts`), in the case of a new connection after that of connecting.
///
/// What survives: what has returned is committed, as durably as the server's `synchronous_commit` has it, which by default
/// is on the disk. After `.unavailable` a change may have been made or not, as after any answer that is lost.
package final class PostgreSQLDatabase: Sendable {
    package let location: PostgreSQLLocation
    let timeouts: PostgreSQLTimeouts
    private let pool: PostgreSQLPool
    /// Where workers' calls run: a thread for each connection, so that no call ever waits for one, and a server that
    /// hangs takes no thread away from anything else.
    let callers: BlockingPool

    package static let standardConnections = 8
    /// Calls of the workers that may wait.
    private static let queue = 4_096
    /// Rows that one statement of a purge removes at most, so that it takes milliseconds and holds few locks.
    package static let purgeBatch = 500
    /// How much longer a call is waited for than the server is told that a statement may take, so that the server itself
    /// ends it where it still can, and the connection stays.
    private static let grace: Int64 = 250

    /// Connects, and brings the schema up to date.
    /// - Parameters:
    ///   - connections: at most so many at a time.
    ///   - migrates: false leaves the database as it is: it is somebody else's, or only looked at.
    package init(
        _ location: PostgreSQLLocation, connections: Int = standardConnections, timeouts: PostgreSQLTimeouts = PostgreSQLTimeouts(),
        migrates: Bool = true
    ) throws(StoreError) {
        self.location = location
        self.timeouts = timeouts
        pool = PostgreSQLPool(location, size: max(1, connections), connectTimeout: timeouts.connect)
        do throws(SystemError) {
            callers = try BlockingPool(name: "postgresql", threads: connections, queue: Self.queue)
        } catch {
            throw .unavailable("\(location): \(error)")
        }
        do {
            try withConnection(timeouts.migration) { session throws(StoreError) in
                if migrates { try PostgreSQLSchema.migrate(session) }
            }
        } catch {
            callers.close()
            throw error
        }
    }

    deinit { callers.close() }

    package func ping() throws(StoreError) {
        try call { session throws(StoreError) in _ = try session.rows(Self.pinged, atMost: 1) }
    }

    private static let pinged = PostgreSQLStatement(
        "ping", "SELECT 1::bigint FROM (SELECT 1 FROM sessions LIMIT 1) AS any_session", returns: [.bigint])

    // MARK: Access

    /// One statement, which is a transaction by itself.
    func call<T>(
        _ limit: Int64? = nil, _ body: (borrowing PostgreSQLSession) throws(StoreError) -> T
    ) throws(StoreError) -> T {
        try withConnection(limit ?? timeouts.statement, body)
    }

    /// Several statements: all or none.
    func transaction<T>(
        _ limit: Int64? = nil, _ body: (borrowing PostgreSQLSession) throws(StoreError) -> T
    ) throws(StoreError) -> T {
        try withConnection(limit ?? timeouts.statement) { session throws(StoreError) in try session.transaction(body) }
    }

    private func withConnection<T>(
        _ limit: Int64, _ body: (borrowing PostgreSQLSession) throws(StoreError) -> T
    ) throws(StoreError) -> T {
        let session = PostgreSQLSession(
            pool, try pool.take(), until: Clock.monotonic().adding(milliseconds: limit + Self.grace))
        try session.limitStatements(to: limit)
        return try body(session)
    }

    /// `octets` as text that PostgreSQL keeps unchanged: it takes no NUL.
    func text(_ octets: [UInt8], _ what: StaticString) throws(StoreError) -> String {
        guard !octets.contains(0), let text = String(validating: octets, as: UTF8.self) else {
            throw .conflict("\(what) is not UTF-8 text without NUL, and cannot be stored")
        }
        return text
    }
}
