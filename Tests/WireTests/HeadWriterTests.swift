import Testing

@testable import Wire

/// What is written in few steps is what is written piece by piece.
struct HeadWriterTests {
    @Test("Room is found when it is needed, and nothing that was there is lost", arguments: [0, 1, 511, 512, 4000])
    func grows(_ room: Int) {
        let out = Buffer()
        out.append("gone,kept,")
        out.consume(5)
        var expected = octets("kept,")
        for round in 0..<300 {
            out.write(room) { writer in
                writer.append(0x61)
                writer.append("literal")
                writer.append(octets("array"))
                writer.append([])
                writer.append(decimal: UInt64(round))
                writer.append(octets("0123").span, ByteRange(offset: 1, count: 2))
            }
            expected += octets("aliteralarray\(round)12")
        }
        #expect(rest(out) == expected)
    }

    @Test("A buffer that is used while it is written to is empty, and keeps what was written")
    func isLent() {
        let out = Buffer()
        out.append("first")
        out.write(100) { writer in
            #expect(out.isEmpty && out.capacity == 0)
            writer.append("second")
        }
        #expect(rest(out) == octets("firstsecond"))
    }

    @Test("Numbers", arguments: [0, 9, 10, 99, 100, 255, 256, 999, 1000, 1010, 65_535, 1_000_001, UInt64.max])
    func numbers(_ number: UInt64) {
        let out = Buffer()
        out.write(0) { writer in
            writer.append(decimal: number)
        }
        #expect(text(rest(out)) == "\(number)")
    }

    private func plainly(_ fields: [HeaderField], _ source: Buffer) -> [UInt8] {
        let out = Buffer()
        for field in fields { out.append(field, from: source) }
        return rest(out)
    }

    private func inRuns(_ fields: [HeaderField], _ source: Buffer) -> [UInt8] {
        let out = Buffer()
        out.write(0) { writer in
            var run = FieldRun()
            for field in fields { writer.append(field, from: source.octets, behind: &run) }
            writer.append(run, from: source.octets)
        }
        return rest(out)
    }

    @Test("Lines that are copied together are those that are written one by one, whichever of them go on")
    func runs() throws {
        let lines = ["a: 1", "B:2", "c:\t3", "d: 4 ", "e:  5", "f:", "g: ", "h: 8", "i: 9"]
        for turn in lines.indices {
            let turned = Array(lines[turn...] + lines[..<turn])
            let input = Buffer()
            input.append(text: "GET / HTTP/1.0\r\n" + turned.map { $0 + "\r\n" }.joined() + "\r\n")
            let head = RequestHead()
            var parser = RequestParser(limits: HeadLimits())
            #expect(try parser.parse(input, into: head))
            for chosen in 0..<(1 << lines.count) {
                let fields = head.fields.indices.filter { chosen >> $0 & 1 != 0 }.map { head.fields[$0] }
                #expect(inRuns(fields, head.bytes) == plainly(fields, head.bytes), "\(turned) \(chosen)")
            }
        }
    }

    @Test("Whatever stands around a name and a value, what is written is name, colon, SP, value, CRLF")
    func separators() {
        for place in 0..<6 {
            for octet in UInt8.min...UInt8.max {
                for count in [4, 5, 6] {
                    var line = octets("n: v\r\n")
                    line[place] = octet
                    let source = Buffer()
                    source.append(Array(line[..<count]))
                    let field = HeaderField(name: ByteRange(offset: 0, count: 1), value: ByteRange(offset: 3, count: 1), id: .other)
                    #expect(inRuns([field], source) == plainly([field], source), "\(line)")
                }
            }
        }
    }
}
