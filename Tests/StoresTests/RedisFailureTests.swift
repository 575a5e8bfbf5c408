import Access
import Glibc
import Loop
import Stores
import Testing

/// Redis goes away, hangs, talks nonsense and comes back. Serialised, because these tests measure time.
@Suite("Redis failures", .serialized)
struct RedisFailureTests {
    private let now = SessionRecord.start

    private func run<T: Sendable>(
        port: UInt16, timeouts: RedisTimeouts = RedisTimeouts(),
        _ body: @escaping @Sendable (any SessionStore, isolated TestWorker) async throws -> T
    ) async throws -> T {
        let worker = try TestWorker()
        return try await worker.run { worker in
            let store = RedisSessionStore(
                RedisLocation(host: "127.0.0.1", port: port), loop: worker.loop, pool: worker.pool, timeouts: timeouts)
            worker.store = store
            return try await body(store, worker)
        }
    }

    /// What a check comes to: nil, it was answered; else why the store cannot be asked.
    private static func failure(_ store: any SessionStore, _ key: SessionKey, now: Int64) async throws -> String? {
        do throws(StoreError) {
            _ = try await store.find(key, now: now)
            return nil
        } catch {
            switch error {
            case .unavailable(let what), .corrupt(let what): return what
            case .conflict: throw error
            }
        }
    }

    /// Milliseconds until a check is answered again.
    private static func recovery(
        _ store: any SessionStore, _ key: SessionKey, now: Int64, on worker: isolated TestWorker
    ) async throws -> Int64 {
        try await TestWorker.timed {
            for _ in 0..<1_000 {
                if try await failure(store, key, now: now) == nil { return }
                await worker.pause(milliseconds: 5)
            }
            throw TestFailure("it did not come back")
        }.1
    }

    @Test("goal 13: killed, it fails at once; back, it serves within a second; nothing was cleared meanwhile")
    func killed() async throws {
        let server = try RedisServer()
        try await run(port: server.port) { [now] store, worker in
            let key = try SessionRecord.sample().key
            #expect(try await Self.failure(store, key, now: now) == nil)
            server.stop()
            for _ in 0..<20 {
                let (failure, time) = try await TestWorker.timed { try await Self.failure(store, key, now: now) }
                #expect(failure != nil)
                #expect(time < 1_000)
                await worker.pause(milliseconds: 20)
            }
            try server.start()
            #expect(try await Self.recovery(store, key, now: now, on: worker) <= 1_000)
        }
    }

    @Test("goal 13: commands that are in flight when it dies all fail, and none waits for its time-out")
    func killedInFlight() async throws {
        let server = try RedisServer()
        var timeouts = RedisTimeouts()
        timeouts.command = 20_000
        try await run(port: server.port, timeouts: timeouts) { [now] store, worker in
            let key = try SessionRecord.sample().key
            #expect(try await Self.failure(store, key, now: now) == nil)
            server.signal(SIGSTOP)
            let tasks = (0..<100).map { _ in
                worker.start { store, _ in try await Self.failure(store, key, now: now) }
            }
            await worker.pause(milliseconds: 20)
            let (failed, time) = try await TestWorker.timed {
                server.stop()
                var failed = 0
                for task in tasks where try await task.value != nil { failed += 1 }
                return failed
            }
            #expect(failed == 100)
            #expect(time < 5_000)
        }
    }

    @Test("goal 14: hanging, it costs one time-out, and then nothing until it answers again")
    func hanging() async throws {
        let server = try RedisServer()
        try await run(port: server.port) { [now] store, worker in
            let key = try SessionRecord.sample().key
            #expect(try await Self.failure(store, key, now: now) == nil)
            server.signal(SIGSTOP)
            var quick = 0
            for _ in 0..<30 {
                let (failure, time) = try await TestWorker.timed { try await Self.failure(store, key, now: now) }
                #expect(failure != nil)
                #expect(time < 1_000)
                if time < 20 { quick += 1 }
                await worker.pause(milliseconds: 20)
            }
            // Most are answered from what is known; each back-off is followed by one that tries.
            #expect(quick >= 15)
            server.signal(SIGCONT)
            #expect(try await Self.recovery(store, key, now: now, on: worker) <= 1_000)
        }
    }

