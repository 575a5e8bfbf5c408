import Testing
import Wire

struct JSONTests {
    static let accepted: [(String, JSON)] = [
        ("null", .null), (" true\n", .bool(true)), ("\t\r\nfalse ", .bool(false)), ("0", .integer(0)), ("-0", .integer(0)),
        ("12", .integer(12)),
        ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
        ("9223372036854775808", .number(9223372036854775808)),
        ("1.5", .number(1.5)), ("1e2", .number(100)), ("-1.25E-2", .number(-0.0125)), ("1E+1", .number(10)), ("1e-999", .number(0)),
        ("[]", .array([])), ("[1 , \"a\"]", .array([.integer(1), .string(octets("a"))])), ("{}", .object([])),
        ("{\"a\":{\"b\":[null]}}", .object([.init(name: octets("a"), value: .object([.init(name: octets("b"), value: .array([.null]))]))])),
        ("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", .string([0x22, 0x5C, 0x2F, 8, 12, 10, 13, 9])),
        ("\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\\u0000\"", .string([0x41, 0xC3, 0xA9, 0xE2, 0x82, 0xAC, 0xF0, 0x9F, 0x98, 0x80, 0])),
        ("\"\u{C3}\u{A9}\u{F4}\u{8F}\u{BF}\u{BF}\u{7F}\"", .string([0xC3, 0xA9, 0xF4, 0x8F, 0xBF, 0xBF, 0x7F])),
    ]

    @Test("values are read", arguments: accepted)
    func reads(_ text: String, _ value: JSON) throws {
        #expect(try JSON.parse(octets(text)) == value)
    }

    static let refused: [(String, JSONError.Reason)] = [
        ("", .unexpectedEnd), ("  ", .unexpectedEnd), ("nul", .unexpectedOctet), ("nulll", .unexpectedOctet), ("True", .unexpectedOctet),
        ("1 2", .unexpectedOctet), ("[1,]", .unexpectedOctet), ("[,1]", .unexpectedOctet), ("[1", .unexpectedEnd), ("[1 2]", .unexpectedOctet),
        ("{\"a\":1,}", .unexpectedOctet), ("{a:1}", .unexpectedOctet), ("{\"a\"}", .unexpectedOctet), ("{\"a\":}", .unexpectedOctet),
        ("{", .unexpectedEnd),
        ("{\"a\":1", .unexpectedEnd), ("// c\n1", .unexpectedOctet), ("'a'", .unexpectedOctet), ("NaN", .unexpectedOctet),
        ("Infinity", .unexpectedOctet),
        ("\u{EF}\u{BB}\u{BF}1", .unexpectedOctet), ("\u{0C}1", .unexpectedOctet), ("1\u{0}", .unexpectedOctet),
        ("01", .invalidNumber), ("-", .invalidNumber), ("+1", .unexpectedOctet), ("1.", .invalidNumber), (".5", .unexpectedOctet),
        ("1e", .invalidNumber),
        ("1e+", .invalidNumber), ("-01", .invalidNumber), ("1e999", .invalidNumber), ("0x1", .unexpectedOctet), ("1_0", .unexpectedOctet),
        ("\"a", .unexpectedEnd), ("\"\n\"", .controlInString), ("\"\u{0}\"", .controlInString), ("\"\\x41\"", .invalidEscape),
        ("\"\\u12\"", .invalidEscape),
        ("\"\\u12G4\"", .invalidEscape), ("\"\\ud800\"", .invalidEscape), ("\"\\ud800\\u0041\"", .invalidEscape),
        ("\"\\udc00\"", .invalidEscape),
        ("\"\\ud800\\n\"", .invalidEscape), ("\"\\\"", .unexpectedEnd), ("\"\\u", .unexpectedEnd),
        ("\"\u{80}\"", .invalidUTF8), ("\"\u{C0}\u{AF}\"", .invalidUTF8), ("\"\u{ED}\u{A0}\u{80}\"", .invalidUTF8),
        ("\"\u{E0}\u{80}\u{AF}\"", .invalidUTF8),
        ("\"\u{F4}\u{90}\u{80}\u{80}\"", .invalidUTF8), ("\"\u{E2}\u{82}\"", .invalidUTF8), ("\"\u{FF}\"", .invalidUTF8),
        ("{\"a\":1,\"a\":1}", .duplicateMember), ("{\"a\":1,\"\\u0061\":2}", .duplicateMember),
        ("{\"x\":{\"a\":1,\"b\":2,\"a\":3}}", .duplicateMember),
    ]

    @Test("rule 52: what is not exactly JSON, or says a thing twice, is refused", arguments: refused)
    func refuses(_ text: String, _ reason: JSONError.Reason) {
        #expect(throws: JSONError.self) { try JSON.parse(octets(text)) }
        do throws(JSONError) { _ = try JSON.parse(octets(text)) } catch { #expect(error.reason == reason) }
    }

    @Test("rule 52: depth, size and members are bounded")
    func bounds() throws {
        func nested(_ depth: Int) -> [UInt8] { octets(String(repeating: "[", count: depth) + String(repeating: "]", count: depth)) }
        _ = try JSON.parse(nested(16))
        func reason(_ text: [UInt8], maxBytes: Int = 1 << 20) -> JSONError.Reason? {
            do throws(JSONError) { _ = try JSON.parse(text, maxBytes: maxBytes) } catch { return error.reason }
            return nil
        }
        #expect(reason(nested(17)) == .tooDeep)
        #expect(reason(Array(repeating: 0x5B, count: 100_000)) == .tooDeep)
        #expect(reason(octets(String(repeating: "{\"a\":", count: 17))) == .tooDeep)
        #expect(reason(octets("[1]"), maxBytes: 3) == nil)
        #expect(reason(octets("[12]"), maxBytes: 3) == .tooLarge)
        func members(_ count: Int) -> [UInt8] { octets("{" + (0..<count).map { "\"\($0)\":0" }.joined(separator: ",") + "}") }
        #expect(reason(members(256)) == nil)
        #expect(reason(members(257)) == .tooManyMembers)
    }

    @Test("members are found by name")
    func lookUp() throws {
        let value = try JSON.parse(octets("{\"username\":\"alice\",\"n\":3,\"e\":{}}"))
        #expect(value["username"]?.string.map { text($0) } == "alice")
        #expect(value["n"]?.integer == 3)
        #expect(value["user"] == nil)
        #expect(value["username"]?["x"] == nil)
    }

    static let strings: [(String, String)] = [
        ("", "\"\""), ("a b", "\"a b\""), ("\"\\/", "\"\\\"\\\\/\""), ("\u{0}\n\u{1F}\u{7F}", "\"\\u0000\\u000a\\u001f\\u007f\""),
        ("\u{C3}\u{A9}", "\"\u{C3}\u{A9}\""), ("\u{FF}a\u{C3}", "\"\\ufffda\\ufffd\""), ("\u{ED}\u{A0}\u{80}", "\"\\ufffd\\ufffd\\ufffd\""),
    ]

    @Test("rule 46: no input ends a string or a line of the log", arguments: strings)
    func writes(_ input: String, _ expected: String) throws {
        let out = Buffer()
        JSONWriter.appendString(octets(input), to: out)
        #expect(text(rest(out)) == expected)
        let source = Buffer()
        source.append(octets("xx" + input))
        out.removeAll()
        JSONWriter.appendString(source, ByteRange(offset: 2, count: source.count - 2), to: out)
        #expect(text(rest(out)) == expected)
    }
}
