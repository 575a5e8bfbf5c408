import Access
import Glibc
import Loop
import Stores
import Synchronization
import Testing

/// A server that ends, hangs and comes back, with calls under way.
@Suite("PostgreSQL failures", .serialized)
struct PostgreSQLFailureTests {
    private let server: PostgreSQLServer
    private let location: PostgreSQLLocation
    private let database: PostgreSQLDatabase
    private let start = SessionRecord.start

    init() throws {
        server = try PostgreSQLServer.ownedByFailures.get()
        location = try server.makeDatabase()
        database = try PostgreSQLDatabase(location, connections: 4)
    }

    private func milliseconds(_ body: () throws -> Void) rethrows -> UInt64 {
        let start = Clock.monotonic()
        try body()
        return (Clock.monotonic() - start) / 1_000_000
    }

    private func failure(_ body: () throws(StoreError) -> Void) -> StoreError? {
        do throws(StoreError) { try body() } catch { return error }
        return nil
    }

    /// Why a ping fails; nil: it does not.
    private func pingError() -> StoreError? { failure { () throws(StoreError) in try database.ping() } }

    /// Waits until calls succeed again, and says how long that took.
    private func untilItWorks() -> UInt64 {
        milliseconds { while pingError() != nil { usleep(5_000) } }
    }

    /// What a load has done so far, seen from the test.
    private final class Load: Sendable {
        let isDone = Atomic<Bool>(false)
        let failures = Mutex<[StoreError]>([])
        let acknowledged = Mutex<[SessionRecord]>([])
    }

