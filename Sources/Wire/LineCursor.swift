/// Finds the lines of a head in an input that grows, looking at each octet once.
struct LineCursor {
    /// Offset of the first octet of the line that is not complete yet.
    private(set) var lineStart = 0
    /// Lines found so far.
    private(set) var line = 0
    private var scanned = 0

    /// The next line, without its CRLF; nil when it is not complete. `limit` is the offset that the line, CRLF included, must not pass:
    /// it holds as much for a line that is not complete yet.
    @inline(always)
    mutating func next(_ octets: Octets, limit: Int, tooLong: WireError.Reason) throws(WireError) -> Range<Int>? {
        let lineFeed = octets.first(.lf, from: scanned, to: octets.count)
        guard lineFeed < octets.count else {
            scanned = octets.count
            if octets.count >= limit { throw WireError(tooLong, line: line &+ 1) }
            return nil
        }
        line &+= 1
        if lineFeed >= limit { throw WireError(tooLong, line: line) }
        guard lineFeed > lineStart, octets[lineFeed &- 1] == .cr else { throw WireError(.bareLF, line: line) }
        let found = lineStart..<(lineFeed &- 1)
        lineStart = lineFeed &+ 1
        scanned = lineStart
        return found
    }

    /// Nothing of the next line has been looked at yet.
    @inline(always) var isAtLine: Bool { scanned == lineStart }

    /// Takes note of a line that was read up to `end`, CRLF included, by somebody else.
    @inline(always)
    mutating func pass(to end: Int) {
        line &+= 1
        lineStart = end
        scanned = end
    }

    mutating func reset() { self = LineCursor() }
}
