import Access
import Glibc
import Stores
import Testing

/// What `config check` says of databases that lack something.
@Suite("What a database lacks")
struct UserTableFaultTests {
    private static let columns = "id INTEGER PRIMARY KEY, email TEXT, pw TEXT, roles TEXT"

    @Test("what is missing is named with its key", arguments: DatabaseKind.allCases)
    func missing(kind: DatabaseKind) throws {
        let fixture = try ForeignFixture(kind, Self.columns)
        let mapping = fixture.mapping {
            $0.username = "email"
            $0.passwordHash = "password"
            $0.disabled = "Disabled"
        }
        let faults = try fixture.table(mapping).faults()
        #expect(faults.map(\.key) == ["columns.password_hash", "columns.disabled"])
        #expect(faults.first?.message.contains(#"has no column "password"; it has id, email, pw, roles"#) == true, "\(faults)")
        let elsewhere = UserMapping(.table(schema: nil, name: "peple", UserMapping.Columns()))
        let none = try fixture.table(elsewhere).faults()
        #expect(none.map(\.key) == ["table"])
        #expect(none.first?.message.contains(#"there is no table"#) == true, "\(none)")
    }

    @Test("the SQL that is advised is all that it takes")
    func grants() throws {
        let fixture = try ForeignFixture(.postgresql, Self.columns, grants: [])
        var mapping = fixture.mapping {
            $0.username = "email"
            $0.passwordHash = "pw"
            $0.role = "roles"
        }
        mapping.rehashes = true
        let table = try fixture.table(mapping)
        let faults = try table.faults()
        #expect(faults.map(\.key) == ["table", "table", "rehash"])
        #expect(throws: StoreError.self) { try table.findUser(name: "alice") }
        for fault in faults {
            let sql = try #require(fault.message.firstRange(of: "GRANT ")).lowerBound
            try fixture.raw(String(fault.message[sql...]))
        }
        #expect(try table.faults() == [])
        try fixture.raw("INSERT INTO app.people VALUES (1, 'alice', 'old', 'user')")
        #expect(try table.findUser(name: "alice") != nil)
        #expect(try table.setPasswordHash(UserID("1"), to: "new", replacing: "old"))
    }

    @Test("types that no value of fits are told")
    func types() throws {
        let fixture = try ForeignFixture(
            .postgresql, "id NUMERIC, username BYTEA, password_hash BYTEA, roles POINT, disabled TEXT[]")
        let faults = try fixture.table(
            fixture.mapping {
                $0.role = "roles"
                $0.disabled = "disabled"
            }
        ).faults()
        #expect(
            faults.map(\.key) == ["columns.id", "columns.username", "columns.password_hash", "columns.role", "columns.disabled"], "\(faults)")
        #expect(faults.first?.message == #""id" is numeric; expected a whole number, text or uuid"#)
    }

    @Test("a table without its schema that turns out to be our own is told")
    func ownTable() throws {
        let server = try PostgreSQLServer.shared.get()
        let location = try server.makeDatabase()
        _ = try PostgreSQLDatabase(location, connections: 1, timeouts: .patient)
        try server.ask("CREATE SCHEMA app", in: location.database)
        try server.ask("CREATE TABLE app.users (id INTEGER)", in: location.database)
        let mapping = UserMapping(.table(schema: nil, name: "users", UserMapping.Columns()))
        let faults = try PostgreSQLUserTable(location, mapping, connections: 1, timeouts: .patient).faults()
        #expect(faults.map(\.message) == ["users is gatehouse's own table public.users; write the schema: app.users"])
    }

    @Test("our own tables: what PostgreSQL would refuse is said before, with what grants it")
    func ownPostgreSQL() throws {
        let server = try PostgreSQLServer.shared.get()
        var location = try server.makeDatabase()
        let owned = try PostgreSQLDatabase.faults(location, timeouts: .patient)
        #expect(owned == [])
        location.user = "guest_\(location.database)"
        location.password = Array("guest".utf8)
        try server.ask("CREATE ROLE \(location.user) LOGIN PASSWORD 'guest'", in: location.database)
        let refused = try PostgreSQLDatabase.faults(location, timeouts: .patient)
        #expect(refused.count == 1 && refused[0].contains("may not make tables"), "\(refused)")
        #expect(throws: StoreError.self) { try PostgreSQLDatabase(location, connections: 1, timeouts: .patient) }
        let sql = try #require(refused.first?.firstRange(of: "CREATE SCHEMA")).lowerBound
        try server.ask(String(refused[0][sql...]), in: location.database)
        #expect(try PostgreSQLDatabase.faults(location, timeouts: .patient) == [])
        // Looking makes nothing.
        #expect(try server.ask("SELECT count(*) FROM pg_tables WHERE tablename = 'gatehouse_schema'", in: location.database) == ["0"])
        _ = try PostgreSQLDatabase(location, connections: 1, timeouts: .patient)
        try server.ask("REVOKE DELETE ON \(location.user).sessions FROM \(location.user)", in: location.database)
        let less = try PostgreSQLDatabase.faults(location, timeouts: .patient)
        #expect(less.count == 1 && less[0].contains("may not use sessions"), "\(less)")
    }

    @Test("our own tables: a schema in which another program has a table of such a name")
    func takenSchema() throws {
        let server = try PostgreSQLServer.shared.get()
        let location = try server.makeDatabase()
        try server.ask("CREATE TABLE users (id INTEGER)", in: location.database)
        let faults = try PostgreSQLDatabase.faults(location, timeouts: .patient)
        #expect(faults.count == 1 && faults[0].contains("the schema public has a table users"), "\(faults)")
    }

    @Test("our own tables: a SQLite file that is another program's, or not there yet")
    func ownSQLite() throws {
        let folder = try TemporaryFolder()
        #expect(try SQLiteDatabase.faults(path: folder.file("new.db")) == [])
        #expect(unsafe access(folder.file("new.db"), F_OK) != 0)
        #expect(try SQLiteDatabase.faults(path: "/nowhere/new.db").count == 1)
        let fixture = try ForeignFixture(.sqlite, Self.columns)
        #expect(try SQLiteDatabase.faults(path: fixture.path) == [])
        try fixture.raw("CREATE TABLE users (id INTEGER)")
        let faults = try SQLiteDatabase.faults(path: fixture.path)
        #expect(faults.count == 1 && faults[0].contains("has a table users that is not gatehouse's"), "\(faults)")
        let own = try SQLiteDatabase(path: folder.file("own.db"))
        #expect(try SQLiteDatabase.faults(path: own.path) == [])
    }
}
