/// A network: an address and how many of its first bits count. An IPv4 network holds IPv4 addresses only, an IPv6 network IPv6 addresses only.
package struct CIDR: Hashable, Sendable {
    package let address: IPAddress
    /// Bits of the 128-bit form that count.
    private let bits: Int

    /// - Returns: nil for anything but an address, with or without `/` and a number of bits, or when a bit that does not count is set: then
    ///   the writer meant something else than what stands there.
    package init?(_ text: Octets) {
        var slash = 0
        while slash < text.count, text[slash] != .ascii("/") { slash &+= 1 }
        guard let address = IPAddress(text, 0, slash) else { return nil }
        // `::ffff:10.0.0.0/104` counts 104 of 128 bits, `10.0.0.0/8` counts 8 of 32.
        var isDotted = address.isV4
        for index in 0..<slash where text[index] == .ascii(":") { isDotted = false }
        let width = isDotted ? 32 : 128
        var prefix = width
        if slash < text.count {
            guard let given = CIDR.number(text, slash &+ 1), given <= width else { return nil }
            prefix = given
        }
        let bits = prefix + 128 - width
        if address.isV4, bits < 96 { return nil }
        guard CIDR.masked(address, bits) == address else { return nil }
        self.address = address
        self.bits = bits
    }

    package init?(_ text: [UInt8]) { self.init(text.span) }

    package func contains(_ other: IPAddress) -> Bool {
        other.isV4 == address.isV4 && CIDR.masked(other, bits) == address
    }

    /// 1 to 3 digits without a leading zero, to the end of the text.
    private static func number(_ text: Octets, _ start: Int) -> Int? {
        let digits = text.count &- start
        guard digits >= 1, digits <= 3, digits == 1 || text[start] != .ascii("0") else { return nil }
        var number = 0
        for index in start..<text.count {
            guard text[index].isDigit else { return nil }
            number = number &* 10 &+ Int(text[index] &- 0x30)
        }
        return number
    }

    private static func masked(_ address: IPAddress, _ bits: Int) -> IPAddress {
        // A shift by the full width gives zero in Swift.
        IPAddress(
            high: address.high & ~(UInt64.max >> UInt64(min(bits, 64))), low: address.low & ~(UInt64.max >> UInt64(max(bits - 64, 0))))
    }
}
