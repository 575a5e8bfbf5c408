/// An IPv4 or IPv6 address. An IPv4 address in IPv6 clothes (`::ffff:a.b.c.d`) is the IPv4 address: the kernel reports one peer either way.
package struct IPAddress: Hashable, Sendable {
    /// The 16 octets of the IPv6 form, as two numbers; an IPv4 address as its mapped form (RFC 4291 2.5.5.2).
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// - Parameter v4: the address as a number, `127.0.0.1` being 0x7F000001.
    package init(v4: UInt32) {
        high = 0
        low = 0xFFFF_0000_0000 | UInt64(v4)
    }

    package var isV4: Bool { high == 0 && low >> 32 == 0xFFFF }

    /// The 16 octets of the IPv6 form.
    package var octets: [UInt8] {
        (0..<16).map { UInt8(truncatingIfNeeded: ($0 < 8 ? high : low) >> UInt64(56 - ($0 & 7) * 8)) }
    }

    /// - Returns: nil for anything but an address: no white space, no zone, no brackets, no port.
    package init?(_ text: Octets) {
        self.init(text, 0, text.count)
    }

    package init?(_ text: [UInt8]) { self.init(text.span) }

    init?(_ text: Octets, _ start: Int, _ end: Int) {
        if let v4 = IPAddress.parseV4(text, start, end) {
            self.init(v4: v4)
        } else if let v6 = IPAddress.parseV6(text, start, end) {
            self = v6
        } else {
            return nil
        }
    }

    /// Four decimal numbers, without the leading zeros that some read as octal.
    static func parseV4(_ text: Octets, _ start: Int, _ end: Int) -> UInt32? {
        var address: UInt32 = 0
        var index = start
        for part in 0..<4 {
            if part > 0 {
                guard index < end, text[index] == .ascii(".") else { return nil }
                index &+= 1
            }
            let first = index
            var value: UInt32 = 0
            while index < end, index &- first < 3, text[index].isDigit {
                value = value &* 10 &+ UInt32(text[index] &- 0x30)
                index &+= 1
            }
            guard index > first, value <= 255, text[first] != .ascii("0") || index &- first == 1 else { return nil }
            address = address << 8 | value
        }
        return index == end ? address : nil
    }

    /// RFC 4291 2.2: groups of 1 to 4 digits, one `::` for at least one group of zeros, the last two perhaps as IPv4.
    static func parseV6(_ text: Octets, _ start: Int, _ end: Int) -> IPAddress? {
        // Groups before the `::` and after it fill their halves from the left.
        var before = Groups()
        var after = Groups()
        var isCompressed = false
        var index = start
        if end &- start >= 2, text[start] == .ascii(":") {
            guard text[start &+ 1] == .ascii(":") else { return nil }
            isCompressed = true
            index &+= 2
        }
        while index < end {
            var group = index
            var value: UInt16 = 0
            while group < end, group &- index < 4, let digit = text[group].hexadecimalValue {
                value = value << 4 | UInt16(digit)
                group &+= 1
            }
            let ok: Bool
            if group < end, text[group] == .ascii(".") {
                guard let v4 = parseV4(text, index, end) else { return nil }
                let first = UInt16(v4 >> 16)
                let second = UInt16(v4 & 0xFFFF)
                ok = isCompressed ? after.append(first) && after.append(second) : before.append(first) && before.append(second)
                group = end
            } else {
                guard group > index else { return nil }
                ok = isCompressed ? after.append(value) : before.append(value)
            }
            guard ok else { return nil }
            index = group
            guard index < end else { break }
            guard text[index] == .ascii(":"), index &+ 1 < end else { return nil }
            index &+= 1
            if text[index] == .ascii(":") {
                if isCompressed { return nil }
                isCompressed = true
                index &+= 1
            }
        }
        let count = before.count + after.count
        guard isCompressed ? count <= 7 : count == 8 else { return nil }
        return before.joined(after)
    }

    /// Up to eight groups of an IPv6 address, the first one highest.
    private struct Groups {
        var high: UInt64 = 0
        var low: UInt64 = 0
        var count = 0

        mutating func append(_ value: UInt16) -> Bool {
            guard count < 8 else { return false }
            if count < 4 { high |= UInt64(value) << UInt64(48 - 16 * count) } else { low |= UInt64(value) << UInt64(112 - 16 * count) }
            count += 1
            return true
        }

        /// These groups at the top, `other` at the bottom, zeros between.
        func joined(_ other: Groups) -> IPAddress {
            let bottom = (UInt128(other.high) << 64 | UInt128(other.low)) >> UInt128(16 * (8 - other.count))
            return IPAddress(high: high | UInt64(truncatingIfNeeded: bottom >> 64), low: low | UInt64(truncatingIfNeeded: bottom))
        }
    }

    /// Octets of the longest text.
    package static let longestText = 39

    /// Appends the address as text: dotted decimal, or the form of RFC 5952.
    package func append(to out: Buffer) {
        out.write(IPAddress.longestText) { append(to: &$0) }
    }

    package func append(to out: inout HeadWriter) {
        unsafe out.append(atMost: IPAddress.longestText) { unsafe write(to: $0) }
    }

    /// Writes the same.
    /// - Parameter room: of at least `longestText` octets.
    /// - Returns: how many of them were written.
    @unsafe
    package func write(to room: UnsafeMutableRawPointer) -> Int {
        unsafe isV4 ? writeV4(to: room) : writeV6(to: room)
    }

    /// Each number as three digits and a dot, without the zeros in front; the dot behind the last one does not count.
    @unsafe
    private func writeV4(to room: UnsafeMutableRawPointer) -> Int {
        var end = 0
        for place in 0..<4 {
            let shift = UInt64(24 &- 8 &* place)
            let part = UInt32(truncatingIfNeeded: low >> shift & 255)
            let rest = part % 100
            let digits = 0x2E30_3030 | part / 100 | (rest / 10) << 8 | (rest % 10) << 16
            let zeros = part < 10 ? 2 : part < 100 ? 1 : 0
            unsafe room.storeBytes(of: (digits >> UInt32(8 * zeros)).littleEndian, toByteOffset: end, as: UInt32.self)
            end &+= 4 &- zeros
        }
        return end &- 1
    }

    @unsafe
    private func writeV6(to room: UnsafeMutableRawPointer) -> Int {
        let zeros = longestZeros
        var end = 0
        func write(_ octet: UInt8) {
            unsafe room.storeBytes(of: octet, toByteOffset: end, as: UInt8.self)
            end &+= 1
        }
        var index = 0
        while index < 8 {
            if zeros.contains(index) {
                if index == 0 { write(.ascii(":")) }
                write(.ascii(":"))
                index = zeros.upperBound
                continue
            }
            let group = group(index)
            var shift = max(0, 15 &- group.leadingZeroBitCount) & ~3
            while shift >= 0 {
                write(UInt8(truncatingIfNeeded: group >> UInt16(shift) & 15).lowerHexadecimalDigit)
                shift &-= 4
            }
            index &+= 1
            if index < 8 { write(.ascii(":")) }
        }
        return end
    }

    /// One of the eight groups of the IPv6 form.
    private func group(_ index: Int) -> UInt16 {
        UInt16(truncatingIfNeeded: (index < 4 ? high : low) >> UInt64(48 &- 16 &* (index & 3)))
    }

    /// RFC 5952 4.2: the first of the longest runs of at least two zero groups.
    private var longestZeros: Range<Int> {
        var longest = 0..<0
        var start = 0
        for index in 0...8 where index == 8 || group(index) != 0 {
            if index &- start >= 2, index &- start > longest.count { longest = start..<index }
            start = index &+ 1
        }
        return longest
    }

    package var text: String {
        let out = Buffer()
        append(to: out)
        return String(decoding: out.array(ByteRange(offset: 0, count: out.count)), as: UTF8.self)
    }
}
