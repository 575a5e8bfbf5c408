import Access
import Glibc
import Loop
import Testing

@testable import Stores

/// A real cluster whose slots move and whose masters die.
@Suite("Redis cluster", .serialized)
struct RedisClusterTests {
    private let now = SessionRecord.start

    private func run<T: Sendable>(
        _ cluster: RedisClusterServers, timeouts: RedisTimeouts = .patient,
        _ body: @escaping @Sendable (any SessionStore, isolated TestWorker) async throws -> T
    ) async throws -> T {
        let worker = try TestWorker()
        return try await worker.run { worker in
            let store = RedisSessionStore(
                .cluster(cluster.endpoints, RedisLogin()), loop: worker.loop, pool: worker.pool, timeouts: timeouts)
            worker.store = store
            return try await body(store, worker)
        }
    }

    private static func key(_ session: SessionRecord) -> String { "gatehouse:session:\(session.key.text)" }
    private static func index(_ session: SessionRecord) -> String { String(decoding: RedisKey.index(of: session.userID), as: UTF8.self) }

    /// A session that `node` keeps, of a user whose index another node keeps.
    private static func session(on node: RedisServer, of cluster: RedisClusterServers) throws -> SessionRecord {
        for user in 1..<10_000 {
            let session = try SessionRecord.sample(user: "\(user)")
            if cluster.node(of: key(session)) === node, cluster.node(of: index(session)) !== node { return session }
        }
        throw TestFailure("no session belongs there")
    }

    private static func isUnavailable(_ body: () async throws -> Void) async throws -> Bool {
        do {
            try await body()
            return false
        } catch let error as StoreError {
            guard case .unavailable = error else { throw error }
            return true
        }
    }

    private static func id(_ node: RedisServer) throws -> String {
        String(try node.ask("CLUSTER", "MYID").split(separator: "\r\n")[1])
    }

    @Test("a slot that is moving, and then has moved, is followed with every kind of command")
    func moving() async throws {
        let cluster = try RedisClusterServers()
        let source = cluster.nodes[0]
        let target = cluster.nodes[1]
        let session = try Self.session(on: source, of: cluster)
        let slot = "\(RedisSlot.of(Self.key(session).utf8))"
        try await run(cluster) { [now] store, _ in
            try await store.insert(session, now: now)
            #expect(try target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", try Self.id(source)) == "+OK\r\n")
            #expect(try source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", try Self.id(target)) == "+OK\r\n")
            #expect(try source.ask("MIGRATE", "127.0.0.1", "\(target.port)", Self.key(session), "0", "5000") == "+OK\r\n")
            // ASK, each time anew.
            #expect(try await store.find(session.key, now: now) == session)
            try await store.touch(session.key, lastSeenAt: now + 1)
            #expect(try await store.find(session.key, now: now)?.lastSeenAt == now + 1)
            #expect(try await store.sessions(of: session.userID, now: now).count == 1)

            for node in [target, source, cluster.nodes[2]] { _ = try node.ask("CLUSTER", "SETSLOT", slot, "NODE", try Self.id(target)) }
            // MOVED, once.
            #expect(try await store.find(session.key, now: now)?.lastSeenAt == now + 1)
            #expect(try await store.all(limit: 5, now: now).count == 1)
            #expect(try await store.remove(session.key))
            #expect(try await store.find(session.key, now: now) == nil)
        }
    }

    @Test("a moving index is followed too, its transaction as a whole")
    func movingIndex() async throws {
        let cluster = try RedisClusterServers()
        let first = try SessionRecord.sample(user: "7")
        let source = cluster.node(of: Self.index(first))
        let target = try #require(cluster.nodes.first { $0 !== source })
        let slot = "\(RedisSlot.of(Self.index(first).utf8))"
        try await run(cluster) { [now] store, _ in
            #expect(try await store.sessions(of: first.userID, now: now) == [])
            _ = try target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", try Self.id(source))
            _ = try source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", try Self.id(target))
            // The index is in neither: it is made where the slot is going.
            try await store.insert(first, now: now)
            #expect(try target.ask("CLUSTER", "COUNTKEYSINSLOT", slot) == ":1\r\n")
            #expect(try await store.sessions(of: first.userID, now: now) == [first])
            for node in [target, source] { _ = try node.ask("CLUSTER", "SETSLOT", slot, "NODE", try Self.id(target)) }
            try await store.insert(.sample(user: "7"), now: now)
            #expect(try await store.removeAll(of: first.userID, except: nil) == 2)
        }
    }

