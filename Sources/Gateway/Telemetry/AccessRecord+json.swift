import Wire

/// One JSON object a line (rule 46): every octet of a client's stands inside a string and is escaped, so no
/// request can end its line or add a member. What is not known is null; the members and their order are always the same.
extension AccessRecord {
    @inline(always)
    func appendJSON(to line: inout LineWriter) {
        line.append("{\"time\":\"")
        line.append(time)
        line.append("\",\"request_id\":\"")
        line.append(requestID.digits)
        line.append("\",\"trace_id\":\"")
        line.append(traceID.digits)
        line.append("\",\"client\":\"")
        line.append(client)
        let bytes = head.bytes
        let octets = bytes.octets
        line.append("\",\"method\":")
        append(octets, head.methodRange, AccessRecord.longestMethod, to: &line)
        line.append(",\"host\":")
        append(octets, head.host, AccessRecord.longestHost, to: &line)
        line.append(",\"path\":")
        append(octets, head.path, AccessRecord.longestPath, to: &line)
        line.append(",\"route\":")
        append(route, to: &line)
        line.append(",\"user_id\":")
        append(userID, to: &line)
        line.append(",\"auth\":\"")
        line.append(auth)
        line.append("\",\"status\":")
        line.append(decimal: UInt64(clamping: status))
        line.append(",\"duration_ms\":")
        line.append(milliseconds: duration)
        line.append(",\"upstream\":")
        append(upstream, to: &line)
        line.append(",\"upstream_ms\":")
        if hasUpstreamTime { line.append(milliseconds: upstreamTime) } else { line.append("null") }
        line.append(",\"bytes_in\":")
        line.append(decimal: contentReceived)
        line.append(",\"bytes_out\":")
        line.append(decimal: contentSent)
        line.append(",\"note\":")
        if let note {
            let octets = note.utf8Span.span
            line.append(json: octets.extracting(first: AccessRecord.longestNote))
        } else {
            line.append("null")
        }
        line.append("}\n")
    }

    private func append(_ octets: Octets, _ range: ByteRange, _ longest: Int, to line: inout LineWriter) {
        if range.isEmpty { return line.append("null") }
        line.append(json: octets.extracting(range.prefix(longest)))
    }

    private func append(_ octets: [UInt8]?, to line: inout LineWriter) {
        guard let octets else { return line.append("null") }
        line.append(json: octets.span)
    }
}
