import Wire

/// Writes one line of the access log into room that was measured for it.
///
/// Raw memory and a position in one value, because a line is some forty small pieces: appended one by one to a `Buffer`, they
/// cost 1.0 µs a line, and so 0.3 µs (x86-64, `-O`, a JSON line of 330 octets, the counting included). What does not fit is left
/// out, never written beyond the end.
@safe
struct LineWriter {
    private let room: UnsafeMutableRawBufferPointer
    private(set) var count = 0
    /// For the rare pieces that only a `Buffer` can take.
    private let spill: Buffer

    @unsafe
    init(_ room: UnsafeMutableRawBufferPointer, spill: Buffer) {
        unsafe self.room = room
        self.spill = spill
    }

    @inline(always)
    mutating func append(_ octet: UInt8) {
        guard unsafe count < room.count else { return }
        unsafe room[count] = octet
        count &+= 1
    }

    @inline(always)
    mutating func append(_ text: StaticString) {
        unsafe append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func append(_ octets: Octets) {
        unsafe octets.withUnsafeBytes { unsafe append($0) }
    }

    @inline(always) @unsafe
    private mutating func append(_ octets: UnsafeRawBufferPointer) {
        guard let base = octets.baseAddress, octets.count <= (unsafe room.count) - count else { return }
        unsafe (room.baseAddress! + count).copyMemory(from: base, byteCount: octets.count)
        count &+= octets.count
    }

    // MARK: Numbers

    mutating func append(decimal value: UInt64) {
        if value >= 10 { append(decimal: value / 10) }
        append(0x30 &+ UInt8(truncatingIfNeeded: value % 10))
    }

    /// The last two decimal digits.
    @inline(always)
    mutating func append(two value: UInt64) {
        append(0x30 &+ UInt8(truncatingIfNeeded: value / 10 % 10))
        append(0x30 &+ UInt8(truncatingIfNeeded: value % 10))
    }

    /// The last three decimal digits.
    @inline(always)
    mutating func append(three value: UInt64) {
        append(0x30 &+ UInt8(truncatingIfNeeded: value / 100 % 10))
        append(two: value)
    }

    /// `nanoseconds` in milliseconds, to the microsecond: `12.345`.
    mutating func append(milliseconds nanoseconds: UInt64) {
        append(decimal: nanoseconds / 1_000_000)
        append(UInt8(ascii: "."))
        append(three: nanoseconds / 1_000 % 1_000)
    }

    private mutating func append(_ digits: HexadecimalDigits) {
        unsafe withUnsafeBytes(of: digits) { unsafe append($0) }
    }

    @inline(always)
    private mutating func append(hexadecimalDigit digit: UInt8) {
        append(digit < 10 ? 0x30 &+ digit : 0x57 &+ digit)
    }

    // MARK: Values

    mutating func append(_ id: RequestID) {
        append(id.digits)
    }

    mutating func append(_ id: TraceID) {
        append(id.digits)
    }

    mutating func append(_ address: IPAddress) {
        guard address.isV4 else {
            spill.removeAll()
            address.append(to: spill)
            return appendSpill()
        }
        append(decimal: address.low >> 24 & 255)
        append(UInt8(ascii: "."))
        append(decimal: address.low >> 16 & 255)
        append(UInt8(ascii: "."))
        append(decimal: address.low >> 8 & 255)
        append(UInt8(ascii: "."))
        append(decimal: address.low & 255)
    }

    /// A JSON string. Nearly every value needs no escape and is copied whole.
    mutating func append(json octets: Octets) {
        guard octets.isPlain else {
            spill.removeAll()
            JSONWriter.appendString(octets, to: spill)
            return appendSpill()
        }
        append(UInt8(ascii: "\""))
        append(octets)
        append(UInt8(ascii: "\""))
    }

    /// Printable ASCII as it is; quotes, backslashes and all else as `\xHH`.
    mutating func append(escaped octets: Octets) {
        if octets.isPlain { return append(octets) }
        for index in octets.indices {
            let octet = octets[index]
            if octet.isPlain {
                append(octet)
            } else {
                append("\\x")
                append(hexadecimalDigit: octet >> 4)
                append(hexadecimalDigit: octet & 15)
            }
        }
    }

    private mutating func appendSpill() {
        unsafe spill.withReadable { unsafe append($0) }
    }
}
