package import Access
internal import Synchronization

/// The sessions of one process, shared by its workers and gone when it ends. For tests, and for whoever asks for it by
/// name: it is never the fallback of another store.
package final class MemorySessions: Sendable {
    /// Sessions that are kept at the same time when nothing else is said: about 100 MiB.
    package static let standardCapacity = 200_000

    private let capacity: Int
    // The rows of a user are found by a walk through all: listing and revoking are rare, and an index would be one
    // more thing that could disagree with the table.
    private let table = Mutex<[SessionKey: SessionRecord]>([:])

    package init(capacity: Int = standardCapacity) {
        self.capacity = capacity
    }

    func insert(_ session: SessionRecord, now: Int64) throws(StoreError) {
        let result: Result<Void, StoreError> = table.withLock { table in
            if let held = table[session.key], held.isLive(at: now) {
                return .failure(.conflict("memory store: the session id is taken"))
            }
            if table.count >= capacity { Self.purge(&table, now) }
            guard table.count < capacity else {
                return .failure(.unavailable("memory store: it already holds \(capacity) live sessions"))
            }
            table[session.key] = session
            return .success(())
        }
        try result.get()
    }

    func find(_ key: SessionKey, now: Int64) -> SessionRecord? {
        table.withLock { table in
            guard let session = table[key], session.isLive(at: now) else { return nil }
            return session
        }
    }

    func touch(_ key: SessionKey, lastSeenAt: Int64) {
        table.withLock { table in
            guard let session = table[key], session.lastSeenAt < lastSeenAt else { return }
            table[key]?.lastSeenAt = lastSeenAt
        }
    }

    func remove(_ key: SessionKey) -> Bool {
        table.withLock { $0.removeValue(forKey: key) != nil }
    }

    func sessions(of user: UserID, now: Int64) -> [SessionRecord] {
        let found = table.withLock { table in table.values.filter { $0.userID == user && $0.isLive(at: now) } }
        return found.newestFirst()
    }

    func removeAll(of user: UserID, except kept: SessionKey?) -> Int {
        table.withLock { table in
            let count = table.count
            table = table.filter { $0.value.userID != user || $0.key == kept }
            return count - table.count
        }
    }

    func all(limit: Int, now: Int64) -> [SessionRecord] {
        let found = table.withLock { table in table.values.filter { $0.isLive(at: now) } }
        return Array(found.newestFirst().prefix(max(0, limit)))
    }

    func purge(now: Int64) -> Int {
        table.withLock { table in Self.purge(&table, now) }
    }

    @discardableResult
    private static func purge(_ table: inout [SessionKey: SessionRecord], _ now: Int64) -> Int {
        let count = table.count
        table = table.filter { $0.value.isLive(at: now) }
        return count - table.count
    }
}

/// A worker's view of a `MemorySessions`.
package final class MemoryStore: SessionStore {
    package var cache: SessionCache? { nil }
    private let sessions: MemorySessions

    package init(_ sessions: MemorySessions) {
        self.sessions = sessions
    }

    package func insert(_ session: SessionRecord, now: Int64) async throws(StoreError) {
        try sessions.insert(session, now: now)
    }

    package func find(_ key: SessionKey, now: Int64) async throws(StoreError) -> SessionRecord? {
        sessions.find(key, now: now)
    }

    package func touch(_ key: SessionKey, lastSeenAt: Int64) async throws(StoreError) {
        sessions.touch(key, lastSeenAt: lastSeenAt)
    }

    package func remove(_ key: SessionKey) async throws(StoreError) -> Bool {
        sessions.remove(key)
    }

    package func sessions(of user: UserID, now: Int64) async throws(StoreError) -> [SessionRecord] {
        sessions.sessions(of: user, now: now)
    }

    package func removeAll(of user: UserID, except kept: SessionKey?) async throws(StoreError) -> Int {
        sessions.removeAll(of: user, except: kept)
    }

    package func all(limit: Int, now: Int64) async throws(StoreError) -> [SessionRecord] {
        sessions.all(limit: limit, now: now)
    }

    package func purge(now: Int64) async throws(StoreError) -> Int {
        sessions.purge(now: now)
    }

    package func ping() async throws(StoreError) {}
}

extension [SessionRecord] {
    /// The order in which every store lists: newest first, and sessions of the same millisecond by their key.
    func newestFirst() -> [SessionRecord] {
        sorted { left, right in
            left.createdAt != right.createdAt
                ? left.createdAt > right.createdAt
                : left.key.text.utf8.lexicographicallyPrecedes(right.key.text.utf8)
        }
    }
}
