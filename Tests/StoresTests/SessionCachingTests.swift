import Access
import Glibc
import Loop
import Synchronization
import Testing

@testable import Stores

/// The caches of workers, told by real stores what becomes of their sessions.
@Suite("Sessions kept at hand")
struct SessionCachingTests {
    private final class Reports: Sendable {
        private let texts = Mutex<[String]>([])
        var all: [String] { texts.withLock { $0 } }
        func add(_ text: String) { texts.withLock { $0.append(text) } }
    }

    /// As the gateway looks a session up.
    private static func isKept(_ store: any SessionStore, _ key: SessionKey, _ worker: isolated TestWorker) throws -> Bool {
        let cache = try #require(store.cache)
        return if case .known = cache.find(key, now: Clock.monotonic(), wallClock: SessionRecord.start) { true } else { false }
    }

    /// Looks `key` up as often as it takes until it is kept.
    private static func keep(_ store: any SessionStore, _ session: SessionRecord, _ worker: isolated TestWorker) async throws {
        let cache = try #require(store.cache)
        for _ in 0..<500 {
            switch cache.find(session.key, now: Clock.monotonic(), wallClock: SessionRecord.start) {
            case .known: return
            case .unknown(let ticket):
                let found = try #require(try await store.find(session.key, now: SessionRecord.start))
                if let ticket { cache.keep(found, as: try Identity(session: found), ticket) }
            }
            await worker.pause(milliseconds: 10)
        }
        throw TestFailure("the session is never kept")
    }

    /// Waits until `key` is not kept any more although the store's word is asked for all the time.
    private static func waitForChange(_ store: any SessionStore, _ key: SessionKey, _ worker: isolated TestWorker) async throws {
        for _ in 0..<500 {
            if try !isKept(store, key, worker) { return }
            await worker.pause(milliseconds: 10)
        }
        throw TestFailure("the change is never heard of")
    }

    private func withRedis(
        _ location: RedisLocation, _ reports: Reports = Reports(), timeouts: RedisTimeouts = RedisSessionStoreTests.patient(),
        _ body: @escaping @Sendable (any SessionStore, isolated TestWorker) async throws -> Void
    ) async throws {
        let worker = try TestWorker()
        try await worker.run { worker in
            let caching = SessionCaching(capacity: 64) { reports.add($0) }
            let store = RedisSessionStore(
                .server(location), loop: worker.loop, pool: worker.pool, timeouts: timeouts, caching: caching)
            try await body(store, worker)
        }
    }

    @Test("Redis: what is kept is not asked for; a change by anybody else is heard of")
    func redis() async throws {
        let server = try RedisServer()
        try await withRedis(RedisLocation(host: "127.0.0.1", port: server.port)) { store, worker in
            let session = try SessionRecord.sample()
            try await store.insert(session, now: SessionRecord.start)
            try await Self.keep(store, session, worker)
            // Another client ends it.
            #expect(try server.integer("DEL", "gatehouse:session:" + session.key.text) == 1)
            try await Self.waitForChange(store, session.key, worker)
            #expect(try await store.find(session.key, now: SessionRecord.start) == nil)
        }
    }

    @Test("Redis: what this process ends or touches is not kept from the moment on at which the caller is told")
    func ownChanges() async throws {
        let server = try RedisServer()
        try await withRedis(RedisLocation(host: "127.0.0.1", port: server.port)) { store, worker in
            let session = try SessionRecord.sample()
            try await store.insert(session, now: SessionRecord.start)
            try await Self.keep(store, session, worker)
            try await store.touch(session.key, lastSeenAt: SessionRecord.start + 1)
            #expect(try !Self.isKept(store, session.key, worker))
            try await Self.keep(store, session, worker)
            #expect(try await store.remove(session.key))
            #expect(try !Self.isKept(store, session.key, worker))

            let other = try SessionRecord.sample()
            try await store.insert(other, now: SessionRecord.start)
            try await Self.keep(store, other, worker)
            #expect(try await store.removeAll(of: other.userID, except: nil) == 1)
            #expect(try !Self.isKept(store, other.key, worker))
        }
    }

    @Test("rule 43: when Redis falls silent, nothing that was kept counts after the time that its word reaches")
    func silence() async throws {
        let server = try RedisServer()
        try await withRedis(RedisLocation(host: "127.0.0.1", port: server.port)) { store, worker in
            let session = try SessionRecord.sample()
            try await store.insert(session, now: SessionRecord.start)
            try await Self.keep(store, session, worker)
            server.signal(SIGSTOP)
            defer { server.signal(SIGCONT) }
            // Questions that were under way may still be answered; then there is nothing.
            await worker.pause(milliseconds: 2 * Int64(SessionCache.reach / 1_000_000))
            #expect(try !Self.isKept(store, session.key, worker))
        }
    }

