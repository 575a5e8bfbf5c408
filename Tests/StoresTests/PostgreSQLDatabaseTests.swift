import Access
import Glibc
import Loop
import Stores
import Testing

/// The database: how it is reached, made, shared and read.
@Suite("PostgreSQL database")
struct PostgreSQLDatabaseTests {
    private let server: PostgreSQLServer
    private let location: PostgreSQLLocation
    private let start = SessionRecord.start
    private let hour = SessionRecord.hour

    init() throws {
        server = try PostgreSQLServer.shared.get()
        location = try server.makeDatabase()
    }

    private func open(_ connections: Int = 2) throws -> PostgreSQLDatabase {
        try PostgreSQLDatabase(location, connections: connections)
    }

    @discardableResult
    private func raw(_ sql: String) throws -> [String] { try server.ask(sql, in: location.database) }

    /// The connections of the code under test to this test's database.
    private static let ours = "FROM pg_stat_activity WHERE usename = 'gate' AND datname = current_database()"

    /// Returns when somebody else's pg_sleep() has begun.
    private func waitUntilSleeping() throws {
        while try raw("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()").isEmpty {
            usleep(1_000)
        }
    }

    private func openingError(_ location: PostgreSQLLocation) throws -> String {
        do throws(StoreError) {
            _ = try PostgreSQLDatabase(location, connections: 1)
        } catch {
            guard case .unavailable(let what) = error else { throw error }
            return what
        }
        throw TestFailure("it was opened")
    }

    // MARK: Reaching it

    @Test("rule 45: a wrong password is an error that says so and repeats none")
    func wrongPassword() throws {
        var location = location
        location.password = Array("hunter2".utf8)
        let error = try openingError(location)
        #expect(error.contains("password authentication failed"))
        #expect(!error.contains("hunter2"))
        location.password = nil
        #expect(try openingError(location).contains("no password"))
    }

    @Test("a database that is not there is an error with its name")
    func missingDatabase() throws {
        let error = try openingError(server.location("nowhere"))
        #expect(error.contains("\"nowhere\" does not exist"))
        #expect(error.utf8.allSatisfy { $0 >= 0x20 })
    }

    @Test("where nobody listens, the error comes at once")
    func nobody() throws {
        var location = location
        location.hosts = [.init(name: "127.0.0.1", port: try TCP.freePort())]
        let start = Clock.monotonic()
        #expect(try openingError(location).contains("refused"))
        #expect(Clock.monotonic() - start < 500_000_000)
    }

    @Test("of several servers the first that can be used is")
    func hosts() throws {
        var location = location
        location.hosts.insert(.init(name: "127.0.0.1", port: try TCP.freePort()), at: 0)
        location.parameters["target_session_attrs"] = "read-write"
        try PostgreSQLDatabase(location, connections: 1).ping()
    }

    @Test("the folder of a Unix socket is a host")
    func socketFolder() throws {
        var location = location
        location.hosts = [.init(name: server.folder, port: server.port)]
        location.parameters["application_name"] = "by socket"
        let database = try PostgreSQLDatabase(location, connections: 1)
        try database.ping()
        #expect(try raw("SELECT application_name \(Self.ours)") == ["by socket"])
    }

    @Test("rule 56: TLS that was asked for is not done without")
    func noTLS() throws {
        for mode in ["require", "verify-full"] {
            var location = location
            location.parameters["sslmode"] = mode
            location.parameters["sslrootcert"] = mode == "verify-full" ? "/etc/ssl/certs/ca-certificates.crt" : nil
            #expect(try openingError(location).contains("SSL"))
        }
    }

    @Test("rule 57: a server that takes the connection and never answers is given up at the deadline")
    func neverAnswers() throws {
        let (descriptor, port) = try TCP.listen()
        defer { close(descriptor) }
        var location = location
        location.hosts = [.init(name: "127.0.0.1", port: port)]
        var timeouts = PostgreSQLTimeouts()
        timeouts.connect = 300
        let start = Clock.monotonic()
        #expect(throws: StoreError.self) { try PostgreSQLDatabase(location, connections: 1, timeouts: timeouts) }
        let time = (Clock.monotonic() - start) / 1_000_000
        #expect((300..<2_000).contains(time))
    }

