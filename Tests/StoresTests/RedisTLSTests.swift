import Access
import Glibc
import Loop
import Stores
import Testing

/// TLS towards a real Redis: who is believed, and what is said of those who are not.
@Suite("Redis by TLS")
struct RedisTLSTests {
    private let now = SessionRecord.start

    /// What a look at `location` comes to: nil, it was answered; else why not.
    private func failure(_ location: RedisLocation, timeouts: RedisTimeouts = .patient) async throws -> String? {
        let worker = try TestWorker()
        return try await worker.run { [now] worker in
            let store = RedisSessionStore(location, loop: worker.loop, pool: worker.pool, timeouts: timeouts)
            let key = try SessionRecord.sample().key
            do throws(StoreError) {
                _ = try await store.find(key, now: now)
                return nil
            } catch {
                guard case .unavailable(let what) = error else { throw error }
                return what
            }
        }
    }

    private func location(_ port: UInt16, _ files: TLSContext.Files, serverName: String? = nil, host: String = "127.0.0.1") throws
        -> RedisLocation
    {
        RedisLocation(
            RedisEndpoint(host: host, port: port), RedisLogin(tls: try TLSContext(client: files, serverName: serverName)))
    }

    @Test("a certificate of the right host and authority is believed, another is refused with the reason")
    func verification() async throws {
        let certificates = try Certificates.shared.get()
        let port = try TCP.freePort()
        let server = try RedisServer(certificates.serverOptions(port: port))
        defer { server.stop() }
        #expect(try await failure(location(port, certificates.client)) == nil)
        #expect(try await failure(location(port, certificates.client, serverName: "redis.example")) == nil)

        let stranger = TLSContext.Files(authorities: certificates.path("stranger.crt"))
        let untrusted = try await failure(location(port, stranger))
        #expect(untrusted?.contains("certificate is refused: self-signed certificate in certificate chain") == true, "\(untrusted ?? "")")
        // The system's own authorities do not know ours either.
        #expect(try await failure(location(port, TLSContext.Files()))?.contains("certificate is refused") == true)
        let misnamed = try await failure(location(port, certificates.client, serverName: "other.example"))
        #expect(misnamed?.contains("certificate is refused: hostname mismatch") == true, "\(misnamed ?? "")")
    }

    @Test(
        "a certificate of another host or of the past is refused",
        arguments: [("elsewhere", "IP address mismatch"), ("old", "certificate has expired")])
    func wrongCertificate(name: String, says: String) async throws {
        let certificates = try Certificates.shared.get()
        let port = try TCP.freePort()
        let server = try RedisServer(certificates.serverOptions(port: port, certificate: name))
        defer { server.stop() }
        let what = try await failure(location(port, certificates.client))
        #expect(what?.contains("certificate is refused: \(says)") == true, "\(what ?? "")")
    }

    @Test("a server that demands a certificate gets ours, and nobody without one is served")
    func clientCertificate() async throws {
        let certificates = try Certificates.shared.get()
        let port = try TCP.freePort()
        let server = try RedisServer(certificates.serverOptions(port: port, clients: "yes"))
        defer { server.stop() }
        #expect(try await failure(location(port, certificates.clientWithCertificate)) == nil)
        let what = try await failure(location(port, certificates.client))
        #expect(what?.contains("certificate required") == true || what?.contains("does it demand a certificate") == true, "\(what ?? "")")
    }

    @Test("there is no way back to plain text, nor from plain text to TLS")
    func noFallback() async throws {
        let certificates = try Certificates.shared.get()
        let port = try TCP.freePort()
        let server = try RedisServer(certificates.serverOptions(port: port))
        defer { server.stop() }
        #expect(try await failure(location(server.port, certificates.client), timeouts: RedisTimeouts())?.contains("TLS") == true)
        #expect(try await failure(RedisLocation(host: "127.0.0.1", port: port), timeouts: RedisTimeouts()) != nil)
    }

    @Test("a server that is silent in the handshake is given up in time")
    func silent() async throws {
        let fake = try FakeRedis(.silence, greets: false)
        let location = try location(fake.port, try Certificates.shared.get().client)
        let (what, time) = try await TestWorker.timed { try await failure(location, timeouts: RedisTimeouts()) }
        #expect(what?.contains("no TLS handshake in time") == true, "\(what ?? "")")
        #expect(time < 2_000)
    }

    @Test(
        "nonsense in the place of TLS closes the connection and never the process",
        arguments: ["HTTP/1.1 400 Bad Request\r\n\r\n", "\u{16}\u{3}\u{3}xx", "\0\0\0"])
    func nonsense(answer: String) async throws {
        let fake = try FakeRedis(.answer(Array(answer.utf8)), greets: false)
        #expect(try await failure(location(fake.port, try Certificates.shared.get().client), timeouts: RedisTimeouts()) != nil)
    }

    @Test("2,000 checks in flight each get their own answer, encrypted too")
    func manyInFlight() async throws {
        let certificates = try Certificates.shared.get()
        let port = try TCP.freePort()
        let server = try RedisServer(certificates.serverOptions(port: port))
        defer { server.stop() }
        let location = try location(port, certificates.client)
        let worker = try TestWorker()
        try await worker.run { [now] worker in
            let store = RedisSessionStore(location, loop: worker.loop, pool: worker.pool, timeouts: .patient)
            worker.store = store
            var sessions: [SessionRecord] = []
            for index in 0..<50 {
                sessions.append(try .sample(user: "\(index + 1)", username: "user\(index)"))
                try await store.insert(sessions[index], now: now)
            }
            let tasks = (0..<2_000).map { index in
                let session = sessions[index % 50]
                return worker.start { store, _ in try await store.find(session.key, now: now) == session }
            }
            for task in tasks { #expect(try await task.value) }
        }
    }

    @Test("files that cannot be used are refused before there is a connection")
    func files() throws {
        let certificates = try Certificates.shared.get()
        for (files, says) in [
            (TLSContext.Files(authorities: "/nowhere/ca.crt"), "/nowhere/ca.crt"),
            (TLSContext.Files(authorities: certificates.path("ca.key")), "ca.key"),
            (TLSContext.Files(certificate: certificates.path("client.crt"), key: certificates.path("server.key")), "server.key"),
            (TLSContext.Files(certificate: certificates.path("client.key"), key: certificates.path("client.key")), "client.key"),
        ] {
            do throws(TLSError) {
                _ = try TLSContext(client: files)
                Issue.record("\(says) was taken")
            } catch {
                #expect(error.description.contains(says))
            }
        }
    }
}
