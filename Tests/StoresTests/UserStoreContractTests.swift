import Access
import Stores
import Testing

/// What a users table of our own does, in every database.
@Suite("User store contract")
struct UserStoreContractTests {
    private let now = SessionRecord.start

    @Test("a user that was added is found by name and by id", arguments: DatabaseKind.allCases)
    func insert(kind: DatabaseKind) async throws {
        try await UsersFixture(kind).run { store, _ in
            let alice = try await store.add("alice", id: "101")
            #expect(
                alice
                    == UserRecord(
                        id: try UserID("101"), username: "alice", passwordHash: "$2a$10$alice", role: "user", isDisabled: false))
            #expect(try await store.find(username: "alice") == alice)
            #expect(try await store.find(id: alice.id) == alice)
            #expect(try await store.find(username: "bob") == nil)
            #expect(try await store.find(id: UserID("102")) == nil)
            try await (store as any UserStore).ping()
        }
    }

    @Test("several roles are kept as they were given", arguments: DatabaseKind.allCases)
    func roles(kind: DatabaseKind) async throws {
        try await UsersFixture(kind).run { [now] store, _ in
            let alice = try await store.add("alice", role: "admin,staff")
            #expect(try await store.find(username: "alice")?.role == "admin,staff")
            #expect(try await store.setRole(alice.id, to: "staff", now: now))
            #expect(try await store.find(id: alice.id)?.role == "staff")
            #expect(try await store.setRole(UserID("999"), to: "admin", now: now) == false)
        }
        for role in ["a,,b", "a, b", "a,a", ",a", "a,"] {
            #expect(throws: IdentityError.self) { try NewUser(username: UserName("x"), passwordHash: "h", role: role) }
        }
    }

    @Test("ids are given in order and never a second time", arguments: DatabaseKind.allCases)
    func ids(kind: DatabaseKind) async throws {
        try await UsersFixture(kind).run { store, _ in
            #expect(try await store.add("alice", id: "101").id == UserID("101"))
            let bob = try await store.add("bob")
            #expect(try bob.id == UserID("102"))
            #expect(try await store.remove(bob.id))
            #expect(try await store.add("carol").id == UserID("103"))
            #expect(try await store.all(limit: 10).map(\.username) == ["alice", "carol"])
            #expect(try await store.all(limit: 1).map(\.username) == ["alice"])
        }
    }

    @Test("a name or an id that is taken is a conflict", arguments: DatabaseKind.allCases)
    func conflicts(kind: DatabaseKind) async throws {
        try await UsersFixture(kind).run { store, _ in
            _ = try await store.add("alice", id: "101")
            await #expect(throws: StoreError.conflict("a user of that name exists")) { try await store.add("alice") }
            await #expect(throws: StoreError.conflict("a user of that id exists")) { try await store.add("bob", id: "101") }
            for id in ["x", "0", "-1", "0101", "+5", "9223372036854775808", "1.0"] {
                await #expect(throws: StoreError.self) { try await store.add("carol", id: id) }
            }
            #expect(try await store.all(limit: 10).count == 1)
        }
    }

    @Test(
        "rule 6: names are octets: no two that differ are one", arguments: DatabaseKind.allCases,
        [
            ("alice", "Alice"), ("alice", "alicé"), ("\u{E9}", "e\u{301}"), ("k", "\u{212A}"), ("a", "a\u{200B}"), ("straße", "strasse"),
        ])
    func octets(kind: DatabaseKind, names: (String, String)) async throws {
        try await UsersFixture(kind).run { store, _ in
            let one = try await store.add(names.0)
            #expect(try await store.find(username: names.1) == nil)
            let two = try await store.add(names.1)
            #expect(one.id != two.id)
            #expect(try await store.find(username: names.0) == one)
            #expect(try await store.find(username: names.1) == two)
        }
    }

    @Test("rule 6: a NUL does not cut a name short", arguments: DatabaseKind.allCases)
    func nul(kind: DatabaseKind) async throws {
        try await UsersFixture(kind).run { store, _ in
            _ = try await store.add("alice")
            for name in ["alice\0", "alice\0x", "\0alice", "\0"] { #expect(try await store.find(username: name) == nil) }
        }
    }

    @Test("an id in another spelling names nobody", arguments: DatabaseKind.allCases)
    func spelling(kind: DatabaseKind) async throws {
        try await UsersFixture(kind).run { [now] store, _ in
            _ = try await store.add("alice", id: "101")
            for id in ["0101", "+101", "101.0", "1e2", "x'65'", "101a"] {
                #expect(try await store.find(id: UserID(id)) == nil)
                #expect(try await store.setRole(UserID(id), to: "admin", now: now) == false)
                #expect(try await store.remove(UserID(id)) == false)
            }
            #expect(try await store.find(username: "alice")?.role == "user")
        }
    }

    @Test("a password hash is changed, unless somebody else was first", arguments: DatabaseKind.allCases)
    func passwordHash(kind: DatabaseKind) async throws {
        try await UsersFixture(kind).run { [now] store, _ in
            let alice = try await store.add("alice")
            #expect(try await store.setPasswordHash(alice.id, to: "new", replacing: alice.passwordHash, now: now))
            #expect(try await store.setPasswordHash(alice.id, to: "late", replacing: alice.passwordHash, now: now) == false)
            #expect(try await store.find(id: alice.id)?.passwordHash == "new")
            #expect(try await store.setPasswordHash(alice.id, to: "forced", replacing: nil, now: now))
            #expect(try await store.find(id: alice.id)?.passwordHash == "forced")
            #expect(try await store.setPasswordHash(UserID("999"), to: "x", replacing: nil, now: now) == false)
        }
    }

    @Test(
        "disabling or removing a user ends that user's sessions and no other's", arguments: DatabaseKind.allCases, [true, false])
    func endsSessions(kind: DatabaseKind, byRemoving: Bool) async throws {
        try await UsersFixture(kind).run { [now] store, _ in
            let alice = try await store.add("alice")
            let bob = try await store.add("bob")
            let mine = try SessionRecord.sample(user: alice.id.text)
            let other = try SessionRecord.sample(user: bob.id.text)
            try await store.insert(mine, now: now)
            try await store.insert(other, now: now)
            if byRemoving {
                #expect(try await store.remove(alice.id))
                #expect(try await store.find(id: alice.id) == nil)
            } else {
                #expect(try await store.setDisabled(alice.id, true, now: now))
                #expect(try await store.find(id: alice.id)?.isDisabled == true)
            }
            #expect(try await store.find(mine.key, now: now) == nil)
            #expect(try await store.find(other.key, now: now) == other)
        }
    }

    @Test(
        "enabling a user ends no session, and neither does disabling where sessions are kept elsewhere", arguments: DatabaseKind.allCases)
    func keepsSessions(kind: DatabaseKind) async throws {
        let fixture = try UsersFixture(kind)
        let (alice, session) = try await fixture.run(endsSessions: false) { [now] store, _ in
            let alice = try await store.add("alice")
            let session = try SessionRecord.sample(user: alice.id.text)
            try await store.insert(session, now: now)
            #expect(try await store.setDisabled(alice.id, true, now: now))
            return (alice, session)
        }
        try await fixture.run { [now] store, _ in
            let isEnabled = try await store.setDisabled(alice.id, false, now: now)
            #expect(isEnabled)
            #expect(try await store.find(id: alice.id)?.isDisabled == false)
            #expect(try await store.find(session.key, now: now) == session)
            #expect(try await store.setDisabled(UserID("999"), true, now: now) == false)
        }
    }

    @Test(
        "rule 34: a row that holds no user record is an error, and hides nobody else",
        arguments: [
            (.sqlite, "password_hash = hex(zeroblob(2000))"), (.sqlite, "password_hash = x'00'"), (.sqlite, "role = x'ff'"),
            (.sqlite, "role = hex(zeroblob(500))"), (.sqlite, "username = x'616c696365'"), (.sqlite, "id = -5"),
            (.postgresql, "password_hash = repeat('x', 2000)"), (.postgresql, "password_hash = repeat('x', 20000000)"),
            (.postgresql, "role = repeat('r', 600)"), (.postgresql, "username = repeat('\u{20AC}', 400)"), (.postgresql, "id = -5"),
            (.postgresql, "id = 9223372036854775807, role = repeat('r', 600)"),
        ] as [(DatabaseKind, String)])
    func strangeRow(kind: DatabaseKind, assignment: String) async throws {
        let fixture = try UsersFixture(kind)
        try await fixture.run { store, _ in
            let alice = try await store.add("alice", id: "101")
            let bob = try await store.add("bob")
            try fixture.raw("UPDATE users SET \(assignment) WHERE id = 101")
            // Gone by its strange id or name, or an error: never a user.
            do { #expect(try await store.find(username: "alice") == nil) } catch StoreError.corrupt {}
            do { #expect(try await store.find(id: alice.id) == nil) } catch StoreError.corrupt {}
            #expect(try await store.all(limit: 10) == [bob])
        }
    }
}
