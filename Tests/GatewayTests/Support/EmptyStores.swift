import Access

/// Stores in which nobody and nothing is.
final class EmptySessions: SessionStore {
    var cache: SessionCache? { nil }
    func insert(_ session: SessionRecord, now: Int64) async throws(StoreError) {}
    func find(_ key: SessionKey, now: Int64) async throws(StoreError) -> SessionRecord? { nil }
    func touch(_ key: SessionKey, lastSeenAt: Int64) async throws(StoreError) {}
    func remove(_ key: SessionKey) async throws(StoreError) -> Bool { false }
    func sessions(of user: UserID, now: Int64) async throws(StoreError) -> [SessionRecord] { [] }
    func removeAll(of user: UserID, except kept: SessionKey?) async throws(StoreError) -> Int { 0 }
    func all(limit: Int, now: Int64) async throws(StoreError) -> [SessionRecord] { [] }
    func purge(now: Int64) async throws(StoreError) -> Int { 0 }
    func ping() async throws(StoreError) {}
}

final class EmptyUsers: UserStore {
    func find(username: String) async throws(StoreError) -> UserRecord? { nil }
    func find(id: UserID) async throws(StoreError) -> UserRecord? { nil }
    func all(limit: Int) async throws(StoreError) -> [UserRecord] { [] }
    func setPasswordHash(_ id: UserID, to hash: String, replacing old: String?, now: Int64) async throws(StoreError) -> Bool { false }
    func ping() async throws(StoreError) {}
}

final class EmptyThrottle: ThrottleStore {
    func update<Result: Sendable>(
        _ keys: ThrottleKeys, _ change: @escaping @Sendable (inout FailureCounts) -> Result
    ) async throws(StoreError) -> Result {
        var counts = FailureCounts()
        return change(&counts)
    }

    func purgeFailures(before moment: Int64) async throws(StoreError) -> Int { 0 }
}
