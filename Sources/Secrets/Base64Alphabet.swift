/// Base 64 without padding (RFC 4648 3.2), over one of the alphabets that hashes and tokens use.
struct Base64Alphabet: Sendable {
    /// RFC 4648 5: tokens, session ids.
    static let url = Base64Alphabet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    /// RFC 4648 4: argon2's encoded form.
    static let standard = Base64Alphabet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    /// bcrypt's own order of digits.
    static let bcrypt = Base64Alphabet("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")

    private static let invalid: UInt8 = 0xff

    private let digits: [64 of UInt8]
    /// For each octet the six bits that it stands for, or `invalid`.
    private let values: [UInt8]

    private init(_ alphabet: String) {
        var digits = [64 of UInt8](repeating: 0)
        var values = [UInt8](repeating: Self.invalid, count: 256)
        for (value, digit) in alphabet.utf8.enumerated() {
            digits[value] = digit
            values[Int(digit)] = UInt8(value)
        }
        self.digits = digits
        self.values = values
    }

    /// How many digits `count` octets have.
    static func length(of count: Int) -> Int { (count / 3) * 4 + (count % 3 == 0 ? 0 : count % 3 + 1) }

    func encode(_ octets: RawSpan) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: Self.length(of: octets.byteCount)) { output, count in
            unsafe encode(octets, to: UnsafeMutableRawBufferPointer(output))
            count = output.count
        }
    }

    /// Writes the digits of `octets` to `output`, which must have room for all of them.
    @unsafe
    func encode(_ octets: RawSpan, to output: UnsafeMutableRawBufferPointer) {
        precondition(output.count >= Self.length(of: octets.byteCount))
        // Each subscript of the array itself would copy it.
        let digits = digits.span
        func digit(_ value: UInt32) -> UInt32 { UInt32(digits[Int(value & 63)]) }
        unsafe octets.withUnsafeBytes { input in
            var place = 0
            var index = 0
            while input.count &- index >= 3 {
                let bits = unsafe UInt32(input[index]) << 16 | UInt32(input[index &+ 1]) << 8 | UInt32(input[index &+ 2])
                let four = digit(bits >> 18) | digit(bits >> 12) << 8 | digit(bits >> 6) << 16 | digit(bits) << 24
                unsafe output.storeBytes(of: four.littleEndian, toByteOffset: place, as: UInt32.self)
                index &+= 3
                place &+= 4
            }
            guard index < input.count else { return }
            let first = unsafe UInt32(input[index]) << 16
            let bits = index &+ 1 < input.count ? unsafe first | UInt32(input[index &+ 1]) << 8 : first
            unsafe output[place] = UInt8(truncatingIfNeeded: digit(bits >> 18))
            unsafe output[place &+ 1] = UInt8(truncatingIfNeeded: digit(bits >> 12))
            if index &+ 1 < input.count { unsafe output[place &+ 2] = UInt8(truncatingIfNeeded: digit(bits >> 6)) }
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
