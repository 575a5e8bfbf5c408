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
        readSound(octets, to: min(octets.count, limit))
        while let line = try cursor.next(octets, limit: limit, tooLong: .fieldsTooLarge) {
            if line.isEmpty { return true }
            if fields.count >= limits.fields { throw WireError(.tooManyFields, line: cursor.line) }
            let field = try HeaderField.parse(octets, from: line.lowerBound, to: line.upperBound, line: cursor.line)
            names |= field.id.bit
            fields.append(field)
        }
        return false
    }

    /// Reads, in one pass, the lines that are complete before `end` and that nobody could find fault with. Whatever is in doubt stays for
    /// `readFields`, which knows what to say of it.
    private mutating func readSound(_ octets: Octets, to end: Int) {
        // A line that came in part is left to the cursor, which looks at each octet once however the line arrives.
        guard cursor.isAtLine else { return }
        var start = cursor.lineStart
        while fields.count < limits.fields, let field = HeaderField.sound(octets, from: start, to: end, next: &start) {
            names |= field.id.bit
            fields.append(field)
            cursor.pass(to: start)
        }
    }

    mutating func reset() {
        cursor.reset()
        fieldsStart = 0
        names = 0
        fields.removeAll(keepingCapacity: true)
    }
}
