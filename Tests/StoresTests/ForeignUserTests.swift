import Access
import Stores
import Testing

/// Users in a table of another program, read by a role that has SELECT and nothing else.
@Suite("Another program's users")
struct ForeignUserTests {
    private static let plain = "id INTEGER PRIMARY KEY, username TEXT, password_hash TEXT, roles TEXT, disabled TEXT"

    private static func text(_ kind: DatabaseKind) -> String {
        switch kind {
        case .sqlite: "TEXT"
        case .postgresql: "VARCHAR(200)"
        }
    }

    @Test("a user is found by name and by id, whatever the columns are called", arguments: DatabaseKind.allCases)
    func found(kind: DatabaseKind) throws {
        let fixture = try ForeignFixture(
            kind, "\"User Id\" INTEGER PRIMARY KEY, email \(Self.text(kind)), \"pw\"\"d\" TEXT, secret TEXT")
        try fixture.raw("INSERT INTO \(fixture.rel) VALUES (7, 'alice@example.com', '$2b$12$x', 's'), (8, 'bob@example.com', NULL, 's')")
        let table = try fixture.table(
            fixture.mapping {
                $0.id = "User Id"
                $0.username = "email"
                $0.passwordHash = "pw\"d"
            })
        let alice = UserRecord(id: try UserID("7"), username: "alice@example.com", passwordHash: "$2b$12$x", role: "", isDisabled: false)
        #expect(try table.faults() == [])
        #expect(try table.findUser(name: "alice@example.com") == alice)
        #expect(try table.findUser(id: UserID("7")) == alice)
        #expect(try table.users(limit: 1) == [alice])
        #expect(try table.users(limit: 10).map(\.passwordHash) == ["$2b$12$x", ""])
        for name in ["Alice@example.com", "alice@example.com ", "alice", "", "alice@example.com\0", "' OR 1=1 --"] {
            #expect(try table.findUser(name: name) == nil)
        }
        for id in ["9", "07", "+7"] { #expect(try table.findUser(id: UserID(id)) == nil) }
        try table.ping()
    }

    @Test(
        "ids are whole numbers, text or uuids",
        arguments: [
            (.sqlite, "INTEGER", "'101'", "101"), (.sqlite, "TEXT", "'a-1'", "a-1"), (.postgresql, "SMALLINT", "101", "101"),
            (.postgresql, "BIGINT", "9007199254740993", "9007199254740993"), (.postgresql, "TEXT", "'a-1'", "a-1"),
            (.postgresql, "UUID", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ] as [(DatabaseKind, String, String, String)])
    func ids(kind: DatabaseKind, type: String, value: String, id: String) throws {
        let fixture = try ForeignFixture(kind, "id \(type), username TEXT, password_hash TEXT")
        try fixture.raw("INSERT INTO \(fixture.rel) VALUES (\(value), 'alice', 'h')")
        let table = try fixture.table(fixture.mapping())
        #expect(try table.faults() == [])
        #expect(try table.findUser(name: "alice")?.id == UserID(id))
        #expect(try table.findUser(id: UserID(id))?.username == "alice")
    }

    @Test(
        "roles are one value, a comma list, a JSON array or an array",
        arguments: [
            (.sqlite, "TEXT", "NULL", ""), (.sqlite, "TEXT", "''", ""), (.sqlite, "TEXT", "'user'", "user"),
            (.sqlite, "TEXT", "' admin, staff ,,admin'", "admin,staff"),
            (.sqlite, "TEXT", "'[\"admin\", \"night staff\"]'", "admin,night staff"),
            (.sqlite, "TEXT", "'[]'", ""), (.sqlite, "INTEGER", "3", "3"), (.postgresql, "TEXT", "NULL", ""),
            (.postgresql, "TEXT", "'admin,staff'", "admin,staff"), (.postgresql, "TEXT[]", "'{admin,\"night staff\"}'", "admin,night staff"),
            (.postgresql, "VARCHAR(20)[]", "'{}'", ""), (.postgresql, "TEXT[]", "'{NULL}'", ""),
            (.postgresql, "JSONB", "'[\"admin\",\"staff\"]'", "admin,staff"), (.postgresql, "JSON", "'\"admin\"'", "admin"),
            (.postgresql, "INTEGER", "3", "3"),
        ] as [(DatabaseKind, String, String, String)])
    func roles(kind: DatabaseKind, type: String, value: String, roles: String) throws {
        let fixture = try ForeignFixture(kind, "id INTEGER PRIMARY KEY, username TEXT, password_hash TEXT, r \(type)")
        try fixture.raw("INSERT INTO \(fixture.rel) VALUES (1, 'alice', 'h', \(value))")
        let table = try fixture.table(fixture.mapping { $0.role = "r" })
        #expect(try table.faults() == [])
        #expect(try table.findUser(name: "alice")?.role == roles)
    }

    @Test(
        "rule 6: a value that is not good signs nobody in, is told with column and user, and hides nobody else",
        arguments: DatabaseKind.allCases,
        [
            ("roles = 'a' || char10 || 'b'", "user 1: column role: The role has a control character."),
            ("roles = '[\"a,b\"]'", "user 1: column role: The role has a comma"),
            ("roles = '[[\"a\"]]'", "user 1: column role: is neither text nor a list of texts"),
            ("roles = '[\"a\"'", "user 1: column role: begins with [ and is no JSON array"),
            ("roles = '[true]'", "user 1: column role: is neither text nor a list of texts"),
            ("roles = long600", "user 1: column role: The role is longer than 512 octets."),
            ("password_hash = long2000", "user 1: column password_hash: is longer than 1024 octets"),
            ("username = 'alice', id = id", ""),
        ])
    func badValue(kind: DatabaseKind, change: (assignment: String, message: String)) throws {
        let fixture = try ForeignFixture(kind, Self.plain)
        try fixture.raw("INSERT INTO \(fixture.rel) VALUES (1, 'alice', 'h', 'user', NULL), (2, 'bob', 'h', 'user', NULL)")
        let assignment = change.assignment.replacing("char10", with: kind == .sqlite ? "char(10)" : "chr(10)")
            .replacing("long600", with: kind == .sqlite ? "hex(zeroblob(300))" : "repeat('r', 600)")
            .replacing("long2000", with: kind == .sqlite ? "hex(zeroblob(1000))" : "repeat('h', 2000)")
        try fixture.raw("UPDATE \(fixture.rel) SET \(assignment) WHERE id = 1")
        let table = try fixture.table(fixture.mapping { $0.role = "roles" })
        if change.message.isEmpty {
            #expect(try table.findUser(name: "alice") != nil)
            return
        }
        do throws(StoreError) {
            Issue.record("found \(String(describing: try table.findUser(name: "alice")))")
        } catch {
            #expect(error.description.contains(change.message), "\(error)")
            #expect(error.description.contains(kind == .sqlite ? "people" : "app.people"), "\(error)")
        }
        #expect(throws: StoreError.self) { try table.findUser(id: UserID("1")) }
        #expect(try table.users(limit: 10).map(\.username) == ["bob"])
    }

    @Test("a name that stands in two rows signs nobody in", arguments: DatabaseKind.allCases)
    func twice(kind: DatabaseKind) throws {
        let fixture = try ForeignFixture(kind, "id INTEGER, username TEXT, password_hash TEXT")
        try fixture.raw("INSERT INTO \(fixture.rel) VALUES (1, 'alice', 'h'), (2, 'alice', 'h'), (3, 'Bob', 'h'), (4, 'bob', 'h')")
        let exact = try fixture.table(fixture.mapping())
        #expect(throws: StoreError.self) { try exact.findUser(name: "alice") }
        #expect(try exact.findUser(name: "bob")?.id == UserID("4"))
        var mapping = fixture.mapping()
        mapping.usernames = .caseFolded
        let folded = try fixture.table(mapping)
        #expect(throws: StoreError.self) { try folded.findUser(name: "bob") }
    }

    @Test(
        "case_folded: the letters A to Z as a to z and no others, and one name comes out",
        arguments: DatabaseKind.allCases)
    func folded(kind: DatabaseKind) throws {
        let fixture = try ForeignFixture(kind, "id INTEGER, username TEXT, password_hash TEXT")
        try fixture.raw("INSERT INTO \(fixture.rel) VALUES (1, 'Alice@Example.com', 'h'), (2, 'Élan', 'h'), (3, 'K\u{212A}', 'h')")
        var mapping = fixture.mapping()
        mapping.usernames = .caseFolded
        let table = try fixture.table(mapping)
        let name = try UserName("ALICE@example.COM", .caseFolded)
        let found = try table.findUser(name: name.text)
        #expect(try found?.id == UserID("1"))
        #expect(found?.username == "alice@example.com")
        #expect(try table.findUser(name: UserName("élan", .caseFolded).text) == nil)
        #expect(try table.findUser(name: UserName("ÉLAN", .caseFolded).text)?.id == UserID("2"))
        #expect(try table.findUser(name: UserName("kk", .caseFolded).text) == nil)
    }

    @Test(
        "whatever is not plainly no in disabled locks out, and whatever is not plainly yes in active",
        arguments: [
            (.sqlite, "", "NULL", false, true), (.sqlite, "", "0", false, true), (.sqlite, "", "1", true, false),
            (.sqlite, "", "'2025-07-01 10:00:00'", true, false), (.sqlite, "", "'false'", false, true), (.sqlite, "", "'x'", true, true),
            (.sqlite, "", "x'00'", true, true), (.sqlite, "", "0.5", true, true), (.sqlite, "", "1751362000", true, false),
            (.postgresql, "BOOLEAN", "NULL", false, true), (.postgresql, "BOOLEAN", "FALSE", false, true),
            (.postgresql, "BOOLEAN", "TRUE", true, false), (.postgresql, "SMALLINT", "0", false, true),
            (.postgresql, "SMALLINT", "1", true, false), (.postgresql, "TIMESTAMPTZ", "NULL", false, true),
            (.postgresql, "TIMESTAMPTZ", "now()", true, false), (.postgresql, "TIMESTAMP", "'infinity'", true, true),
            (.postgresql, "TEXT", "'suspended'", true, true), (.postgresql, "TEXT", "'no'", false, true),
        ] as [(DatabaseKind, String, String, Bool, Bool)])
    func flags(kind: DatabaseKind, type: String, value: String, isDisabled: Bool, isInactive: Bool) throws {
        let fixture = try ForeignFixture(kind, "id INTEGER, username TEXT, password_hash TEXT, flag \(type)")
        try fixture.raw("INSERT INTO \(fixture.rel) VALUES (1, 'alice', 'h', \(value))")
        let disabled = try fixture.table(fixture.mapping { $0.disabled = "flag" })
        #expect(try disabled.findUser(name: "alice")?.isDisabled == isDisabled)
        let active = try fixture.table(fixture.mapping { $0.active = "flag" })
        #expect(try active.findUser(name: "alice")?.isDisabled == isInactive)
        #expect(try disabled.faults() == [])
    }

    @Test("with rehash on, the hash is changed, unless somebody else was first; with it off, nothing is", arguments: DatabaseKind.allCases)
    func rehash(kind: DatabaseKind) throws {
        let fixture = try ForeignFixture(kind, "id INTEGER PRIMARY KEY, username TEXT, password_hash \(Self.text(kind))")
        try fixture.raw("INSERT INTO \(fixture.rel) VALUES (1, 'alice', 'old'), (2, 'bob', 'old')")
        let id = try UserID("1")
        let readOnly = try fixture.table(fixture.mapping())
        #expect(throws: StoreError.self) { try readOnly.setPasswordHash(id, to: "new", replacing: "old") }
        var mapping = fixture.mapping()
        mapping.rehashes = true
        let table = try fixture.table(mapping)
        if kind == .postgresql {
            #expect(throws: StoreError.self) { try table.setPasswordHash(id, to: "new", replacing: "old") }
            try fixture.grant("GRANT UPDATE (password_hash) ON REL TO ROLE")
        }
        #expect(try table.setPasswordHash(id, to: "late", replacing: "older") == false)
        #expect(try table.setPasswordHash(id, to: "new", replacing: "old"))
        #expect(try fixture.raw("SELECT password_hash FROM \(fixture.rel) ORDER BY id") == ["new", "old"])
        #expect(try table.findUser(name: "alice")?.passwordHash == "new")
    }

    @Test("a query joins what it likes, and finds by name, by id and in a list", arguments: DatabaseKind.allCases)
    func query(kind: DatabaseKind) throws {
        let fixture = try ForeignFixture(kind, "id INTEGER PRIMARY KEY, email TEXT, pw TEXT, state TEXT")
        let rights = kind == .sqlite ? "rights" : "app.rights"
        try fixture.raw("CREATE TABLE \(rights) (person INTEGER, name TEXT)")
        if kind == .postgresql { try fixture.grant("GRANT SELECT ON \(rights) TO ROLE") }
        try fixture.raw("INSERT INTO \(fixture.rel) VALUES (1, 'alice', 'h', 'ok'), (2, 'bob', 'h', 'banned')")
        try fixture.raw("INSERT INTO \(rights) VALUES (1, 'admin'), (1, 'staff')")
        let aggregate = kind == .sqlite ? "group_concat(r.name)" : "array_agg(r.name ORDER BY r.name)"
        let mapping = UserMapping(
            .query(
                """
                WITH everybody AS (SELECT * FROM \(fixture.rel))
                SELECT p.id, p.email AS username, p.pw AS password_hash, \(aggregate) AS roles, p.state <> 'ok' AS disabled
                FROM everybody AS p LEFT JOIN \(rights) AS r ON r.person = p.id GROUP BY p.id, p.email, p.pw, p.state -- all of them
                """))
        let table = try fixture.table(mapping)
        #expect(try table.faults() == [])
        let alice = try #require(try table.findUser(name: "alice"))
        #expect(alice.role == "admin,staff" && !alice.isDisabled)
        #expect(try table.findUser(id: UserID("1")) == alice)
        #expect(try table.findUser(name: "bob")?.isDisabled == true)
        #expect(try table.users(limit: 10).map(\.role) == ["admin,staff", ""])
    }

    @Test(
        "a query whose columns are not the right ones is told, and signs nobody in", arguments: DatabaseKind.allCases,
        [
            ("SELECT id, email AS username, pw AS password_hash, 1 AS is_disabled FROM REL", #"a column "is_disabled""#),
            ("SELECT id, email, pw AS password_hash FROM REL", "no column username"),
            ("SELECT id, email AS username, pw AS password_hash, 'a' AS role, 'b' AS roles FROM REL", "both role and roles"),
            ("SELECT id, email AS username, pw AS password_hash FROM nowhere", "does not take it"),
        ])
    func badQuery(kind: DatabaseKind, query: (sql: String, message: String)) throws {
        let fixture = try ForeignFixture(kind, "id INTEGER PRIMARY KEY, email TEXT, pw TEXT")
        for isFilled in [false, true] {
            if isFilled { try fixture.raw("INSERT INTO \(fixture.rel) VALUES (1, 'alice', 'h')") }
            let table = try fixture.table(UserMapping(.query(query.sql.replacing("REL", with: fixture.rel))))
            let faults = try table.faults()
            #expect(faults.contains { $0.key == "query" && $0.message.contains(query.message) }, "\(faults)")
            if isFilled { #expect(throws: StoreError.self) { try table.findUser(name: "alice") } }
        }
    }

    @Test("a query can change nothing", arguments: ["nextval('app.seq')", "app.change()"])
    func readOnly(call: String) throws {
        let fixture = try ForeignFixture(.postgresql, Self.plain, grants: ["GRANT ALL ON SCHEMA app TO ROLE", "GRANT ALL ON REL TO ROLE"])
        try fixture.raw("CREATE SEQUENCE app.seq")
        try fixture.grant("GRANT ALL ON SEQUENCE app.seq TO ROLE")
        try fixture.raw("INSERT INTO app.people VALUES (1, 'alice', 'h', '', NULL)")
        try fixture.raw("CREATE FUNCTION app.change() RETURNS INTEGER LANGUAGE sql AS 'DELETE FROM app.people RETURNING id'")
        let mapping = UserMapping(.query("SELECT id, username, password_hash, (SELECT \(call))::text AS role FROM app.people"))
        let table = try fixture.table(mapping)
        #expect(throws: StoreError.self) { try table.findUser(name: "alice") }
        #expect(try fixture.raw("SELECT count(*) FROM app.people") == ["1"])
    }
}
