import Wire

/// Writes one line of the access log into room that was measured for it.
///
/// Raw memory and two addresses in one value, because a line is some forty small pieces: of a literal nothing is left but a comparison
/// with the end of the room and the stores. What does not fit is left out, never written beyond the end.
@safe
struct LineWriter: ~Copyable {
    private let start: UnsafeMutableRawPointer
    private var next: UnsafeMutableRawPointer
    private let end: UnsafeMutableRawPointer

    @unsafe
    init(_ room: UnsafeMutableRawBufferPointer) {
        unsafe start = room.baseAddress!
        unsafe next = start
        unsafe end = start + room.count
    }

    /// Octets written.
    var count: Int { unsafe next - start }

    @inline(always)
    mutating func append(_ octet: UInt8) {
        guard unsafe next < end else { return }
        unsafe next.storeBytes(of: octet, as: UInt8.self)
        unsafe next += 1
    }

    @inline(always)
    mutating func append(_ text: StaticString) {
        unsafe copy(text.utf8Start, text.utf8CodeUnitCount)
    }

    /// The `count` octets of a number or digits that stand first in memory.
    @inline(always)
    private mutating func append<Value>(_ value: Value, _ count: Int) {
        unsafe withUnsafeBytes(of: value) { unsafe copy($0.baseAddress!, count) }
    }

    @inline(always) @unsafe
    private mutating func copy(_ octets: UnsafeRawPointer, _ count: Int) {
        guard count <= (unsafe end - next) else { return }
        unsafe next.copyMemory(from: octets, byteCount: count)
        unsafe next += count
    }

    // MARK: Numbers

    mutating func append(decimal value: UInt64) {
        if value < 10 { return append(0x30 | UInt8(truncatingIfNeeded: value)) }
        if value < 100 { return append(DecimalDigits.two(value).littleEndian, 2) }
        if value >= 1_000 { append(decimal: value / 1_000) }
        append(three: value % 1_000)
    }

    @inline(always)
    private mutating func append(three value: UInt64) {
        append(DecimalDigits.three(value).littleEndian, 3)
    }

    /// `nanoseconds` in milliseconds, to the microsecond: `12.345`.
    mutating func append(milliseconds nanoseconds: UInt64) {
        let microseconds = nanoseconds / 1_000
        append(decimal: microseconds / 1_000)
        append(UInt8(ascii: "."))
        append(three: microseconds % 1_000)
    }

    // MARK: Values

    @inline(always)
    mutating func append(_ time: Timestamp) {
        append((time.words.0.littleEndian, time.words.1.littleEndian, time.words.2.littleEndian), 24)
    }

    @inline(always)
    mutating func append(_ digits: HexadecimalDigits) {
        append(digits, 32)
    }

    mutating func append(_ address: IPAddress) {
        guard unsafe IPAddress.longestText <= end - next else { return }
        unsafe next += address.write(to: next)
    }

    /// A JSON string. Nearly every value needs no escape and is copied whole.
    mutating func append(json octets: Octets) {
        guard unsafe octets.count <= end - next - 2 else { return }
        if unsafe PlainText.copy(octets, to: next + 1) {
            append(UInt8(ascii: "\""))
            unsafe next += octets.count
            append(UInt8(ascii: "\""))
        } else {
            let escaped = Buffer()
            JSONWriter.appendString(octets, to: escaped)
            unsafe escaped.withReadable { unsafe copy($0.baseAddress!, $0.count) }
        }
    }

    /// Printable ASCII as it is; quotes, backslashes and all else as `\xHH`.
    mutating func append(escaped octets: Octets) {
        guard unsafe octets.count <= end - next else { return }
        if unsafe PlainText.copy(octets, to: next) {
            unsafe next += octets.count
            return
        }
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

    private mutating func append(hexadecimalDigit digit: UInt8) {
        append(digit < 10 ? 0x30 &+ digit : 0x57 &+ digit)
    }
}
