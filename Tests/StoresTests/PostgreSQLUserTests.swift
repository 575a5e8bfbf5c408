import Access
import Stores
import Testing
import Wire

/// Users and failed sign-ins in PostgreSQL.
@Suite("PostgreSQL users")
struct PostgreSQLUserTests {
    private let server: PostgreSQLServer
    private let database: PostgreSQLDatabase
    private let now = SessionRecord.start

    init() throws {
        server = try PostgreSQLServer.shared.get()
        database = try PostgreSQLDatabase(server.makeDatabase(), connections: 4)
    }

    private func add(_ name: String, id: String? = nil, role: String = "user") throws -> UserRecord {
        try database.insertUser(
            NewUser(
                id: id.map { try UserID($0) }, username: UserName(name), passwordHash: "$2a$10$" + name, role: role),
            now: now)
    }

    private func raw(_ sql: String) throws {
        try server.ask(sql, in: database.location.database)
    }

    @Test("a user that was added is found by name and by id")
    func insert() throws {
        let alice = try add("alice", id: "101")
        #expect(
            alice
                == UserRecord(
                    id: try UserID("101"), username: "alice", passwordHash: "$2a$10$alice", role: "user", isDisabled: false))
        #expect(try database.findUser(name: "alice") == alice)
        #expect(try database.findUser(id: alice.id) == alice)
        #expect(try database.findUser(name: "bob") == nil)
        #expect(try database.findUser(id: UserID("102")) == nil)
    }

    @Test("ids are given in order and never a second time")
    func ids() throws {
        #expect(try add("alice", id: "101").id == UserID("101"))
        let bob = try add("bob")
        #expect(try bob.id == UserID("102"))
        #expect(try database.removeUser(bob.id, endingSessions: true))
        #expect(try add("carol").id == UserID("103"))
        #expect(try database.users(limit: 10).map(\.username) == ["alice", "carol"])
        #expect(try database.users(limit: 1).map(\.username) == ["alice"])
    }

    @Test("a name or an id that is taken is a conflict")
    func conflicts() throws {
        _ = try add("alice", id: "101")
        #expect(throws: StoreError.conflict("a user of that name exists")) { try add("alice") }
        #expect(throws: StoreError.conflict("a user of that id exists")) { try add("bob", id: "101") }
        for id in ["x", "0", "-1", "0101", "+5", "9223372036854775808", "1.0"] {
            #expect(throws: StoreError.self) { try add("carol", id: id) }
        }
        #expect(try database.users(limit: 10).count == 1)
    }

    @Test(
        "rule 6: names are octets: no two that differ are one",
        arguments: [
            ("alice", "Alice"), ("alice", "alicé"), ("\u{E9}", "e\u{301}"), ("k", "\u{212A}"), ("a", "a\u{200B}"), ("straße", "strasse"),
        ])
    func octets(first: String, second: String) throws {
        let one = try add(first)
        #expect(try database.findUser(name: second) == nil)
        let two = try add(second)
        #expect(one.id != two.id)
        #expect(try database.findUser(name: first) == one)
        #expect(try database.findUser(name: second) == two)
    }

    @Test("rule 6: a NUL does not cut a name short", arguments: ["alice\0", "alice\0x", "\0alice", "\0"])
    func nul(name: String) throws {
        _ = try add("alice")
        #expect(try database.findUser(name: name) == nil)
    }

    @Test("an id in another spelling names nobody", arguments: ["0101", "+101", "101.0", "1e2", "x'65'", "101a"])
    func spelling(id: String) throws {
        _ = try add("alice", id: "101")
        #expect(try database.findUser(id: UserID(id)) == nil)
        #expect(try database.setRole(UserID(id), to: "admin", now: now) == false)
        #expect(try database.removeUser(UserID(id), endingSessions: true) == false)
        #expect(try database.findUser(name: "alice")?.role == "user")
    }

    @Test("a password hash is changed, unless somebody else was first")
    func passwordHash() throws {
        let alice = try add("alice")
        #expect(try database.setPasswordHash(alice.id, to: "new", replacing: alice.passwordHash, now: now))
        #expect(try database.setPasswordHash(alice.id, to: "late", replacing: alice.passwordHash, now: now) == false)
        #expect(try database.findUser(id: alice.id)?.passwordHash == "new")
        #expect(try database.setPasswordHash(alice.id, to: "forced", replacing: nil, now: now))
        #expect(try database.findUser(id: alice.id)?.passwordHash == "forced")
        #expect(try database.setPasswordHash(UserID("999"), to: "x", replacing: nil, now: now) == false)
    }

    @Test("a role is changed")
    func role() throws {
        let alice = try add("alice")
        #expect(try database.setRole(alice.id, to: "admin", now: now))
        #expect(try database.findUser(name: "alice")?.role == "admin")
        #expect(try database.setRole(UserID("999"), to: "admin", now: now) == false)
    }

    @Test("disabling or removing a user ends that user's sessions and no other's", arguments: [true, false])
    func endsSessions(byRemoving: Bool) throws {
        let alice = try add("alice")
        let bob = try add("bob")
        let mine = try SessionRecord.sample(user: alice.id.text)
        let other = try SessionRecord.sample(user: bob.id.text)
        try database.insertSession(mine)
        try database.insertSession(other)
        if byRemoving {
            #expect(try database.removeUser(alice.id, endingSessions: true))
            #expect(try database.findUser(id: alice.id) == nil)
        } else {
            #expect(try database.setDisabled(alice.id, true, endingSessions: true, now: now))
            #expect(try database.findUser(id: alice.id)?.isDisabled == true)
        }
        #expect(try database.findSession(mine.key, now: now) == nil)
        #expect(try database.findSession(other.key, now: now) == other)
    }

    @Test("enabling a user ends no session, and neither does disabling where sessions are kept elsewhere")
    func keepsSessions() throws {
        let alice = try add("alice")
        let session = try SessionRecord.sample(user: alice.id.text)
        try database.insertSession(session)
        #expect(try database.setDisabled(alice.id, true, endingSessions: false, now: now))
        #expect(try database.setDisabled(alice.id, false, endingSessions: true, now: now))
        #expect(try database.findUser(id: alice.id)?.isDisabled == false)
        #expect(try database.findSession(session.key, now: now) == session)
        #expect(try database.setDisabled(UserID("999"), true, endingSessions: true, now: now) == false)
    }

    @Test(
        "rule 34: a row that holds no user record is an error, and hides nobody else",
        arguments: [
            "password_hash = repeat('x', 2000)", "password_hash = repeat('x', 20000000)", "role = repeat('r', 600)",
            "username = repeat('\u{20AC}', 400)", "id = -5", "id = 9223372036854775807, role = repeat('r', 600)",
        ])
    func strangeRow(assignment: String) throws {
        let alice = try add("alice", id: "101")
        let bob = try add("bob")
        try raw("UPDATE users SET \(assignment) WHERE id = 101")
        // Gone by its strange id or name, or an error: never a user.
        for find in [{ try database.findUser(name: "alice") }, { try database.findUser(id: alice.id) }] {
            do {
                #expect(try find() == nil)
            } catch StoreError.corrupt {}
        }
        #expect(try database.users(limit: 10) == [bob])
    }

    @Test("a worker's store does the same through the pool")
    func store() async throws {
        let worker = try TestWorker()
        let database = database
        let now = now
        try await worker.run { worker in
            let store = PostgreSQLStore(database, endsSessions: true)
            let alice = try await store.insert(
                NewUser(username: UserName("alice"), passwordHash: "h", role: "user"), now: now)
            #expect(try await store.find(username: "alice") == alice)
            #expect(try await store.find(id: alice.id) == alice)
            #expect(try await store.all(limit: 5) == [alice])
            #expect(try await store.setPasswordHash(alice.id, to: "i", replacing: "h", now: now))
            #expect(try await store.setRole(alice.id, to: "admin", now: now))
            let session = try SessionRecord.sample(user: alice.id.text)
            try await store.insert(session, now: now)
            #expect(try await store.setDisabled(alice.id, true, now: now))
            #expect(try await store.find(session.key, now: now) == nil)
            #expect(try await store.find(id: alice.id)?.isDisabled == true)
            #expect(try await store.remove(alice.id))
            #expect(try await store.all(limit: 5) == [])
            try await (store as any UserStore).ping()
        }
    }

    // MARK: Failed sign-ins

    private func keys(_ name: String, _ address: String) throws -> ThrottleKeys {
        let address = try #require(IPAddress(Array(address.utf8)))
        return try ThrottleKeys(name: UserName(name), address: address)
    }

    @Test("rule 35: the counts of failed sign-ins survive a restart")
    func failuresSurvive() throws {
        let keys = try keys("alice", "192.0.2.1")
        let counted = FailureCounts(
            pair: FailureCount(failures: 3, lastFailureAt: now, lastSuccessAt: 5),
            address: FailureCount(failures: 9, lastFailureAt: now - 1, lastSuccessAt: 0),
            account: FailureCount(failures: 1, lastFailureAt: now - 2, lastSuccessAt: 0))
        #expect(
            try database.updateFailures(keys) { counts in
                defer { counts = counted }
                return counts
            } == FailureCounts())
        let again = try PostgreSQLDatabase(database.location, connections: 1)
        #expect(try again.updateFailures(keys) { $0 } == counted)
        let stranger = try self.keys("alice", "192.0.2.2")
        #expect(try again.updateFailures(stranger) { $0 } == FailureCounts(account: counted.account))
    }

    @Test("rule 35: a count that is cleared leaves no row, and old ones are purged")
    func failuresCleared() throws {
        let keys = try keys("alice", "192.0.2.1")
        func rows() throws -> Int? {
            try server.ask("SELECT count(*) FROM login_failures", in: database.location.database).first.flatMap { Int($0) }
        }
        try database.updateFailures(keys) { counts in
            counts.pair.failures = 1
            counts.pair.lastFailureAt = 1_000
            counts.address.failures = 2
            counts.address.lastFailureAt = 5_000
            counts.account.failures = 3
            counts.account.lastSuccessAt = 1_000
        }
        #expect(try rows() == 3)
        try database.updateFailures(keys) { $0.pair = .none }
        #expect(try rows() == 2)
        #expect(try database.purgeFailureBatch(before: 1_000) == 0)
        #expect(try database.purgeFailureBatch(before: 5_000) == 1)
        #expect(try rows() == 1)
    }

    @Test("rule 35: parallel attempts are all counted")
    func failuresTogether() async throws {
        let worker = try TestWorker()
        let database = database
        let keys = try keys("alice", "2001:db8::1")
        let counts = try await worker.run { worker in
            let store = PostgreSQLStore(database, endsSessions: true)
            worker.store = store
            let tasks = (0..<200).map { _ in
                worker.start { store, _ in
                    guard let store = store as? any ThrottleStore else { throw TestFailure("it counts nothing") }
                    return try await store.update(keys) { counts in
                        counts.account.failures += 1
                        counts.account.lastFailureAt = 1
                        return counts.account.failures
                    }
                }
            }
            var seen: Set<Int64> = []
            for task in tasks { seen.insert(try await task.value) }
            #expect(try await store.purgeFailures(before: 1) == 0)
            return seen
        }
        #expect(counts == Set(1...200))
    }
}
