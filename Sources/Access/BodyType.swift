/// What the body of a sign-in is, by its Content-Type; nil is 415. Rule 36: JSON only as `application/json`, which a
/// page of another site cannot send without asking first, and never as the `text/plain` that its form can.
package enum BodyType: Equatable, Sendable {
    case json, form

    /// `values` are those of all Content-Type lines.
    package init?(contentTypes values: [[UInt8]]) {
        guard values.count == 1 else { return nil }
        let parts = values[0].split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false).map(Self.trimmed)
        switch parts[0].map(HostName.lowercased) {
        case Array("application/json".utf8): self = .json
        case Array("application/x-www-form-urlencoded".utf8): self = .form
        default: return nil
        }
        // Both are UTF-8 here; a type that says otherwise, or anything else, is not understood.
        guard parts.count <= 2 else { return nil }
        if parts.count == 2 {
            let parameter = parts[1].map(HostName.lowercased)
            guard parameter == Array("charset=utf-8".utf8) || parameter == Array(#"charset="utf-8""#.utf8) else { return nil }
        }
    }

    /// RFC 9110 5.6.3: SP and HTAB, and nothing else that some alphabet calls a space.
    private static func trimmed(_ part: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var part = part
        while let first = part.first, first == 0x20 || first == 0x09 { part = part.dropFirst() }
        while let last = part.last, last == 0x20 || last == 0x09 { part = part.dropLast() }
        return part
    }
}
