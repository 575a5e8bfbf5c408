package import Access
internal import GRDB
internal import Glibc

extension SQLiteDatabase {
    /// What keeps the file at `path` from being ours; nothing is made or changed.
    package static func faults(path: String) throws(StoreError) -> [String] {
        let folder = path.lastIndex(of: "/").map { path[..<$0] } ?? "."
        let isThere = unsafe access(path, F_OK) == 0
        let paths: [String] = (isThere ? [path] : []) + [folder.isEmpty ? "/" : String(folder)]
        let faults = paths.filter { unsafe access($0, W_OK) != 0 }.map { "\($0) cannot be written by this user (uid \(geteuid()))" }
        guard isThere else { return faults }
        let tables = try SQLiteReaders(path: path, maximumIdle: 0, Configuration()).read { db in
            try Row.fetchAll(db, sql: "SELECT name FROM sqlite_master WHERE type = 'table'").compactMap { $0.text(0, atMost: 256) }
        }
        let taken = SQLiteSchema.tables.filter(tables.contains)
        if taken.isEmpty || tables.contains("grdb_migrations") { return faults }
        return faults + [
            "\(path) has a table \(taken.joined(separator: " and ")) that is not gatehouse's; users.table names another program's users, and "
                + "gatehouse's own tables go to a file of their own: sqlite:gatehouse.db"
        ]
    }
}
