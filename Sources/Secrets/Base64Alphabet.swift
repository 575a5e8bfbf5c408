/// Base 64 without padding (RFC 4648 3.2), over one of the alphabets that hashes and tokens use.
struct Base64Alphabet: Sendable {
    /// RFC 4648 5: tokens, session ids.
    static let url = Base64Alphabet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    /// RFC 4648 4: argon2's encoded form.
    static let standard = Base64Alphabet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    /// bcrypt's own order of digits.
    static let bcrypt = Base64Alphabet("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")

    private static let invalid: UInt8 = 0xff

    private let digits: [UInt8]
    /// For each octet the six bits that it stands for, or `invalid`.
    private let values: [UInt8]

    private init(_ alphabet: String) {
        digits = Array(alphabet.utf8)
        var values = [UInt8](repeating: Self.invalid, count: 256)
        for (value, digit) in digits.enumerated() { values[Int(digit)] = UInt8(value) }
        self.values = values
    }

    func encode(_ octets: RawSpan) -> [UInt8] {
        let count = octets.byteCount
        return [UInt8](capacity: (count / 3) * 4 + (count % 3 == 0 ? 0 : count % 3 + 1)) { output in
            unsafe octets.withUnsafeBytes { input in
                var bits: UInt32 = 0
                var held = 0
                for index in input.indices {
                    let octet = unsafe input[index]
                    bits = bits << 8 | UInt32(octet)
                    held += 8
                    while held >= 6 {
                        held -= 6
                        output.append(digits[Int(bits >> UInt32(held) & 63)])
                    }
                }
                if held > 0 { output.append(digits[Int(bits << UInt32(6 - held) & 63)]) }
            }
        }
    }

    func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? { decode(text.span.raw) }

    /// The octets that `text` stands for; nil for any other character, a length that no octets have, padding, or bits left over
    /// that are not zero: so that each value has one text.
    func decode(_ text: RawSpan) -> [UInt8]? {
        let count = text.byteCount
        guard count % 4 != 1 else { return nil }
        var faults: UInt8 = 0
        var bits: UInt32 = 0
        var held = 0
        let octets = [UInt8](capacity: (count / 4) * 3 + (count % 4) * 3 / 4) { output in
            unsafe text.withUnsafeBytes { input in
                for index in input.indices {
                    let digit = unsafe input[index]
                    let value = values[Int(digit)]
                    faults |= value & 0xc0
                    bits = bits << 6 | UInt32(value & 63)
                    held += 6
                    if held >= 8 {
                        held -= 8
                        output.append(UInt8(truncatingIfNeeded: bits >> UInt32(held)))
                    }
                }
            }
        }
        guard faults == 0, bits & (1 << UInt32(held) - 1) == 0 else { return nil }
        return octets
    }
}
