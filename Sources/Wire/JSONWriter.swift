/// Writes the strings of JSON texts: log records, problem documents, our endpoints' answers.
package enum JSONWriter {
    /// Appends a JSON string with its quotes. What is not UTF-8 becomes U+FFFD, an octet at a time, and control octets are escaped, so that
    /// no input can end the string or the line.
    package static func appendString(_ octets: Octets, to out: Buffer) {
        out.append(.ascii("\""))
        var index = 0
        while index < octets.count {
            let octet = octets[index]
            switch octet {
            case .ascii("\""), .ascii("\\"):
                out.append(.ascii("\\"))
                out.append(octet)
                index &+= 1
            case 0x00..<0x20, 0x7F:
                out.append("\\u00")
                out.append((octet >> 4).lowerHexadecimalDigit)
                out.append((octet & 15).lowerHexadecimalDigit)
                index &+= 1
            case 0x20..<0x7F:
                out.append(octet)
                index &+= 1
            default:
                let length = octets.utf8SequenceLength(at: index, to: octets.count)
                if length == 0 { out.append("\\ufffd") }
                for offset in 0..<length { out.append(octets[index &+ offset]) }
                index &+= max(length, 1)
            }
        }
        out.append(.ascii("\""))
    }

    package static func appendString(_ octets: [UInt8], to out: Buffer) { appendString(octets.span, to: out) }

    package static func appendString(_ octets: RawSpan, to out: Buffer) { appendString(Octets(_bytes: octets), to: out) }

    /// The readable octets of `source` in `range`; `source` is another buffer than `out`.
    package static func appendString(_ source: Buffer, _ range: ByteRange, to out: Buffer) {
        let octets = source.octets
        appendString(octets.extracting(range.start..<range.end), to: out)
    }
}
