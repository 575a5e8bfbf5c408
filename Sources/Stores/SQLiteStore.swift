package import Access
package import Loop

/// A worker's view of a `SQLiteDatabase`: its calls run on blocking pools, reads on the worker's and writes on the
/// database's own, and come back to the worker.
package final class SQLiteStore {
    private let database: SQLiteDatabase
    private let pool: BlockingPool
    private let endsSessions: Bool
    package let cache: SessionCache?

    /// - Parameter endsSessions: sessions are kept in the same file as the users, so that disabling or removing a user
    ///   ends that user's sessions in the same transaction. Where they are kept elsewhere, whoever disables a user ends
    ///   them there.
    /// - Parameter caching: where the worker runs, and how many sessions it may keep; nil: each check asks the file.
    package init(
        _ database: SQLiteDatabase, pool: BlockingPool, endsSessions: Bool, caching: (loop: EventLoop, capacity: Int)? = nil
    ) {
        self.database = database
        self.pool = pool
        self.endsSessions = endsSessions
        guard let caching else {
            cache = nil
            return
        }
        let question = Question(database, caching.loop)
        let cache = SessionCache(capacity: caching.capacity, versions: database.versions) { question.ask() }
        question.cache = cache
        self.cache = cache
    }

    /// Whether another process has written to the file, asked beside the requests.
    private final class Question {
        private let database: SQLiteDatabase
        private let loop: EventLoop
        private var isUnderWay = false
        weak var cache: SessionCache?

        init(_ database: SQLiteDatabase, _ loop: EventLoop) {
            self.database = database
            self.loop = loop
        }

        func ask() {
            // One that waits behind a long write is one too many already.
            guard !isUnderWay else { return }
            isUnderWay = true
            // Safe: the task runs on the loop of the worker that this object belongs to, so on the same thread.
            nonisolated(unsafe) let question = self
            Task(executorPreference: loop) { await unsafe question.run() }
        }

        private func run() async {
            defer { isUnderWay = false }
            let askedAt = Clock.monotonic()
            let isAnswered = try? await database.writer.run { [database] in
                do throws(StoreError) { try database.noteOtherWriters() } catch { return false }
                return true
            }
            if isAnswered == true { cache?.vouch(from: askedAt) }
        }
    }

    private func read<T: Sendable>(
        _ body: @escaping @Sendable (SQLiteDatabase) throws(StoreError) -> T
    ) async throws(StoreError) -> T {
        try await run(on: pool, body)
    }

    private func write<T: Sendable>(
        _ body: @escaping @Sendable (SQLiteDatabase) throws(StoreError) -> T
    ) async throws(StoreError) -> T {
        try await run(on: database.writer, body)
    }

    private func run<T: Sendable>(
        on pool: BlockingPool, _ body: @escaping @Sendable (SQLiteDatabase) throws(StoreError) -> T
    ) async throws(StoreError) -> T {
        try await pool.call("SQLite file \(database.path)") { [database] () throws(StoreError) in try body(database) }
    }
}

extension SQLiteStore: SessionStore {
    package func insert(_ session: SessionRecord, now: Int64) async throws(StoreError) {
        try await write { database throws(StoreError) in try database.insertSession(session) }
    }

    package func find(_ key: SessionKey, now: Int64) async throws(StoreError) -> SessionRecord? {
        try await read { database throws(StoreError) in try database.findSession(key, now: now) }
    }

    package func touch(_ key: SessionKey, lastSeenAt: Int64) async throws(StoreError) {
        defer { database.versions.raise(key) }
        try await write { database throws(StoreError) in try database.touchSession(key, lastSeenAt: lastSeenAt) }
    }

    package func remove(_ key: SessionKey) async throws(StoreError) -> Bool {
        defer { database.versions.raise(key) }
        return try await write { database throws(StoreError) in try database.removeSession(key) }
    }

    package func sessions(of user: UserID, now: Int64) async throws(StoreError) -> [SessionRecord] {
        try await read { database throws(StoreError) in try database.sessions(of: user, now: now) }
    }

    package func removeAll(of user: UserID, except kept: SessionKey?) async throws(StoreError) -> Int {
        defer { database.versions.raiseAll() }
        return try await write { database throws(StoreError) in try database.removeSessions(of: user, except: kept) }
    }

    package func all(limit: Int, now: Int64) async throws(StoreError) -> [SessionRecord] {
        try await read { database throws(StoreError) in try database.sessions(limit: limit, now: now) }
    }

    package func purge(now: Int64) async throws(StoreError) -> Int {
        try await removeBatches(of: SQLiteDatabase.purgeBatch) { () async throws(StoreError) in
            try await write { database throws(StoreError) in try database.purgeSessionBatch(now: now) }
        }
    }

    package func ping() async throws(StoreError) {
        try await read { database throws(StoreError) in try database.ping() }
    }
}

extension SQLiteStore: UserDirectory {
    package func find(username: String) async throws(StoreError) -> UserRecord? {
        try await read { database throws(StoreError) in try database.findUser(name: username) }
    }

    package func find(id: UserID) async throws(StoreError) -> UserRecord? {
        try await read { database throws(StoreError) in try database.findUser(id: id) }
    }

    package func insert(_ user: NewUser, now: Int64) async throws(StoreError) -> UserRecord {
        try await write { database throws(StoreError) in try database.insertUser(user, now: now) }
    }

    package func all(limit: Int) async throws(StoreError) -> [UserRecord] {
        try await read { database throws(StoreError) in try database.users(limit: limit) }
    }

    package func setPasswordHash(
        _ id: UserID, to hash: String, replacing old: String?, now: Int64
    ) async throws(StoreError) -> Bool {
        try await write { database throws(StoreError) in
            try database.setPasswordHash(id, to: hash, replacing: old, now: now)
        }
    }

    package func setDisabled(_ id: UserID, _ isDisabled: Bool, now: Int64) async throws(StoreError) -> Bool {
        defer { database.versions.raiseAll() }
        return try await write { [endsSessions] database throws(StoreError) in
            try database.setDisabled(id, isDisabled, endingSessions: endsSessions, now: now)
        }
    }

    package func setRole(_ id: UserID, to role: String, now: Int64) async throws(StoreError) -> Bool {
        try await write { database throws(StoreError) in try database.setRole(id, to: role, now: now) }
    }

    package func remove(_ id: UserID) async throws(StoreError) -> Bool {
        defer { database.versions.raiseAll() }
        return try await write { [endsSessions] database throws(StoreError) in
            try database.removeUser(id, endingSessions: endsSessions)
        }
    }
}

extension SQLiteStore: ThrottleStore {
    package func update<Result: Sendable>(
        _ keys: ThrottleKeys, _ change: @escaping @Sendable (inout FailureCounts) -> Result
    ) async throws(StoreError) -> Result {
        try await write { database throws(StoreError) in try database.updateFailures(keys, change) }
    }

    package func purgeFailures(before moment: Int64) async throws(StoreError) -> Int {
        try await removeBatches(of: SQLiteDatabase.purgeBatch) { () async throws(StoreError) in
            try await write { database throws(StoreError) in try database.purgeFailureBatch(before: moment) }
        }
    }
}
