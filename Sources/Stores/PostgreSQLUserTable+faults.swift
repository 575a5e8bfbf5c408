package import Access
internal import Wire

// Asked of the catalogues, which everybody may read, so that what is missing is said before it is missed.

extension PostgreSQLUserTable {
    package func faults() throws(StoreError) -> [UserTableFault] {
        try database.call(database.timeouts.list) { call throws(StoreError) in
            switch mapping.source {
            case .query(let text): try Self.faults(ofQuery: text, mapping, call)
            case .table(let schema, let name, let columns): try faults(of: schema, name, columns, call)
            }
        }
    }

    // MARK: A table

    private func faults(
        of schema: String?, _ name: String, _ columns: UserMapping.Columns, _ call: borrowing PostgreSQLSession
    ) throws(StoreError) -> [UserTableFault] {
        guard let row = try call.row(Self.findTable, [.text(name), schema.map { .text($0) } ?? .null]), let table = row.integer(0),
            let home = row.text(1, atMost: 63)
        else { return [try notThere(schema, name, call)] }
        if row.boolean(3) == true {
            let others = try elsewhere(name, call).filter { !$0.utf8.elementsEqual("\(home).\(name)".utf8) }
            return [
                UserTableFault(
                    "table",
                    "\(name) is gatehouse's own table \(home).\(name)"
                        + (others.isEmpty ? "; leave users.table out to use it" : "; write the schema: \(others.joined(separator: " or "))"))
            ]
        }
        let there = try Self.columns(of: table, call)
        var faults = mapping.missing(from: there.map(\.name))
        let target = "\(UserMapping.quoted(home)).\(UserMapping.quoted(name))"
        let role = UserMapping.quoted(database.location.user)
        if row.boolean(2) != true {
            faults.append(
                UserTableFault(
                    "table", "\(role) may not use the schema; grant it: GRANT USAGE ON SCHEMA \(UserMapping.quoted(home)) TO \(role);"))
        }
        let named = columns.named.compactMap { key, column in
            there.first { $0.name.utf8.elementsEqual(column.utf8) }.map { (key: key, column: $0) }
        }
        let hidden = named.filter { !$0.column.isReadable }.map { UserMapping.quoted($0.column.name) }
        if !hidden.isEmpty {
            let list = hidden.joined(separator: ", ")
            faults.append(
                UserTableFault("table", "\(role) may not read \(list); grant it: GRANT SELECT (\(list)) ON \(target) TO \(role);"))
        }
        faults += named.compactMap { key, column in column.fault(as: key) }
        if mapping.rehashes, let hash = named.first(where: { $0.key == "password_hash" })?.column, !hash.isWritable {
            faults.append(
                UserTableFault(
                    "rehash",
                    "\(role) may not change the hash; grant it: GRANT UPDATE (\(UserMapping.quoted(hash.name))) ON \(target) TO \(role);"))
        }
        return faults
    }

    private func notThere(_ schema: String?, _ name: String, _ call: borrowing PostgreSQLSession) throws(StoreError) -> UserTableFault {
        let others = try elsewhere(name, call)
        return UserTableFault(
            "table",
            "there is no table \(schema.map { "\($0)." } ?? "")\(name) in \(database.location)"
                + (schema == nil ? " where \(UserMapping.quoted(database.location.user)) looks for it (search_path)" : "")
                + (others.isEmpty ? "" : "; there is \(others.joined(separator: " and "))"))
    }

    /// Tables of this name in any schema.
    private func elsewhere(_ name: String, _ call: borrowing PostgreSQLSession) throws(StoreError) -> [String] {
        try call.rows(Self.findElsewhere, [.text(name)], atMost: 10).compactMap { $0.text(0, atMost: 63) }.map { "\($0).\(name)" }
    }

    private static func columns(of table: Int64, _ call: borrowing PostgreSQLSession) throws(StoreError) -> [Column] {
        try call.rows(listColumns, [.integer(table)], atMost: 1_600).compactMap { Column($0) }
    }

