import Access
import Loop

/// A session store whose operations are counted and timed.
final class MeasuredSessions: SessionStore {
    private let store: any SessionStore
    private let series: StoreSeries
    let cache: SessionCache?

    init(_ store: any SessionStore, _ series: StoreSeries) {
        self.store = store
        self.series = series
        cache = store.cache
    }

    func insert(_ session: SessionRecord, now: Int64) async throws(StoreError) {
        try await series.measure(.write) { () async throws(StoreError) in try await store.insert(session, now: now) }
    }

    func find(_ key: SessionKey, now: Int64) async throws(StoreError) -> SessionRecord? {
        // Written out, because this one is asked with every request.
        let startedAt = Clock.monotonic()
        do throws(StoreError) {
            let record = try await store.find(key, now: now)
            series.succeeded(.read, since: startedAt)
            return record
        } catch {
            series.failed(.read, error, since: startedAt)
            throw error
        }
    }

    func touch(_ key: SessionKey, lastSeenAt: Int64) async throws(StoreError) {
        try await series.measure(.write) { () async throws(StoreError) in try await store.touch(key, lastSeenAt: lastSeenAt) }
    }

    func remove(_ key: SessionKey) async throws(StoreError) -> Bool {
        try await series.measure(.write) { () async throws(StoreError) in try await store.remove(key) }
    }

    func sessions(of user: UserID, now: Int64) async throws(StoreError) -> [SessionRecord] {
        try await series.measure(.bulk) { () async throws(StoreError) in try await store.sessions(of: user, now: now) }
    }

    func removeAll(of user: UserID, except kept: SessionKey?) async throws(StoreError) -> Int {
        try await series.measure(.bulk) { () async throws(StoreError) in try await store.removeAll(of: user, except: kept) }
    }

    func all(limit: Int, now: Int64) async throws(StoreError) -> [SessionRecord] {
        try await series.measure(.bulk) { () async throws(StoreError) in try await store.all(limit: limit, now: now) }
    }

    func purge(now: Int64) async throws(StoreError) -> Int {
        try await series.measure(.bulk) { () async throws(StoreError) in try await store.purge(now: now) }
    }

    func ping() async throws(StoreError) {
        try await series.measure(.read) { () async throws(StoreError) in try await store.ping() }
    }
}
