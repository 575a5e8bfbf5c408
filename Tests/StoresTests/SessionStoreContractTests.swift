import Access
import Loop
import Stores
import Testing

/// What every session store does alike. Time is a value that the test moves.
@Suite("Session store contract")
struct SessionStoreContractTests {
    private let start = SessionRecord.start
    private let hour = SessionRecord.hour

    @Test("a session that was put in is found as it was", arguments: StoreKind.allCases)
    func insertAndFind(kind: StoreKind) async throws {
        try await StoreFixture(kind).run { [start] store, _ in
            let session = try SessionRecord.sample()
            try await store.insert(session, now: start)
            #expect(try await store.find(session.key, now: start) == session)
            #expect(try await store.find(session.key, now: start + 1) == session)
        }
    }

    @Test("an unknown key is not found, not removed and not touched into being", arguments: StoreKind.allCases)
    func unknown(kind: StoreKind) async throws {
        try await StoreFixture(kind).run { [start] store, _ in
            let session = try SessionRecord.sample()
            #expect(try await store.find(session.key, now: start) == nil)
            #expect(try await store.remove(session.key) == false)
            try await store.touch(session.key, lastSeenAt: start + 1)
            #expect(try await store.find(session.key, now: start) == nil)
            #expect(try await store.sessions(of: session.userID, now: start) == [])
            #expect(try await store.removeAll(of: session.userID, except: nil) == 0)
            #expect(try await store.all(limit: 10, now: start) == [])
        }
    }

    @Test("a removed session is gone, and a touch that comes late does not bring it back", arguments: StoreKind.allCases)
    func remove(kind: StoreKind) async throws {
        try await StoreFixture(kind).run { [start] store, _ in
            let session = try SessionRecord.sample()
            try await store.insert(session, now: start)
            #expect(try await store.remove(session.key))
            try await store.touch(session.key, lastSeenAt: start + 1_000)
            #expect(try await store.find(session.key, now: start) == nil)
            #expect(try await store.sessions(of: session.userID, now: start) == [])
            #expect(try await store.remove(session.key) == false)
        }
    }

    @Test("a key that is taken is a conflict, and the session that has it stays", arguments: StoreKind.allCases)
    func conflict(kind: StoreKind) async throws {
        try await StoreFixture(kind).run { [start] store, _ in
            let session = try SessionRecord.sample()
            var other = session
            other.userID = try UserID("102")
            try await store.insert(session, now: start)
            do throws(StoreError) {
                try await store.insert(other, now: start)
                Issue.record("the second insert was taken")
            } catch {
                guard case .conflict = error else { throw error }
            }
            #expect(try await store.find(session.key, now: start) == session)
            #expect(try await store.sessions(of: other.userID, now: start) == [])
        }
    }

    @Test("a session ends at its absolute end, however often it is touched", arguments: StoreKind.allCases)
    func absoluteEnd(kind: StoreKind) async throws {
        try await StoreFixture(kind).run { [start, hour] store, _ in
            let session = try SessionRecord.sample(lifetime: hour, idleTimeout: hour / 2)
            try await store.insert(session, now: start)
            for minutes in stride(from: Int64(10), to: 60, by: 10) {
                try await store.touch(session.key, lastSeenAt: start + minutes * 60_000)
            }
            let last = try await store.find(session.key, now: start + hour - 1)
            #expect(last?.expiresAt == session.expiresAt)
            #expect(last?.lastSeenAt == start + 50 * 60_000)
            #expect(try await store.find(session.key, now: start + hour) == nil)
            #expect(try await store.sessions(of: session.userID, now: start + hour) == [])
            #expect(try await store.all(limit: 10, now: start + hour) == [])
        }
    }

    @Test("a session that is idle for too long ends; one that is used does not", arguments: StoreKind.allCases)
    func idleEnd(kind: StoreKind) async throws {
        try await StoreFixture(kind).run { [start, hour] store, _ in
            let idle = try SessionRecord.sample(lifetime: 12 * hour, idleTimeout: hour)
            let used = try SessionRecord.sample(lifetime: 12 * hour, idleTimeout: hour)
            let endless = try SessionRecord.sample(lifetime: 12 * hour, idleTimeout: 0)
            for session in [idle, used, endless] { try await store.insert(session, now: start) }
            #expect(try await store.find(idle.key, now: start + hour - 1) != nil)
            try await store.touch(used.key, lastSeenAt: start + hour - 1)
            #expect(try await store.find(idle.key, now: start + hour) == nil)
            #expect(try await store.find(used.key, now: start + hour)?.lastSeenAt == start + hour - 1)
            #expect(try await store.find(used.key, now: start + 2 * hour - 1) == nil)
            #expect(try await store.find(endless.key, now: start + 12 * hour - 1) == endless)
        }
    }

