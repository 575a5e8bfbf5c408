package import Access

extension PostgreSQLDatabase {
    /// What keeps our own tables from being used, or from being made; nothing is made or changed.
    package static func faults(_ location: PostgreSQLLocation, timeouts: PostgreSQLTimeouts) throws(StoreError) -> [String] {
        let database = try PostgreSQLDatabase(location, connections: 1, timeouts: timeouts, migrates: false)
        return try database.call(timeouts.list) { call throws(StoreError) in
            let role = UserMapping.quoted(location.user)
            let advice = "give it a schema of its own: CREATE SCHEMA AUTHORIZATION \(role);"
            guard let home = try call.row(schema), let name = home.text(0, atMost: 63) else {
                return ["\(role) may use no schema of the database; \(advice)"]
            }
            let tables = try call.rows(ownTables, atMost: 8)
            if home.boolean(2) == true {
                // No key of theirs but these four rights is ever needed.
                return tables.filter { $0.boolean(1) != true }.compactMap { $0.text(0, atMost: 63) }.map {
                    "\(role) may not use \($0); grant it: GRANT SELECT, INSERT, UPDATE, DELETE ON "
                        + "\(UserMapping.quoted(name)).\(UserMapping.quoted($0)) TO \(role);"
                }
            }
            let taken = tables.compactMap { $0.text(0, atMost: 63) }
            if !taken.isEmpty {
                return ["the schema \(name) has a table \(taken.joined(separator: " and ")) that is not gatehouse's; \(advice)"]
            }
            return home.boolean(1) == true ? [] : ["\(role) may not make tables in the schema \(name); \(advice)"]
        }
    }

    private static let schema = PostgreSQLStatement(
        "own_schema",
        """
        SELECT n.nspname::text, has_schema_privilege(n.oid, 'CREATE'), EXISTS
            (SELECT FROM pg_class AS g WHERE g.relnamespace = n.oid AND g.relname = 'gatehouse_schema')
        FROM pg_namespace AS n WHERE n.nspname = current_schema()
        """, returns: [.text, .boolean, .boolean])
    private static let ownTables = PostgreSQLStatement(
        "own_tables",
        """
        SELECT c.relname::text, has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
            AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = current_schema() AND c.relname IN ('users', 'sessions', 'login_failures') AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
        ORDER BY 1
        """, returns: [.text, .boolean])
}
