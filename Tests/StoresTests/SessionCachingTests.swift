import Access
import Glibc
import Loop
import Synchronization
import Testing

@testable import Stores

/// The caches of workers, told by real stores what becomes of their sessions.
@Suite("Sessions kept at hand")
struct SessionCachingTests {
    final class Reports: Sendable {
        private let texts = Mutex<[String]>([])
        var all: [String] { texts.withLock { $0 } }
        func add(_ text: String) { texts.withLock { $0.append(text) } }
    }

    /// As the gateway looks a session up.
    static func isKept(_ store: any SessionStore, _ key: SessionKey, _ worker: isolated TestWorker) throws -> Bool {
        let cache = try #require(store.cache)
        return if case .known = cache.find(key, now: Clock.monotonic(), wallClock: SessionRecord.start) { true } else { false }
    }

    private static func ticket(_ store: any SessionStore, _ key: SessionKey) throws -> SessionCache.Ticket? {
        let cache = try #require(store.cache)
        return if case .unknown(let ticket) = cache.find(key, now: Clock.monotonic(), wallClock: SessionRecord.start) { ticket } else { nil }
    }

    /// Looks `key` up as often as it takes until it is kept.
    static func keep(_ store: any SessionStore, _ session: SessionRecord, _ worker: isolated TestWorker) async throws {
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

    /// A new session that is in the store and kept.
    static func keptSession(_ store: any SessionStore, _ worker: isolated TestWorker) async throws -> SessionRecord {
        let session = try SessionRecord.sample()
        try await store.insert(session, now: SessionRecord.start)
        try await keep(store, session, worker)
        return session
    }

    /// Waits until what is kept of `key` counts no more although the store has given its word: without that, nothing would count.
    static func waitForChange(_ store: any SessionStore, _ key: SessionKey, _ worker: isolated TestWorker) async throws {
        for _ in 0..<500 {
            if try ticket(store, key) != nil { return }
            await worker.pause(milliseconds: 10)
        }
        throw TestFailure("the change is never heard of")
    }

    private func withRedis(
        _ location: RedisLocation, _ reports: Reports = Reports(), timeouts: RedisTimeouts = RedisSessionStoreTests.patient(),
        _ body: @escaping @Sendable (any SessionStore, isolated TestWorker) async throws -> Void
    ) async throws {
        try await withRedis(.server(location), reports, timeouts: timeouts, body)
    }

    private func withRedis(
        _ deployment: RedisDeployment, _ reports: Reports = Reports(), timeouts: RedisTimeouts = RedisSessionStoreTests.patient(),
        _ body: @escaping @Sendable (any SessionStore, isolated TestWorker) async throws -> Void
    ) async throws {
        let worker = try TestWorker()
        try await worker.run { worker in
            let caching = SessionCaching(capacity: 64) { reports.add($0) }
            let store = RedisSessionStore(
                deployment, loop: worker.loop, pool: worker.pool, timeouts: timeouts, caching: caching)
            try await body(store, worker)
        }
    }

    @Test("Redis: what is kept is not asked for; a change by anybody else is heard of")
    func redis() async throws {
        let server = try RedisServer()
        try await withRedis(RedisLocation(host: "127.0.0.1", port: server.port)) { store, worker in
            let session = try await Self.keptSession(store, worker)
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
            let session = try await Self.keptSession(store, worker)
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

    @Test("Redis: what this process changes is known before its caller is told, without the news of it", arguments: 0..<3)
    func ownChangesUntold(_ change: Int) async throws {
        let server = try RedisServer()
        let balancer = try Balancer(first: server.port, then: server.port)
        let worker = try TestWorker()
        try await worker.run { worker in
            let caching = SessionCaching(capacity: 64) { _ in }
            let store = RedisSessionStore(
                .server(RedisLocation(host: "127.0.0.1", port: balancer.port)), loop: worker.loop, pool: worker.pool,
                timeouts: RedisSessionStoreTests.patient(), caching: caching)
            let session = try await Self.keptSession(store, worker)
            balancer.mute(first: false)
            #expect(try server.integer("CLIENT", "KILL", "TYPE", "pubsub") == 1)
            let before = caching.versions.version(of: session.key)
            switch change {
            case 0: try await store.touch(session.key, lastSeenAt: SessionRecord.start + 1)
            case 1: #expect(try await store.remove(session.key))
            default: #expect(try await store.removeAll(of: session.userID, except: nil) == 1)
            }
            #expect(caching.versions.version(of: session.key) > before)
        }
    }

    @Test("rule 43: when Redis falls silent, nothing that was kept counts after the time that its word reaches")
    func silence() async throws {
        let server = try RedisServer()
        try await withRedis(RedisLocation(host: "127.0.0.1", port: server.port)) { store, worker in
            let session = try await Self.keptSession(store, worker)
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
            let session = try await Self.keptSession(store, worker)
            // The connection with the news is the one that Redis counts as subscribed.
            #expect(try server.integer("CLIENT", "KILL", "TYPE", isNews ? "pubsub" : "normal", "SKIPME", "yes") >= 1)
            for _ in 0..<500 where try Self.isKept(store, session.key, worker) { await worker.pause(milliseconds: 2) }
            #expect(try !Self.isKept(store, session.key, worker))
            try await Self.keep(store, session, worker)
            #expect(try server.integer("DEL", "gatehouse:session:" + session.key.text) == 1)
            try await Self.waitForChange(store, session.key, worker)
        }
    }

    @Test(
        "rule 43: when one of the two connections is cut off without a sign, the answers of the other are not enough",
        arguments: [true, false])
    func cutOff(_ isReader: Bool) async throws {
        let server = try RedisServer()
        let balancer = try Balancer(first: server.port, then: server.port)
        try await withRedis(RedisLocation(host: "127.0.0.1", port: balancer.port)) { store, worker in
            let session = try await Self.keptSession(store, worker)
            balancer.mute(first: isReader)
            #expect(try server.integer("CLIENT", "KILL", "TYPE", isReader ? "normal" : "pubsub", "SKIPME", "yes") >= 1)
            #expect(try server.integer("DEL", "gatehouse:session:" + session.key.text) == 1)
            // All the while the store's word is asked for, and one of the two connections gives it.
            let end = Clock.monotonic() + SessionCache.reach
            while Clock.monotonic() < end {
                _ = try Self.isKept(store, session.key, worker)
                await worker.pause(milliseconds: 5)
            }
            #expect(try !Self.isKept(store, session.key, worker))
        }
    }

    @Test("Redis: when all is removed at once, all is looked up anew")
    func flush() async throws {
        let server = try RedisServer()
        try await withRedis(RedisLocation(host: "127.0.0.1", port: server.port)) { store, worker in
            let session = try await Self.keptSession(store, worker)
            #expect(try server.ask("FLUSHALL") == "+OK\r\n")
            try await Self.waitForChange(store, session.key, worker)
            #expect(try await store.find(session.key, now: SessionRecord.start) == nil)
        }
    }

    @Test("Stores that nobody holds any more end both of their connections")
    func ends() async throws {
        let server = try RedisServer()
        try await withRedis(RedisLocation(host: "127.0.0.1", port: server.port)) { store, worker in
            let session = try await Self.keptSession(store, worker)
            for _ in 0..<20 {
                let caching = SessionCaching(capacity: 64) { _ in }
                let other = RedisSessionStore(
                    .server(RedisLocation(host: "127.0.0.1", port: server.port)), loop: worker.loop, pool: worker.pool,
                    timeouts: RedisSessionStoreTests.patient(), caching: caching)
                try await Self.keep(other, session, worker)
            }
            func count() throws -> Int { try server.ask("CLIENT", "LIST").split(separator: "id=").count - 1 }
            // Two are the first store's, one asks.
            for _ in 0..<500 where try count() > 3 { await worker.pause(milliseconds: 10) }
            #expect(try count() == 3)
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

    @Test("Redis behind sentinels: with a master that is replaced go its news and all that was kept, and the next one's come")
    func replacedMaster() async throws {
        let (master, next) = (try RedisServer(), try RedisServer())
        let sentinel = try RedisServer(sentinel: ["sentinel monitor mymaster 127.0.0.1 \(master.port) 1"])
        let sentinels = RedisSentinels(
            endpoints: [RedisEndpoint(host: "127.0.0.1", port: sentinel.port)], login: RedisLogin(), service: "mymaster",
            masterLogin: RedisLogin())
        try await withRedis(.sentinel(sentinels)) { store, worker in
            let session = try await Self.keptSession(store, worker)
            #expect(try master.ask("CLIENT", "LIST", "TYPE", "pubsub").contains("cmd=ping"))
            // The old one lives on, with the session, and would tell of it as before.
            _ = try sentinel.ask("SENTINEL", "REMOVE", "mymaster")
            _ = try sentinel.ask("SENTINEL", "MONITOR", "mymaster", "127.0.0.1", "\(next.port)", "1")
            try await Self.waitForChange(store, session.key, worker)
            #expect(try await store.find(session.key, now: SessionRecord.start) == nil)
            #expect(try !master.ask("CLIENT", "LIST", "TYPE", "pubsub").contains("cmd="))

            let later = try SessionRecord.sample()
            try await store.insert(later, now: SessionRecord.start)
            try await Self.keep(store, later, worker)
            #expect(try next.integer("DEL", "gatehouse:session:" + later.key.text) == 1)
            try await Self.waitForChange(store, later.key, worker)
        }
    }

    @Test("Redis by TLS: the news come by TLS too")
    func encrypted() async throws {
        let certificates = try Certificates.shared.get()
        let port = try TCP.freePort()
        let server = try RedisServer(certificates.serverOptions(port: port))
        defer { server.stop() }
        let login = RedisLogin(tls: try TLSContext(client: certificates.client))
        try await withRedis(RedisLocation(RedisEndpoint(host: "127.0.0.1", port: port), login)) { store, worker in
            let session = try await Self.keptSession(store, worker)
            #expect(try server.integer("DEL", "gatehouse:session:" + session.key.text) == 1)
            try await Self.waitForChange(store, session.key, worker)
        }
    }

    @Test("rule 43: behind an address of two servers, the news of one are not taken for those of the other")
    func twoServers() async throws {
        let (first, second) = (try RedisServer(), try RedisServer())
        // So that the number of a client of the second is known to the first.
        let others = (0..<50).compactMap { _ in TCP.connect(first.port) }
        defer { others.forEach { close($0) } }
        let balancer = try Balancer(first: first.port, then: second.port)
        let reports = Reports()
        try await withRedis(RedisLocation(host: "127.0.0.1", port: balancer.port), reports, timeouts: RedisTimeouts()) { store, worker in
            let session = try SessionRecord.sample()
            try await store.insert(session, now: SessionRecord.start)
            for _ in 0..<1_000 where reports.all.isEmpty {
                #expect(try !Self.isKept(store, session.key, worker))
                if let ticket = try Self.ticket(store, session.key) { store.cache?.keep(session, as: try Identity(session: session), ticket) }
                await worker.pause(milliseconds: 5)
            }
            #expect(reports.all.first?.contains("no news come") == true, "\(reports.all)")
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
            let session = try await Self.keptSession(store, worker)
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

    @Test("SQLite: what this process ends or touches is not kept from the moment on at which the caller is told", arguments: 0..<5)
    func ownChangesInFile(_ change: Int) async throws {
        let folder = try TemporaryFolder()
        let database = try SQLiteDatabase(path: folder.file("cache.db"))
        let worker = try TestWorker()
        try await worker.run { worker in
            let store = SQLiteStore(database, pool: worker.pool, endsSessions: true, caching: (loop: worker.loop, capacity: 64))
            let now = SessionRecord.start
            let user = try await store.insert(
                NewUser(id: UserID("101"), username: UserName("alice"), passwordHash: "x", role: "user"), now: now)
            let session = try SessionRecord.sample()
            try await store.insert(session, now: now)
            try await Self.keep(store, session, worker)
            switch change {
            case 0: try await store.touch(session.key, lastSeenAt: now + 1)
            case 1: #expect(try await store.remove(session.key))
            case 2: #expect(try await store.removeAll(of: session.userID, except: nil) == 1)
            case 3: #expect(try await store.setDisabled(user.id, true, now: now))
            default: #expect(try await store.remove(user.id))
            }
            #expect(try !Self.isKept(store, session.key, worker))
        }
    }

    @Test("SQLite: sign-ins of this process cost nobody else's session its place")
    func ownInserts() async throws {
        let folder = try TemporaryFolder()
        let database = try SQLiteDatabase(path: folder.file("cache.db"))
        let worker = try TestWorker()
        try await worker.run { worker in
            let store = SQLiteStore(database, pool: worker.pool, endsSessions: false, caching: (loop: worker.loop, capacity: 64))
            let session = try await Self.keptSession(store, worker)
            try await store.insert(try SessionRecord.sample(), now: SessionRecord.start)
            try database.noteOtherWriters()
            try #require(store.cache).vouch(from: Clock.monotonic())
            #expect(try Self.isKept(store, session.key, worker))
        }
    }
}
