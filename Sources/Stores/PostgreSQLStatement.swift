/// The types of parameters and columns that are used: the oids of pg_type, which never change.
enum PostgreSQLType: UInt32 {
    /// For a parameter: whatever the statement needs there.
    case inferred = 0
    case boolean = 16
    case bigint = 20
    case text = 25
    /// What a function returns that is called for its effect.
    case void = 2_278
}

/// A statement as the server sees it. Each connection prepares it once, under its name.
struct PostgreSQLStatement: Sendable {
    let name: String
    let sql: String
    /// Of `$1`, `$2` and so on.
    let parameters: [PostgreSQLType]
    /// Of the rows that it returns.
    let columns: [PostgreSQLType]

    init(_ name: String, _ sql: String, _ parameters: [PostgreSQLType] = [], returns columns: [PostgreSQLType] = []) {
        self.name = name
        self.sql = sql
        self.parameters = parameters
        self.columns = columns
    }
}

/// The value of one parameter.
enum PostgreSQLValue {
    case text(String)
    case integer(Int64)
    case boolean(Bool)
    case null

    /// In PostgreSQL's text format; nil for null.
    var octets: [UInt8]? {
        switch self {
        case .text(let text): Array(text.utf8)
        case .integer(let number): Array(String(number).utf8)
        case .boolean(let isTrue): [UInt8(ascii: isTrue ? "t" : "f")]
        case .null: nil
        }
    }
}

/// One row of an answer: a row is input (rule 57).
struct PostgreSQLRow {
    /// In PostgreSQL's text format; nil for null.
    let columns: [[UInt8]?]

    /// The column's text, of at most `limit` octets; nil when it is something else.
    func text(_ column: Int, atMost limit: Int) -> String? {
        guard columns.indices.contains(column), let octets = columns[column], octets.count <= limit else { return nil }
        return String(validating: octets, as: UTF8.self)
    }

    /// The column's integer; nil when it is something else.
    func integer(_ column: Int) -> Int64? {
        guard columns.indices.contains(column), let octets = columns[column], (1...20).contains(octets.count) else { return nil }
        return Int64(String(decoding: octets, as: UTF8.self))
    }

    func boolean(_ column: Int) -> Bool? {
        guard columns.indices.contains(column), let octets = columns[column] else { return nil }
        if octets == [UInt8(ascii: "t")] { return true }
        return octets == [UInt8(ascii: "f")] ? false : nil
    }
}

/// What a statement did.
struct PostgreSQLAnswer {
    var rows: [PostgreSQLRow] = []
    /// Rows that were inserted, changed or deleted.
    var changes = 0
}

/// Why a statement did nothing.
enum PostgreSQLFault: Error {
    /// The server refused it. The connection is fine; an open transaction is not.
    case refused(state: String, constraint: String, message: String)
    /// The connection can no longer be used. Whether the statement was carried out is not known.
    case lost(String)
    /// The same, and the server is there but does not answer in time.
    case silent(String)
}

/// What the server has against a statement.
struct PostgreSQLRefusal: Error {
    let state: String
    let message: String
}
