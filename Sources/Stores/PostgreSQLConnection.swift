internal import Access
internal import CPostgreSQL
internal import Glibc
internal import Loop

/// One connection, driven by the thread that has it. No call outlasts its deadline (nanoseconds of `Clock.monotonic`):
/// libpq only moves octets, and the waiting is done here, with poll(2).
///
/// The one wait that has no deadline is getaddrinfo(3) for a host that is named: resolv.conf(5) bounds it.
@safe
final class PostgreSQLConnection: @unchecked Sendable {
    // `@unchecked Sendable`: it passes from thread to thread by way of the pool, which gives it to one at a time.

    private let handle: OpaquePointer
    private var prepared: Set<String> = []
    /// What the server has been told about `statement_timeout`.
    private var statementTimeout: Int64 = 0
    enum State {
        case fit
        /// Not to be used again.
        case lost
        /// The same, and no call is to wait for the server again before it answers.
        case silent(StoreError)
    }

    var state = State.fit
    /// Of the pool, when this was opened.
    let generation: UInt64

    /// Octets of a message of the server that go into an error.
    private static let maximumMessage = 300

    // MARK: Opening

    /// Connects to `host` and signs in.
    init(
        _ location: PostgreSQLLocation, _ host: PostgreSQLLocation.Host, generation: UInt64, until deadline: UInt64
    ) throws(PostgreSQLFault) {
        let keywords = location.keywords(for: host)
        let names = CStrings(keywords.map { Array($0.name.utf8) })
        let values = CStrings(keywords.map(\.value))
        let started = unsafe names.withPointers { names in
            unsafe values.withPointers { values in unsafe PQconnectStartParams(names, values, 0) }
        }
        guard let started = unsafe started else { throw .lost("no memory for a connection") }
        unsafe handle = started
        self.generation = generation
        // Otherwise libpq writes what the server remarks to standard error.
        unsafe PQsetNoticeReceiver(handle, { _, _ in }, nil)
        try connect(until: deadline)
        // From now on no call of libpq waits for the socket by itself.
        guard unsafe PQsetnonblocking(handle, 1) == 0 else { throw .lost(message) }
    }

    deinit { unsafe PQfinish(handle) }

    private func connect(until deadline: UInt64) throws(PostgreSQLFault) {
        guard unsafe PQstatus(handle) != CONNECTION_BAD else { throw .lost(message) }
        // As if PQconnectPoll had asked for it: the start of the protocol as libpq's manual has it.
        var next = PGRES_POLLING_WRITING
        while true {
            switch next {
            case PGRES_POLLING_OK: return
            case PGRES_POLLING_READING: try wait(for: POLLIN, until: deadline, "no connection in time")
            case PGRES_POLLING_WRITING: try wait(for: POLLOUT, until: deadline, "no connection in time")
            default: throw .lost(message)
            }
            next = unsafe PQconnectPoll(handle)
        }
    }

    // MARK: Running

    /// Whether the server has said anything unasked. It does so when it ends the connection or its settings have changed;
    /// either way a new connection is the right one.
    var isQuiet: Bool {
        guard isIdle else { return false }
        var descriptor = unsafe pollfd(fd: PQsocket(handle), events: Int16(POLLIN), revents: 0)
        return unsafe poll(&descriptor, 1, 0) == 0
    }

    /// Whether it is between two transactions, and can serve the next call.
    var isIdle: Bool {
        unsafe PQstatus(handle) == CONNECTION_OK && PQtransactionStatus(handle) == PQTRANS_IDLE
    }

    /// Has the server end statements that take longer than `milliseconds`.
    func limitStatements(to milliseconds: Int64, until deadline: UInt64) throws(PostgreSQLFault) {
        guard statementTimeout != milliseconds else { return }
        _ = try run(Self.setTimeout, [.text("\(milliseconds)")], atMost: 1, until: deadline)
        statementTimeout = milliseconds
    }

    private static let setTimeout = PostgreSQLStatement(
        "set_timeout", "SELECT set_config('statement_timeout', $1, false)", [.text], returns: [.text])

