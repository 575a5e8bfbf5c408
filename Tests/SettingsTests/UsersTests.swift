import Access
import Testing

@testable import Settings

@Suite("Settings of another program's users")
struct UsersTests {
    private let foreign = """
        users:
          store: postgresql://gate@127.0.0.1/app
          table: app.people
          columns: { id: uid, username: email, password_hash: pw, roles: groups, disabled: left_at }
        sessions: { store: postgresql://gate@127.0.0.1/app }

        """

    @Test("a table and its columns")
    func table() throws {
        let users = try load(minimal + foreign).users
        #expect(users.isForeign && users.table == TableName(schema: "app", name: "people"))
        #expect(users.columns.username == "email" && users.columns.roles == "groups" && users.columns.role == nil)
        #expect(users.rehash == false)
        #expect(try load(minimal).users.rehash == true)
        #expect(try load(minimal + "users: { rehash: false }").users.rehash == false)
    }

    @Test("a query, also over several lines")
    func query() throws {
        let text = """
            users:
              query: |
                SELECT id, email AS username, pw AS password_hash
                FROM people -- all of them
            login: { throttle: { store: sqlite:t.db } }
            sessions: { store: sqlite:s.db }

            """
        let settings = try load(minimal + text)
        #expect(settings.users.query == "SELECT id, email AS username, pw AS password_hash\nFROM people -- all of them\n")
        #expect(settings.failureStore == .sqlite(path: "/nowhere/t.db"))
    }

    @Test("what is printed holds the same")
    func printed() throws {
        let settings = try load(minimal + foreign + "login: { throttle: { store: postgresql://gate@127.0.0.1/counts } }")
        #expect(try load(settings.printed) == settings)
        #expect(try load(load(minimal).printed) == load(minimal))
        let query = minimal + "users: { query: \"SELECT 1\\n  AS id\", store: sqlite:a.db }\n"
        #expect(try load(load(query).printed) == load(query))
    }

    @Test("failed sign-ins are counted beside the users, or beside the sessions where the users are another program's")
    func failureStore() throws {
        let own = try load(minimal + "users: { store: sqlite:u.db }")
        #expect(own.failureStore == .sqlite(path: "/nowhere/u.db"))
        let other = try load(minimal + "users: { store: sqlite:app.db, table: people }\nsessions: { store: sqlite:s.db }")
        #expect(other.failureStore == .sqlite(path: "/nowhere/s.db"))
    }

    @Test("names in `require` are folded as those of the users")
    func folded() throws {
        let text = minimal + "  - { path: /a, upstream: profile, require: { user: [Alice] } }\n"
        #expect(try load(text).routes[1].require.user == ["Alice"])
        #expect(try load(text + "users: { usernames: case_folded }").routes[1].require.user == ["alice"])
    }

    @Test(
        "what does not go together is told, with its key",
        arguments: [
            ("{ table: people, query: SELECT 1 }", "users.query"), ("{ columns: { id: uid } }", "users.columns"),
            ("{ query: SELECT 1, columns: { id: uid } }", "users.columns"),
            ("{ table: people, columns: { role: a, roles: b } }", "users.columns.roles"),
            ("{ table: people, columns: { disabled: a, active: b } }", "users.columns.active"),
            ("{ table: app.people }", "users.table"), ("{ table: a.b.c }", "users.table"), ("{ table: 'a\"b' }", "users.table"),
            ("{ table: '' }", "users.table"), ("{ table: people, columns: { id: 'a b' } }", "users.columns.id"),
            ("{ query: SELECT 1, rehash: true }", "users.rehash"), ("{ query: DELETE FROM people }", "users.query"),
            ("{ query: SELECT 1; }", "users.query"), ("{ usernames: folded }", "users.usernames"), ("{ rehash: yes }", "users.rehash"),
            ("{ store: sqlite:s.db, table: people }", "sessions.store"),
        ])
    func clash(users: String, path: String) {
        let found = problems(minimal + "users: \(users)\nsessions: { store: sqlite:s.db }")
        #expect(found.map(\.path) == [path], "\(found)")
    }

    @Test(
        "there must be a database to count failed sign-ins in, and not the other program's",
        arguments: [
            ("sessions: { store: memory: }", "login.throttle.store"), ("sessions: { store: redis://127.0.0.1 }", "login.throttle.store"),
            ("login: { throttle: { store: redis://127.0.0.1 } }", "login.throttle.store"),
            ("login: { throttle: { store: sqlite:app.db } }", "login.throttle.store"),
            ("login: { throttle: { password: x } }", "login.throttle.password"),
        ])
    func counts(rest: String, path: String) {
        let found = problems(minimal + "users: { store: sqlite:app.db, table: people }\n" + rest.replacing("memory:", with: "'memory:'"))
        #expect(found.map(\.path) == [path], "\(found)")
    }

    @Test("a table in which nobody can be disabled is worth a thought")
    func warning() throws {
        let found = try warnings(minimal + "users: { store: sqlite:app.db, table: people }")
        #expect(found.map(\.path) == ["users.columns"])
        #expect(try warnings(minimal + foreign) == [])
    }

    @Test("a problem that shows later still stands where its key does")
    func later() throws {
        let loaded = try Settings.read(minimal + foreign, file: "gatehouse.yaml", folder: "/nowhere", environment: [:])
        #expect(loaded.problem("users.table", "is not there").description == "gatehouse.yaml:9:10: users.table: is not there")
        #expect(loaded.problem("passwords", "x").description == "gatehouse.yaml:1:1: passwords: x")
    }
}
