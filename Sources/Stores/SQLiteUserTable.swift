package import Access
internal import GRDB
package import Loop
internal import Wire

/// Somebody else's users in a SQLite file, which is opened for reading alone. A new hash is written, where the settings allow it, on a
/// connection of its own.
package final class SQLiteUserTable: UserTable {
    package let path: String
    package let mapping: UserMapping
    package var callers: BlockingPool? { nil }
    private let readers: SQLiteReaders
    private let configuration: Configuration

    /// Users of a list at most.
    private static let maximumUsers = 100_000
    /// Rows that one look-up reads: more than one is an error, or other names that the column's collation holds equal.
    private static let maximumRows = 3

    /// - Parameter busyTimeout: milliseconds that a call waits for a writer.
    package init(path: String, _ mapping: UserMapping, readers: Int = 4, busyTimeout: Int = SQLiteDatabase.standardBusyTimeout) {
        self.path = path
        self.mapping = mapping
        var configuration = Configuration()
        configuration.busyMode = .timeout(Double(busyTimeout) / 1_000)
        self.configuration = configuration
        self.readers = SQLiteReaders(path: path, maximumIdle: readers, configuration)
    }

    package func findUser(name: String) throws(StoreError) -> UserRecord? {
        // A NUL would cut the name short on its way to SQLite, and find somebody else.
        guard !name.utf8.contains(0) else { return nil }
        let collation = mapping.usernames == .exact ? "BINARY" : "NOCASE"
        return try only("u.username = ?1 COLLATE \(collation)", name) { [mapping] _, found in mapping.isSame(found, name) }
    }

    package func findUser(id: UserID) throws(StoreError) -> UserRecord? {
        try only("u.id = ?1", id.text) { user, _ in user.id == id }
    }

    package func users(limit: Int) throws(StoreError) -> [UserRecord] {
        mapping.all(try rows("ORDER BY u.id LIMIT ?1", [min(max(0, limit), Self.maximumUsers)]))
    }

    package func setPasswordHash(_ id: UserID, to hash: String, replacing old: String?) throws(StoreError) -> Bool {
        guard mapping.rehashes, case .table(_, _, let columns) = mapping.source else {
            throw .unavailable("\(mapping.name): users.rehash is off, so no password hash is changed there")
        }
        let (idColumn, hashColumn) = (UserMapping.quoted(columns.id), UserMapping.quoted(columns.passwordHash))
        let hash = try SQLiteDatabase.text(Array(hash.utf8), "the password hash")
        do {
            return try DatabaseQueue(path: path, configuration: configuration).writeWithoutTransaction { db in
                try db.execute(
                    sql: """
                        UPDATE \(mapping.quotedTable) SET \(hashColumn) = ?2
                        WHERE \(idColumn) = ?1 AND (?3 IS NULL OR \(hashColumn) = ?3)
                        """, arguments: [id.text, hash, old])
                return db.changesCount > 0
            }
        } catch {
            throw SQLiteDatabase.storeError(error, path)
        }
    }

    package func ping() throws(StoreError) { _ = try rows("LIMIT 1", []) }

    // MARK: Rows

    private func only(
        _ condition: String, _ value: String, where isAsked: (UserRecord, String) -> Bool
    ) throws(StoreError) -> UserRecord? {
        try mapping.only(rows("WHERE \(condition) LIMIT \(Self.maximumRows)", [value]), at: "SQLite file \(path)", where: isAsked)
    }

    private func rows(_ rest: String, _ arguments: StatementArguments) throws(StoreError) -> [JSON] {
        try readers.read { db in
            try Row.fetchAll(db.cachedStatement(sql: "SELECT * FROM \(mapping.relation) AS u \(rest)"), arguments: arguments)
                .map(\.json)
        }
    }

    /// The first column of a statement of our own.
    func read(_ sql: String) throws(StoreError) -> [String] {
        try readers.read { db in try Row.fetchAll(db, sql: sql).compactMap { $0.text(0, atMost: 256) } }
    }

    /// The names of the SELECT's columns; a fault when SQLite does not take it.
    func columns(of sql: String) throws(StoreError) -> Result<[String], DatabaseError> {
        try readers.read { db in
            do {
                return .success(try db.makeStatement(sql: sql).columnNames)
            } catch let error as DatabaseError where error.resultCode == .SQLITE_ERROR {
                return .failure(error)
            }
        }
    }
}

extension Row {
    /// An object with a member for each column.
    fileprivate var json: JSON {
        .object(map { name, value in JSON.Member(name: Array(name.utf8), value: Self.json(value)) })
    }

    private static func json(_ value: DatabaseValue) -> JSON {
        switch value.storage {
        case .null: .null
        case .int64(let number): .integer(number)
        case .double(let number): .number(number)
        case .string(let text): .string(Array(text.utf8))
        // Octets are no text: an object is nothing that any column takes.
        case .blob: .object([])
        }
    }
}
