import Access
import GRDB
import Loop
import Stores

/// Another program's database: the table `people` (in PostgreSQL in the schema `app`), of which we may only read.
final class ForeignFixture: Sendable {
    let kind: DatabaseKind
    private let folder: TemporaryFolder
    let path: String
    /// As the role that may read.
    private let location: PostgreSQLLocation?

    /// - Parameters:
    ///   - columns: of the table, as CREATE TABLE has them.
    ///   - grants: what the role may do in PostgreSQL; REL is the table, ROLE the role.
    init(
        _ kind: DatabaseKind, _ columns: String,
        grants: [String] = ["GRANT USAGE ON SCHEMA app TO ROLE", "GRANT SELECT ON REL TO ROLE"]
    ) throws {
        self.kind = kind
        folder = try TemporaryFolder()
        path = folder.file("app.db")
        switch kind {
        case .sqlite:
            location = nil
        case .postgresql:
            let server = try PostgreSQLServer.shared.get()
            var location = try server.makeDatabase()
            location.user = "reader_\(location.database)"
            location.password = Array("reader".utf8)
            self.location = location
            try server.ask("CREATE ROLE \(location.user) LOGIN PASSWORD 'reader'", in: location.database)
            try raw("CREATE SCHEMA app")
        }
        try raw("CREATE TABLE \(rel) (\(columns))")
        if kind == .postgresql { for grant in grants { try self.grant(grant) } }
    }

    /// The table's name in SQL.
    var rel: String { kind == .sqlite ? "people" : "app.people" }
    var role: String { location?.user ?? "" }

    func grant(_ sql: String) throws {
        try raw(sql.replacing("REL", with: rel).replacing("ROLE", with: role))
    }

    /// As the program that owns everything.
    @discardableResult
    func raw(_ sql: String) throws -> [String] {
        switch kind {
        case .sqlite: try DatabaseQueue(path: path).writeWithoutTransaction { try String.fetchAll($0, sql: sql) }
        case .postgresql: try PostgreSQLServer.shared.get().ask(sql, in: location?.database ?? "")
        }
    }

    func mapping(_ change: (inout UserMapping.Columns) -> Void = { _ in }) -> UserMapping {
        var columns = UserMapping.Columns()
        change(&columns)
        return UserMapping(.table(schema: kind == .sqlite ? nil : "app", name: "people", columns))
    }

    func table(_ mapping: UserMapping) throws -> any UserTable {
        guard let location else { return SQLiteUserTable(path: path, mapping) }
        return try PostgreSQLUserTable(location, mapping, connections: 2, timeouts: .patient)
    }
}
