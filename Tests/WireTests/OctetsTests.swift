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

    @Test("Plain text: printable ASCII without quotes and backslashes")
    func plain() {
        for line in Self.lines(.ascii("a")) {
            let isPlain = line.allSatisfy { (0x20...0x7E).contains($0) && $0 != .ascii("\"") && $0 != .ascii("\\") }
            #expect(line.span.isPlain == isPlain, "\(line)")
        }
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
