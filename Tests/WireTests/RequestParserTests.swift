import Testing
import Wire

struct RequestParserTests {
    /// Text, then `method host path?query framing flags`.
    static let accepted: [(String, String)] = [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET a / none keepAlive"),
        ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nrest", "GET a / none keepAlive"),
        ("GET /x HTTP/1.0\r\n\r\n", "GET  /x none"),
        ("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET  /x none"),
        ("GET http://b:80/x HTTP/1.0\r\n\r\n", "GET b:80 /x none"),
        ("POST /p HTTP/1.1\r\nhOST:\t a.example:8080 \t\r\ncontent-length: 5\r\n\r\nhello", "POST a.example:8080 /p 5 keepAlive"),
        ("POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 000000000000000005\r\n\r\n", "POST a /p 5 keepAlive"),
        ("POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ChunKed\r\n\r\n", "POST a /p chunked keepAlive"),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "GET a / 3 keepAlive"),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET a / none"),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: Keep-Alive, ,CLOSE,\r\n\r\n", "GET a / none"),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: x-user-id\r\nConnection: close\r\n\r\n", "GET a / none options"),
        ("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "GET a / none keepAlive options wantsUpgrade"),
        ("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", "GET a / none keepAlive"),
        ("GET / HTTP/1.0\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "GET a / none options"),
        ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-Continue\r\n\r\n", "PUT a / 1 expectsContinue keepAlive"),
        ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n", "PUT a / 0 keepAlive"),
        ("PUT / HTTP/1.0\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n", "PUT a / 1"),
        ("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", "PUT a / none keepAlive unknownExpectation"),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS a * none asterisk keepAlive"),
        ("OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS a * none asterisk keepAlive"),
        ("OPTIONS http://a? HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS a /? none keepAlive"),
        ("CONNECT a:443 HTTP/1.1\r\nHost: A:443\r\n\r\n", "CONNECT a:443  none keepAlive"),
        ("GET HTTP://A.b/x?y HTTP/1.1\r\nHost: a.B\r\n\r\n", "GET A.b /x?y none keepAlive"),
        ("GET https://a?q=1 HTTP/1.1\r\nHost: a\r\n\r\n", "GET a /?q=1 none keepAlive"),
        ("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", "GET a / none keepAlive"),
        ("M!#$%&'*+-.^_`|~9 / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "M!#$%&'*+-.^_`|~9 [::1]:80 / none keepAlive"),
        ("get / HTTP/1.1\r\nHost: my_service.\r\nX:\r\nY: \t\r\nZ: a\tb \u{FF}\u{80}\r\n\r\n", "get my_service. / none keepAlive"),
    ]

    @Test("a Connection option is known in any case, and one octet makes it another", arguments: ["close", "keep-alive", "upgrade"])
    func options(_ option: String) {
        for place in 0..<option.utf8.count {
            for octet in UInt8.min...UInt8.max where octet != UInt8(ascii: ",") && octet != 0x20 && octet != 0x09 {
                var other = Array(option.utf8)
                other[place] = octet
                let input = octets("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: ") + other + octets("\r\n\r\n")
                let flags = request(input).head?.flags
                guard FieldSyntax.isToken(other) else {
                    #expect(flags == nil, "\(other)")
                    continue
                }
                switch String(decoding: other, as: UTF8.self).lowercased() {
                case "close": #expect(flags == [], "\(other)")
                case "keep-alive": #expect(flags == ["keepAlive"], "\(other)")
                case "upgrade": #expect(flags == ["keepAlive", "options", "wantsUpgrade"], "\(other)")
                default: #expect(flags == ["keepAlive", "options"], "\(other)")
                }
            }
        }
    }

    @Test("what a request says is read alike, however it is cut", arguments: accepted)
    func acceptsWell(_ input: String, _ expected: String) throws {
        let outcome = try #require(always(octets(input)) { request($0, $1) })
        let head = try #require(outcome.head, "refused: \(outcome)")
        #expect(summary(head) == expected)
    }

    func summary(_ head: PlainRequest) -> String {
        let framing =
            switch head.framing {
            case .none: "none"
            case .chunked: "chunked"
            case .untilClose: "untilClose"
            case .length(let length): "\(length)"
            }
        let target = head.path + (head.query.map { "?" + $0 } ?? "")
        return ([head.method, head.host, target, framing] + head.flags.sorted()).joined(separator: " ")
    }

    static let startLines: [(String, WireError.Reason)] = [
        ("\r\n\r\nGET / HTTP/1.1", .emptyLines),
        ("\nGET / HTTP/1.1", .bareLF),
        ("\rGET / HTTP/1.1", .bareCR),
        ("GET / HTTP/1.1\nHost: a\r\n", .bareLF),
        ("GET /\r HTTP/1.1", .bareCR),
        ("GET  / HTTP/1.1", .requestLineMalformed),
        ("GET /  HTTP/1.1", .versionMalformed),
        ("GET / HTTP/1.1 ", .versionMalformed),
        (" GET / HTTP/1.1", .requestLineMalformed),
        ("GET\t/ HTTP/1.1", .invalidMethod),
        ("GET /\tHTTP/1.1", .invalidTarget),
        ("GET /a b HTTP/1.1", .versionMalformed),
        ("GET /", .requestLineMalformed),
        ("GET", .requestLineMalformed),
        ("GE(T / HTTP/1.1", .invalidMethod),
        ("GET\u{0} / HTTP/1.1", .invalidMethod),
        ("G\u{C9}T / HTTP/1.1", .invalidMethod),
        ("GET / http/1.1", .versionMalformed),
        ("GET / HTTP/1", .versionMalformed),
        ("GET / HTTP/1.10", .versionMalformed),
        ("GET / HTTP/01.1", .versionMalformed),
        ("GET / HTTP/1,1", .versionMalformed),
        ("GET / HTTP/1.2", .versionUnsupported),
        ("GET / HTTP/2.0", .versionUnsupported),
        ("GET / HTTP/0.9", .versionUnsupported),
        ("PRI * HTTP/2.0", .versionUnsupported),
    ]

    @Test("rules 17 and 22: a start line that can be read in two ways is refused", arguments: startLines)
    func refusesStartLine(_ line: String, _ reason: WireError.Reason) {
        let input = octets(line + "\r\nHost: a\r\n\r\n")
        #expect(always(input) { request($0, $1) }?.reason == reason)
    }

    static let fieldLines: [(String, WireError.Reason)] = [
        ("Host: a\r\nX: b\n", .bareLF),
        ("Host: a\r\nX: b\rc\r\n", .bareCR),
        ("Host: a\r\nX\r: b\r\n", .bareCR),
        ("Host: a\r\nX: b\r\n c\r\n", .foldedLine),
        ("Host: a\r\nX: b\r\n\tc\r\n", .foldedLine),
        (" Host: a\r\n", .spaceBeforeFirstField),
        ("\tHost: a\r\n", .spaceBeforeFirstField),
        ("Host : a\r\n", .spaceInName),
        ("Host\t: a\r\n", .spaceInName),
        ("Ho st: a\r\n", .spaceInName),
        ("Host\r\n", .colonMissing),
        (": a\r\n", .emptyName),
        ("X(: a\r\n", .invalidName),
        ("X\u{0}: a\r\n", .invalidName),
        ("X\u{0B}: a\r\n", .invalidName),
        ("X\u{C4}: a\r\n", .invalidName),
        ("X\u{A0}: a\r\n", .invalidName),
        ("X: a\u{0}b\r\n", .controlInValue),
        ("X: a\u{0B}\r\n", .controlInValue),
        ("X: \u{0C}a\r\n", .controlInValue),
        ("X: 0123456789abcdef\u{7F}\r\n", .controlInValue),
        ("X: 0123456\t\t\t\t\u{1F}\r\n", .controlInValue),
    ]

    @Test("rules 14, 17 and 22: a field line that can be read in two ways is refused", arguments: fieldLines)
    func refusesFieldLine(_ lines: String, _ reason: WireError.Reason) {
        let input = octets("GET / HTTP/1.1\r\n" + lines + "\r\n")
        #expect(always(input) { request($0, $1) }?.reason == reason)
    }

    static let hosts: [(String, WireError.Reason)] =
        [
            ("GET / HTTP/1.1\r\n", .hostMissing),
            ("GET http://a/ HTTP/1.1\r\n", .hostMissing),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n", .hostRepeated),
            ("GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n", .hostRepeated),
            ("GET http://a/ HTTP/1.1\r\nHost: b\r\n", .hostDiffers),
            ("GET http://a:80/ HTTP/1.1\r\nHost: a\r\n", .hostDiffers),
            ("GET http://a/ HTTP/1.0\r\nHost: b\r\n", .hostDiffers),
            ("CONNECT a:443 HTTP/1.1\r\nHost: b:443\r\n", .hostDiffers),
        ]
        + [
            "", "a b", "a,b", "a/b", "u@a", "a:", "a:x", "a:65536", "a:123456", "a:-1", "a..b", ".a", "[::1", "[::g]", "[::1]x", "::1", "a%41",
            "a#", "a?", "[1.2.3.4]", "h\u{F6}st", String(repeating: "a", count: 273),
        ].map { ("GET / HTTP/1.1\r\nHost: \($0)\r\n", .invalidHost) }

    @Test("rules 9 and 11: one valid Host, and no other name for the same request", arguments: hosts)
    func refusesHost(_ head: String, _ reason: WireError.Reason) {
        #expect(always(octets(head + "\r\n")) { request($0, $1) }?.reason == reason)
    }

    static let framings: [(String, WireError.Reason)] = [
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", .lengthAndCoding),
        ("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", .lengthAndCoding),
        ("Content-Length: 5\r\nContent-Length: 5\r\n", .lengthRepeated),
        ("Content-Length: 5\r\ncontent-length: 6\r\n", .lengthRepeated),
        ("Content-Length: 5, 5\r\n", .invalidLength),
        ("Content-Length:\r\n", .invalidLength),
        ("Content-Length: +5\r\n", .invalidLength),
        ("Content-Length: -5\r\n", .invalidLength),
        ("Content-Length: 0x5\r\n", .invalidLength),
        ("Content-Length: 1 2\r\n", .invalidLength),
        ("Content-Length: 1_2\r\n", .invalidLength),
        ("Content-Length: 5.\r\n", .invalidLength),
        ("Content-Length: \u{B2}\r\n", .invalidLength),
        ("Content-Length: 1234567890123456789\r\n", .invalidLength),
        ("Content-Length: 18446744073709551621\r\n", .invalidLength),
        ("Transfer-Encoding: gzip, chunked\r\n", .codingUnsupported),
        ("Transfer-Encoding: gzip\r\n", .codingUnsupported),
        ("Transfer-Encoding: identity\r\n", .codingUnsupported),
        ("Transfer-Encoding: xchunked\r\n", .codingUnsupported),
        ("Transfer-Encoding: chunkedx\r\n", .codingUnsupported),
        ("Transfer-Encoding: chunked, chunked\r\n", .invalidCoding),
        ("Transfer-Encoding: chunked, gzip\r\n", .invalidCoding),
        ("Transfer-Encoding: chunked,\r\n", .invalidCoding),
        ("Transfer-Encoding: ,chunked\r\n", .invalidCoding),
        ("Transfer-Encoding:\r\n", .invalidCoding),
        ("Transfer-Encoding: chunked;a=b\r\n", .invalidCoding),
        ("Transfer-Encoding: \"chunked\"\r\n", .invalidCoding),
        ("Transfer-Encoding: \u{0B}chunked\r\n", .controlInValue),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", .codingRepeated),
        ("Connection: a b\r\n", .invalidConnection),
        ("Connection: close;x\r\n", .invalidConnection),
        ("Connection: " + String(repeating: "a,", count: 32) + "b\r\n", .tooManyOptions),
        ("Connection: " + String(repeating: ",", count: 32) + "\r\n", .tooManyOptions),
        (String(repeating: "Connection: a\r\n", count: 33), .tooManyOptions),
    ]

    @Test("rules 14, 15 and 20: a doubtful framing is refused, for every method", arguments: framings, ["GET", "POST", "HEAD"])
    func refusesFraming(_ framing: (String, WireError.Reason), _ method: String) {
        let input = octets("\(method) / HTTP/1.1\r\nHost: a\r\n\(framing.0)\r\n")
        #expect(always(input) { request($0, $1) }?.reason == framing.1)
    }

    @Test("rule 15: HTTP/1.0 has no transfer codings")
    func refusesCodingInHTTP10() {
        let input = octets("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        #expect(always(input) { request($0, $1) }?.reason == .codingInHTTP10)
    }

    @Test(
        "rule 12: each method has its own forms of a target",
        arguments: [
            "GET * HTTP/1.1", "GET a:80 HTTP/1.1", "GET a HTTP/1.1", "CONNECT / HTTP/1.1", "CONNECT http://a/ HTTP/1.1",
            "GET ftp://a/ HTTP/1.1",
            "OPTIONS *x HTTP/1.1", "GET ?x HTTP/1.1", "GET http:/a HTTP/1.1",
        ])
    func refusesForm(_ line: String) {
        #expect(always(octets(line + "\r\nHost: a\r\n\r\n")) { request($0, $1) }?.reason == .targetForm)
    }

    @Test(
        "an absolute target has a host and nothing in front of it",
        arguments: [
            "http:///x", "http://u@a/", "http://u:p@a/", "http://a:/", "http://?x", "http://", "http://a\\b/", "http://a b",
        ])
    func refusesAuthority(_ target: String) {
        let reason = always(octets("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n")) { request($0, $1) }?.reason
        #expect(reason == (target.contains(" ") ? .versionMalformed : .targetAuthority))
    }

    static let expectations: [(String, Bool, Bool)] = [
        ("1.1\r\nContent-Length: 1\r\nExpect: 100-continue", true, false),
        ("1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-CONTINUE", true, false),
        ("1.1\r\nExpect: 100-continue", false, false), ("1.1\r\nContent-Length: 0\r\nExpect: 100-continue", false, false),
        ("1.0\r\nContent-Length: 1\r\nExpect: 100-continue", false, false),
        ("1.1\r\nContent-Length: 1\r\nExpect: 100-continue, x", false, true),
        ("1.1\r\nContent-Length: 1\r\nExpect:", false, true), ("1.1\r\nContent-Length: 1\r\nExpect: 100-continue\r\nExpect: x", true, true),
    ]

    @Test("rule 21: only content that is announced is asked for, and no other expectation passes unseen", arguments: expectations)
    func expectation(_ head: String, _ expectsContinue: Bool, _ isUnknown: Bool) throws {
        let outcome = try #require(always(octets("POST / HTTP/\(head)\r\nHost: a\r\n\r\n")) { request($0, $1) })
        let flags = try #require(outcome.head).flags
        #expect(flags.contains("expectsContinue") == expectsContinue)
        #expect(flags.contains("unknownExpectation") == isUnknown)
    }

    @Test("statuses: what a server has to answer")
    func statuses() {
        let expected: [WireError.Reason: Int] = [
            .startLineTooLong: 414, .fieldsTooLarge: 431, .tooManyFields: 431, .trailersTooLarge: 431, .tooManyTrailers: 431,
            .codingUnsupported: 501, .versionUnsupported: 505,
        ]
        for reason in WireError.Reason.allCases {
            #expect(WireError(reason).status == expected[reason] ?? 400)
            #expect(reason.rawValue.hasSuffix("."))
        }
    }

    @Test("an error says in which line it was found")
    func linesInErrors() {
        guard case .refused(let error) = request(octets("GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n")) else {
            Issue.record("accepted")
            return
        }
        #expect(error.line == 3)
        #expect(error.description == "White space stands in or behind a field name. (line 3 of the head)")
    }
}
