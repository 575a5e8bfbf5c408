extension RequestHead.Parts {
    /// Writes the canonical form of the path from `start` behind the head's octets and sets `path`.
    ///
    /// Escapes of unreserved octets are decoded (RFC 3986 6.2.2.2), the hexadecimal digits of the others made upper case, `.` segments
    /// dropped, runs of `/` merged.
    /// - Returns: where the path ends: at the `?` or at the end of the target.
    mutating func rewritePath(_ bytes: Buffer, from start: Int) throws(WireError) -> Int {
        let end = target.end
        let written = bytes.count
        // No octet grows, so the source does not move while it is read.
        bytes.reserve(end &- start)
        var segment = written
        var isEscaped = false
        var index = start
        while index < end, bytes[index] != .ascii("?") {
            let octet = bytes[index]
            switch octet {
            case .ascii("/"):
                try Self.endSegment(bytes, segment, isEscaped)
                if bytes.count == written || bytes[bytes.count &- 1] != .ascii("/") { bytes.append(octet) }
                segment = bytes.count
                isEscaped = false
                index &+= 1
            case .ascii("%"):
                try Self.readEscape(bytes, index, end, &isEscaped)
                index &+= 3
            case .ascii("\\"): throw WireError(.pathBackslash, line: 1)
            case .ascii("#"): throw WireError(.targetFragment, line: 1)
            default:
                bytes.append(octet)
                index &+= 1
            }
        }
        try Self.endSegment(bytes, segment, isEscaped)
        path = ByteRange(offset: written, count: bytes.count &- written)
        return index
    }

    /// One `%XX` at `index`. `isEscaped` becomes true when a dot was written so.
    private static func readEscape(_ bytes: Buffer, _ index: Int, _ end: Int, _ isEscaped: inout Bool) throws(WireError) {
        let octet = try escape(bytes, index, end)
        switch octet {
        case 0x2F, 0x5C: throw WireError(.pathEncodedSeparator, line: 1)
        case 0x00..<0x20, 0x7F: throw WireError(.pathEncodedControl, line: 1)
        case 0xC0, 0xC1: throw WireError(.pathOverlong, line: 1)
        case 0xE0, 0xF0:
            // RFC 3629 3: after E0 comes A0...BF, after F0 comes 90...BF; less is a longer spelling of a shorter character.
            if index &+ 3 < end, bytes[index &+ 3] == .ascii("%") {
                let next = try escape(bytes, index &+ 3, end)
                if next >= 0x80, next < (octet == 0xE0 ? 0xA0 : 0x90) { throw WireError(.pathOverlong, line: 1) }
            }
        default: break
        }
        if ASCIISet.unreserved.contains(octet) {
            if octet == .ascii(".") { isEscaped = true }
            bytes.append(octet)
        } else {
            bytes.append(.ascii("%"))
            bytes.append((octet >> 4).upperHexadecimalDigit)
            bytes.append((octet & 15).upperHexadecimalDigit)
        }
    }

    private static func escape(_ bytes: Buffer, _ index: Int, _ end: Int) throws(WireError) -> UInt8 {
        guard index &+ 2 < end, let high = bytes[index &+ 1].hexadecimalValue, let low = bytes[index &+ 2].hexadecimalValue else {
            throw WireError(.pathEscape, line: 1)
        }
        return high << 4 | low
    }

    /// Judges the segment that was written from `segment` on. `.` is dropped; `..`, and dots that are escaped or followed by parameters
    /// (some servers drop those before they resolve the dots), are refused.
    private static func endSegment(_ bytes: Buffer, _ segment: Int, _ isEscaped: Bool) throws(WireError) {
        let count = bytes.count &- segment
        guard count > 0, bytes[segment] == .ascii(".") else { return }
        let dots = count > 1 && bytes[segment &+ 1] == .ascii(".") ? 2 : 1
        let isWhole = count == dots
        let hasParameters = !isWhole && startsParameters(bytes, segment &+ dots)
        guard isWhole || hasParameters else { return }
        if dots == 2 || isEscaped || hasParameters { throw WireError(.pathDotSegment, line: 1) }
        bytes.truncate(to: segment)
    }

    /// A `;`, or its escape.
    private static func startsParameters(_ bytes: Buffer, _ index: Int) -> Bool {
        if bytes[index] == .ascii(";") { return true }
        return bytes.count &- index >= 3 && bytes[index] == .ascii("%") && bytes[index &+ 1] == .ascii("3")
            && bytes[index &+ 2] == .ascii("B")
    }
}
