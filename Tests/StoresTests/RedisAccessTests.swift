import Access
import Foundation
import Loop
import Stores
import Testing

/// The users that deploy/redis.md tells people to make, on real servers: they are allowed what is needed, and no more.
@Suite("Redis users")
struct RedisAccessTests {
    private static let now = SessionRecord.start
    private static let login = RedisLogin(user: Array("gatehouse".utf8), password: Array("PASSWORD".utf8))

    /// The line below `heading`, as arguments.
    private static func line(_ heading: String) throws -> [String] {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appendingPathComponent("deploy/redis.md"), encoding: .utf8)
        let lines = text.split(separator: "\n")
        guard let index = lines.firstIndex(where: { $0 == "\(heading):" }), index + 1 < lines.endIndex else {
            throw TestFailure("deploy/redis.md has no \(heading)")
        }
        return lines[index + 1].split(separator: " ").map(String.init)
    }

    /// Everything that a gateway does with sessions.
    private func useAll(_ deployment: RedisDeployment) async throws {
        let worker = try TestWorker()
        let reports = SessionCachingTests.Reports()
        try await worker.run { worker in
            let caching = SessionCaching(capacity: 64) { reports.add($0) }
            let store = RedisSessionStore(deployment, loop: worker.loop, pool: worker.pool, timeouts: .patient, caching: caching)
            let now = Self.now
            try await store.ping()
            let sessions = try (0..<3).map { _ in try SessionRecord.sample() }
            for session in sessions { try await store.insert(session, now: now) }
            // Ends sooner than the others, so that the index has to be kept for them.
            try await store.insert(.sample(lifetime: SessionRecord.hour), now: now)
            #expect(try await store.find(sessions[0].key, now: now) == sessions[0])
            try await store.touch(sessions[0].key, lastSeenAt: now + 1)
            #expect(try await store.remove(sessions[1].key))
            #expect(try await store.sessions(of: sessions[0].userID, now: now).count == 3)
            #expect(try await store.all(limit: 10, now: now).count == 3)
            #expect(try await store.removeAll(of: sessions[0].userID, except: sessions[2].key) == 2)
            #expect(try await store.find(sessions[2].key, now: now) == sessions[2])
            // A cluster is asked every time.
            guard store.cache != nil else { return }
            try await SessionCachingTests.keep(store, sessions[2], worker)
            #expect(try await store.remove(sessions[2].key))
            #expect(try !SessionCachingTests.isKept(store, sessions[2].key, worker))
            #expect(reports.all.isEmpty, "\(reports.all)")
        }
    }

    @Test("a server")
    func server() async throws {
        let server = try RedisServer()
        #expect(try server.ask(try Self.line("A server")) == "+OK\r\n")
        var login = Self.login
        login.database = 2
        try await useAll(.server(RedisLocation(RedisEndpoint(host: "127.0.0.1", port: server.port), login)))
    }

    @Test("sentinels and the server that they watch")
    func sentinel() async throws {
        let master = try RedisServer()
        let sentinel = try RedisServer(sentinel: ["sentinel monitor mymaster 127.0.0.1 \(master.port) 1"])
        #expect(try master.ask(try Self.line("Each server that sentinels watch")) == "+OK\r\n")
        #expect(try sentinel.ask(try Self.line("Each sentinel")) == "+OK\r\n")
        try await useAll(
            .sentinel(
                RedisSentinels(
                    endpoints: [RedisEndpoint(host: "127.0.0.1", port: sentinel.port)], login: Self.login, service: "mymaster",
                    masterLogin: Self.login)))
    }

    @Test("a cluster")
    func cluster() async throws {
        let lease = try RedisClusterServers.lease()
        for node in lease.servers.nodes { #expect(try node.ask(try Self.line("Each server of a cluster")) == "+OK\r\n") }
        try await useAll(.cluster(lease.endpoints, Self.login))
    }

    @Test("a user who lacks a command is told which, and what to do")
    func missingCommand() async throws {
        let server = try RedisServer()
        let line = try Self.line("A server").filter { $0 != "+getdel" }
        #expect(try server.ask(line) == "+OK\r\n")
        do throws(StoreError) {
            try await useOne(server)
            Issue.record("it was allowed")
        } catch {
            #expect(error.description.contains("may not use GETDEL on our keys; its ACL lacks"), "\(error)")
        }
    }

    @Test(
        "a user who lacks what the news of changes take is served, is told which, and every check asks",
        arguments: ["&__redis__:invalidate", "+client|id", "+client|tracking", "+subscribe"])
    func missingNews(_ missing: String) async throws {
        let server = try RedisServer()
        let line = try Self.line("A server")
        #expect(line.contains(missing))
        #expect(try server.ask(line.filter { $0 != missing }) == "+OK\r\n")
        let location = RedisLocation(RedisEndpoint(host: "127.0.0.1", port: server.port), Self.login)
        let worker = try TestWorker()
        let reports = SessionCachingTests.Reports()
        try await worker.run { worker in
            let caching = SessionCaching(capacity: 64) { reports.add($0) }
            let store = RedisSessionStore(.server(location), loop: worker.loop, pool: worker.pool, timeouts: .patient, caching: caching)
            let session = try SessionRecord.sample()
            try await store.insert(session, now: Self.now)
            for _ in 0..<500 where reports.all.isEmpty { await worker.pause(milliseconds: 10) }
            let command = missing.hasPrefix("+client") ? "CLIENT" : "SUBSCRIBE"
            #expect(reports.all.first?.contains(command) == true, "\(reports.all)")
            #expect(try await store.find(session.key, now: Self.now) == session)
            #expect(try !SessionCachingTests.isKept(store, session.key, worker))
        }
    }

    private func useOne(_ server: RedisServer) async throws(StoreError) {
        let endpoint = RedisEndpoint(host: "127.0.0.1", port: server.port)
        do {
            let worker = try TestWorker()
            try await worker.run { worker in
                let store = RedisSessionStore(
                    RedisLocation(endpoint, Self.login), loop: worker.loop, pool: worker.pool, timeouts: .patient)
                _ = try await store.remove(SessionRecord.sample().key)
            }
        } catch let error as StoreError {
            throw error
        } catch {
            throw .conflict("\(error)")
        }
    }
}
