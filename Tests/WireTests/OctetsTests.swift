import Testing

@testable import Wire

/// What looks at eight octets at once says what a look at each would.
struct OctetsTests {
    /// Every octet at every place of a word and behind it, among octets that are harmless.
    private static func lines(_ filler: UInt8) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        for length in [1, 7, 8, 9, 16, 19] {
            for place in 0..<length {
                for octet in UInt8.min...UInt8.max {
                    var line = [UInt8](repeating: filler, count: length)
                    line[place] = octet
                    lines.append(line)
                }
            }
        }
        return lines
    }

    @Test("The end of a token", arguments: [UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "7")])
    func tokens(_ filler: UInt8) {
        for line in Self.lines(filler) {
            let end = line.firstIndex { !ASCIISet.token.contains($0) } ?? line.count
            #expect(line.span.endOfToken(from: 0, to: line.count) == end, "\(line)")
        }
    }

    @Test("The first of an octet", arguments: [UInt8(ascii: ";"), .lf, 0x00, 0xFF])
    func first(_ octet: UInt8) {
        for line in Self.lines(octet ^ 1) {
            #expect(line.span.first(octet, from: 0, to: line.count) == line.firstIndex(of: octet) ?? line.count, "\(line)")
        }
    }

    @Test("The first control octet", arguments: [UInt8(ascii: "a"), 0x09, 0x20, 0xFF])
    func controls(_ filler: UInt8) {
        for line in Self.lines(filler) {
            let first = line.firstIndex { ($0 < 0x20 && $0 != 0x09) || $0 == 0x7F } ?? line.count
            #expect(line.span.firstControl(from: 0, to: line.count) == first, "\(line)")
        }
    }

    @Test("The first octet that is not visible", arguments: [UInt8(ascii: "a"), 0x21, 0x7E])
    func invisible(_ filler: UInt8) {
        for line in Self.lines(filler) {
            let first = line.firstIndex { !(0x21...0x7E).contains($0) } ?? line.count
            #expect(line.span.firstInvisible(from: 0, to: line.count) == first, "\(line)")
        }
    }

    @Test("Where a path is no longer plain", arguments: [UInt8(ascii: "a"), .ascii("."), .ascii("/"), 0xFF])
    func paths(_ filler: UInt8) {
        for line in Self.lines(filler) + Self.lines(.ascii("a")).map({ $0 + [.ascii("/"), filler] }) {
            let end = line.indices.first { index in
                let next = index + 1 < line.count ? line[index + 1] : 0
                return line[index] == .ascii("/") ? next == .ascii("/") || next == .ascii(".") : "%?#\\".utf8.contains(line[index])
            }
            #expect(line.span.endOfPlainPath(from: 0, to: line.count) == end ?? line.count, "\(line)")
        }
    }

    @Test("A line is sound where the plain way finds no fault, and means the same", arguments: ["Host", "X-Forwarded-For:x", "a9:\t b \t", ""])
    func soundLines(_ text: String) throws {
        for place in 0...text.utf8.count + 3 {
            for octet in UInt8.min...UInt8.max {
                var line = Array(text.utf8) + Array(": v\r\n".utf8)
                line[place] = octet
                // The plain way is given a line without its CRLF, and finds none that has another LF.
                let hasEnd = line.suffix(2) == [.cr, .lf] && line.firstIndex(of: .lf) == line.count - 1
                let plain = hasEnd ? try? HeaderField.parse(line.span, from: 0, to: line.count - 2, line: 2) : nil
                var next = 0
                #expect(HeaderField.sound(line.span, from: 0, to: line.count, next: &next) == plain, "\(line)")
                #expect(next == (plain == nil ? 0 : line.count), "\(line)")
                #expect(HeaderField.sound(line.span, from: 0, to: line.count - 1, next: &next) == nil, "\(line)")
            }
        }
    }

    @Test("A version is one of two, octet for octet", arguments: ["HTTP/1.1", "HTTP/1.0"])
    func versions(_ text: String) {
        #expect((try? HTTPVersion(Array(text.utf8).span, ByteRange(offset: 0, count: 8))) == (text.hasSuffix("1") ? .http11 : .http10))
        for place in 0..<8 {
            for octet in UInt8.min...UInt8.max {
                var other = Array(text.utf8)
                other[place] = octet
                let isOne = other.elementsEqual("HTTP/1.1".utf8) || other.elementsEqual("HTTP/1.0".utf8)
                #expect(((try? HTTPVersion(other.span, ByteRange(offset: 0, count: 8))) != nil) == isOne, "\(other)")
            }
        }
    }

    @Test("A name is known in any case, and one octet makes it another", arguments: FieldName.allCases.filter { $0 != .other })
    func names(_ id: FieldName) {
        let name = Array(id.text.description.utf8)
        #expect(FieldName(name) == id)
        #expect(FieldName(Array(id.text.description.uppercased().utf8)) == id)
        for place in name.indices {
            for octet in UInt8.min...UInt8.max where octet.lowercased != name[place] {
                var other = name
                other[place] = octet
                let found = FieldName(other)
                #expect(found == .other || found.text.description.utf8.elementsEqual(other.map(\.lowercased)), "\(other)")
            }
        }
    }
}