    /// Runs one statement, which is prepared first when this connection has not seen it yet.
    /// - Parameter limit: more rows than these are not read; the connection is given up.
    func run(
        _ statement: PostgreSQLStatement, _ values: [PostgreSQLValue] = [], atMost limit: Int = 0, until deadline: UInt64
    ) throws(PostgreSQLFault) -> PostgreSQLAnswer {
        if !prepared.contains(statement.name) {
            let types = statement.parameters.map(\.rawValue)
            try send(unsafe PQsendPrepare(handle, statement.name, statement.sql, Int32(types.count), types))
            _ = try receive([], atMost: 0, until: deadline)
            prepared.insert(statement.name)
        }
        let texts = CStrings(values.map(\.octets))
        try send(
            unsafe texts.withPointers {
                unsafe PQsendQueryPrepared(handle, statement.name, Int32(values.count), $0, nil, nil, 0)
            })
        // Row by row: an answer that is larger than it should be is not collected in memory.
        if !statement.columns.isEmpty { try send(unsafe PQsetSingleRowMode(handle)) }
        return try receive(statement.columns, atMost: limit, until: deadline)
    }

    /// Runs a statement that has neither parameters nor rows, and is not needed again.
    func execute(_ sql: String, until deadline: UInt64) throws(PostgreSQLFault) {
        try send(unsafe PQsendQueryParams(handle, sql, 0, nil, nil, nil, nil, 0))
        _ = try receive([], atMost: 0, until: deadline)
    }

    private func send(_ result: Int32) throws(PostgreSQLFault) {
        guard result == 1 else { throw .lost(message) }
    }

    /// Reads until the server is ready for the next statement, also when this one failed.
    private func receive(
        _ columns: [PostgreSQLType], atMost limit: Int, until deadline: UInt64
    ) throws(PostgreSQLFault) -> PostgreSQLAnswer {
        try flush(until: deadline)
        var answer = PostgreSQLAnswer()
        var refusal: PostgreSQLFault?
        while let result = try next(until: deadline) {
            switch result.status {
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK:
                answer.changes = result.changes
                answer.rows += try result.rows(columns)
            case PGRES_SINGLE_TUPLE:
                answer.rows += try result.rows(columns)
            case PGRES_FATAL_ERROR:
                refusal = .refused(
                    state: result.field(.state), constraint: result.field(.constraint), message: result.field(.message))
            default:
                throw .lost("an answer of an unexpected kind")
            }
            guard answer.rows.count <= limit else { throw .lost("more rows than were asked for") }
        }
        // The text of a broken connection is libpq's own, without a state of the server's.
        guard unsafe PQstatus(handle) == CONNECTION_OK else { throw .lost(message) }
        if let refusal { throw refusal }
        return answer
    }

    private func flush(until deadline: UInt64) throws(PostgreSQLFault) {
        while true {
            let left = unsafe PQflush(handle)
            if left == 0 { return }
            guard left == 1 else { throw .lost(message) }
            // The server may be unable to read on before we have read what it writes.
            let ready = try wait(for: POLLIN | POLLOUT, until: deadline, Self.noAnswer)
            if ready & POLLIN != 0 { try consume() }
        }
    }

    private func next(until deadline: UInt64) throws(PostgreSQLFault) -> PostgreSQLResult? {
        while unsafe PQisBusy(handle) == 1 {
            try wait(for: POLLIN, until: deadline, Self.noAnswer)
            try consume()
        }
        return unsafe PQgetResult(handle).map { unsafe PostgreSQLResult($0) }
    }

    private func consume() throws(PostgreSQLFault) {
        guard unsafe PQconsumeInput(handle) == 1 else { throw .lost(message) }
    }

    // MARK: Waiting

    private static let noAnswer = "it has not answered in time"

    @discardableResult
    private func wait(for events: Int32, until deadline: UInt64, _ otherwise: String) throws(PostgreSQLFault) -> Int32 {
        while true {
            let now = Clock.monotonic()
            guard now < deadline else { throw .silent(otherwise) }
            let milliseconds = min((deadline - now) / 1_000_000 + 1, 3_600_000)
            var descriptor = unsafe pollfd(fd: PQsocket(handle), events: Int16(events), revents: 0)
            let count = unsafe poll(&descriptor, 1, Int32(milliseconds))
            if count > 0 { return Int32(descriptor.revents) }
            if count < 0, errno != EINTR { throw .lost("poll: \(SystemError.text(errno))") }
        }
    }

