import Access
import Loop
import Testing
import Wire

@testable import Gateway

/// What goes on and what ends here, octet for octet.
@Suite("HeaderPolicy")
struct HeaderPolicyTests {
    /// Parses `request` and writes it as the upstream would get it; without the fields that every request gets.
    private func written(
        _ request: String, as identity: Identity? = nil, peer: String = "192.0.2.1:7", stripsBearer: Bool = false,
        _ tune: @escaping @Sendable (inout Tuning) -> Void = { _ in }
    ) async throws -> [String] {
        try await onLoop { loop in
            let configuration = try plainConfiguration(tune)
            let exchange = try SocketPair(loop: loop).exchange(configuration: configuration, peer: peer)
            try exchange.parse(request)
            let out = Buffer()
            HeaderPolicy(configuration: configuration).writeRequest(
                exchange, as: identity, stripsBearer: stripsBearer, server: Array("up:9".utf8), to: out)
            let text = String(decoding: out.array(ByteRange(offset: 0, count: out.count)), as: UTF8.self)
            #expect(text.hasSuffix("\r\n\r\n"))
            return text.pieces("\r\n").dropLast(2)
        }
    }

    private static let id = "0000000000000abc" + "e220a8397b1dcdaf"

    /// What stands behind the client's own fields.
    private static func tail(_ host: String = "a", address: String = "192.0.2.1", via: String = "1.1") -> [String] {
        [
            "traceparent: 00-\(id)-e220a8397b1dcdaf-00", "X-Request-Id: \(id)", "X-Forwarded-For: \(address)", "X-Forwarded-Proto: http",
            "X-Forwarded-Host: \(host)", "Via: \(via) gatehouse-0123",
        ]
    }

    private func alice() throws -> Identity {
        try Identity(
            userID: UserID("101"), username: Array("alice".utf8), role: Array("admin".utf8), method: .token(jti: []), expiresAt: 1)
    }

