internal import Access
internal import Loop

/// A connection for as long as one call has it, and the errors of the server as those of a store.
struct PostgreSQLSession: ~Copyable {
    private let pool: PostgreSQLPool
    private let connection: PostgreSQLConnection
    private let deadline: UInt64

    /// - Parameter deadline: of all that the call does.
    init(_ pool: PostgreSQLPool, _ connection: PostgreSQLConnection, until deadline: UInt64) {
        self.pool = pool
        self.connection = connection
        self.deadline = deadline
    }

    deinit { pool.giveBack(connection) }

    var location: PostgreSQLLocation { pool.location }

    func limitStatements(to milliseconds: Int64) throws(StoreError) {
        try perform { connection throws(PostgreSQLFault) in try connection.limitStatements(to: milliseconds, until: deadline) }
    }

    // MARK: Statements

    /// At most `limit` rows; more are an error.
    func rows(
        _ statement: PostgreSQLStatement, _ values: [PostgreSQLValue] = [], atMost limit: Int
    ) throws(StoreError) -> [PostgreSQLRow] {
        try run(statement, values, atMost: limit).rows
    }

    /// The same, where what the server has against the statement is an answer as well.
    func attempt(
        _ statement: PostgreSQLStatement, atMost limit: Int
    ) throws(StoreError) -> Result<[PostgreSQLRow], PostgreSQLRefusal> {
        try perform { connection throws(PostgreSQLFault) in
            do throws(PostgreSQLFault) {
                return .success(try connection.run(statement, [], atMost: limit, until: deadline).rows)
            } catch .refused(let state, _, let message) {
                return .failure(PostgreSQLRefusal(state: state, message: message))
            }
        }
    }

    func row(_ statement: PostgreSQLStatement, _ values: [PostgreSQLValue] = []) throws(StoreError) -> PostgreSQLRow? {
        try run(statement, values, atMost: 1).rows.first
    }

    /// How many rows were changed.
    @discardableResult
    func change(_ statement: PostgreSQLStatement, _ values: [PostgreSQLValue] = []) throws(StoreError) -> Int {
        try run(statement, values, atMost: 0).changes
    }

    /// A statement that is run once, without parameters.
    func execute(_ sql: String) throws(StoreError) {
        try perform { connection throws(PostgreSQLFault) in try connection.execute(sql, until: deadline) }
    }

    /// - Parameter writes: true where the connection's transactions only read by themselves.
    func transaction<T>(
        writes: Bool = false, _ body: (borrowing PostgreSQLSession) throws(StoreError) -> T
    ) throws(StoreError) -> T {
        try change(writes ? Self.beginWriting : Self.begin)
        do throws(StoreError) {
            let result = try body(self)
            try change(Self.commit)
            return result
        } catch {
            // Where this fails, the connection is closed, and the server rolls back by itself.
            _ = try? change(Self.rollback)
            throw error
        }
    }

    private static let begin = PostgreSQLStatement("begin", "BEGIN")
    private static let beginWriting = PostgreSQLStatement("begin_writing", "BEGIN READ WRITE")
    private static let commit = PostgreSQLStatement("commit", "COMMIT")
    private static let rollback = PostgreSQLStatement("rollback", "ROLLBACK")

    private func run(
        _ statement: PostgreSQLStatement, _ values: [PostgreSQLValue], atMost limit: Int
    ) throws(StoreError) -> PostgreSQLAnswer {
        try perform { connection throws(PostgreSQLFault) in
            try connection.run(statement, values, atMost: limit, until: deadline)
        }
    }

    // MARK: Errors

    private func perform<T>(
        _ body: (PostgreSQLConnection) throws(PostgreSQLFault) -> T
    ) throws(StoreError) -> T {
        do throws(PostgreSQLFault) {
            return try body(connection)
        } catch {
            let failure = storeError(error)
            switch error {
            case .lost: connection.state = .lost
            case .silent: connection.state = .silent(failure)
            // It has become a standby, and will refuse every change: look for the server that has not.
            case .refused("25006", _, _): connection.state = .lost
            case .refused: break
            }
            throw failure
        }
    }

    /// Says what and which database, and never a value that was read or written: those stand in the server's details,
    /// which are left out.
    private func storeError(_ fault: PostgreSQLFault) -> StoreError {
        switch fault {
        case .lost(let text): return .unavailable("\(location): \(text)")
        case .silent(let text): return .unavailable("\(location): \(text)")
        case .refused(let state, let constraint, let message):
            let what = "\(location): \(message) (\(state))"
            // Appendix A of PostgreSQL's manual.
            switch state {
            case "23505": return .conflict(constraint)
            case "57014": return .unavailable("\(location): a statement took too long (\(message))")
            case "XX001", "XX002": return .corrupt(what)
            default: return .unavailable(what)
            }
        }
    }
}
