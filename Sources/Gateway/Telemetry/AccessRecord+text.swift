import Wire

/// One line of text, for eyes and for tools that read the combined format:
///
///     client - user_id [time] "method path version" status bytes_out duration_ms request_id "host" "route" auth
///     upstream upstream_ms bytes_in "note" trace_id
///
/// What is not known is `-`. Quotes, backslashes and all that is not printable ASCII are written as `\xHH`, so no request can
/// end its line or its field (rule 46).
extension AccessRecord {
    func appendText(to line: inout LineWriter) {
        line.append(client)
        line.append(" - ")
        append(userID, to: &line)
        line.append(" [")
        line.append(time)
        line.append("] \"")
        let bytes = head.bytes
        let octets = bytes.octets
        append(octets, head.methodRange, AccessRecord.longestMethod, to: &line)
        line.append(0x20)
        append(octets, head.path, AccessRecord.longestPath, to: &line)
        line.append(head.version == .http10 ? " HTTP/1.0\" " : " HTTP/1.1\" ")
        line.append(decimal: UInt64(clamping: status))
        line.append(0x20)
        line.append(decimal: contentSent)
        line.append(0x20)
        line.append(milliseconds: duration)
        line.append(0x20)
        line.append(requestID.digits)
        line.append(" \"")
        append(octets, head.host, AccessRecord.longestHost, to: &line)
        line.append("\" \"")
        append(route, to: &line)
        line.append("\" ")
        line.append(auth)
        line.append(0x20)
        append(upstream, to: &line)
        line.append(0x20)
        if hasUpstreamTime { line.append(milliseconds: upstreamTime) } else { line.append("-") }
        line.append(0x20)
        line.append(decimal: contentReceived)
        line.append(" \"")
        if let note {
            let octets = note.utf8Span.span
            line.append(escaped: octets.extracting(first: AccessRecord.longestNote))
        } else {
            line.append("-")
        }
        line.append("\" ")
        line.append(traceID.digits)
        line.append(0x0A)
    }

    private func append(_ octets: Octets, _ range: ByteRange, _ longest: Int, to line: inout LineWriter) {
        if range.isEmpty { return line.append("-") }
        line.append(escaped: octets.extracting(range.prefix(longest)))
    }

    private func append(_ octets: [UInt8]?, to line: inout LineWriter) {
        guard let octets else { return line.append("-") }
        line.append(escaped: octets.span)
    }
}