    @Test("The request line and Host are written anew from what was judged")
    func requestLine() async throws {
        for (line, start) in [
            ("GET /a/./%7eb//c?x=%2F HTTP/1.1", "GET /a/~b/c?x=%2F HTTP/1.1"), ("BREW /pot HTTP/1.1", "BREW /pot HTTP/1.1"),
            ("OPTIONS * HTTP/1.1", "OPTIONS * HTTP/1.1"), ("GET http://a/x HTTP/1.1", "GET /x HTTP/1.1"),
        ] {
            #expect(try await written("\(line)\r\nHost: a\r\n\r\n") == [start, "Host: a"] + Self.tail())
        }
        #expect(
            try await written("GET / HTTP/1.0\r\n\r\n") == ["GET / HTTP/1.1", "Host: up:9"]
                + Self.tail(via: "1.0").filter { !$0.hasPrefix("X-Forwarded-Host") })
    }

    @Test(
        "rules 1 to 4: of each identity header the upstream sees one, ours, whatever the client sends",
        arguments: [
            "X-User-Id: 1\r\n", "x-user-id: 1\r\nX-USER-ID: 2\r\n", "X_User_Id: 1\r\n", "x.user.id: 1\r\n", "XUserId: 1\r\n",
            "X-User--Id: 1\r\n",
            "X-User-Id_: 1\r\n", "X-User-Name: eve\r\nX_USER_ROLE: root\r\n", "Connection: X-User-Id\r\n",
            "Connection: close, x-user-id, X-User-Role\r\nX-User-Id: 7\r\n",
        ])
    func identity(_ fields: String) async throws {
        let request = "GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n"
        let ours = ["X-User-Id: 101", "X-User-Name: alice", "X-User-Role: admin"]
        #expect(try await written(request, as: alice()) == ["GET / HTTP/1.1", "Host: a"] + Self.tail() + ours)
        #expect(try await written(request) == ["GET / HTTP/1.1", "Host: a"] + Self.tail())
    }

    @Test(
        "rule 5: fields that name another client, path or method end here",
        arguments: [
            "X-Forwarded-For: 1.2.3.4", "X_Forwarded_For: 1.2.3.4", "Forwarded: for=1.2.3.4", "X-Real-IP: 1.2.3.4", "X-Original-URL: /admin",
            "X-Rewrite-URL: /admin", "X-HTTP-Method-Override: DELETE", "X-Forwarded-Prefix: /x", "X-Forwarded-Host: evil",
            "X-Forwarded-Proto: https",
            "X-Forwarded-User: root", "X-Request-Id: mine", "Content_Length: 3", "Transfer_Encoding: chunked",
        ])
    func forwarding(_ field: String) async throws {
        #expect(try await written("GET / HTTP/1.1\r\nHost: a\r\n\(field)\r\n\r\n") == ["GET / HTTP/1.1", "Host: a"] + Self.tail())
    }

    @Test(
        "Hop-by-hop fields, and those that Connection names, end here (RFC 9110 7.6.1)",
        arguments: [
            "Connection: keep-alive", "Keep-Alive: timeout=5", "TE: trailers", "Trailer: X-T", "Proxy-Connection: keep-alive",
            "Proxy-Authorization: Basic x", "HTTP2-Settings: AAA", "Connection: x-a\r\nX-A: 1", "Connection: close, X-a\r\nx-A: 1\r\nX-A: 2",
            "Upgrade: h2c",
        ])
    func hopByHop(_ fields: String) async throws {
        #expect(
            try await written("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\nX-B: 1\r\n\r\n")
                == ["GET / HTTP/1.1", "Host: a", "X-B: 1"] + Self.tail())
    }

    @Test(
        "rule 45: the gateway's credentials end here, others go on",
        arguments: [
            ("Cookie: session_id=s; a=b; token=t", ["Cookie: a=b"]), ("Cookie: session_id=s", []),
            ("Cookie: a=1\r\nCookie: b=2", ["Cookie: a=1; b=2"]),
            ("Cookie: Session_Id=s", ["Cookie: Session_Id=s"]), ("Authorization: Bearer x", []), ("Authorization: bEARER x", []),
            ("Authorization: Basic x", ["Authorization: Basic x"]),
            ("Authorization: Basic x\r\nAuthorization: Bearer y", ["Authorization: Basic x"]),
        ])
    func credentials(_ fields: String, _ kept: [String]) async throws {
        let request = "GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\r\n"
        let lines = try await written(request, stripsBearer: true)
        #expect(lines.filter { $0.hasPrefix("Cookie") || $0.hasPrefix("Authorization") } == kept)
    }

    @Test("A bearer goes on where it is not the gateway's to judge")
    func foreignBearer() async throws {
        let lines = try await written("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n\r\n")
        #expect(lines.contains("Authorization: Bearer x"))
    }

    @Test(
        "Content is announced once, in our words",
        arguments: [
            ("Content-Length: 007", "Content-Length: 7"), ("content-length: 0", "Content-Length: 0"),
            ("Transfer-Encoding: Chunked", "Transfer-Encoding: chunked"), ("Content-Length: 3\r\nExpect: 100-continue", "Content-Length: 3"),
        ])
    func framing(_ fields: String, _ line: String) async throws {
        #expect(
            try await written("POST / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\r\n") == ["POST / HTTP/1.1", "Host: a"] + Self.tail() + [line])
    }

    @Test("A trusted proxy's word about client, scheme and host is passed on, and nobody else's")
    func trusted() async throws {
        let request =
            "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: b.example\r\n\r\n"
        let lines = try await written(request, peer: "10.0.0.1:7") { $0.trustedProxies = [CIDR(Array("10.0.0.0/8".utf8))].compactMap { $0 } }
        #expect(lines.contains("X-Forwarded-For: 203.0.113.9, 10.0.0.1"))
        #expect(lines.contains("X-Forwarded-Proto: https"))
        #expect(lines.contains("X-Forwarded-Host: b.example"))
        let other = try await written(request, peer: "192.0.2.1:7") { $0.trustedProxies = [CIDR(Array("10.0.0.0/8".utf8))].compactMap { $0 } }
        #expect(Array(other.dropFirst(2)) == Self.tail())
    }

    @Test(
        "The client is the last address that no trusted proxy has",
        arguments: [
            ("192.0.2.1:7", "X-Forwarded-For: 1.2.3.4", "192.0.2.1"), ("10.0.0.1:7", "X-A: b", "10.0.0.1"),
            ("10.0.0.1:7", "X-Forwarded-For: 1.2.3.4", "1.2.3.4"), ("10.0.0.1:7", "X-Forwarded-For: 6.6.6.6, 1.2.3.4", "1.2.3.4"),
            ("10.0.0.1:7", "X-Forwarded-For: 1.2.3.4 ,\t10.9.9.9", "1.2.3.4"), ("10.0.0.1:7", "X-Forwarded-For: 6.6.6.6, nonsense", "10.0.0.1"),
            ("10.0.0.1:7", "X-Forwarded-For: 1.2.3.4, evil, 10.2.2.2", "10.2.2.2"),
            ("10.0.0.1:7", "X-Forwarded-For: 10.3.3.3, 10.2.2.2", "10.3.3.3"),
            ("10.0.0.1:7", "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 5.6.7.8", "5.6.7.8"),
            ("10.0.0.1:7", "X-Forwarded-For: 2001:db8::1", "2001:db8::1"),
            ("10.0.0.1:7", "X_Forwarded_For: 1.2.3.4", "10.0.0.1"),
        ])
    func clientAddress(_ peer: String, _ field: String, _ expected: String) async throws {
        let text = try await onLoop { loop in
            let configuration = try plainConfiguration { $0.trustedProxies = [CIDR(Array("10.0.0.0/8".utf8))].compactMap { $0 } }
            let exchange = try SocketPair(loop: loop).exchange(configuration: configuration, peer: peer)
            try exchange.parse("GET / HTTP/1.1\r\nHost: a\r\n\(field)\r\n\r\n")
            let out = Buffer()
            HeaderPolicy(configuration: configuration).clientAddress(of: exchange).append(to: out)
            return String(decoding: out.array(ByteRange(offset: 0, count: out.count)), as: UTF8.self)
        }
        #expect(text == expected)
    }

    @Test(
        "A request that has been here is known by its Via",
        arguments: [
            ("1.1 gatehouse-0123", true), ("1.0 other, 1.1 gatehouse-0123 (x)", true), ("1.1 a\r\nVia: 1.1\tgatehouse-0123", true),
            ("1.1 gatehouse-01234", false), ("gatehouse-0123", false), ("1.1 Gatehouse-0123", false),
        ])
    func via(_ value: String, _ hasPassed: Bool) async throws {
        let found = try await onLoop { loop in
            let configuration = try plainConfiguration()
            let exchange = try SocketPair(loop: loop).exchange()
            try exchange.parse("GET / HTTP/1.1\r\nHost: a\r\nVia: \(value)\r\n\r\n")
            return HeaderPolicy(configuration: configuration).hasPassedHere(exchange)
        }
        #expect(found == hasPassed)
    }

    @Test(
        "A well-formed traceparent goes on with its state; anything else begins a trace",
        arguments: [
            ("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\ntracestate: a=1\r\ntracestate: b=2", true),
            ("traceparent: 00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01\r\ntracestate: a=1", false),
            ("traceparent: 00-00000000000000000000000000000000-b7ad6b7169203331-01", false),
            ("traceparent: 00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false),
            ("traceparent: 01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x\r\ntracestate: a=1", true),
            ("traceparent: ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\ntracestate: a=1", false),
            ("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x", false),
            ("traceparent: 00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01", false), ("traceparent: ", false),
            (
                "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                false
            ),
        ])
    func trace(_ fields: String, _ goesOn: Bool) async throws {
        let lines = try await written("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\r\n").filter { $0.hasPrefix("trace") }
        #expect(lines == (goesOn ? fields.pieces("\r\n") : [Self.tail()[0]]))
    }

    // MARK: Towards the client

    private func answered(
        _ response: String, method: Method = .get, framing: BodyFraming? = nil, closes: Bool = false
    ) async throws -> String {
        try await onLoop { loop in
            let configuration = try plainConfiguration()
            let exchange = try SocketPair(loop: loop).exchange()
            try exchange.parse("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            var parser = ResponseParser(limits: HeadLimits())
            let head = ResponseHead()
            let input = Buffer()
            input.append(text: response)
            #expect(try parser.parse(input, answering: method, into: head))
            let out = Buffer()
            HeaderPolicy(configuration: configuration).writeResponse(
                head, to: exchange, framing: framing ?? head.framing, closes: closes, out: out)
            return String(decoding: out.array(ByteRange(offset: 0, count: out.count)), as: UTF8.self)
        }
    }

    private static let ours = "X-Request-Id: \(id)\r\nVia: 1.1 gatehouse-0123\r\n"

    @Test("A response's head, octet for octet")
    func response() async throws {
        #expect(
            try await answered(
                "HTTP/1.1 200 Fine\r\nA: b\r\nContent-Length: 03\r\nConnection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nX-Request-Id: theirs\r\n\r\n"
            )
                == "HTTP/1.1 200 Fine\r\nA: b\r\n\(Self.ours)Content-Length: 3\r\n\r\n")
        #expect(
            try await answered("HTTP/1.1 200\r\n\r\n", framing: .chunked, closes: true)
                == "HTTP/1.1 200 \r\n\(Self.ours)Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
        #expect(
            try await answered("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", method: .head)
                == "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\(Self.ours)\r\n")
        #expect(try await answered("HTTP/1.1 103 Early\r\nLink: x\r\n\r\n") == "HTTP/1.1 103 Early\r\nLink: x\r\n\r\n")
    }

    @Test(
        "No Content-Length goes with 204 or an interim response (RFC 9110 8.6)", arguments: [("204 No Content", ours), ("102 Processing", "")])
    func lengthWithoutContent(_ status: String, _ ours: String) async throws {
        #expect(try await answered("HTTP/1.1 \(status)\r\nContent-Length: 0\r\n\r\n") == "HTTP/1.1 \(status)\r\n\(ours)\r\n")
    }

    @Test(
        "rule 38: no upstream gives out the gateway's cookies, in no spelling that a browser takes for them (RFC 6265bis 5.6)",
        arguments: [
            ("session_id=evil; Path=/", false), ("token=evil", false), ("session_id =evil", false), ("session_id\t = evil", false),
            ("=session_id=evil", false), (" = session_id=evil", false), ("session_id", false), ("session_id; Path=/", false), ("token=", false),
            ("session_ids=1", true), ("Session_Id=1", true), ("a=session_id=1", true), ("x_session_id=1", true), ("a; session_id=1", true),
        ])
    func ownCookies(_ cookie: String, _ goesOn: Bool) async throws {
        let text = try await answered("HTTP/1.1 200 OK\r\nSet-Cookie: \(cookie)\r\nSet-Cookie: other=1\r\nContent-Length: 0\r\n\r\n")
        let line = "Set-Cookie: \(cookie.drop { $0 == " " })"
        #expect(text.pieces("\r\n").filter { $0.hasPrefix("Set-Cookie") } == (goesOn ? [line] : []) + ["Set-Cookie: other=1"])
    }
}
