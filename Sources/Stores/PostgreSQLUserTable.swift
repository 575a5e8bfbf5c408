package import Access
package import Loop
internal import Wire

/// Somebody else's users in a PostgreSQL database, on connections whose transactions only read. A new hash is written, where the
/// settings allow it, in a transaction that says so.
package final class PostgreSQLUserTable: UserTable {
    package let mapping: UserMapping
    package var callers: BlockingPool? { database.callers }
    let database: PostgreSQLDatabase
    private let findByName: PostgreSQLStatement
    private let findByID: PostgreSQLStatement
    private let list: PostgreSQLStatement
    private let update: PostgreSQLStatement?

    /// Users of a list at most.
    private static let maximumUsers = 100_000
    /// Rows that one look-up reads: more than one is an error, or other names that the database's collation holds equal.
    private static let maximumRows = 3
    /// Octets of a row as JSON.
    private static let maximumRow = 16_384

    /// Connects.
    package init(
        _ location: PostgreSQLLocation, _ mapping: UserMapping, connections: Int = PostgreSQLDatabase.standardConnections,
        timeouts: PostgreSQLTimeouts = PostgreSQLTimeouts()
    ) throws(StoreError) {
        self.mapping = mapping
        var location = location
        location.parameters["options"] = "-c default_transaction_read_only=on"
        database = try PostgreSQLDatabase(location, connections: connections, timeouts: timeouts, migrates: false)
        // As JSON each type that a column may have becomes one that has a form: numbers, texts, arrays, times, truth values.
        let select = "SELECT left(to_json(u)::text, \(Self.maximumRow + 1)) FROM \(mapping.relation) AS u"
        // Both sides by the database's rules, so that its indexes serve; `UserMapping.isSame` has the last word.
        let isNamed =
            switch mapping.usernames {
            case .exact: "u.username::text = $1"
            case .caseFolded: "lower(u.username::text) = lower($1)"
            }
        findByName = PostgreSQLStatement(
            "find_by_name", "\(select) WHERE \(isNamed) LIMIT \(Self.maximumRows)", [.text], returns: [.text])
        findByID = PostgreSQLStatement(
            "find_by_id", "\(select) WHERE u.id = $1 LIMIT \(Self.maximumRows)", [.inferred], returns: [.text])
        list = PostgreSQLStatement("list", "\(select) ORDER BY u.id LIMIT $1", [.bigint], returns: [.text])
        update = mapping.update
    }

    package func findUser(name: String) throws(StoreError) -> UserRecord? {
        // PostgreSQL's texts hold no NUL, and it would cut the name short on its way there, and find somebody else.
        guard !name.utf8.contains(0) else { return nil }
        let rows = try rows(findByName, [.text(name)], atMost: Self.maximumRows)
        return try mapping.only(rows, at: "\(database.location)") { [mapping] _, found in mapping.isSame(found, name) }
    }

    package func findUser(id: UserID) throws(StoreError) -> UserRecord? {
        let rows = try rows(findByID, [.text(id.text)], atMost: Self.maximumRows)
        return try mapping.only(rows, at: "\(database.location)") { user, _ in user.id == id }
    }

    package func users(limit: Int) throws(StoreError) -> [UserRecord] {
        let limit = min(max(0, limit), Self.maximumUsers)
        return mapping.all(try rows(list, [.integer(Int64(limit))], atMost: limit, database.timeouts.list))
    }

    package func setPasswordHash(_ id: UserID, to hash: String, replacing old: String?) throws(StoreError) -> Bool {
        guard let update else {
            throw .unavailable("\(mapping.name): users.rehash is off, so no password hash is changed there")
        }
        let hash = try database.text(Array(hash.utf8), "the password hash")
        // The column holds no such text, so it is not what is there.
        if let old, old.utf8.contains(0) { return false }
        return try database.call { call throws(StoreError) in
            try call.transaction(writes: true) { call throws(StoreError) in
                try call.change(update, [.text(id.text), .text(hash), old.map { .text($0) } ?? .null]) > 0
            }
        }
    }

    package func ping() throws(StoreError) { _ = try rows(list, [.integer(1)], atMost: 1) }

    private func rows(
        _ statement: PostgreSQLStatement, _ values: [PostgreSQLValue], atMost limit: Int, _ timeout: Int64? = nil
    ) throws(StoreError) -> [JSON] {
        let rows = try database.call(timeout) { call throws(StoreError) in try call.rows(statement, values, atMost: limit) }
        // One that cannot be read is no user, and is told so where it is looked for.
        return rows.map { row in
            guard let octets = row.columns.first ?? nil, octets.count <= 4 * Self.maximumRow else { return .null }
            return (try? JSON.parse(octets, maxDepth: 8)) ?? .null
        }
    }
}

extension UserMapping {
    /// Nil: nothing is changed.
    fileprivate var update: PostgreSQLStatement? {
        guard rehashes, case .table(_, _, let columns) = source else { return nil }
        let (id, hash) = (Self.quoted(columns.id), Self.quoted(columns.passwordHash))
        return PostgreSQLStatement(
            "set_password_hash",
            "UPDATE \(quotedTable) SET \(hash) = $2 WHERE \(id) = $1 AND ($3 IS NULL OR \(hash)::text = $3)",
            [.inferred, .inferred, .text])
    }
}
