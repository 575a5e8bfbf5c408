package import Access
internal import Loop

/// A worker's view of a `PostgreSQLDatabase`: its calls run on the database's own threads and come back to the worker.
package final class PostgreSQLStore {
    private let database: PostgreSQLDatabase
    private let endsSessions: Bool

    /// - Parameter endsSessions: sessions are kept in the same database as the users, so that disabling or removing a user
    ///   ends that user's sessions in the same transaction. Where they are kept elsewhere, whoever disables a user ends
    ///   them there.
    package init(_ database: PostgreSQLDatabase, endsSessions: Bool) {
        self.database = database
        self.endsSessions = endsSessions
    }

    private func run<T: Sendable>(
        _ body: @escaping @Sendable (PostgreSQLDatabase) throws(StoreError) -> T
    ) async throws(StoreError) -> T {
        try await database.callers.call("\(database.location)") { [database] () throws(StoreError) in try body(database) }
    }
}

extension PostgreSQLStore: SessionStore {
    package var cache: SessionCache? { nil }

    package func insert(_ session: SessionRecord, now: Int64) async throws(StoreError) {
        try await run { database throws(StoreError) in try database.insertSession(session) }
    }

    package func find(_ key: SessionKey, now: Int64) async throws(StoreError) -> SessionRecord? {
        try await run { database throws(StoreError) in try database.findSession(key, now: now) }
    }

    package func touch(_ key: SessionKey, lastSeenAt: Int64) async throws(StoreError) {
        try await run { database throws(StoreError) in try database.touchSession(key, lastSeenAt: lastSeenAt) }
    }

    package func remove(_ key: SessionKey) async throws(StoreError) -> Bool {
        try await run { database throws(StoreError) in try database.removeSession(key) }
    }

    package func sessions(of user: UserID, now: Int64) async throws(StoreError) -> [SessionRecord] {
        try await run { database throws(StoreError) in try database.sessions(of: user, now: now) }
    }

    package func removeAll(of user: UserID, except kept: SessionKey?) async throws(StoreError) -> Int {
        try await run { database throws(StoreError) in try database.removeSessions(of: user, except: kept) }
    }

    package func all(limit: Int, now: Int64) async throws(StoreError) -> [SessionRecord] {
        try await run { database throws(StoreError) in try database.sessions(limit: limit, now: now) }
    }

    package func purge(now: Int64) async throws(StoreError) -> Int {
        try await removeBatches(of: PostgreSQLDatabase.purgeBatch) { () async throws(StoreError) in
            try await run { database throws(StoreError) in try database.purgeSessionBatch(now: now) }
        }
    }

    package func ping() async throws(StoreError) {
        try await run { database throws(StoreError) in try database.ping() }
    }
}

extension PostgreSQLStore: UserDirectory {
    package func find(username: String) async throws(StoreError) -> UserRecord? {
        try await run { database throws(StoreError) in try database.findUser(name: username) }
    }

    package func find(id: UserID) async throws(StoreError) -> UserRecord? {
        try await run { database throws(StoreError) in try database.findUser(id: id) }
    }

    package func insert(_ user: NewUser, now: Int64) async throws(StoreError) -> UserRecord {
        try await run { database throws(StoreError) in try database.insertUser(user, now: now) }
    }

    package func all(limit: Int) async throws(StoreError) -> [UserRecord] {
        try await run { database throws(StoreError) in try database.users(limit: limit) }
    }

    package func setPasswordHash(
        _ id: UserID, to hash: String, replacing old: String?, now: Int64
    ) async throws(StoreError) -> Bool {
        try await run { database throws(StoreError) in
            try database.setPasswordHash(id, to: hash, replacing: old, now: now)
        }
    }

    package func setDisabled(_ id: UserID, _ isDisabled: Bool, now: Int64) async throws(StoreError) -> Bool {
        try await run { [endsSessions] database throws(StoreError) in
            try database.setDisabled(id, isDisabled, endingSessions: endsSessions, now: now)
        }
    }

    package func setRole(_ id: UserID, to role: String, now: Int64) async throws(StoreError) -> Bool {
        try await run { database throws(StoreError) in try database.setRole(id, to: role, now: now) }
    }

    package func remove(_ id: UserID) async throws(StoreError) -> Bool {
        try await run { [endsSessions] database throws(StoreError) in
            try database.removeUser(id, endingSessions: endsSessions)
        }
    }
}

extension PostgreSQLStore: ThrottleStore {
    package func update<Result: Sendable>(
        _ keys: ThrottleKeys, _ change: @escaping @Sendable (inout FailureCounts) -> Result
    ) async throws(StoreError) -> Result {
        try await run { database throws(StoreError) in try database.updateFailures(keys, change) }
    }

    package func purgeFailures(before moment: Int64) async throws(StoreError) -> Int {
        try await removeBatches(of: PostgreSQLDatabase.purgeBatch) { () async throws(StoreError) in
            try await run { database throws(StoreError) in try database.purgeFailureBatch(before: moment) }
        }
    }
}