    @Test("a server that takes connections and says nothing is down")
    func silent() async throws {
        let fake = try FakeRedis(.silence, greets: false)
        try await run(port: fake.port) { [now] store, _ in
            let key = try SessionRecord.sample().key
            let (failure, time) = try await TestWorker.timed { try await Self.failure(store, key, now: now) }
            #expect(failure?.contains("within 100 ms") == true)
            #expect(time < 1_000)
        }
    }

    @Test("a slow server is down: the reply that comes too late is nobody's")
    func slow() async throws {
        let fake = try FakeRedis(.silence)
        try await run(port: fake.port) { [now] store, _ in
            let key = try SessionRecord.sample().key
            #expect(try await Self.failure(store, key, now: now)?.contains("within 100 ms") == true)
        }
    }

    @Test("while it is down, few of many checks try, and the others are told at once")
    func stampede() async throws {
        let fake = try FakeRedis(.close)
        try await run(port: fake.port) { [now] store, worker in
            let key = try SessionRecord.sample().key
            for _ in 0..<10 {
                let tasks = (0..<100).map { _ in
                    worker.start { store, _ in try await Self.failure(store, key, now: now) }
                }
                for task in tasks { #expect(try await task.value != nil) }
                await worker.pause(milliseconds: 10)
            }
        }
        // A thousand checks; the back-off of 50, 100, 200 ms leaves room for a handful of connections.
        #expect(fake.connectionCount <= 8)
    }

    static let replies: [(name: String, behaviour: FakeRedis.Behaviour, says: String)] = [
        ("text", .answer(Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)), "protocol"),
        ("zeros", .answer([UInt8](repeating: 0, count: 1_000)), "protocol"),
        ("a type that Redis does not have", .answer(Array("&1\r\n".utf8)), "protocol"),
        ("a negative length", .answer(Array("$-5\r\n".utf8)), "protocol"),
        ("a length that is no number", .answer(Array("$x\r\n".utf8)), "protocol"),
        ("a length beyond all numbers", .answer(Array("$99999999999999999999\r\n".utf8)), "protocol"),
        ("the largest length", .flood(Array("$9223372036854775807\r\n".utf8)), "longer than 1048576 octets"),
        ("an integer beyond all numbers", .answer(Array(":99999999999999999999\r\n".utf8)), "protocol"),
        ("an array of more than anybody asks for", .answer(Array("*16385\r\n".utf8)), "protocol"),
        ("an array that would fill the memory", .answer(Array("*2147483647\r\n".utf8)), "protocol"),
        ("an array with a length beyond all numbers", .answer(Array("*99999999999999999999\r\n".utf8)), "protocol"),
        ("arrays in arrays", .answer(Array(String(repeating: "*1\r\n", count: 1_000).utf8)), "protocol"),
        ("a line that never ends", .flood([UInt8](repeating: UInt8(ascii: "+"), count: 4_096)), "longer than"),
        (
            "a string beyond the bound",
            .flood(Array("$16777216\r\n".utf8) + [UInt8](repeating: 0x61, count: 4_096)), "longer than"
        ),
        (
            "an array of too much",
            .flood(Array(("*16000\r\n" + String(repeating: "$4\r\naaaa\r\n", count: 400)).utf8)), "protocol"
        ),
        ("the end in the midst of a reply", .close, "closed the connection"),
    ]

    @Test("rule 57: nonsense closes the connection and never the process", arguments: replies.map(\.name))
    func nonsense(name: String) async throws {
        let row = try #require(Self.replies.first { $0.name == name })
        let fake = try FakeRedis(row.behaviour)
        var timeouts = RedisTimeouts()
        timeouts.command = 3_000
        timeouts.connect = 3_000
        let failures = try await run(port: fake.port, timeouts: timeouts) { [now] _, worker in
            let tasks = try (0..<2).map { _ in
                let key = try SessionRecord.sample().key
                return worker.start { store, _ in try await Self.failure(store, key, now: now) }
            }
            var failures: [String] = []
            for task in tasks { if let failure = try await task.value { failures.append(failure) } }
            return failures
        }
        #expect(failures.contains { $0.contains(row.says) }, "\(failures)")
    }

