import Access
import Glibc
import Loop
import Stores
import Testing

/// Real sentinels over real servers: who is taken for the master, and when.
@Suite("Redis behind sentinels", .serialized)
struct RedisSentinelTests {
    private let now = SessionRecord.start

    /// A master and a sentinel that watches it.
    private struct Pair {
        let master: RedisServer
        let sentinel: RedisServer

        init() throws {
            master = try RedisServer()
            sentinel = try RedisServer(sentinel: ["sentinel monitor mymaster 127.0.0.1 \(master.port) 1"])
        }

        func replace(by port: UInt16) throws {
            _ = try sentinel.ask("SENTINEL", "REMOVE", "mymaster")
            _ = try sentinel.ask("SENTINEL", "MONITOR", "mymaster", "127.0.0.1", "\(port)", "1")
        }
    }

    private func sentinels(
        _ ports: [UInt16], service: String = "mymaster", login: RedisLogin = RedisLogin(), masterLogin: RedisLogin = RedisLogin()
    ) -> RedisDeployment {
        .sentinel(
            RedisSentinels(
                endpoints: ports.map { RedisEndpoint(host: "127.0.0.1", port: $0) }, login: login, service: service,
                masterLogin: masterLogin))
    }

    private func run<T: Sendable>(
        _ deployment: RedisDeployment, timeouts: RedisTimeouts = .patient,
        _ body: @escaping @Sendable (any SessionStore, isolated TestWorker) async throws -> T
    ) async throws -> T {
        let worker = try TestWorker()
        return try await worker.run { worker in
            let store = RedisSessionStore(deployment, loop: worker.loop, pool: worker.pool, timeouts: timeouts)
            worker.store = store
            return try await body(store, worker)
        }
    }

    private func failure(_ deployment: RedisDeployment, timeouts: RedisTimeouts = .patient) async throws -> String? {
        let key = try SessionRecord.sample().key
        return try await run(deployment, timeouts: timeouts) { [now] store, _ in try await Self.failure(store, key, now: now) }
    }

    private static func failure(_ store: any SessionStore, _ key: SessionKey, now: Int64) async throws -> String? {
        do throws(StoreError) {
            _ = try await store.find(key, now: now)
            return nil
        } catch {
            guard case .unavailable(let what) = error else { throw error }
            return what
        }
    }

    @Test("a name that no sentinel knows is said so")
    func wrongName() async throws {
        let pair = try Pair()
        let what = try await failure(sentinels([pair.sentinel.port], service: "other"))
        #expect(what?.contains("no sentinel knows a master of the name other") == true, "\(what ?? "")")
    }

    @Test("with no sentinel to be reached the store is unavailable, and says which are meant")
    func noSentinel() async throws {
        let (first, second) = (try TCP.freePort(), try TCP.freePort())
        let what = try await failure(sentinels([first, second]))
        #expect(what?.contains("no sentinel answers") == true, "\(what ?? "")")
        #expect(what?.contains("127.0.0.1:\(first),127.0.0.1:\(second)/mymaster") == true, "\(what ?? "")")
    }

    @Test("a sentinel that is down, hangs or talks nonsense is passed over", arguments: ["down", "hangs", "nonsense"])
    func otherSentinel(kind: String) async throws {
        let pair = try Pair()
        var timeouts = RedisTimeouts.patient
        timeouts.connect = 2_000
        let fake = try FakeRedis(kind == "hangs" ? .silence : .answer(Array("+OK\r\n".utf8)), greets: kind != "hangs")
        let first = kind == "down" ? try TCP.freePort() : fake.port
        #expect(try await failure(sentinels([first, pair.sentinel.port]), timeouts: timeouts) == nil)
    }

    @Test("sentinels that all hang cost no more than a connection may take")
    func deadline() async throws {
        let fakes = try (0..<4).map { _ in try FakeRedis(.silence, greets: false) }
        let deployment = sentinels(fakes.map(\.port))
        let (what, time) = try await TestWorker.timed { try await failure(deployment, timeouts: RedisTimeouts()) }
        #expect(what != nil)
        #expect(time < 1_000)
    }

    @Test("a replica is not taken for the master, whoever names it, and nothing is read from it")
    func replica() async throws {
        let pair = try Pair()
        _ = try pair.master.ask("REPLICAOF", "127.0.0.1", "1")
        let what = try await failure(sentinels([pair.sentinel.port]))
        #expect(what?.contains("no master") == true, "\(what ?? "")")
    }

    @Test("a master that has been replaced is left, though it lives on and would take what we write")
    func replaced() async throws {
        let pair = try Pair()
        let next = try RedisServer()
        let session = try SessionRecord.sample()
        try await run(sentinels([pair.sentinel.port])) { [now] store, worker in
            try await store.insert(session, now: now)
            try pair.replace(by: next.port)
            for _ in 0..<500 {
                if try await Self.failure(store, session.key, now: now) == nil, try next.ask("CLIENT", "LIST").contains("cmd=get") { break }
                await worker.pause(milliseconds: 10)
            }
            let later = try SessionRecord.sample()
            try await store.insert(later, now: now)
            #expect(try next.integer("EXISTS", "gatehouse:session:\(later.key.text)") == 1)
            #expect(try pair.master.integer("EXISTS", "gatehouse:session:\(later.key.text)") == 0)
        }
    }

    @Test("killed, its replica serves by itself once it is promoted, with what was acknowledged and replicated")
    func failover() async throws {
        let master = try RedisServer(["--repl-diskless-sync-delay", "0"])
        let replica = try RedisServer(["--replicaof", "127.0.0.1 \(master.port)"])
        for _ in 0..<500 where !(try replica.ask("INFO", "replication").contains("master_link_status:up")) { usleep(20_000) }
        // It learns of the replica from the master as soon as it starts.
        let sentinel = try RedisServer(sentinel: [
            "sentinel monitor mymaster 127.0.0.1 \(master.port) 1", "sentinel down-after-milliseconds mymaster 500",
            "sentinel failover-timeout mymaster 2000",
        ])
        for _ in 0..<500 {
            let known = try sentinel.ask("SENTINEL", "REPLICAS", "mymaster")
            if known.contains("\(replica.port)"), known.contains("master-link-status\r\n$2\r\nok") { break }
            usleep(20_000)
        }
        try await run(sentinels([sentinel.port]), timeouts: RedisTimeouts()) { [now] store, worker in
            let session = try SessionRecord.sample()
            try await store.insert(session, now: now)
            // What was acknowledged and has not arrived there would be Redis' to lose.
            for _ in 0..<1_000 where try replica.integer("EXISTS", "gatehouse:session:\(session.key.text)") == 0 { usleep(5_000) }
            master.stop()
            for _ in 0..<2_000 {
                do throws(StoreError) {
                    // Unavailable meanwhile; never "there is no such session".
                    #expect(try await store.find(session.key, now: now) == session)
                    break
                } catch {
                    guard case .unavailable = error else { throw error }
                }
                await worker.pause(milliseconds: 10)
            }
            #expect(try await store.find(session.key, now: now) == session)
            let later = try SessionRecord.sample()
            try await store.insert(later, now: now)
            #expect(try replica.integer("EXISTS", "gatehouse:session:\(later.key.text)") == 1)
        }
    }
}
