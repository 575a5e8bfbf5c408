import Access

/// A users table whose operations are counted and timed.
final class MeasuredUsers: UserStore {
    private let store: any UserStore
    private let series: StoreSeries

    init(_ store: any UserStore, _ series: StoreSeries) {
        self.store = store
        self.series = series
    }

    func find(username: String) async throws(StoreError) -> UserRecord? {
        try await series.measure(.read) { () async throws(StoreError) in try await store.find(username: username) }
    }

    func find(id: UserID) async throws(StoreError) -> UserRecord? {
        try await series.measure(.read) { () async throws(StoreError) in try await store.find(id: id) }
    }

    func all(limit: Int) async throws(StoreError) -> [UserRecord] {
        try await series.measure(.bulk) { () async throws(StoreError) in try await store.all(limit: limit) }
    }

    func setPasswordHash(_ id: UserID, to hash: String, replacing old: String?, now: Int64) async throws(StoreError) -> Bool {
        try await series.measure(.write) { () async throws(StoreError) in
            try await store.setPasswordHash(id, to: hash, replacing: old, now: now)
        }
    }

    func ping() async throws(StoreError) {
        try await series.measure(.read) { () async throws(StoreError) in try await store.ping() }
    }
}

/// The counts of failed sign-ins, whose operations are counted and timed.
final class MeasuredThrottle: ThrottleStore {
    private let store: any ThrottleStore
    private let series: StoreSeries

    init(_ store: any ThrottleStore, _ series: StoreSeries) {
        self.store = store
        self.series = series
    }

    func update<Result: Sendable>(
        _ keys: ThrottleKeys, _ change: @escaping @Sendable (inout FailureCounts) -> Result
    ) async throws(StoreError) -> Result {
        try await series.measure(.write) { () async throws(StoreError) in try await store.update(keys, change) }
    }

    func purgeFailures(before moment: Int64) async throws(StoreError) -> Int {
        try await series.measure(.bulk) { () async throws(StoreError) in try await store.purgeFailures(before: moment) }
    }
}
