import Access
import Glibc
import Loop
import Stores
import Testing

/// What is particular to Redis: its keys, its expiry times, its ways to fail.
@Suite("Redis sessions")
struct RedisSessionStoreTests {
    private let start = SessionRecord.start
    private let hour = SessionRecord.hour

    /// Long enough for a busy machine; the tests that measure set their own.
    static func patient() -> RedisTimeouts {
        var timeouts = RedisTimeouts()
        timeouts.command = 5_000
        timeouts.connect = 5_000
        return timeouts
    }

    private func run<T: Sendable>(
        _ location: RedisLocation, timeouts: RedisTimeouts = patient(),
        _ body: @escaping @Sendable (any SessionStore, isolated TestWorker) async throws -> T
    ) async throws -> T {
        let worker = try TestWorker()
        return try await worker.run { worker in
            let store = RedisSessionStore(location, loop: worker.loop, pool: worker.pool, timeouts: timeouts)
            worker.store = store
            return try await body(store, worker)
        }
    }

    private func run<T: Sendable>(
        port: UInt16, timeouts: RedisTimeouts = patient(),
        _ body: @escaping @Sendable (any SessionStore, isolated TestWorker) async throws -> T
    ) async throws -> T {
        try await run(RedisLocation(host: "127.0.0.1", port: port), timeouts: timeouts, body)
    }

    /// The error of `body`, which must be one of a store that cannot be asked.
    private static func unavailable(
        _ store: any SessionStore, _ key: SessionKey, now: Int64
    ) async throws -> String {
        do throws(StoreError) {
            _ = try await store.find(key, now: now)
        } catch {
            guard case .unavailable(let what) = error else { throw error }
            return what
        }
        throw TestFailure("the store answered")
    }

    private static func key(_ session: SessionRecord) -> String { "gatehouse:session:" + session.key.text }

    // MARK: Values

    @Test("a value expires at the end of its session, by Redis' own clock, and a touch moves that but never past the absolute end")
    func expiry() async throws {
        let server = try RedisServer()
        try await run(port: server.port) { [start, hour] store, _ in
            let session = try SessionRecord.sample(lifetime: 2 * hour, idleTimeout: hour)
            // Milliseconds from the session's start to the value's end.
            func leftToLive() throws -> Int64 { try server.integer("PTTL", Self.key(session)) + Clock.wall() - start }
            try await store.insert(session, now: start)
            #expect(abs(try leftToLive() - hour) < 1_000)
            try await store.touch(session.key, lastSeenAt: start + hour / 2)
            #expect(abs(try leftToLive() - hour * 3 / 2) < 1_000)
            try await store.touch(session.key, lastSeenAt: start + hour * 3 / 2)
            #expect(abs(try leftToLive() - 2 * hour) < 1_000)
        }
    }

    @Test("an index lives as long as its longest session, also when lifetimes become shorter")
    func indexExpiry() async throws {
        let server = try RedisServer()
        try await run(port: server.port) { [start, hour] store, _ in
            let index = "gatehouse:user:101:sessions"
            func leftToLive() throws -> Int64 { try server.integer("PTTL", index) + Clock.wall() - start }
            let long = try SessionRecord.sample(lifetime: 12 * hour, idleTimeout: 0)
            let short = try SessionRecord.sample(lifetime: hour, idleTimeout: 0)
            try await store.insert(long, now: start)
            #expect(abs(try leftToLive() - 12 * hour) < 1_000)
            try await store.insert(short, now: start)
            #expect(abs(try leftToLive() - 12 * hour) < 1_000)
            #expect(try await store.removeAll(of: long.userID, except: nil) == 2)
            #expect(try server.ask("DBSIZE") == ":0\r\n")
        }
    }

