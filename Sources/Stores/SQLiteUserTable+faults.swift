package import Access
internal import GRDB
internal import Glibc

extension SQLiteUserTable {
    package func faults() throws(StoreError) -> [UserTableFault] {
        switch mapping.source {
        case .query:
            switch try columns(of: "SELECT * FROM \(mapping.relation) AS u") {
            case .failure(let error): return [UserTableFault("query", "SQLite does not take it: \(error.message ?? "no message")")]
            case .success(let there): return mapping.faults(ofQueryWith: there)
            }
        case .table(_, let table, _):
            guard case .success(let there) = try columns(of: "SELECT * FROM \(mapping.quotedTable)") else {
                let names = try tables()
                return [
                    UserTableFault(
                        "table",
                        "there is no table \(UserMapping.quoted(table)) in \(path)"
                            + (names.isEmpty ? "; it has none at all" : "; it has \(names.joined(separator: ", "))"))
                ]
            }
            return mapping.missing(from: there) + (mapping.rehashes ? rehashFaults : [])
        }
    }

    private func tables() throws(StoreError) -> [String] {
        let names = try read("SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
        return names.sorted()
    }

    /// SQLite writes its journal beside the file.
    private var rehashFaults: [UserTableFault] {
        let folder = path.lastIndex(of: "/").map { path[..<$0] } ?? "."
        let paths: [String] = [path, folder.isEmpty ? "/" : String(folder)]
        return paths.filter { unsafe access($0, W_OK) != 0 }.map {
            UserTableFault("rehash", "\($0) cannot be written by this user (uid \(geteuid())); allow it, or set users.rehash: false")
        }
    }
}
