import Testing
import Wire

struct FieldNameTests {
    static func name(_ id: FieldName) -> [UInt8] { id.text.withUTF8Buffer { unsafe Array($0) } }

    @Test("every name is found by its text, whatever its case, and by nothing near it")
    func interning() {
        for id in FieldName.allCases where id != .other {
            let name = FieldNameTests.name(id)
            #expect(FieldName(name) == id)
            #expect(FieldName(name.map { $0 >= 0x61 && $0 <= 0x7A ? $0 - 0x20 : $0 }) == id)
            #expect(FieldName(name + [0x61]) == .other)
            for index in name.indices {
                // 0x2D ^ 0x20 is CR: folding by one bit must not reach it.
                for flipped in [name[index] ^ 0x40, name[index] ^ 0x80, name[index] == 0x2D ? 0x0D : 0x2D, 0x5F] where flipped != name[index] {
                    var other = name
                    other[index] = flipped
                    #expect(FieldName(other) == .other)
                }
            }
        }
        #expect(FieldName([]) == .other)
        #expect(FieldName([0x61]) == .other)
    }

    @Test("rule 3: what RFC 9110 7.6.1 names ends at this hop")
    func hopByHop() {
        let hopByHop = FieldName.allCases.filter(\.isHopByHop)
        #expect(
            hopByHop == [
                .connection, .transferEncoding, .upgrade, .te, .trailer, .keepAlive, .proxyConnection, .proxyAuthorization,
                .proxyAuthenticate, .proxyAuthenticationInfo, .http2Settings,
            ])
    }

    @Test("rule 22: tokens and values are told by their octets, each of the 256")
    func syntax() {
        let token = Set(octets("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"))
        for octet in UInt8.min...UInt8.max {
            #expect(FieldSyntax.isToken([0x61, octet]) == token.contains(octet))
            let isControl = octet < 0x20 && octet != 0x09 || octet == 0x7F
            // Behind every number of other octets: the scan goes by words of eight.
            for length in 0..<17 {
                let value = Array(repeating: UInt8(0xFF), count: length) + [octet] + Array(repeating: 0x09, count: 3)
                #expect(FieldSyntax.isValue(value) == !isControl)
            }
        }
        #expect(!FieldSyntax.isToken([]))
        #expect(FieldSyntax.isValue([]))
    }

    @Test("methods: which are safe, which may be repeated (RFC 9110 9.2)")
    func methods() {
        #expect(Method.allCases.filter(\.isSafe) == [.get, .head, .options, .trace])
        #expect(Method.allCases.filter(\.isIdempotent) == [.get, .head, .put, .delete, .options, .trace])
    }

    @Test("methods are case-sensitive and compared whole")
    func methodNames() throws {
        for (name, method) in [
            ("GET", Method.get), ("HEAD", .head), ("POST", .post), ("PUT", .put), ("DELETE", .delete), ("OPTIONS", .options),
            ("PATCH", .patch), ("TRACE", .trace), ("get", .other), ("GETS", .other), ("GEX", .other), ("G", .other),
        ] {
            let input = Buffer()
            input.append(text: "\(name) / HTTP/1.1\r\nHost: a\r\n\r\n")
            var parser = RequestParser(limits: HeadLimits())
            let head = RequestHead()
            #expect(try parser.parse(input, into: head))
            #expect(head.method == method)
        }
    }
}
