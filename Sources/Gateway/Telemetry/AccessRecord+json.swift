import Wire

/// One JSON object a line (SECURITY.md rule 46): every octet of a client's stands inside a string and is escaped, so no
/// request can end its line or add a member. What is not known is null; the members and their order are always the same.
extension AccessRecord {
    func appendJSON(to out: Buffer) {
        out.append("{\"time\":\"")
        Timestamp.append(milliseconds: time, .milliseconds, to: out)
        out.append("\",\"request_id\":\"")
        requestID.append(to: out)
        out.append("\",\"client\":\"")
        client.append(to: out)
        out.append("\",\"method\":")
        appendString(head.methodRange.prefix(AccessRecord.longestMethod), to: out)
        out.append(",\"host\":")
        appendString(head.host.prefix(AccessRecord.longestHost), to: out)
        out.append(",\"path\":")
        appendString(head.path.prefix(AccessRecord.longestPath), to: out)
        out.append(",\"route\":")
        appendString(route, to: out)
        out.append(",\"user_id\":")
        appendString(userID, to: out)
        out.append(",\"auth\":\"")
        out.append(auth)
        out.append("\",\"status\":")
        out.append(decimal: UInt64(clamping: status))
        out.append(",\"duration_ms\":")
        out.append(milliseconds: duration)
        out.append(",\"upstream\":")
        appendString(upstream, to: out)
        out.append(",\"upstream_ms\":")
        if hasUpstreamTime { out.append(milliseconds: upstreamTime) } else { out.append("null") }
        out.append(",\"bytes_in\":")
        out.append(decimal: contentReceived)
        out.append(",\"bytes_out\":")
        out.append(decimal: contentSent)
        out.append(",\"note\":")
        if let note {
            let octets = note.utf8Span.span
            AccessRecord.appendString(octets.extracting(first: AccessRecord.longestNote), to: out)
        } else {
            out.append("null")
        }
        out.append("}\n")
    }

    private func appendString(_ range: ByteRange, to out: Buffer) {
        if range.isEmpty { return out.append("null") }
        let bytes = head.bytes
        let octets = bytes.octets
        AccessRecord.appendString(octets.extracting(range.start..<range.end), to: out)
    }

    private func appendString(_ octets: [UInt8]?, to out: Buffer) {
        guard let octets else { return out.append("null") }
        AccessRecord.appendString(octets.span, to: out)
    }

    /// Nearly every value needs no escape and is copied whole.
    private static func appendString(_ octets: Octets, to out: Buffer) {
        for index in octets.indices {
            let octet = octets[index]
            if octet < 0x20 || octet > 0x7E || octet == UInt8(ascii: "\"") || octet == UInt8(ascii: "\\") {
                return JSONWriter.appendString(octets, to: out)
            }
        }
        out.append(UInt8(ascii: "\""))
        unsafe octets.withUnsafeBytes { unsafe out.append($0) }
        out.append(UInt8(ascii: "\""))
    }
}