    @Test("a session that has expired leaves the index when the list is read or added to")
    func indexTrimmed() async throws {
        let server = try RedisServer()
        try await run(port: server.port) { [start, hour] store, worker in
            let index = "gatehouse:user:101:sessions"
            let lasting = try SessionRecord.sample()
            let brief = try SessionRecord.sample(createdAt: Clock.wall(), lifetime: hour, idleTimeout: 50)
            try await store.insert(lasting, now: start)
            try await store.insert(brief, now: start)
            #expect(try server.ask("ZCARD", index) == ":2\r\n")
            await worker.pause(milliseconds: 100)
            #expect(try server.ask("EXISTS", Self.key(brief)) == ":0\r\n")
            #expect(try await store.sessions(of: lasting.userID, now: start) == [lasting])
            #expect(try server.ask("ZCARD", index) == ":1\r\n")

            let ended = try SessionRecord.sample(createdAt: Clock.wall(), lifetime: 50, idleTimeout: 0)
            try await store.insert(ended, now: start)
            await worker.pause(milliseconds: 100)
            try await store.insert(.sample(), now: Clock.wall())
            #expect(try server.ask("ZCARD", index) == ":2\r\n")
        }
    }

    @Test("rule 41: keys hold no pattern characters, and no session id is stored")
    func keys() async throws {
        let server = try RedisServer()
        try await run(port: server.port) { [start] store, _ in
            let id = try SessionID.random()
            var session = try SessionRecord.sample(user: "a*?[x]\\^:")
            session.key = id.key
            try await store.insert(session, now: start)
            let keys = try server.ask("KEYS", "*")
            #expect(keys.contains("gatehouse:user:a%2A%3F%5Bx%5D%5C%5E%3A:sessions\r\n"))
            #expect(keys.contains(Self.key(session)))
            let dump = keys + (try server.ask("GET", Self.key(session)))
            #expect(!dump.contains(String(decoding: id.text.dropFirst(5), as: UTF8.self)))
        }
    }

    @Test("rule 41: a value that is not this session's record opens no session", arguments: ["", "x", "GHS\u{1}", "{\"user\":1}"])
    func strangeValue(value: String) async throws {
        let server = try RedisServer()
        try await run(port: server.port) { [start] store, _ in
            let session = try SessionRecord.sample()
            let sound = try SessionRecord.sample()
            try await store.insert(session, now: start)
            try await store.insert(sound, now: start)
            _ = try server.ask("SET", Self.key(session), value)
            do throws(StoreError) {
                _ = try await store.find(session.key, now: start)
                Issue.record("it was found")
            } catch {
                guard case .corrupt = error else { throw error }
            }
            #expect(try await store.sessions(of: session.userID, now: start) == [sound])
            #expect(try await store.all(limit: 10, now: start) == [sound])
            #expect(try await store.removeAll(of: session.userID, except: nil) == 2)
            #expect(try server.ask("DBSIZE") == ":0\r\n")
        }
    }

    @Test("rule 41: a record copied to another key is not believed there")
    func copiedValue() async throws {
        let server = try RedisServer()
        try await run(port: server.port) { [start] store, worker in
            let admin = try SessionRecord.sample(user: "1", role: "admin")
            let mine = try SessionRecord.sample(user: "2")
            try await store.insert(admin, now: start)
            try await store.insert(mine, now: start)
            _ = try server.ask("COPY", Self.key(admin), Self.key(mine), "REPLACE")
            do throws(StoreError) {
                _ = try await store.find(mine.key, now: start)
                Issue.record("it was believed")
            } catch {
                guard case .corrupt = error else { throw error }
            }
        }
    }

    @Test("a touch writes only where the session still is, so that one ended in between stays ended")
    func touchOnlyExisting() async throws {
        let session = try SessionRecord.sample()
        let value = session.encoded
        let fake = try FakeRedis(.answer(Array("$\(value.count)\r\n".utf8) + value + Array("\r\n".utf8)))
        try await run(port: fake.port) { [start] store, _ in
            // It answers the write with the record again, which is no answer to a write.
            do throws(StoreError) { try await store.touch(session.key, lastSeenAt: start + 1) } catch {}
        }
        #expect(fake.count(of: "\r\nSET\r\n") == 1)
        #expect(fake.count(of: "\r\nXX\r\n") == 1)
    }

    @Test("a key of another type is an error that says so, and the connection goes on")
    func wrongType() async throws {
        let server = try RedisServer()
        try await run(port: server.port) { [start] store, _ in
            let session = try SessionRecord.sample()
            _ = try server.ask("LPUSH", Self.key(session), "x")
            do throws(StoreError) {
                _ = try await store.find(session.key, now: start)
                Issue.record("it was found")
            } catch {
                guard case .corrupt(let what) = error else { throw error }
                #expect(what.contains("another type"))
            }
            let sound = try SessionRecord.sample()
            try await store.insert(sound, now: start)
            #expect(try await store.find(sound.key, now: start) == sound)
        }
    }

