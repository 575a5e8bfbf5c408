import Access
import Synchronization

/// What the stores of one test hold, and what was asked of them.
final class StoreContents: Sendable {
    enum Part: Hashable { case users, sessions, throttle }

    struct State {
        var users: [UserRecord] = []
        var sessions: [SessionKey: SessionRecord] = [:]
        var counts: [ThrottleKeys: FailureCounts] = [:]
        /// Stores that do not answer.
        var down: Set<Part> = []
        /// In their order: what was called.
        var calls: [String] = []
        /// Done to the state when a session is inserted: what somebody else does meanwhile.
        var meanwhile: (@Sendable (inout State) -> Void)?
    }

    let state = Mutex(State())

    func perform<T: Sendable>(_ part: Part, _ call: String, _ body: (inout State) -> sending T) throws(StoreError) -> T {
        let result: Result<T, StoreError> = state.withLock { state in
            state.calls.append(call)
            return state.down.contains(part) ? .failure(.unavailable("\(part)")) : .success(body(&state))
        }
        return try result.get()
    }

    var sessions: [SessionRecord] { state.withLock { Array($0.sessions.values) } }
    var calls: [String] { state.withLock { $0.calls } }
    func forgetCalls() { state.withLock { $0.calls = [] } }
    func stop(_ parts: Part...) { state.withLock { $0.down = Set(parts) } }
}

final class FakeSessions: SessionStore {
    var cache: SessionCache? { nil }
    let contents: StoreContents
    init(_ contents: StoreContents) { self.contents = contents }

    func insert(_ session: SessionRecord, now: Int64) async throws(StoreError) {
        try contents.perform(.sessions, "sessions.insert") { state in
            state.sessions[session.key] = session
            state.meanwhile?(&state)
        }
    }
    func find(_ key: SessionKey, now: Int64) async throws(StoreError) -> SessionRecord? {
        try contents.perform(.sessions, "sessions.find") { $0.sessions[key].flatMap { $0.isLive(at: now) ? $0 : nil } }
    }
    func touch(_ key: SessionKey, lastSeenAt: Int64) async throws(StoreError) {
        try contents.perform(.sessions, "sessions.touch") { $0.sessions[key]?.lastSeenAt = lastSeenAt }
    }
    func remove(_ key: SessionKey) async throws(StoreError) -> Bool {
        try contents.perform(.sessions, "sessions.remove") { $0.sessions.removeValue(forKey: key) != nil }
    }
    func sessions(of user: UserID, now: Int64) async throws(StoreError) -> [SessionRecord] {
        try contents.perform(.sessions, "sessions.of") { $0.sessions.values.filter { $0.userID == user } }
    }
    func removeAll(of user: UserID, except kept: SessionKey?) async throws(StoreError) -> Int {
        try contents.perform(.sessions, "sessions.removeAll") { state in
            let before = state.sessions.count
            state.sessions = state.sessions.filter { $0.value.userID != user || $0.key == kept }
            return before - state.sessions.count
        }
    }
    func all(limit: Int, now: Int64) async throws(StoreError) -> [SessionRecord] {
        try contents.perform(.sessions, "sessions.all") { Array($0.sessions.values) }
    }
    func purge(now: Int64) async throws(StoreError) -> Int { 0 }
    func ping() async throws(StoreError) {}
}

final class FakeUsers: UserStore {
    let contents: StoreContents
    init(_ contents: StoreContents) { self.contents = contents }

    func find(username: String) async throws(StoreError) -> UserRecord? {
        try contents.perform(.users, "users.find") { $0.users.first { $0.username.utf8.elementsEqual(username.utf8) } }
    }
    func find(id: UserID) async throws(StoreError) -> UserRecord? {
        try contents.perform(.users, "users.find(id)") { $0.users.first { $0.id == id } }
    }
    func all(limit: Int) async throws(StoreError) -> [UserRecord] { [] }
    func setPasswordHash(
        _ id: UserID, to hash: String, replacing old: String?, now: Int64
    ) async throws(StoreError) -> Bool {
        try contents.perform(.users, "users.setPasswordHash") { state in
            guard let index = state.users.firstIndex(where: { $0.id == id && $0.passwordHash == old }) else { return false }
            state.users[index].passwordHash = hash
            return true
        }
    }
    func ping() async throws(StoreError) {}
}

final class FakeThrottle: ThrottleStore {
    let contents: StoreContents
    init(_ contents: StoreContents) { self.contents = contents }

    func update<Result: Sendable>(
        _ keys: ThrottleKeys, _ change: @escaping @Sendable (inout FailureCounts) -> Result
    ) async throws(StoreError) -> Result {
        try contents.perform(.throttle, "throttle.update") { state in
            var counts = state.counts[keys] ?? FailureCounts()
            let result = change(&counts)
            state.counts[keys] = counts
            return result
        }
    }
    func purgeFailures(before moment: Int64) async throws(StoreError) -> Int { 0 }
}