    @Test("the last-seen time moves forward only", arguments: StoreKind.allCases)
    func touchForward(kind: StoreKind) async throws {
        try await StoreFixture(kind).run { [start] store, _ in
            let session = try SessionRecord.sample()
            try await store.insert(session, now: start)
            try await store.touch(session.key, lastSeenAt: start + 5_000)
            try await store.touch(session.key, lastSeenAt: start + 2_000)
            var expected = session
            expected.lastSeenAt = start + 5_000
            #expect(try await store.find(session.key, now: start) == expected)
            #expect(try await store.sessions(of: session.userID, now: start) == [expected])
        }
    }

    @Test("a user's sessions are listed newest first, and nobody else's", arguments: StoreKind.allCases)
    func list(kind: StoreKind) async throws {
        try await StoreFixture(kind).run { [start, hour] store, _ in
            var mine: [SessionRecord] = []
            for second in 0..<5 {
                mine.append(try .sample(createdAt: start + Int64(second) * 1_000, idleTimeout: 0))
                try await store.insert(mine[second], now: start)
            }
            let other = try SessionRecord.sample(user: "1012", createdAt: start + 500, idleTimeout: 0)
            let ended = try SessionRecord.sample(createdAt: start, lifetime: hour)
            try await store.insert(other, now: start)
            try await store.insert(ended, now: start)
            // Far enough that no slow run of the other tests gets there by the real clock, by which Redis goes.
            let later = start + 2 * hour
            #expect(try await store.sessions(of: mine[0].userID, now: later) == mine.reversed())
            #expect(try await store.sessions(of: other.userID, now: later) == [other])
            #expect(try await store.all(limit: 100, now: later) == mine.dropFirst().reversed() + [other, mine[0]])
            #expect(try await store.all(limit: 3, now: later).count == 3)
            #expect(try await store.all(limit: 0, now: later) == [])
        }
    }

    @Test("all of a user's sessions end together, with one kept if asked", arguments: StoreKind.allCases)
    func removeAll(kind: StoreKind) async throws {
        try await StoreFixture(kind).run { [start] store, _ in
            var mine: [SessionRecord] = []
            for index in 0..<6 {
                mine.append(try .sample())
                try await store.insert(mine[index], now: start)
            }
            let other = try SessionRecord.sample(user: "102")
            try await store.insert(other, now: start)
            let user = mine[0].userID

            #expect(try await store.removeAll(of: user, except: mine[3].key) == 5)
            #expect(try await store.sessions(of: user, now: start) == [mine[3]])
            #expect(try await store.find(mine[0].key, now: start) == nil)
            #expect(try await store.removeAll(of: user, except: other.key) == 1)
            #expect(try await store.sessions(of: user, now: start) == [])
            #expect(try await store.find(other.key, now: start) == other)
        }
    }

    @Test("many sessions of one user end together", arguments: StoreKind.allCases)
    func removeMany(kind: StoreKind) async throws {
        try await StoreFixture(kind).run { [start] store, _ in
            let user = try UserID("101")
            for _ in 0..<450 { try await store.insert(.sample(), now: start) }
            let kept = try SessionRecord.sample()
            try await store.insert(kept, now: start)
            #expect(try await store.sessions(of: user, now: start).count == 451)
            #expect(try await store.removeAll(of: user, except: kept.key) == 450)
            #expect(try await store.sessions(of: user, now: start) == [kept])
        }
    }