    @Test("a URL's connect_timeout goes before the standard one")
    func connectTimeout() throws {
        let (descriptor, port) = try TCP.listen()
        defer { close(descriptor) }
        var location = location
        location.hosts = [.init(name: "127.0.0.1", port: port)]
        location.connectTimeout = 1
        var timeouts = PostgreSQLTimeouts()
        timeouts.connect = 60_000
        let start = Clock.monotonic()
        #expect(throws: StoreError.self) { try PostgreSQLDatabase(location, connections: 1, timeouts: timeouts) }
        #expect(Clock.monotonic() - start < 5_000_000_000)
    }

    @Test(
        "rule 57: nonsense instead of an answer is an error",
        arguments: ["HTTP/1.1 400 Bad Request\r\n\r\n", "N", "R\0\0\0\u{8}\0\0\0\u{63}", "E\u{7F}\u{7F}\u{7F}\u{7F}x", ""]
    )
    func nonsense(answer: String) throws {
        let (descriptor, port) = try TCP.listen()
        let thread = try Thread.start(name: "nonsense") {
            for _ in 0..<2 {
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0 else { return }
                _ = TCP.receive(connection)
                TCP.send(connection, Array(answer.utf8))
                close(connection)
            }
        }
        var location = location
        location.hosts = [.init(name: "127.0.0.1", port: port)]
        #expect(throws: StoreError.self) { try PostgreSQLDatabase(location, connections: 1) }
        shutdown(descriptor, Int32(SHUT_RDWR))
        close(descriptor)
        thread.join()
    }

    // MARK: Making it

