package enum HTTPVersion: UInt8, Sendable {
    case http10, http11

    // The compiler's own is called through a table from other targets, for each field of each head.
    package static func == (left: HTTPVersion, right: HTTPVersion) -> Bool { left.rawValue == right.rawValue }

    /// Reads `HTTP-version` (RFC 9112 2.3), case-sensitive. A well-formed version that we do not speak is an error of its own (505).
    init(_ octets: Octets, _ range: ByteRange) throws(WireError) {
        let word = range.count == 8 ? octets.word(at: range.start) : 0
        // "HTTP/1.1" and "HTTP/1.0", their first octet lowest.
        if word == 0x312E_312F_5054_5448 {
            self = .http11
        } else if word == 0x302E_312F_5054_5448 {
            self = .http10
        } else if range.count == 8, octets.equals(ByteRange(offset: range.start, count: 5), "HTTP/"), octets[range.start + 5].isDigit,
            octets[range.start + 6] == .ascii("."), octets[range.start + 7].isDigit
        {
            throw WireError(.versionUnsupported, line: 1)
        } else {
            throw WireError(.versionMalformed, line: 1)
        }
    }
}
