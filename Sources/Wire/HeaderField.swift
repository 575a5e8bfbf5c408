/// One field line of a head: where its name and its value stand in the head's octets.
package struct HeaderField: Equatable, Sendable {
    /// As it was written, any case.
    package var name: ByteRange
    /// Without the white space around it; may be empty.
    package var value: ByteRange
    package var id: FieldName

    package init(name: ByteRange, value: ByteRange, id: FieldName) {
        self.name = name
        self.value = value
        self.id = id
    }

    /// Reads the field line that stands in `start..<end`, without its CRLF (RFC 9112 5). Nothing is repaired.
    static func parse(_ octets: Octets, from start: Int, to end: Int, line: Int) throws(WireError) -> HeaderField {
        let index = octets.endOfToken(from: start, to: end)
        guard index < end, octets[index] == .ascii(":"), index > start else {
            throw WireError(fault(octets, from: start, at: index, to: end, line: line), line: line)
        }
        let name = ByteRange(offset: start, count: index &- start)
        let value = octets.trimmed(index &+ 1, end)
        let control = octets.firstControl(from: value.start, to: value.end)
        if control < value.end { throw WireError(octets[control] == .cr ? .bareCR : .controlInValue, line: line) }
        return HeaderField(name: name, value: value, id: FieldName(octets, name))
    }

    /// Reads the field line that begins at `start`, if it has no fault and its CRLF stands before `end`: what `parse` would say of it, in
    /// one pass.
    /// - Parameter next: becomes where the next line begins; untouched when there is no such field.
    @inline(always)
    static func sound(_ octets: Octets, from start: Int, to end: Int, next: inout Int) -> HeaderField? {
        let nameEnd = octets.endOfToken(from: start, to: end)
        guard nameEnd < end, octets[nameEnd] == .ascii(":"), nameEnd > start else { return nil }
        // The first control octet ends the value, or nothing does.
        let carriageReturn = octets.firstControl(from: nameEnd &+ 1, to: end)
        guard end &- carriageReturn >= 2, octets[carriageReturn] == .cr, octets[carriageReturn &+ 1] == .lf else { return nil }
        let name = ByteRange(offset: start, count: nameEnd &- start)
        next = carriageReturn &+ 2
        return HeaderField(name: name, value: octets.trimmed(nameEnd &+ 1, carriageReturn), id: FieldName(octets, name))
    }

    /// Which fault keeps the line from being a field: its name ends at `index` with something else than a colon.
    private static func fault(_ octets: Octets, from start: Int, at index: Int, to end: Int, line: Int) -> WireError.Reason {
        guard index < end else { return .colonMissing }
        if octets[index].isBlank {
            // RFC 9112 5.2 and 2.2: folding, or white space before the first field; 5.1: white space before the colon.
            if index == start { return line <= 2 ? .spaceBeforeFirstField : .foldedLine }
            return .spaceInName
        }
        if octets[index] == .ascii(":") { return .emptyName }
        return octets[index] == .cr ? .bareCR : .invalidName
    }
}