    @Test("a purge removes nothing that lives", arguments: StoreKind.allCases)
    func purge(kind: StoreKind) async throws {
        try await StoreFixture(kind).run { [start, hour] store, _ in
            let short = try SessionRecord.sample(lifetime: hour, idleTimeout: 0)
            let idle = try SessionRecord.sample(lifetime: 12 * hour, idleTimeout: hour)
            let long = try SessionRecord.sample(lifetime: 12 * hour, idleTimeout: 0)
            for session in [short, idle, long] { try await store.insert(session, now: start) }
            #expect(try await store.purge(now: start + hour - 1) == 0)
            #expect(try await store.find(short.key, now: start) == short)
            let count = try await store.purge(now: start + hour)
            // Redis' values expire by themselves, by Redis' own clock.
            #expect(count == (kind.expiresByItself ? 0 : 2))
            #expect(try await store.find(short.key, now: start + hour) == nil)
            #expect(try await store.find(idle.key, now: start + hour) == nil)
            #expect(try await store.find(long.key, now: start + hour) == long)
        }
    }

    static let oddTexts = [
        "x", "' OR 1=1 --", "\"quoted\" \\ back", "{\"role\":\"admin\"}", "änn€ 漢字 🙂", "e\u{301}", "\u{E9}",
        "a:b:c*?[d]", "%00%0A", "$5 *3 +OK -ERR :1", "null", "0", String(repeating: "r", count: 128),
    ]

    @Test("odd names and roles come back octet for octet", arguments: StoreKind.allCases, oddTexts)
    func oddValues(kind: StoreKind, text: String) async throws {
        try await StoreFixture(kind).run { [start] store, _ in
            let session = try SessionRecord.sample(username: text, role: text)
            try await store.insert(session, now: start)
            #expect(try await store.find(session.key, now: start) == session)
            #expect(try await store.sessions(of: session.userID, now: start) == [session])
        }
    }

    @Test("odd user ids keep apart", arguments: StoreKind.allCases)
    func oddUsers(kind: StoreKind) async throws {
        try await StoreFixture(kind).run { [start] store, _ in
            let users = ["1", "1*", "?", "[12]", "1:sessions", "a/b", "%31", "user@example.com", String(repeating: "z", count: 128)]
            var sessions: [SessionRecord] = []
            for user in users {
                sessions.append(try .sample(user: user))
                try await store.insert(sessions[sessions.count - 1], now: start)
            }
            for session in sessions { #expect(try await store.sessions(of: session.userID, now: start) == [session]) }
            #expect(try await store.removeAll(of: UserID("1*"), except: nil) == 1)
            #expect(try await store.removeAll(of: UserID("?"), except: nil) == 1)
            #expect(try await store.all(limit: 100, now: start).count == users.count - 2)
        }
    }

    @Test("the longest times are kept", arguments: StoreKind.allCases)
    func longestTimes(kind: StoreKind) async throws {
        try await StoreFixture(kind).run { [start] store, _ in
            let lastOfYear9999: Int64 = 253_402_300_799_999
            var session = try SessionRecord.sample(lifetime: lastOfYear9999 - start, idleTimeout: lastOfYear9999)
            session.createdAt = 0
            try await store.insert(session, now: start)
            #expect(try await store.find(session.key, now: start) == session)
            try await store.touch(session.key, lastSeenAt: lastOfYear9999 - 1)
            #expect(try await store.find(session.key, now: session.expiresAt - 1)?.lastSeenAt == lastOfYear9999 - 1)
            #expect(try await store.purge(now: lastOfYear9999 - 1) == 0)
            #expect(try await store.all(limit: 10, now: start).count == 1)
        }
    }

    @Test("200 tasks at once each find their own session", arguments: StoreKind.allCases)
    func concurrency(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        let start = start
        try await fixture.run { store, worker in
            var sessions: [SessionRecord] = []
            for index in 0..<200 { sessions.append(try .sample(user: "\(index + 1)", username: "user\(index)")) }
            let tasks = sessions.map { session in
                worker.start { store, _ in
                    try await store.insert(session, now: start)
                    let found = try await store.find(session.key, now: start)
                    try await store.touch(session.key, lastSeenAt: start + 1)
                    let touched = try await store.find(session.key, now: start)
                    return found == session && touched?.lastSeenAt == start + 1 && touched?.userID == session.userID
                }
            }
            for task in tasks { #expect(try await task.value) }
            #expect(try await store.all(limit: 1_000, now: start).count == 200)
        }
    }

    @Test("a store answers a ping", arguments: StoreKind.allCases)
    func ping(kind: StoreKind) async throws {
        try await StoreFixture(kind).run { store, _ in try await store.ping() }
    }
}
