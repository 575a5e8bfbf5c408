/// `uri-host [":" port]` of RFC 9110 7.2, without its rare forms: no user information, no escapes, no empty host, no empty port.
enum Authority {
    /// The longest name that DNS can hold is 253 octets; with brackets or port some more.
    private static var longest: Int { 272 }

    static func isValid(_ octets: Octets, _ range: ByteRange) -> Bool {
        let end = range.end
        guard !range.isEmpty, range.count <= longest else { return false }
        var index = range.start
        if octets[index] == .ascii("[") {
            let start = index &+ 1
            while index < end, octets[index] != .ascii("]") { index &+= 1 }
            guard index < end, IPAddress.parseV6(octets, start, index) != nil else { return false }
            index &+= 1
        } else {
            var labelStart = index
            while index < end, ASCIISet.hostName.contains(octets[index]) {
                if octets[index] == .ascii(".") {
                    if index == labelStart { return false }
                    labelStart = index &+ 1
                }
                index &+= 1
            }
            if index == range.start { return false }
        }
        return index == end || isPort(octets, index, end)
    }

    /// `:` and 1 to 5 digits, at most 65535.
    private static func isPort(_ octets: Octets, _ start: Int, _ end: Int) -> Bool {
        guard octets[start] == .ascii(":"), end &- start >= 2, end &- start <= 6 else { return false }
        var port = 0
        for index in (start &+ 1)..<end {
            guard octets[index].isDigit else { return false }
            port = port &* 10 &+ Int(octets[index] &- 0x30)
        }
        return port <= 65535
    }
}
