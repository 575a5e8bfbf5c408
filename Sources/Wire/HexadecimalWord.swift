/// The 16 lower-case hexadecimal digits of a word, as they stand in memory.
package struct HexadecimalWord: Sendable, Equatable {
    private let first: UInt64
    private let last: UInt64

    @inline(always)
    package init(_ word: UInt64) {
        first = HexadecimalWord.digits(UInt32(truncatingIfNeeded: word >> 32))
        last = HexadecimalWord.digits(UInt32(truncatingIfNeeded: word))
    }

    /// A digit an octet: the nibbles are spread out, then each is moved to its letter where it is above 9.
    @inline(always)
    private static func digits(_ word: UInt32) -> UInt64 {
        var octets = UInt64(word)
        octets = (octets | octets << 16) & 0x0000_FFFF_0000_FFFF
        octets = (octets | octets << 8) & 0x00FF_00FF_00FF_00FF
        octets = (octets | octets << 4) & 0x0F0F_0F0F_0F0F_0F0F
        let letters = ((octets &+ 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101
        return (octets &+ 0x3030_3030_3030_3030 &+ letters &* 0x27).bigEndian
    }
}

/// The 32 digits of two words.
package struct HexadecimalDigits: Sendable, Equatable {
    package let high: HexadecimalWord
    package let low: HexadecimalWord

    @inline(always)
    package init(high: HexadecimalWord, low: HexadecimalWord) {
        self.high = high
        self.low = low
    }
}

extension Buffer {
    /// All 16 digits.
    package func append(_ word: HexadecimalWord) {
        unsafe withUnsafeBytes(of: word) { unsafe append($0) }
    }

    /// All 32 digits.
    package func append(_ digits: HexadecimalDigits) {
        unsafe withUnsafeBytes(of: digits) { unsafe append($0) }
    }
}