    /// What libpq says last, as one line.
    private var message: String {
        guard let text = unsafe PQerrorMessage(handle) else { return "no message" }
        return Self.line(unsafe Array(UnsafeRawBufferPointer(start: text, count: strlen(text))))
    }

    /// A message of the server's on its way into the log: one line, bounded, and whole.
    static func line(_ octets: [UInt8]) -> String {
        let words = octets.prefix(maximumMessage).split { $0 <= 0x20 || $0 == 0x7F }
        return String(decoding: Array(words.joined(separator: [UInt8(ascii: " ")])), as: UTF8.self)
    }
}

/// A result of libpq's.
@safe
private struct PostgreSQLResult: ~Copyable {
    private let handle: OpaquePointer

    init(_ handle: OpaquePointer) { unsafe self.handle = handle }

    deinit { unsafe PQclear(handle) }

    var status: ExecStatusType { unsafe PQresultStatus(handle) }

    var changes: Int {
        guard let text = unsafe PQcmdTuples(handle) else { return 0 }
        return unsafe Int(String(cString: text)) ?? 0
    }

    /// PG_DIAG_SQLSTATE and its like, whose macros Swift does not import.
    enum Field: Character {
        case state = "C"
        case constraint = "n"
        case message = "M"
    }

    /// Empty: the server has not said.
    func field(_ field: Field) -> String {
        let code = field.rawValue.asciiValue.map { Int32($0) } ?? 0
        guard let text = unsafe PQresultErrorField(handle, code) else { return "" }
        return PostgreSQLConnection.line(unsafe Array(UnsafeRawBufferPointer(start: text, count: strlen(text))))
    }

    /// Held to the types that the statement was written for: a column that somebody has altered shows here.
    func rows(_ columns: [PostgreSQLType]) throws(PostgreSQLFault) -> [PostgreSQLRow] {
        let count = unsafe PQntuples(handle)
        guard count > 0 else { return [] }
        guard unsafe PQnfields(handle) == columns.count else { throw .lost("a row of \(unsafe PQnfields(handle)) columns") }
        for (index, type) in columns.enumerated() where unsafe PQftype(handle, Int32(index)) != type.rawValue {
            throw .lost("column \(index + 1) of an answer is not \(type)")
        }
        var rows: [PostgreSQLRow] = []
        for row in 0..<count {
            rows.append(PostgreSQLRow(columns: columns.indices.map { value(row, Int32($0)) }))
        }
        return rows
    }

    private func value(_ row: Int32, _ column: Int32) -> [UInt8]? {
        guard unsafe PQgetisnull(handle, row, column) == 0, let text = unsafe PQgetvalue(handle, row, column) else { return nil }
        return unsafe Array(UnsafeRawBufferPointer(start: text, count: Int(PQgetlength(handle, row, column))))
    }
}

/// Texts as C takes them: ended by NUL each, and the list by a null pointer.
@safe
private struct CStrings {
    private var octets: [CChar] = []
    private var offsets: [Int?] = []

    /// Nil stays nil.
    init(_ texts: [[UInt8]?]) {
        for text in texts {
            offsets.append(text.map { _ in octets.count })
            guard let text else { continue }
            octets += text.map { CChar(bitPattern: $0) }
            octets.append(0)
        }
    }

    /// The pointers live until `body` returns.
    func withPointers<Result>(_ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Result) -> Result {
        unsafe octets.withUnsafeBufferPointer { octets in
            // A pointer into an empty list is never looked at: then all texts are nil.
            var pointers: [UnsafePointer<CChar>?] = unsafe []
            for offset in offsets { unsafe pointers.append(offset.flatMap { offset in unsafe octets.baseAddress.map { unsafe $0 + offset } }) }
            unsafe pointers.append(nil)
            return unsafe pointers.withUnsafeBufferPointer { pointers in
                unsafe body(pointers.baseAddress)
            }
        }
    }
}
