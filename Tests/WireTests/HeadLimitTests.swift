import Testing
import Wire

struct HeadLimitTests {
    static let limits = HeadLimits(startLine: 30, bytes: 40, fields: 3)

    static let heads: [(String, WireError.Reason?)] = [
        // 30 octets with their CRLF, then 31.
        ("GET /0123456789abcd HTTP/1.1\r\nHost: a\r\n\r\n", nil),
        ("GET /0123456789abcde HTTP/1.1\r\nHost: a\r\n\r\n", .startLineTooLong),
        ("GET /0123456789abcdefghijklmnopqrstuvwxyz", .startLineTooLong),
        // 40 octets of fields with the empty line, then 41.
        ("GET / HTTP/1.1\r\nHost: a\r\nX: 012345678901234567890123\r\n\r\n", nil),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: 0123456789012345678901234\r\n\r\n", .fieldsTooLarge),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: 01234567890123456789012345678901234567890", .fieldsTooLarge),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nY: 2\r\n\r\n", nil),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nY: 2\r\nZ: 3\r\n\r\n", .tooManyFields),
    ]

    @Test("rule 23: a head is bounded in size and in fields, also while it is incomplete", arguments: heads)
    func boundsRequests(_ head: String, _ reason: WireError.Reason?) throws {
        let outcome = try #require(always(octets(head)) { request($0, $1, limits: HeadLimitTests.limits) })
        #expect(outcome.reason == reason)
        #expect((outcome.head == nil) == (reason != nil))
    }

    @Test("rule 23: a response head is bounded likewise")
    func boundsResponses() {
        let long = octets("HTTP/1.1 200 " + String(repeating: "x", count: 40))
        #expect(always(long) { response($0, $1, limits: HeadLimitTests.limits) }?.reason == .startLineTooLong)
        let many = octets("HTTP/1.1 200 OK\r\nA: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\n\r\n")
        #expect(always(many) { response($0, $1, limits: HeadLimitTests.limits) }?.reason == .tooManyFields)
        let large = octets("HTTP/1.1 200 OK\r\nA: " + String(repeating: "x", count: 50))
        #expect(always(large) { response($0, $1, limits: HeadLimitTests.limits) }?.reason == .fieldsTooLarge)
    }

    @Test("pipelined heads leave the parser one after the other, and the memory of one serves the next")
    func pipelining() throws {
        let input = Buffer()
        for index in 0..<100 { input.append(text: "GET /\(index)//x HTTP/1.1\r\nHost: a\r\nX-N: \(index)\r\n\r\n") }
        var parser = RequestParser(limits: HeadLimits())
        let head = RequestHead()
        for index in 0..<100 {
            #expect(try parser.parse(input, into: head))
            #expect(text(head.bytes, head.path) == "/\(index)/x")
            #expect(plain(head.fields, head.bytes)[1] == PlainField(name: "X-N", value: "\(index)"))
        }
        #expect(input.isEmpty)
        #expect(try !parser.parse(input, into: head))
    }

    @Test("a head is looked up by id, and Connection by name")
    func lookUps() throws {
        let input = Buffer()
        input.append(
            "GET / HTTP/1.1\r\nHost: a\r\nCookie: x=1\r\nCookie: y=2\r\nX-User-Id: 1\r\nConnection: close, x-USER-id\r\nX-User: 2\r\n\r\n")
        var parser = RequestParser(limits: HeadLimits())
        let head = RequestHead()
        #expect(try parser.parse(input, into: head))
        #expect(head.value(of: .cookie).map { text(head.bytes, $0) } == "x=1")
        #expect(head.count(of: .cookie) == 2)
        #expect(head.value(of: .authorization) == nil)
        #expect(head.fields.map { head.connectionNames($0.name) } == [false, false, false, true, false, false])
        #expect(head.hasConnectionOptions)
    }
}