    @Test("opening again keeps what is there, and migrates nothing twice")
    func reopen() throws {
        let session = try SessionRecord.sample()
        try open().insertSession(session)
        for _ in 0..<3 { #expect(try open().findSession(session.key, now: start) == session) }
        #expect(try raw("SELECT version FROM gatehouse_schema") == ["1"])
    }

    @Test("many that open a new database at the same time all come to use it")
    func openTogether() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for user in 1...8 {
                group.addTask { [location] in
                    let database = try PostgreSQLDatabase(location, connections: 1)
                    for _ in 0..<20 { try database.insertSession(.sample(user: "\(user)")) }
                }
            }
            try await group.waitForAll()
        }
        #expect(try open().sessions(limit: 1_000, now: start).count == 160)
        #expect(try raw("SELECT version FROM gatehouse_schema") == ["1"])
    }

    @Test("a migration waits for that of another gateway, and does not make it again")
    func waitsForMigration() throws {
        let done = try Thread.start(name: "migration") { [server, location] in
            _ = try? server.ask("SELECT pg_advisory_lock(x'4741544547415445'::bigint), pg_sleep(0.5)", in: location.database)
        }
        try waitUntilSleeping()
        let start = Clock.monotonic()
        try open().ping()
        #expect(Clock.monotonic() - start > 200_000_000)
        done.join()
    }

    @Test("a database of a newer version is refused and not touched")
    func newer() throws {
        _ = try open()
        try raw("INSERT INTO gatehouse_schema VALUES (99)")
        #expect(try openingError(location).contains("newer version"))
    }

    @Test("a database that has tables of these names already is refused, and they stay as they are")
    func foreignTables() throws {
        try raw("CREATE TABLE users (name TEXT); INSERT INTO users VALUES ('somebody')")
        #expect(try openingError(location).contains("users"))
        #expect(try raw("SELECT name FROM users") == ["somebody"])
        #expect(try raw("SELECT 1 FROM pg_tables WHERE tablename IN ('sessions', 'gatehouse_schema')") == [])
    }

    @Test("an up-to-date database needs no right to make tables")
    func noRights() throws {
        _ = try open()
        try raw("ALTER DATABASE \(location.database) OWNER TO admin")
        try raw("REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO gate")
        try open().insertSession(.sample())
    }

    // MARK: Sharing it

    @Test("what one gateway of two ends is ended for the other")
    func shared() throws {
        let one = try open()
        let two = try open()
        let session = try SessionRecord.sample()
        try one.insertSession(session)
        #expect(try two.findSession(session.key, now: start) == session)
        #expect(try two.removeSession(session.key))
        #expect(try one.findSession(session.key, now: start) == nil)
    }

    @Test("a purge goes in batches, and several gateways purge at once: each row is removed and counted by one")
    func purgeTogether() async throws {
        let database = try open(4)
        let lasting = try SessionRecord.sample(lifetime: 12 * hour, idleTimeout: 0)
        try database.insertSession(lasting)
        try raw(
            """
            INSERT INTO sessions SELECT 'x' || i, '101', 'alice', '{"role":"user"}', 1, 1, (i % 2) * 1000,
            CASE i % 2 WHEN 0 THEN 2000 ELSE \(start + hour) END FROM generate_series(1, 5000) AS i
            """)
        #expect(try database.purgeSessionBatch(now: start) == PostgreSQLDatabase.purgeBatch)
        let counts = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask { [location, start] in
                    let database = try PostgreSQLDatabase(location, connections: 1)
                    var count = 0
                    while true {
                        let batch = try database.purgeSessionBatch(now: start)
                        count += batch
                        if batch < PostgreSQLDatabase.purgeBatch { return count }
                    }
                }
            }
            return try await group.reduce(into: [Int]()) { $0.append($1) }
        }
        // What one skips because another is at it, that other removes: together they leave nothing.
        #expect(counts.reduce(0, +) == 5_000 - PostgreSQLDatabase.purgeBatch)
        #expect(try raw("SELECT session_id FROM sessions") == [lasting.key.text])
    }

    @Test("a purge does not wait for a row that somebody holds")
    func purgeSkips() throws {
        let database = try open()
        let held = try SessionRecord.sample()
        let free = try SessionRecord.sample()
        for session in [held, free] { try database.insertSession(session) }
        let holder = try Thread.start(name: "holder") { [server, location] in
            _ = try? server.ask(
                "BEGIN; SELECT 1 FROM sessions WHERE session_id = '\(held.key.text)' FOR UPDATE; SELECT pg_sleep(0.5); COMMIT",
                in: location.database)
        }
        try waitUntilSleeping()
        #expect(try database.purgeSessionBatch(now: start + 13 * hour) == 1)
        holder.join()
        #expect(try database.purgeSessionBatch(now: start + 13 * hour) == 1)
    }

    @Test("no more connections than were asked for, however many calls there are")
    func bounded() async throws {
        let database = try open(3)
        let worker = try TestWorker()
        let session = try SessionRecord.sample()
        try database.insertSession(session)
        try await worker.run { [start] worker in
            worker.store = PostgreSQLStore(database, endsSessions: true)
            let tasks = (0..<300).map { _ in
                worker.start { store, _ in
                    let found = try await store.find(session.key, now: start)
                    return found == session
                }
            }
            for task in tasks {
                let isFound = try await task.value
                #expect(isFound)
            }
        }
        #expect(try raw("SELECT count(*) \(Self.ours)") == ["3"])
    }

    @Test("a statement that waits for too long is ended by the server, and the connection goes on")
    func statementTimeout() throws {
        var timeouts = PostgreSQLTimeouts()
        timeouts.statement = 200
        let database = try PostgreSQLDatabase(location, connections: 1, timeouts: timeouts)
        let session = try SessionRecord.sample()
        try database.insertSession(session)
        let pids = "SELECT pid \(Self.ours)"
        let before = try raw(pids)
        let holder = try Thread.start(name: "holder") { [server, location] in
            _ = try? server.ask("BEGIN; LOCK TABLE sessions; SELECT pg_sleep(1); COMMIT", in: location.database)
        }
        try waitUntilSleeping()
        do throws(StoreError) {
            _ = try database.removeSession(session.key)
            Issue.record("it did not wait for the lock")
        } catch {
            #expect(error.description.contains("took too long"))
        }
        holder.join()
        #expect(try raw(pids) == before)
        #expect(try database.findSession(session.key, now: start) == session)
    }

    @Test("a call that fails within a transaction leaves nothing of it, and the connection goes on")
    func rollsBack() throws {
        let database = try open(1)
        let alice = try NewUser(id: UserID("7"), username: UserName("alice"), passwordHash: "h", role: "user")
        _ = try database.insertUser(alice, now: start)
        let other = try NewUser(username: UserName("alice"), passwordHash: "h", role: "user")
        for _ in 0..<3 {
            #expect(throws: StoreError.conflict("a user of that name exists")) { try database.insertUser(other, now: start) }
        }
        #expect(try database.users(limit: 10).count == 1)
        #expect(try raw("SELECT count(*) \(Self.ours)") == ["1"])
    }

    @Test("an idle connection that the server has ended is not used for a call")
    func endedWhileIdle() throws {
        let database = try open(2)
        let session = try SessionRecord.sample()
        try database.insertSession(session)
        for _ in 0..<5 {
            try raw("SELECT pg_terminate_backend(pid) \(Self.ours)")
            while try !raw("SELECT 1 \(Self.ours)").isEmpty { usleep(1_000) }
            #expect(try database.findSession(session.key, now: start) == session)
        }
    }

    // MARK: Reading it

    @Test("rule 41: the table holds no session id, only its digest")
    func noSessionID() throws {
        let id = try SessionID.random()
        var session = try SessionRecord.sample()
        session.key = id.key
        try open().insertSession(session)
        #expect(try raw("SELECT session_id FROM sessions") == [id.key.text])
        let rows = try raw("SELECT sessions::text FROM sessions")
        #expect(rows.allSatisfy { !Array($0.utf8).contains(id.text.dropFirst(5)) })
    }

    static let strangeRows = [
        "session_id = 'short'", "user_id = ''", "user_id = 'a,b'", "username = 'a' || chr(10) || 'X-User-Id: 1'", "username = ''",
        "username = repeat('u', 30000000)", "data = ''", "data = '{'", "data = '[]'", "data = '{}'", "data = '{\"role\":1}'",
        "data = '{\"role\":null}'", "data = '{\"role\":\"a\\r\\nb\"}'", "data = '{\"role\":\"' || repeat('0', 6000) || '\"}'",
        "data = repeat('\u{20AC}', 4000)", "idle_timeout = -1", "idle_timeout = -9223372036854775808",
        "last_seen_at = -9223372036854775808", "idle_timeout = -9223372036854775808, last_seen_at = -9223372036854775808",
        "last_seen_at = -5, idle_timeout = 9223372036854775807", "expires_at = 9223372036854775807",
        "expires_at = -9223372036854775807", "created_at = 9223372036854775807",
    ]

    @Test("rule 41: a row that nobody here has written opens no session and hides no other", arguments: strangeRows)
    func strangeRow(assignment: String) throws {
        let database = try open()
        let session = try SessionRecord.sample()
        let sound = try SessionRecord.sample()
        try database.insertSession(session)
        try database.insertSession(sound)
        try raw("UPDATE sessions SET \(assignment) WHERE session_id = '\(session.key.text)'")
        do throws(StoreError) {
            // Gone by its strange time or key, or an error: never a session.
            #expect(try database.findSession(session.key, now: start) == nil)
        } catch {
            guard case .corrupt(let what) = error else { throw error }
            #expect(!what.contains("X-User-Id"))
        }
        #expect(try database.sessions(limit: 10, now: start) == [sound])
        #expect(try database.sessions(of: sound.userID, now: start) == [sound])
        #expect(try database.findSession(sound.key, now: start) == sound)
        _ = try database.purgeSessionBatch(now: start)
        #expect(try database.findSession(sound.key, now: start) == sound)
    }

    @Test(
        "rule 57: a column that somebody has altered is an error, and not read as another",
        arguments: ["expires_at TYPE NUMERIC", "expires_at TYPE TEXT USING expires_at::text", "data TYPE JSONB USING data::jsonb"])
    func alteredColumn(change: String) throws {
        let session = try SessionRecord.sample()
        try open().insertSession(session)
        try raw("ALTER TABLE sessions ALTER COLUMN \(change)")
        let again = try open()
        #expect(throws: StoreError.self) { try again.findSession(session.key, now: start) }
    }

    @Test("rule 57: an answer of more rows than were asked for is given up")
    func tooManyRows() throws {
        let database = try open()
        let session = try SessionRecord.sample()
        try database.insertSession(session)
        try raw(
            """
            ALTER TABLE sessions RENAME TO held;
            CREATE VIEW sessions AS SELECT held.* FROM held, generate_series(1, 1000000);
            GRANT SELECT ON sessions TO gate
            """)
        let error = #expect(throws: StoreError.self) { try database.findSession(session.key, now: start) }
        #expect(error?.description.contains("more rows") == true)
    }
}
