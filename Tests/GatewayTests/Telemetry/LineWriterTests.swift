import Testing
import Wire

@testable import Gateway

private func written(_ body: (inout LineWriter) -> Void) -> [UInt8] {
    var octets: [UInt8] = []
    octets.append(addingCapacity: 4_096) { room in
        unsafe room.withUnsafeMutableBufferPointer { room, count in
            var line = unsafe LineWriter(UnsafeMutableRawBufferPointer(room))
            body(&line)
            count = line.count
        }
    }
    return octets
}

/// What is written quickly is what a plain rendering writes.
@Suite("LineWriter")
struct LineWriterTests {
    /// Numbers around each power of ten and of two.
    private static let numbers: [UInt64] = {
        var numbers = Array(0...1_100 as ClosedRange<UInt64>) + [.max, .max - 1]
        var power: UInt64 = 1
        for _ in 0..<20 {
            numbers += [power - 1, power, power + 1, power &* 7]
            power = power &* 10
        }
        for bit in 0..<64 { numbers += [1 << UInt64(bit), 1 << UInt64(bit) - 1] }
        return numbers
    }()

    @Test("Numbers")
    func decimals() {
        for number in Self.numbers { #expect(written { $0.append(decimal: number) } == Array(String(number).utf8)) }
    }

    @Test("Nanoseconds in milliseconds, rounded down to the microsecond")
    func milliseconds() {
        for number in Self.numbers {
            let fraction = String(number / 1_000 % 1_000)
            let expected = "\(number / 1_000_000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
            #expect(written { $0.append(milliseconds: number) } == Array(expected.utf8))
        }
    }

    @Test("Every octet at every place, among octets that are harmless")
    func texts() {
        for length in [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 19] {
            for place in 0..<max(length, 1) {
                for octet in UInt8.min...UInt8.max {
                    var text = [UInt8](repeating: UInt8(ascii: "a"), count: length)
                    if length > 0 { text[place] = octet }
                    let json = Buffer()
                    JSONWriter.appendString(text, to: json)
                    #expect(written { $0.append(json: text.span) } == json.array(ByteRange(offset: 0, count: json.count)), "\(text)")
                    let escaped = text.flatMap { octet -> [UInt8] in
                        if octet.isPlain { return [octet] }
                        let digits = String(octet, radix: 16)
                        return Array(("\\x" + (digits.count == 1 ? "0" : "") + digits).utf8)
                    }
                    #expect(written { $0.append(escaped: text.span) } == escaped, "\(text)")
                }
            }
        }
    }

    @Test("Nothing is written beyond the end of the room, however little there is")
    func bounds() {
        let text = Array("some text".utf8)
        for size in 0..<64 {
            var octets = [UInt8](repeating: 0xEE, count: 128)
            unsafe octets.withUnsafeMutableBytes { space in
                var line = unsafe LineWriter(UnsafeMutableRawBufferPointer(rebasing: space[0..<size]))
                line.append(0x20)
                line.append("a literal")
                line.append(decimal: 123_456)
                line.append(milliseconds: 123_456_789)
                line.append(IPAddress(high: .max, low: .max))
                line.append(Timestamp(milliseconds: 0))
                line.append(HexadecimalDigits(high: HexadecimalWord(1), low: HexadecimalWord(2)))
                line.append(json: text.span)
                line.append(json: [0x22].span)
                line.append(escaped: text.span)
                line.append(escaped: [0x22].span)
                #expect(line.count <= size)
            }
            #expect(octets[size...].allSatisfy { $0 == 0xEE })
        }
    }

    @Test("A moment that another was moved to is written as one that was made")
    func moves() {
        var moved = Timestamp(milliseconds: 0)
        var moment: Int64 = 951_782_399_000
        // Steps within the second, over its end, over days and years, and back.
        for step: Int64 in [0, 1, 9, 90, 899, 1, 999, 1, 1_000, 59_999, 3_600_001, 86_399_999, -1, -1_000, -86_400_000, 31_622_400_000] {
            for _ in 0..<40 {
                moment += step
                moved.move(to: moment)
                let made = Timestamp(milliseconds: moment)
                #expect(moved.words == made.words, "\(moment)")
            }
        }
    }
}
