/// What the fields of a head say about the message itself. Read once, in one pass; every doubt is an error.
struct FieldFacts {
    var host: ByteRange?
    var length: UInt64?
    var isChunked = false
    var closes = false
    var hasConnectionOptions = false
    var hasUpgrade = false
    var namesUpgrade = false
    var expectsContinue = false
    var hasUnknownExpectation = false
    private var connectionOptions = 0

    init(_ octets: Octets, _ fields: [HeaderField], _ version: HTTPVersion) throws(WireError) {
        // The start line is line 1.
        var line = 1
        var codings = 0
        for field in fields {
            line &+= 1
            switch field.id {
            case .host:
                if host != nil { throw WireError(.hostRepeated, line: line) }
                guard Authority.isValid(octets, field.value) else { throw WireError(.invalidHost, line: line) }
                host = field.value
            case .contentLength:
                // RFC 9112 6.3 lets equal values pass as one; a hop that takes the other choice is a smuggler's way in.
                if length != nil { throw WireError(.lengthRepeated, line: line) }
                length = try FieldFacts.length(octets, field.value, line)
            case .transferEncoding:
                codings &+= 1
                if codings > 1 { throw WireError(.codingRepeated, line: line) }
                try FieldFacts.requireChunked(octets, field.value, line)
                if version == .http10 { throw WireError(.codingInHTTP10, line: line) }
                isChunked = true
            case .connection: try readConnection(octets, field.value, line)
            case .upgrade: hasUpgrade = true
            case .expect:
                if octets.equalsFolded(field.value, "100-continue") { expectsContinue = true } else { hasUnknownExpectation = true }
            default: break
            }
        }
        if isChunked, length != nil { throw WireError(.lengthAndCoding) }
    }

    /// More than any client names; empty ones count.
    private static let maxConnectionOptions = 32

    private mutating func readConnection(_ octets: Octets, _ value: ByteRange, _ line: Int) throws(WireError) {
        // Each field of the head is looked for among the options, so many of both would cost their product.
        connectionOptions &+= 1
        for index in value.start..<value.end where octets[index] == .ascii(",") { connectionOptions &+= 1 }
        if connectionOptions > FieldFacts.maxConnectionOptions { throw WireError(.tooManyOptions, line: line) }
        var members = ListMembers(value)
        while let member = members.next(in: octets) {
            guard octets.endOfToken(from: member.start, to: member.end) == member.end else {
                throw WireError(.invalidConnection, line: line)
            }
            if octets.equalsToken(member, "close") {
                closes = true
            } else if !octets.equalsToken(member, "keep-alive") {
                hasConnectionOptions = true
                if octets.equalsToken(member, "upgrade") { namesUpgrade = true }
            }
        }
    }

    /// 18 digits are less than 2^63, so no later sum of two lengths can overflow.
    private static func length(_ octets: Octets, _ value: ByteRange, _ line: Int) throws(WireError) -> UInt64 {
        guard value.count >= 1, value.count <= 18 else { throw WireError(.invalidLength, line: line) }
        var length: UInt64 = 0
        for index in value.start..<value.end {
            guard octets[index].isDigit else { throw WireError(.invalidLength, line: line) }
            length = length &* 10 &+ UInt64(octets[index] &- 0x30)
        }
        return length
    }

    /// One line, exactly `chunked`. A well-formed list of other codings that ends properly is what RFC 9112 6.1 answers with 501.
    private static func requireChunked(_ octets: Octets, _ value: ByteRange, _ line: Int) throws(WireError) {
        if octets.equalsFolded(value, "chunked") { return }
        var others = 0
        var chunked = 0
        var start = value.start
        while start <= value.end {
            var end = start
            while end < value.end, octets[end] != .ascii(",") { end &+= 1 }
            let member = octets.trimmed(start, end)
            if member.isEmpty || chunked > 0 { throw WireError(.invalidCoding, line: line) }
            for index in member.start..<member.end where !ASCIISet.token.contains(octets[index]) {
                throw WireError(.invalidCoding, line: line)
            }
            if octets.equalsFolded(member, "chunked") { chunked &+= 1 } else { others &+= 1 }
            start = end &+ 1
        }
        throw WireError(others > 0 ? .codingUnsupported : .invalidCoding, line: line)
    }
}
