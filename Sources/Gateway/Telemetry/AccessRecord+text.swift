import Wire

/// One line of text, for eyes and for tools that read the combined format:
///
///     client - user_id [time] "method path version" status bytes_out duration_ms request_id "host" "route" auth
///     upstream upstream_ms bytes_in "note"
///
/// What is not known is `-`. Quotes, backslashes and all that is not printable ASCII are written as `\xHH`, so no request can
/// end its line or its field (SECURITY.md rule 46).
extension AccessRecord {
    func appendText(to out: Buffer) {
        client.append(to: out)
        out.append(" - ")
        append(userID, to: out)
        out.append(" [")
        Timestamp.append(milliseconds: time, .milliseconds, to: out)
        out.append("] \"")
        append(head.methodRange.prefix(AccessRecord.longestMethod), to: out)
        out.append(0x20)
        append(head.path.prefix(AccessRecord.longestPath), to: out)
        out.append(head.version == .http10 ? " HTTP/1.0\" " : " HTTP/1.1\" ")
        out.append(decimal: UInt64(clamping: status))
        out.append(0x20)
        out.append(decimal: contentSent)
        out.append(0x20)
        out.append(milliseconds: duration)
        out.append(0x20)
        requestID.append(to: out)
        out.append(" \"")
        append(head.host.prefix(AccessRecord.longestHost), to: out)
        out.append("\" \"")
        append(route, to: out)
        out.append("\" ")
        out.append(auth)
        out.append(0x20)
        append(upstream, to: out)
        out.append(0x20)
        if hasUpstreamTime { out.append(milliseconds: upstreamTime) } else { out.append("-") }
        out.append(0x20)
        out.append(decimal: contentReceived)
        out.append(" \"")
        if let note {
            let octets = note.utf8Span.span
            AccessRecord.append(octets.extracting(first: AccessRecord.longestNote), to: out)
        } else {
            out.append("-")
        }
        out.append("\"\n")
    }

    private func append(_ range: ByteRange, to out: Buffer) {
        if range.isEmpty { return out.append("-") }
        let bytes = head.bytes
        let octets = bytes.octets
        AccessRecord.append(octets.extracting(range.start..<range.end), to: out)
    }

    private func append(_ octets: [UInt8]?, to out: Buffer) {
        guard let octets else { return out.append("-") }
        AccessRecord.append(octets.span, to: out)
    }

    private static func append(_ octets: Octets, to out: Buffer) {
        for index in octets.indices {
            let octet = octets[index]
            if octet < 0x20 || octet > 0x7E || octet == UInt8(ascii: "\"") || octet == UInt8(ascii: "\\") {
                out.append("\\x")
                append(hexadecimalDigit: octet >> 4, to: out)
                append(hexadecimalDigit: octet & 15, to: out)
            } else {
                out.append(octet)
            }
        }
    }

    private static func append(hexadecimalDigit digit: UInt8, to out: Buffer) {
        out.append(digit < 10 ? 0x30 &+ digit : 0x57 &+ digit)
    }
}
