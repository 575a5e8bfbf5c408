/// What may be sent: names, values and reasons that we write are held to the same sets as those that we read.
package enum FieldSyntax {
    /// RFC 9110 5.6.2: at least one octet, all of them `tchar`. Methods and field names.
    package static func isToken(_ octets: Octets) -> Bool {
        for index in 0..<octets.count where !ASCIISet.token.contains(octets[index]) { return false }
        return octets.count > 0
    }

    package static func isToken(_ octets: [UInt8]) -> Bool { isToken(octets.span) }

    /// No control octet but HTAB. Field values and reason phrases.
    package static func isValue(_ octets: Octets) -> Bool { octets.firstControl(from: 0, to: octets.count) == octets.count }

    package static func isValue(_ octets: [UInt8]) -> Bool { isValue(octets.span) }
}