    private struct Column {
        let name: String
        let type: String
        /// pg_type.typcategory, for an array that of its elements behind an A.
        let category: String
        let isReadable: Bool
        let isWritable: Bool

        init?(_ row: PostgreSQLRow) {
            guard let name = row.text(0, atMost: 63), let type = row.text(1, atMost: 256), let category = row.text(2, atMost: 2),
                let isReadable = row.boolean(3), let isWritable = row.boolean(4)
            else { return nil }
            (self.name, self.type, self.category, self.isReadable, self.isWritable) = (name, type, category, isReadable, isWritable)
        }

        /// Whether values of this type can be what `key` is about. S: text, N: number, E: enum, B: boolean, D: time, U: others.
        func fault(as key: String) -> UserTableFault? {
            let (fits, expected): (Bool, String) =
                switch key {
                case "id": (category == "S" || isWholeNumber || type == "uuid", "a whole number, text or uuid")
                case "username": (category == "S" || type == "citext" || isWholeNumber, "text")
                case "password_hash": (category == "S", "text")
                case "role":
                    (["S", "E", "AS", "AE"].contains(category) || isWholeNumber || type.hasPrefix("json"), "text, an enum, text[] or json")
                default: (["B", "D", "N", "S"].contains(category), "boolean, 0 or 1, or a time")
                }
            return fits ? nil : UserTableFault("columns.\(key)", "\(UserMapping.quoted(name)) is \(type); expected \(expected)")
        }

        private var isWholeNumber: Bool { ["smallint", "integer", "bigint"].contains(type) }
    }

    // MARK: A query

    private static func faults(
        ofQuery text: String, _ mapping: UserMapping, _ call: borrowing PostgreSQLSession
    ) throws(StoreError) -> [UserTableFault] {
        // One row also where the query finds none: of nulls, under the names of the columns.
        let statement = PostgreSQLStatement(
            "try_query",
            """
            SELECT left(to_json(r)::text, 65536)
            FROM (SELECT u.* FROM (SELECT 1) AS one LEFT JOIN \(mapping.relation) AS u ON TRUE LIMIT 1) AS r
            """, returns: [.text])
        switch try call.attempt(statement, atMost: 1) {
        case .failure(let refusal):
            return [UserTableFault("query", "the server does not take it: \(refusal.message) (\(refusal.state))")]
        case .success(let rows):
            guard let octets = rows.first?.columns.first ?? nil, case .object(let members)? = try? JSON.parse(octets, maxDepth: 8) else {
                return [UserTableFault("query", "a row of its result cannot be read: it is larger than 64 KiB, or two columns have one name")]
            }
            return mapping.faults(ofQueryWith: members.map { String(decoding: $0.name, as: UTF8.self) })
        }
    }

    // MARK: Statements

    private static let findTable = PostgreSQLStatement(
        "find_table",
        """
        SELECT c.oid::bigint, n.nspname::text, has_schema_privilege(n.oid, 'USAGE'),
            c.relname = 'users' AND EXISTS
                (SELECT FROM pg_class AS g WHERE g.relnamespace = c.relnamespace AND g.relname = 'gatehouse_schema')
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.relname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
            AND CASE WHEN $2 IS NULL THEN pg_table_is_visible(c.oid) ELSE n.nspname = $2 END
        """, [.text, .text], returns: [.bigint, .text, .boolean, .boolean])
    private static let findElsewhere = PostgreSQLStatement(
        "find_elsewhere",
        """
        SELECT n.nspname::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.relname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY 1 LIMIT 10
        """, [.text], returns: [.text])
    private static let listColumns = PostgreSQLStatement(
        "list_columns",
        """
        SELECT a.attname::text, format_type(a.atttypid, NULL), t.typcategory::text || coalesce(e.typcategory::text, ''),
            has_column_privilege(a.attrelid, a.attnum, 'SELECT'), has_column_privilege(a.attrelid, a.attnum, 'UPDATE')
        FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
            LEFT JOIN pg_type AS e ON t.typcategory = 'A' AND e.oid = t.typelem
        WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
        """, [.bigint], returns: [.text, .text, .text, .boolean, .boolean])
}