    @Test(
        "Redis: either connection may break; nothing kept before counts after it, and both come back by themselves",
        arguments: [true, false])
    func breaks(_ isNews: Bool) async throws {
        let server = try RedisServer()
        try await withRedis(RedisLocation(host: "127.0.0.1", port: server.port)) { store, worker in
            let session = try SessionRecord.sample()
            try await store.insert(session, now: SessionRecord.start)
            try await Self.keep(store, session, worker)
            // The connection with the news is the one that Redis counts as subscribed.
            #expect(try server.integer("CLIENT", "KILL", "TYPE", isNews ? "pubsub" : "normal", "SKIPME", "yes") >= 1)
            for _ in 0..<500 where try Self.isKept(store, session.key, worker) { await worker.pause(milliseconds: 2) }
            #expect(try !Self.isKept(store, session.key, worker))
            try await Self.keep(store, session, worker)
            #expect(try server.integer("DEL", "gatehouse:session:" + session.key.text) == 1)
            try await Self.waitForChange(store, session.key, worker)
        }
    }

    @Test("Redis: a user who may not be told is told about, and every check asks")
    func notAllowed() async throws {
        let server = try RedisServer()
        _ = try server.ask(["ACL", "SETUSER", "gate", "on", ">secret", "~gatehouse:*", "&*", "+@all", "-client|tracking"])
        let reports = Reports()
        let location = RedisLocation(
            host: "127.0.0.1", port: server.port, user: Array("gate".utf8), password: Array("secret".utf8))
        try await withRedis(location, reports) { store, worker in
            let session = try SessionRecord.sample()
            try await store.insert(session, now: SessionRecord.start)
            for _ in 0..<500 where reports.all.isEmpty { await worker.pause(milliseconds: 10) }
            #expect(reports.all.count == 1)
            #expect(reports.all.first?.contains("CLIENT") == true)
            #expect(try await store.find(session.key, now: SessionRecord.start) != nil)
            #expect(try !Self.isKept(store, session.key, worker))
            _ = try server.ask(["ACL", "SETUSER", "gate", "+client|tracking"])
            try await Self.keep(store, session, worker)
            #expect(reports.all.count == 2)
        }
    }

    @Test("SQLite: what is kept is not asked for; a change by another process, or another worker, is heard of", arguments: [true, false])
    func sqlite(_ isOtherProcess: Bool) async throws {
        let folder = try TemporaryFolder()
        let database = try SQLiteDatabase(path: folder.file("cache.db"))
        // Another object has connections of its own, as another process has.
        let other = try SQLiteDatabase(path: folder.file("cache.db"))
        let worker = try TestWorker()
        try await worker.run { worker in
            let store = SQLiteStore(database, pool: worker.pool, endsSessions: false, caching: (loop: worker.loop, capacity: 64))
            let session = try SessionRecord.sample()
            try await store.insert(session, now: SessionRecord.start)
            try await Self.keep(store, session, worker)
            if isOtherProcess {
                #expect(try other.removeSession(session.key))
                try await Self.waitForChange(store, session.key, worker)
            } else {
                let second = SQLiteStore(database, pool: worker.pool, endsSessions: false)
                #expect(try await second.remove(session.key))
                #expect(try !Self.isKept(store, session.key, worker))
            }
            #expect(try await store.find(session.key, now: SessionRecord.start) == nil)
        }
    }

    @Test("SQLite: sign-ins of this process cost nobody else's session its place")
    func ownInserts() async throws {
        let folder = try TemporaryFolder()
        let database = try SQLiteDatabase(path: folder.file("cache.db"))
        let worker = try TestWorker()
        try await worker.run { worker in
            let store = SQLiteStore(database, pool: worker.pool, endsSessions: false, caching: (loop: worker.loop, capacity: 64))
            let session = try SessionRecord.sample()
            try await store.insert(session, now: SessionRecord.start)
            try await Self.keep(store, session, worker)
            try await store.insert(try SessionRecord.sample(), now: SessionRecord.start)
            try database.noteOtherWriters()
            try #require(store.cache).vouch(from: Clock.monotonic())
            #expect(try Self.isKept(store, session.key, worker))
        }
    }
}