    @Test("a restart under load loses nothing that was acknowledged, and service returns by itself", arguments: [SIGINT, SIGQUIT])
    func restart(signal: Int32) async throws {
        let worker = try TestWorker()
        let load = Load()
        let start = start
        let database = database
        try await worker.run { worker in worker.store = PostgreSQLStore(database, endsSessions: true) }
        let tasks = (0..<16).map { user in
            worker.start { store, worker in
                while !load.isDone.load(ordering: .relaxed) {
                    let session = try SessionRecord.sample(user: "\(user)")
                    do throws(StoreError) {
                        try await store.insert(session, now: start)
                        load.acknowledged.withLock { $0.append(session) }
                    } catch {
                        load.failures.withLock { $0.append(error) }
                        await worker.pause(milliseconds: 2)
                    }
                }
            }
        }
        var slowest: UInt64 = 0
        for _ in 0..<3 {
            try await Task.sleep(for: .milliseconds(300))
            server.stop(signal)
            try await Task.sleep(for: .milliseconds(300))
            try server.start()
            slowest = max(slowest, untilItWorks())
        }
        load.isDone.store(true, ordering: .relaxed)
        for task in tasks { try await task.value }

        let failures = load.failures.withLock { $0 }
        let acknowledged = load.acknowledged.withLock { $0 }
        #expect(!failures.isEmpty && acknowledged.count > 100)
        for error in failures {
            guard case .unavailable = error else { throw error }
        }
        #expect(slowest < 10_000)
        let rows = Set(try server.ask("SELECT session_id FROM sessions", in: location.database))
        #expect(acknowledged.filter { !rows.contains($0.key.text) }.isEmpty)
        for session in acknowledged.prefix(50) { #expect(try database.findSession(session.key, now: start) == session) }
        print("restart: \(acknowledged.count) acknowledged, \(failures.count) refused, back within \(slowest) ms")
    }

    @Test("goal 13: a server that is down is known to be: calls fail at once, and work again after its return")
    func down() throws {
        server.stop(SIGQUIT)
        for _ in 0..<200 {
            let time = milliseconds {
                guard case .unavailable = pingError() else { Issue.record("no error, or of another kind"); return }
            }
            #expect(time < 900)
            usleep(1_000)
        }
        try server.start()
        #expect(untilItWorks() < 10_000)
    }

    @Test("goal 14: a server that hangs holds a call no longer than its deadline, further ones not at all, and its end is seen")
    func hangs() async throws {
        let session = try SessionRecord.sample()
        try database.insertSession(session)
        try server.signalAll(SIGSTOP)
        defer { try? server.signalAll(SIGCONT) }
        let worker = try TestWorker()
        let (database, start) = (database, start)
        try await worker.run { worker in
            worker.store = PostgreSQLStore(database, endsSessions: true)
            let begin = Clock.monotonic()
            let calls = (0..<32).map { _ in
                worker.start { store, _ in
                    do throws(StoreError) { return try await store.find(session.key, now: start) != nil } catch { return false }
                }
            }
            for call in calls { #expect(try await call.value == false) }
            // One deadline for connecting or for the statement, and not one after the other for all.
            #expect((Clock.monotonic() - begin) / 1_000_000 < 9_000)
            // While one call tries again, nobody waits.
            let trial = worker.start { store, _ in
                do throws(StoreError) { return try await store.find(session.key, now: start) != nil } catch { return false }
            }
            await worker.pause(milliseconds: 100)
            for _ in 0..<20 {
                let (found, time) = try await TestWorker.timed {
                    try await worker.start { store, _ in
                        do throws(StoreError) { return try await store.find(session.key, now: start) != nil } catch { return false }
                    }.value
                }
                #expect(!found)
                #expect(time < 900)
            }
            #expect(try await trial.value == false)
        }
        try server.signalAll(SIGCONT)
        #expect(untilItWorks() < 10_000)
        #expect(try database.findSession(session.key, now: start) == session)
    }

    @Test("a server without room for another connection is an error, and those that there are go on")
    func noRoom() throws {
        let session = try SessionRecord.sample()
        try database.insertSession(session)
        try server.ask("ALTER ROLE gate CONNECTION LIMIT 1")
        defer { _ = try? server.ask("ALTER ROLE gate CONNECTION LIMIT -1") }
        let error = failure { () throws(StoreError) in _ = try PostgreSQLDatabase(location, connections: 1) }
        guard case .unavailable(let what) = error else { throw TestFailure("no error, or of another kind") }
        #expect(what.contains("too many connections"))
        for _ in 0..<20 { #expect(try database.findSession(session.key, now: start) == session) }
    }

    @Test("a server that has become read-only is an error, and service returns when it takes changes again")
    func readOnly() throws {
        let session = try SessionRecord.sample()
        try server.ask("ALTER DATABASE \(location.database) SET default_transaction_read_only = on")
        let reader = try PostgreSQLDatabase(location, connections: 1)
        let error = failure { () throws(StoreError) in try reader.insertSession(session) }
        guard case .unavailable(let what) = error else { throw TestFailure("no error, or of another kind") }
        #expect(what.contains("read-only"))
        try server.ask("ALTER DATABASE \(location.database) RESET default_transaction_read_only")
        // On a new connection: the old one would still be read-only.
        try reader.insertSession(session)
    }

    @Test("ASVS 12.3: TLS is used, and the server is checked, as sslmode says")
    func tls() throws {
        func attempt(_ host: String, _ mode: String, root: String?) throws -> String {
            var location = location
            location.hosts[0].name = host
            location.parameters = ["sslmode": mode, "application_name": "tls \(mode)"]
            location.parameters["sslrootcert"] = root.map { "\(server.folder)/\($0).crt" }
            let database: PostgreSQLDatabase
            do throws(StoreError) { database = try PostgreSQLDatabase(location, connections: 1) } catch { return "\(error)" }
            defer { withExtendedLifetime(database) {} }
            return try server.ask(
                "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'tls \(mode)'"
            ).joined()
        }
        #expect(try attempt("127.0.0.1", "disable", root: nil) == "f")
        #expect(try attempt("127.0.0.1", "require", root: nil) == "t")
        #expect(try attempt("127.0.0.1", "verify-full", root: "server") == "t")
        #expect(try attempt("127.0.0.1", "verify-full", root: "other").contains("certificate verify failed"))
        #expect(try attempt("localhost", "verify-full", root: "server").contains("does not match"))
        #expect(try attempt("localhost", "verify-ca", root: "server") == "t")
        #expect(try attempt("127.0.0.1", "verify-full", root: "missing").contains("does not exist"))
    }
}
