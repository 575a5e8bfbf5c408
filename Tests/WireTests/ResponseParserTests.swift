import Testing
import Wire

struct ResponseParserTests {
    static let accepted: [(String, Method, Int, BodyFraming, Bool)] = [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", .get, 200, .length(2), true),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", .get, 200, .chunked, true),
        ("HTTP/1.1 200 OK\r\n\r\n", .get, 200, .untilClose, false),
        ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", .get, 200, .length(0), false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n", .get, 200, .length(2), false),
        ("HTTP/1.0 200 OK\r\n\r\n", .get, 200, .untilClose, false),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", .head, 200, .none, true),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", .head, 200, .none, true),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", .get, 304, .none, true),
        ("HTTP/1.1 204 No Content\r\n\r\n", .get, 204, .none, true),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", .get, 204, .none, true),
        ("HTTP/1.1 100 Continue\r\n\r\n", .post, 100, .none, true),
        ("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", .get, 103, .none, true),
        ("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", .get, 200, .length(0), true),
        ("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", .get, 200, .length(0), true),
        ("HTTP/1.1 599 Caf\u{E9}\tau lait\r\nContent-Length: 0\r\n\r\n", .get, 599, .length(0), true),
    ]

    @Test("what a response says is read alike, however it is cut", arguments: accepted)
    func acceptsWell(_ input: String, _ method: Method, _ status: Int, _ framing: BodyFraming, _ keepAlive: Bool) throws {
        let outcome = try #require(always(octets(input)) { response($0, $1, answering: method) })
        let head = try #require(outcome.head, "\(outcome)")
        #expect(head.status == status)
        #expect(head.framing == framing)
        #expect(head.keepAlive == keepAlive)
    }

    static let refused: [(String, WireError.Reason)] = [
        ("HTTP/1.1 20 OK\r\n", .invalidStatus), ("HTTP/1.1 2000 OK\r\n", .statusLineMalformed), ("HTTP/1.1 099 OK\r\n", .invalidStatus),
        ("HTTP/1.1 600 OK\r\n", .invalidStatus), ("HTTP/1.1 +20 OK\r\n", .invalidStatus), ("HTTP/1.1 2x0 OK\r\n", .invalidStatus),
        ("HTTP/1.1  200 OK\r\n", .invalidStatus), ("HTTP/1.1\t200 OK\r\n", .statusLineMalformed),
        ("HTTP/1.1 200\tOK\r\n", .statusLineMalformed),
        ("HTTP/2.0 200 OK\r\n", .versionUnsupported), ("HTTP/1.2 200 OK\r\n", .versionUnsupported), ("http/1.1 200 OK\r\n", .versionMalformed),
        ("ICY 200 OK\r\n", .statusLineMalformed), ("\r\nHTTP/1.1 200 OK\r\n", .statusLineMalformed),
        ("HTTP/1.1 200 O\u{0}K\r\n", .invalidReason), ("HTTP/1.1 200 OK\u{7F}\r\n", .invalidReason), ("HTTP/1.1 200 O\rK\r\n", .bareCR),
        ("HTTP/1.1 200 OK\n", .bareLF),
        ("HTTP/1.1 200 OK\r\nX : a\r\n", .spaceInName), ("HTTP/1.1 200 OK\r\n X: a\r\n", .spaceBeforeFirstField),
        ("HTTP/1.1 200 OK\r\nX: a\r\n b\r\n", .foldedLine), ("HTTP/1.1 200 OK\r\nX: a\nY: b\r\n", .bareLF),
        ("HTTP/1.1 200 OK\r\nX: a\rb\r\n", .bareCR), ("HTTP/1.1 200 OK\r\nX: a\u{0}\r\n", .controlInValue),
        ("HTTP/1.1 200 OK\r\n: a\r\n", .emptyName), ("HTTP/1.1 200 OK\r\nX@: a\r\n", .invalidName),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n", .lengthAndCoding),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n", .lengthRepeated),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1,1\r\n", .invalidLength), ("HTTP/1.1 200 OK\r\nContent-Length: +1\r\n", .invalidLength),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n", .codingUnsupported),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", .codingRepeated),
        ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n", .codingInHTTP10),
        ("HTTP/1.1 204 OK\r\nTransfer-Encoding: chunked\r\n", .codingForbidden),
        ("HTTP/1.1 100 OK\r\nTransfer-Encoding: chunked\r\n", .codingForbidden),
        ("HTTP/1.1 204 OK\r\nContent-Length: 1\r\n", .lengthForbidden), ("HTTP/1.1 101 OK\r\nContent-Length: 1\r\n", .lengthForbidden),
    ]

    @Test("rules 14 to 17: an upstream's answer is held to the same", arguments: refused)
    func refuses(_ head: String, _ reason: WireError.Reason) {
        #expect(always(octets(head + "\r\n")) { response($0, $1) }?.reason == reason)
    }
}