    @Test("ending all sessions of a user leaves those that its index names wrongly")
    func foreignMember() async throws {
        let server = try RedisServer()
        try await run(port: server.port) { [start, hour] store, _ in
            let mine = try SessionRecord.sample(user: "1")
            let other = try SessionRecord.sample(user: "2")
            try await store.insert(mine, now: start)
            try await store.insert(other, now: start)
            _ = try server.ask("ZADD", "gatehouse:user:1:sessions", "\(start + hour)", other.key.text)
            #expect(try await store.sessions(of: mine.userID, now: start) == [mine])
            #expect(try await store.removeAll(of: mine.userID, except: nil) == 1)
            #expect(try await store.find(other.key, now: start) == other)
        }
    }

    // MARK: Who we are

    @Test("user, password and database of the address are used")
    func credentials() async throws {
        let server = try RedisServer()
        #expect(try server.ask("ACL", "SETUSER", "gate", "on", ">p@ss/", "~gatehouse:*", "+@all") == "+OK\r\n")
        #expect(try server.ask("CONFIG", "SET", "requirepass", "se cret%") == "+OK\r\n")
        let session = try SessionRecord.sample()
        let now = start
        let host = "127.0.0.1"
        for location in [
            RedisLocation(host: host, port: server.port, database: 3, password: Array("se cret%".utf8)),
            RedisLocation(host: host, port: server.port, user: Array("gate".utf8), password: Array("p@ss/".utf8)),
        ] {
            try await run(location) { store, _ in
                try await store.insert(session, now: now)
                #expect(try await store.find(session.key, now: now) == session)
                #expect(try await store.all(limit: 5, now: now) == [session])
            }
        }
    }

    @Test(
        "a wrong or missing password is said so, without repeating it",
        arguments: [
            (nil, nil, "asks for a password"), (nil, "hunter2", "does not accept"), ("gate", "hunter2", "does not accept"),
        ] as [(String?, String?, String)])
    func wrongCredentials(user: String?, password: String?, says: String) async throws {
        let server = try RedisServer(["--requirepass", "right"])
        let location = RedisLocation(
            host: "127.0.0.1", port: server.port, user: user.map { Array($0.utf8) }, password: password.map { Array($0.utf8) })
        let key = try SessionRecord.sample().key
        let what = try await run(location) { [start] store, _ in try await Self.unavailable(store, key, now: start) }
        #expect(what.contains(says))
        #expect(!what.contains("hunter2"))
    }

    @Test("a name is looked up off the loop")
    func name() async throws {
        let server = try RedisServer()
        try await run(RedisLocation(host: "localhost", port: server.port)) { store, _ in try await store.ping() }
        let key = try SessionRecord.sample().key
        let what = try await run(RedisLocation(host: "no-such-host.invalid", port: server.port)) { [start] store, _ in
            try await Self.unavailable(store, key, now: start)
        }
        #expect(what.contains("no-such-host.invalid"))
    }

    // MARK: Many at once

    @Test("the commands of one turn of the loop leave in one write")
    func pipelined() async throws {
        let fake = try FakeRedis(.answer(Array(repeating: Array("$-1\r\n".utf8), count: 50).flatMap { $0 }))
        try await run(port: fake.port) { [start] _, worker in
            let tasks = try (0..<50).map { _ in
                let key = try SessionRecord.sample().key
                return worker.start { store, _ in try await store.find(key, now: start) }
            }
            for task in tasks { #expect(try await task.value == nil) }
        }
        // The greeting and the batch.
        #expect(fake.reads == 2)
        #expect(fake.count(of: "GET\r\n") == 50)
    }

    @Test("5,000 checks in flight each get their own answer")
    func manyInFlight() async throws {
        let server = try RedisServer()
        try await run(port: server.port) { [start] store, worker in
            var sessions: [SessionRecord] = []
            for index in 0..<100 {
                sessions.append(try .sample(user: "\(index + 1)", username: "user\(index)"))
                try await store.insert(sessions[index], now: start)
            }
            let tasks = (0..<5_000).map { index in
                let session = sessions[index % 100]
                return worker.start { store, _ in try await store.find(session.key, now: start) == session }
            }
            for task in tasks { #expect(try await task.value) }
        }
    }
}
