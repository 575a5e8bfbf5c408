/// A set of ASCII octets as two words: a look-up is a shift and a mask, with no table in memory. Octets from 0x80 on are never in it.
struct ASCIISet {
    let low: UInt64
    let high: UInt64

    @inline(always)
    func contains(_ octet: UInt8) -> Bool {
        let word = octet < 64 ? low : high
        return octet < 128 && (word >> UInt64(octet & 63)) & 1 != 0
    }

    /// RFC 9110 5.6.2 `tchar`.
    @inline(always) static var token: ASCIISet { ASCIISet(low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C7FF_FFFE) }
    /// 0x21...0x7E.
    @inline(always) static var visible: ASCIISet { ASCIISet(low: 0xFFFF_FFFE_0000_0000, high: 0x7FFF_FFFF_FFFF_FFFF) }
    /// RFC 3986 2.3.
    @inline(always) static var unreserved: ASCIISet { ASCIISet(low: 0x03FF_6000_0000_0000, high: 0x47FF_FFFE_87FF_FFFE) }
    /// What a host name may hold: letters, digits, `-`, `.` and `_`. The rest of RFC 3986's `reg-name` (escapes, sub-delimiters) is read
    /// differently by different servers.
    @inline(always) static var hostName: ASCIISet { ASCIISet(low: 0x03FF_6000_0000_0000, high: 0x07FF_FFFE_87FF_FFFE) }
}

extension UInt8 {
    /// The octet with A...Z as a...z; no other octet changes.
    @inline(always) var lowercased: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }

    @inline(always) var isDigit: Bool { self &- 0x30 < 10 }

    /// The value of a hexadecimal digit, or nil.
    @inline(always) var hexadecimalValue: UInt8? {
        if isDigit { return self &- 0x30 }
        let letter = (self | 0x20) &- 0x61
        return letter < 6 ? letter &+ 10 : nil
    }

    /// The hexadecimal digit of a value below 16.
    @inline(always) var upperHexadecimalDigit: UInt8 { self < 10 ? 0x30 &+ self : 0x37 &+ self }

    @inline(always) var lowerHexadecimalDigit: UInt8 { self < 10 ? 0x30 &+ self : 0x57 &+ self }

    /// SP or HTAB: RFC 9110 5.6.3, the only white space of the protocol.
    @inline(always) var isBlank: Bool { self == 0x20 || self == 0x09 }

    @inline(always) static var cr: UInt8 { 0x0D }
    @inline(always) static var lf: UInt8 { 0x0A }

    /// The octet of an ASCII character in our own source.
    @inline(always) static func ascii(_ character: Unicode.Scalar) -> UInt8 { UInt8(truncatingIfNeeded: character.value) }
}
