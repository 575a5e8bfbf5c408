/// Reads response heads out of an upstream's input (RFC 9112 2, 4 and 5), as strictly as requests are read.
package struct ResponseParser {
    private var lines: HeadLines
    private var parts = ResponseHead.Parts()
    private var traits = MessageHead.Traits()

    package init(limits: HeadLimits) { lines = HeadLines(limits: limits) }

    /// - Parameters:
    ///   - method: the method of the request that is answered: it decides whether content follows.
    ///   - head: not touched before its message is complete.
    /// - Returns: true: the head is complete, and its octets have moved from `input` to `head.bytes`; false: more octets are needed.
    ///   An interim response (1xx) is a head like any other, without content.
    /// - Throws: what is wrong. The connection is of no use afterwards.
    package mutating func parse(_ input: Buffer, answering method: Method, into head: ResponseHead) throws(WireError) -> Bool {
        if lines.isAtStart {
            guard let line = try lines.startLine(input.octets) else { return false }
            parts = ResponseHead.Parts()
            traits = MessageHead.Traits()
            try readStatusLine(input.octets, line)
        }
        guard try lines.readFields(input.octets) else { return false }
        let facts = try FieldFacts(input.octets, lines.fields, traits.version)
        traits.framing = try ResponseParser.framing(facts, parts.status, method)
        traits.keepAlive = traits.version == .http11 && !facts.closes && traits.framing != .untilClose
        traits.hasConnectionOptions = facts.hasConnectionOptions
        traits.names = lines.names
        head.take(lines.end, from: input)
        head.take(&lines.fields, traits)
        head.take(parts)
        lines.reset()
        return true
    }

    /// `HTTP-version SP 3DIGIT [SP reason-phrase]`. RFC 9112 4 asks for the second space even when no reason follows; servers
    /// that leave it away are common, and their line can be read in one way only.
    private mutating func readStatusLine(_ octets: Octets, _ line: Range<Int>) throws(WireError) {
        let start = line.lowerBound
        let end = line.upperBound
        guard end &- start >= 12, octets[start &+ 8] == 0x20 else { throw WireError(.statusLineMalformed, line: 1) }
        traits.version = try HTTPVersion(octets, ByteRange(offset: start, count: 8))
        var status = 0
        for index in (start &+ 9)..<(start &+ 12) {
            guard octets[index].isDigit else { throw WireError(.invalidStatus, line: 1) }
            status = status &* 10 &+ Int(octets[index] &- 0x30)
        }
        guard status >= 100, status <= 599 else { throw WireError(.invalidStatus, line: 1) }
        parts.status = status
        guard end > start &+ 12 else { return }
        guard octets[start &+ 12] == 0x20 else { throw WireError(.statusLineMalformed, line: 1) }
        let control = octets.firstControl(from: start &+ 13, to: end)
        if control < end { throw WireError(octets[control] == .cr ? .bareCR : .invalidReason, line: 1) }
        parts.reason = ByteRange(offset: start &+ 13, count: end &- start &- 13)
    }

    /// RFC 9112 6.3, in its order.
    private static func framing(_ facts: FieldFacts, _ status: Int, _ method: Method) throws(WireError) -> BodyFraming {
        if status < 200 || status == 204 {
            // RFC 9110 8.6 and RFC 9112 6.1 forbid both fields here: a reader that believes them reads the next answer as content.
            if facts.isChunked { throw WireError(.codingForbidden) }
            if let length = facts.length, length != 0 { throw WireError(.lengthForbidden) }
            return .none
        }
        if method == .head || status == 304 { return .none }
        if facts.isChunked { return .chunked }
        return facts.length.map { .length($0) } ?? .untilClose
    }
}