    @Test("rule 57: a reply that nobody asked for is nobody's: the connection is given up before it is used again")
    func unaskedReply() async throws {
        let fake = try FakeRedis(.answer(Array("$-1\r\n$-1\r\n".utf8)))
        try await run(port: fake.port, timeouts: RedisSessionStoreTests.patient()) { [now] store, worker in
            let key = try SessionRecord.sample().key
            for _ in 0..<3 {
                #expect(try await Self.failure(store, key, now: now) == nil)
                await worker.pause(milliseconds: 20)
            }
        }
        #expect(fake.connectionCount == 3)
    }

    /// What Redis answers, what is said of it, and whether the connection is given up.
    static let errors: [(reply: String, says: String, leaves: Bool)] = [
        ("-LOADING Redis is loading the dataset in memory", "loading its data", true),
        ("-MASTERDOWN Link with MASTER is down", "lost its master", true),
        ("-READONLY You can't write against a read only replica.", "replica", true),
        ("-NOAUTH Authentication required.", "password", true), ("-NOPERM this user has no permissions", "may not use GET", false),
        ("-OOM command not allowed when used memory > 'maxmemory'.", "memory limit", false),
        ("-MOVED 3999 127.0.0.1:6381", "cluster", false), ("-ERR unknown command", "refused GET", false), ("-", "refused GET", false),
        ("-\u{1B}[31mERR \u{7}\u{9B}", "?[31mERR", false),
    ]

    @Test("goal 15: each error reply is an unavailable store with a clear text", arguments: errors)
    func errorReply(reply: String, says: String, leaves: Bool) async throws {
        let fake = try FakeRedis(.answer(Array((reply + "\r\n").utf8)))
        try await run(port: fake.port) { [now] store, worker in
            let what = try await Self.failure(store, try SessionRecord.sample().key, now: now)
            #expect(what?.contains(says) == true, "\(what ?? "")")
            #expect(what?.utf8.allSatisfy { (0x20...0x7E).contains($0) } == true)
            await worker.pause(milliseconds: 60)
            _ = try await Self.failure(store, try SessionRecord.sample().key, now: now)
            #expect(fake.connectionCount == (leaves ? 2 : 1))
        }
    }

    @Test("goal 15: a replica takes no sign-in; promoted, it does within a second")
    func readOnly() async throws {
        let server = try RedisServer()
        _ = try server.ask("REPLICAOF", "127.0.0.1", "1")
        try await run(port: server.port) { [now] store, worker in
            let session = try SessionRecord.sample()
            do throws(StoreError) {
                try await store.insert(session, now: now)
                Issue.record("a replica took it")
            } catch {
                #expect(error.description.contains("replica"))
            }
            _ = try server.ask("REPLICAOF", "NO", "ONE")
            let (_, time) = try await TestWorker.timed {
                for _ in 0..<1_000 {
                    do throws(StoreError) { return try await store.insert(session, now: now) } catch {}
                    await worker.pause(milliseconds: 5)
                }
                throw TestFailure("it did not come back")
            }
            #expect(time <= 1_000)
            #expect(try await store.find(session.key, now: now) == session)
        }
    }

    @Test("a connection that the server has closed while nobody used it costs nobody an error")
    func closedWhileIdle() async throws {
        let server = try RedisServer()
        try await run(port: server.port) { [now] store, worker in
            let key = try SessionRecord.sample().key
            for _ in 0..<3 {
                #expect(try await Self.failure(store, key, now: now) == nil)
                _ = try server.ask("CLIENT", "KILL", "TYPE", "normal")
                await worker.pause(milliseconds: 20)
            }
            server.stop()
            try server.start()
            await worker.pause(milliseconds: 20)
            #expect(try await Self.failure(store, key, now: now) == nil)
        }
    }

    @Test("a command whose reply is lost is not sent a second time")
    func notReplayed() async throws {
        let fake = try FakeRedis(.close)
        try await run(port: fake.port) { [now] store, worker in
            let session = try SessionRecord.sample()
            do throws(StoreError) {
                try await store.insert(session, now: now)
                Issue.record("it was taken")
            } catch {
                guard case .unavailable = error else { throw error }
            }
            await worker.pause(milliseconds: 200)
        }
        #expect(fake.count(of: "\r\nEXEC\r\n") == 1)
    }
}
