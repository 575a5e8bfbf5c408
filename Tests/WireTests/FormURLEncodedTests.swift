import Testing
import Wire

struct FormURLEncodedTests {
    static let forms: [(String, [String])] = [
        ("", []), ("&&", []), ("a=b", ["a", "b"]), ("a", ["a", ""]), ("=b", ["", "b"]), ("a=", ["a", ""]), ("=", ["", ""]),
        ("a=b=c", ["a", "b=c"]),
        ("a=1&a=2", ["a", "1", "a", "2"]), ("&a=1&&b=2&", ["a", "1", "b", "2"]), ("a+b=c%20d+%2B", ["a b", "c d +"]),
        ("a=%41%c3%A9%00", ["a", "A\u{C3}\u{A9}\u{0}"]), ("a=100%", ["a", "100%"]), ("a=%zz%4", ["a", "%zz%4"]),
        ("a%3Db=c%26d", ["a=b", "c&d"]),
        ("a=%4&1=x", ["a", "%4", "1", "x"]),
    ]

    @Test("forms are read as the URL standard reads them", arguments: forms)
    func reads(_ input: String, _ expected: [String]) throws {
        let fields = try FormURLEncoded.parse(octets(input))
        #expect(fields.flatMap { [text($0.name), text($0.value)] } == expected)
    }

    @Test("the number of fields is bounded")
    func bounds() throws {
        #expect(try FormURLEncoded.parse(octets("a&b"), maxFields: 2).count == 2)
        #expect(throws: FormError.tooManyFields) { _ = try FormURLEncoded.parse(octets("a&b&c"), maxFields: 2) }
    }

    @Test("what is written is read again, each of the 256 octets")
    func roundTrip() throws {
        let all = Array(UInt8.min...UInt8.max)
        let out = Buffer()
        FormURLEncoded.append(all, to: out)
        #expect(try FormURLEncoded.parse(rest(out)).map(\.name) == [all])
        out.removeAll()
        FormURLEncoded.append(octets("/a b?c=d&e~*-._"), to: out)
        #expect(text(rest(out)) == "%2Fa+b%3Fc%3Dd%26e%7E*-._")
    }
}
