extension Span where Element == UInt8 {
    /// How many octets the well-formed UTF-8 sequence at `index` has (RFC 3629 4); 0 when there is none.
    func utf8SequenceLength(at index: Int, to end: Int) -> Int {
        let lead = self[index]
        if lead < 0x80 { return 1 }
        // The second octet's bounds keep out overlong forms, surrogates and what lies beyond U+10FFFF.
        var lowest: UInt8 = 0x80
        var highest: UInt8 = 0xBF
        let length: Int
        switch lead {
        case 0xC2...0xDF: length = 2
        case 0xE0...0xEF:
            length = 3
            if lead == 0xE0 { lowest = 0xA0 }
            if lead == 0xED { highest = 0x9F }
        case 0xF0...0xF4:
            length = 4
            if lead == 0xF0 { lowest = 0x90 }
            if lead == 0xF4 { highest = 0x8F }
        default: return 0
        }
        guard end &- index >= length, self[index &+ 1] >= lowest, self[index &+ 1] <= highest else { return 0 }
        for offset in 2..<max(length, 2) where self[index &+ offset] & 0xC0 != 0x80 { return 0 }
        return length
    }
}