    @Test("with one master dead, what others keep is served, and what it kept is unavailable, never unknown")
    func oneDead() async throws {
        let cluster = try RedisClusterServers()
        // The others have to go on by themselves, as they do for the seconds until a replica is promoted.
        for node in cluster.nodes { _ = try node.ask("CONFIG", "SET", "cluster-require-full-coverage", "no") }
        let lost = try Self.session(on: cluster.nodes[0], of: cluster)
        let kept = try Self.session(on: cluster.nodes[1], of: cluster)
        try await run(cluster, timeouts: RedisTimeouts()) { [now] store, worker in
            try await store.insert(lost, now: now)
            try await store.insert(kept, now: now)
            cluster.nodes[0].stop()
            for _ in 0..<50 {
                #expect(try await store.find(kept.key, now: now) == kept)
                #expect(try await Self.isUnavailable { _ = try await store.find(lost.key, now: now) })
                await worker.pause(milliseconds: 10)
            }
            try await store.ping()
        }
    }

    @Test("sign-in: a session comes before its place in the index, and is acknowledged after both")
    func insertOrder() async throws {
        let cluster = try RedisClusterServers()
        for node in cluster.nodes { _ = try node.ask("CONFIG", "SET", "cluster-require-full-coverage", "no") }
        let node = cluster.nodes[0]
        let session = try Self.session(on: node, of: cluster)
        let elsewhere = cluster.node(of: Self.index(session))
        try await run(cluster, timeouts: RedisTimeouts()) { [now] store, _ in
            #expect(try await store.find(session.key, now: now) == nil)
            node.stop()
            let isRefused = try await Self.isUnavailable { try await store.insert(session, now: now) }
            #expect(isRefused)
            #expect(try elsewhere.ask("EXISTS", Self.index(session)) == ":0\r\n")
        }
    }

    @Test("ending all sessions of a user leaves those that could not be ended in the index, so that doing it again ends them")
    func removeOrder() async throws {
        let cluster = try RedisClusterServers()
        let node = cluster.nodes[0]
        let session = try Self.session(on: node, of: cluster)
        let place = cluster.node(of: Self.index(session))
        try await run(cluster) { [now] store, _ in
            try await store.insert(session, now: now)
            // It can be read and not be ended.
            #expect(try node.ask("ACL", "SETUSER", "default", "-del") == "+OK\r\n")
            #expect(try await Self.isUnavailable { _ = try await store.removeAll(of: session.userID, except: nil) })
            #expect(try place.ask("ZCARD", Self.index(session)) == ":1\r\n")
            #expect(try node.ask("ACL", "SETUSER", "default", "+del") == "+OK\r\n")
            #expect(try await store.removeAll(of: session.userID, except: nil) == 1)
            #expect(try place.ask("EXISTS", Self.index(session)) == ":0\r\n")
        }
    }

    @Test("an index that a failover has forgotten gets a session back when it is next touched")
    func touchRestores() async throws {
        let lease = try RedisClusterServers.lease()
        let session = try SessionRecord.sample()
        try await run(lease.servers) { [now] store, _ in
            try await store.insert(session, now: now)
            _ = try lease.servers.node(of: Self.index(session)).ask("DEL", Self.index(session))
            #expect(try await store.sessions(of: session.userID, now: now) == [])
            try await store.touch(session.key, lastSeenAt: now + 1)
            #expect(try await store.sessions(of: session.userID, now: now).count == 1)
            // And one that has ended is not put back by a touch that comes late.
            #expect(try await store.remove(session.key))
            try await store.touch(session.key, lastSeenAt: now + 2)
            #expect(try lease.servers.node(of: Self.index(session)).ask("EXISTS", Self.index(session)) == ":0\r\n")
        }
    }

    @Test("a server that is no cluster, or a cluster that is not whole, is unavailable and says so")
    func unfit() async throws {
        let worker = try TestWorker()
        let alone = ["--cluster-enabled", "yes", "--cluster-port", "\(try TCP.freePort())"]
        for (settings, says) in [([], "refused CLUSTER"), (alone, "not whole")] {
            let server = try RedisServer(settings)
            let key = try SessionRecord.sample().key
            try await worker.run { [now] worker in
                let endpoint = RedisEndpoint(host: "127.0.0.1", port: server.port)
                let store = RedisSessionStore(
                    .cluster([endpoint], RedisLogin()), loop: worker.loop, pool: worker.pool, timeouts: .patient)
                do throws(StoreError) {
                    _ = try await store.find(key, now: now)
                    Issue.record("it was answered")
                } catch {
                    guard case .unavailable(let what) = error else { throw error }
                    #expect(what.contains(says), "\(what)")
                }
            }
        }
    }
}
