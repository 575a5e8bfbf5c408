/// Reads request heads out of a connection's input (RFC 9112 2, 3 and 5). One per connection: it remembers what it has looked at, so
/// a head that arrives octet by octet costs no more than one that arrives whole.
package struct RequestParser {
    private var lines: HeadLines
    private var parts = RequestHead.Parts()
    private var traits = MessageHead.Traits()
    private var hasSkippedEmptyLine = false

    package init(limits: HeadLimits) { lines = HeadLines(limits: limits) }

    /// - Parameter head: not touched before its message is complete.
    /// - Returns: true: the head is complete, and its octets have moved from `input` to `head.bytes`; false: more octets are needed.
    ///   Until then `input` may only be appended to.
    /// - Throws: what is wrong. The parser is of no use afterwards: answer `status` and close.
    package mutating func parse(_ input: Buffer, into head: RequestHead) throws(WireError) -> Bool {
        if lines.isAtStart {
            guard try skipEmptyLine(input) else { return false }
            guard let line = try lines.startLine(input.octets) else { return false }
            parts = RequestHead.Parts()
            traits = MessageHead.Traits()
            try readRequestLine(input.octets, line)
        }
        guard try lines.readFields(input.octets) else { return false }
        let facts = try FieldFacts(input.octets, lines.fields, traits.version)
        head.take(lines.end, from: input)
        try parts.readTarget(head.bytes, traits.version, host: facts.host)
        apply(facts)
        head.take(&lines.fields, traits)
        head.take(parts)
        lines.reset()
        hasSkippedEmptyLine = false
        return true
    }

    /// RFC 9112 2.2: one empty line before a request line is passed over. False: more octets are needed.
    private mutating func skipEmptyLine(_ input: Buffer) throws(WireError) -> Bool {
        while !input.isEmpty, input[0] == .cr {
            guard input.count >= 2 else { return false }
            guard input[1] == .lf else { throw WireError(.bareCR, line: 1) }
            if hasSkippedEmptyLine { throw WireError(.emptyLines) }
            hasSkippedEmptyLine = true
            input.consume(2)
        }
        return true
    }

    /// `method SP request-target SP HTTP-version`, each space exactly one (RFC 9112 3).
    private mutating func readRequestLine(_ octets: Octets, _ line: Range<Int>) throws(WireError) {
        let end = line.upperBound
        var index = octets.endOfToken(from: line.lowerBound, to: end)
        guard index < end else { throw WireError(.requestLineMalformed, line: 1) }
        guard octets[index] == 0x20 else { throw WireError(octets[index] == .cr ? .bareCR : .invalidMethod, line: 1) }
        guard index > line.lowerBound else { throw WireError(.requestLineMalformed, line: 1) }
        parts.methodRange = ByteRange(offset: line.lowerBound, count: index &- line.lowerBound)

        let target = index &+ 1
        index = octets.firstInvisible(from: target, to: end)
        if index < end, octets[index] != 0x20 { throw WireError(octets[index] == .cr ? .bareCR : .invalidTarget, line: 1) }
        guard index < end, index > target else { throw WireError(.requestLineMalformed, line: 1) }
        parts.target = ByteRange(offset: target, count: index &- target)

        traits.version = try HTTPVersion(octets, ByteRange(offset: index &+ 1, count: end &- index &- 1))
        parts.method = Method(octets, parts.methodRange)
    }

    private mutating func apply(_ facts: FieldFacts) {
        traits.framing = facts.isChunked ? .chunked : facts.length.map { .length($0) } ?? .none
        // HTTP/1.0 has no persistence of its own, and what its keep-alive means behind an old proxy is guesswork (RFC 9112 C.2.2).
        traits.keepAlive = traits.version == .http11 && !facts.closes
        traits.hasConnectionOptions = facts.hasConnectionOptions
        traits.names = lines.names
        parts.wantsUpgrade = traits.version == .http11 && facts.hasUpgrade && facts.namesUpgrade
        let announcesContent = traits.framing != .none && traits.framing != .length(0)
        parts.expectsContinue = facts.expectsContinue && traits.version == .http11 && announcesContent
        parts.hasUnknownExpectation = facts.hasUnknownExpectation
    }
}
