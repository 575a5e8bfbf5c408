/// The lines of a head, read as they become complete.
struct HeadLines {
    var fields: [HeaderField] = []
    /// The names among them, a bit each by `FieldName.bit`.
    private(set) var names: UInt64 = 0
    private var cursor = LineCursor()
    private var fieldsStart = 0
    let limits: HeadLimits

    init(limits: HeadLimits) { self.limits = limits }

    var isAtStart: Bool { cursor.line == 0 }

    /// Octets of the head, once it is complete.
    var end: Int { cursor.lineStart }

    /// The start line without its CRLF; nil when it is not complete.
    mutating func startLine(_ octets: Octets) throws(WireError) -> Range<Int>? {
        let line = try cursor.next(octets, limit: limits.startLine, tooLong: .startLineTooLong)
        fieldsStart = cursor.lineStart
        return line
    }

    /// Reads the fields that are complete; true when the empty line was reached.
    mutating func readFields(_ octets: Octets) throws(WireError) -> Bool {
        let limit = fieldsStart &+ limits.bytes
        while let line = try cursor.next(octets, limit: limit, tooLong: .fieldsTooLarge) {
            if line.isEmpty { return true }
            if fields.count >= limits.fields { throw WireError(.tooManyFields, line: cursor.line) }
            let field = try HeaderField.parse(octets, from: line.lowerBound, to: line.upperBound, line: cursor.line)
            names |= field.id.bit
            fields.append(field)
        }
        return false
    }

    mutating func reset() {
        cursor.reset()
        fieldsStart = 0
        names = 0
        fields.removeAll(keepingCapacity: true)
    }
}
