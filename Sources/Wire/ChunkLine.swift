/// `chunk-size [ chunk-ext ]` of RFC 9112 7.1, without the white space that its grammar lets stand for old senders' sake.
struct ChunkLine {
    /// Octets of content.
    let size: UInt64
    /// Octets of extensions, the first `;` included.
    let extensionBytes: Int

    /// Reads the line in `0..<end`, without its CRLF.
    init(_ octets: Octets, to end: Int) throws(WireError) {
        var size: UInt64 = 0
        var index = 0
        while index < end, let digit = octets[index].hexadecimalValue {
            // 17 digits overflow, or hide it behind zeros.
            if index == 16 { throw WireError(.invalidChunkSize) }
            size = size << 4 | UInt64(digit)
            index &+= 1
        }
        guard index > 0 else { throw WireError(octets.hasLoneCR(0, end) ? .invalidChunkLineEnd : .invalidChunkSize) }
        // Counted in signed numbers from here on.
        guard size <= UInt64(Int64.max) else { throw WireError(.chunkTooLarge) }
        self.size = size
        extensionBytes = end &- index
        guard index < end else { return }
        guard octets[index] == .ascii(";") else {
            throw WireError(octets.hasLoneCR(index, end) ? .invalidChunkLineEnd : .invalidChunkSize)
        }
        try ChunkLine.validateExtensions(octets, index, end)
    }

    /// `*( ";" token [ "=" ( token / quoted-string ) ] )`
    private static func validateExtensions(_ octets: Octets, _ start: Int, _ end: Int) throws(WireError) {
        var index = start
        while index < end {
            guard octets[index] == .ascii(";") else { throw WireError(.invalidChunkExtension) }
            let name = index &+ 1
            index = octets.endOfToken(name, end)
            guard index > name else { throw WireError(.invalidChunkExtension) }
            guard index < end, octets[index] == .ascii("=") else { continue }
            let value = index &+ 1
            if value < end, octets[value] == .ascii("\"") {
                guard let after = octets.endOfQuotedString(value, end) else { throw WireError(.invalidChunkExtension) }
                index = after
            } else {
                index = octets.endOfToken(value, end)
                guard index > value else { throw WireError(.invalidChunkExtension) }
            }
        }
    }
}

extension Span where Element == UInt8 {
    fileprivate func endOfToken(_ start: Int, _ end: Int) -> Int {
        var index = start
        while index < end, ASCIISet.token.contains(self[index]) { index &+= 1 }
        return index
    }

    /// Behind the closing quote of the RFC 9110 5.6.4 string that opens at `start`; nil when it is not closed or holds a control octet.
    fileprivate func endOfQuotedString(_ start: Int, _ end: Int) -> Int? {
        var index = start &+ 1
        while index < end {
            let octet = self[index]
            if octet == .ascii("\"") { return index &+ 1 }
            if octet.isControl { return nil }
            if octet == .ascii("\\") {
                index &+= 1
                guard index < end, !self[index].isControl else { return nil }
            }
            index &+= 1
        }
        return nil
    }

    fileprivate func hasLoneCR(_ start: Int, _ end: Int) -> Bool {
        for index in start..<end where self[index] == .cr { return true }
        return false
    }
}
