import Access
import Loop
import Secrets
import Testing

@testable import Gateway

/// What a client's connection may do and what it may not, over loopback.
@Suite("ClientConnection")
struct ClientConnectionTests {
    private static func ok() throws -> ScriptedUpstream {
        try ScriptedUpstream.answering { _ in "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" }
    }

    /// Sends `octets` and returns all that comes back, to a gateway whose upstream is never to be reached.
    private func answer(
        _ octets: String, closesSending: Bool = false, _ tune: (inout Tuning) -> Void = { _ in }
    ) async throws -> (text: String, end: BlockingSocket.End) {
        try await withGateway(to: nil, tune) { port in
            let client = BlockingSocket(port: port)
            defer { client.close() }
            client.send(octets)
            if closesSending { client.shutdownSending() }
            return client.readToEnd()
        }
    }

    @Test(
        "What no route is asked about is refused, and the connection closes when what follows could be misread",
        arguments: [
            ("GET / HTTP/1.1\r\n\r\n", 400, true), ("GET /../x HTTP/1.1\r\nHost: a\r\n\r\n", 400, true),
            ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, true),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, true),
            ("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 501, true), ("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405, true),
            ("GET / HTTP/1.1\r\nHost: a\r\nExpect: a-miracle\r\nConnection: close\r\n\r\n", 417, true),
            ("GET / HTTP/1.1\r\nHost: a\r\nVia: 1.1 gatehouse-0123\r\nConnection: close\r\n\r\n", 508, true),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 40_000))\r\n\r\n", 431, true),
            ("GET /\(String(repeating: "x", count: 9_000)) HTTP/1.1\r\nHost: a\r\n\r\n", 414, true),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000000\r\n\r\n", 413, true),
            ("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 502, true),
        ])
    func refused(_ request: String, _ status: Int, _ closes: Bool) async throws {
        let (text, end) = try await answer(request)
        #expect(text.hasPrefix("HTTP/1.1 \(status) "))
        #expect(text.contains("\r\nConnection: close\r\n") == closes)
        #expect(text.contains("\r\nCache-Control: no-store\r\n"))
        #expect(text.contains("\"status\":\(status)"))
        #expect(end == .closed)
        #expect(text.pieces("HTTP/1.1 ").count == 2)
    }

    @Test("rule 56: a head that never ends is answered 408, however it drips")
    func slowHead() async throws {
        let (text, end) = try await answer("GET / HTTP/1.1\r\nHost: a\r\nX: ") { $0.timeouts.head = 50 }
        #expect(text.hasPrefix("HTTP/1.1 408 "))
        #expect(end == .closed)
    }

    @Test("Content that follows a refused head meets no reset, which could take the answer away (RFC 9112 9.6)")
    func contentBehindRefusal() async throws {
        let ends = try await withGateway(to: nil) { port in
            let client = BlockingSocket(port: port)
            defer { client.close() }
            client.send("POST /%2F HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n")
            let (text, end) = client.readToEnd()
            // A reset would be there by the second of these.
            let isTaken = client.send(String(repeating: "x", count: 1_000)) && client.send(String(repeating: "x", count: 1_000))
            return (text.hasPrefix("HTTP/1.1 400 "), end == .closed, isTaken, client.receive(1).1 == .closed)
        }
        #expect(ends == (true, true, true, true))
    }

    @Test("rule 56: a client that says nothing is let go")
    func idle() async throws {
        let (text, end) = try await answer("") { $0.timeouts.idle = 50 }
        #expect(text.isEmpty && end == .closed)
    }

    @Test("rule 56: content that stalls is answered 408, and the upstream never takes it for a whole request")
    func slowContent() async throws {
        let upstream = try ScriptedUpstream { script in
            guard let connection = script.accept() else { return }
            script.hear(connection.readHead())
            let (text, end) = connection.readToEnd()
            script.hear("\(text) \(end)")
        }
        let text = try await withGateway(to: upstream, { $0.timeouts.body = 50 }) { port in
            let client = BlockingSocket(port: port)
            client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
            return client.readToEnd().text
        }
        #expect(text.hasPrefix("HTTP/1.1 408 "))
        #expect(try await upstream.finish().last?.hasSuffix("reset") == true)
    }

    @Test("A client that leaves in the middle of its content leaves no whole request behind")
    func clientLeaves() async throws {
        let upstream = try ScriptedUpstream { script in
            guard let connection = script.accept() else { return }
            script.hear(connection.readHead())
            script.hear("\(connection.readToEnd().end)")
        }
        try await withGateway(to: upstream) { port in
            let client = BlockingSocket(port: port)
            client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            client.shutdownSending()
            _ = client.readToEnd()
        }
        #expect(try await upstream.finish().last == "reset")
    }

    @Test("rule 56: a client that takes nothing is cut off in the middle of its response")
    func slowReader() async throws {
        let content = String(repeating: "x", count: 32 << 20)
        let upstream = try ScriptedUpstream { script in
            guard let connection = script.accept() else { return }
            script.answer(connection, "HTTP/1.1 200 OK\r\nContent-Length: \(content.utf8.count)\r\n\r\n" + content)
            // Silence would mean that the gateway still waits.
            script.hear("\(connection.receive(1).1 ?? .silence)")
            connection.close()
        }
        let (count, end, last) = try await withGateway(to: upstream, { $0.timeouts.write = 50 }) { port in
            let client = BlockingSocket(port: port, seconds: 2)
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            // Reads nothing until the gateway has given up, which its upstream sees first.
            let last = upstream.wait().last
            let (text, end) = client.readToEnd()
            return (text.utf8.count, end, last)
        }
        #expect(last != "silence")
        #expect(count < content.utf8.count)
        #expect(end != .closed)
    }

    @Test(
        "Content over a route's limit is 413, announced or not, and the connection closes",
        arguments: ["Content-Length: 11", "Transfer-Encoding: chunked"])
    func tooLarge(_ field: String) async throws {
        let upstream = try ScriptedUpstream { script in
            guard let connection = script.accept() else { return }
            script.hear(connection.readToEnd().text)
        }
        let text = try await withGateway(to: upstream, { $0.limits.maxBody = 10 }) { port in
            let client = BlockingSocket(port: port)
            client.send("POST / HTTP/1.1\r\nHost: a\r\n\(field)\r\n\r\n" + (field.hasPrefix("T") ? "b\r\nhello world\r\n" : "hello world"))
            return client.readToEnd().text
        }
        #expect(text.hasPrefix("HTTP/1.1 413 "))
        #expect(text.contains("\r\nConnection: close\r\n"))
        // What is too much is known before any of it leaves.
        #expect(try await upstream.finish().joined().isEmpty)
    }

    @Test("rule 18: what is left of a refused request's content is never read as the next request")
    func smuggled() async throws {
        let inner = "GET /inner HTTP/1.1\r\nHost: a\r\n\r\n"
        let (text, _) = try await answer(
            "POST /.. HTTP/1.1\r\nHost: a\r\nContent-Length: \(inner.utf8.count)\r\n\r\n\(inner)", closesSending: true)
        #expect(text.pieces("HTTP/1.1 ").count == 2)
        let (drained, _) = try await answer(
            "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: \(inner.utf8.count)\r\n\r\n\(inner)TRACE / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(drained.pieces("HTTP/1.1 ").dropFirst().map { String($0.prefix(3)) } == ["502", "405"])
    }

    @Test("The last request of a connection is told so, and half-closed connections are answered")
    func lastRequest() async throws {
        let upstream = try Self.ok()
        let (text, half) = try await withGateway(to: upstream, { $0.limits.requestsPerConnection = 2 }) { port in
            let client = BlockingSocket(port: port)
            client.send(String(repeating: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", count: 3))
            let text = client.readToEnd().text
            let half = BlockingSocket(port: port)
            half.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            half.shutdownSending()
            return (text, half.readToEnd())
        }
        #expect(text.pieces("HTTP/1.1 200").count == 3)
        #expect(text.pieces("Connection: close").count == 2)
        #expect(half.text.hasSuffix("ok") && half.end == .closed)
        _ = try await upstream.finish()
    }

    @Test("One client too many is told so and closed", arguments: [(1, 9, "503"), (9, 1, "429")])
    func tooMany(_ all: Int, _ perAddress: Int, _ status: String) async throws {
        let tune: (inout Tuning) -> Void = {
            $0.limits.connections = all
            $0.limits.connectionsPerAddress = perAddress
        }
        let text = try await withGateway(to: nil, tune) { port in
            let first = BlockingSocket(port: port)
            first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = first.readHead()
            let second = BlockingSocket(port: port)
            defer {
                first.close()
                second.close()
            }
            return second.readToEnd().text
        }
        #expect(text.hasPrefix("HTTP/1.1 \(status) "))
        #expect(text.contains("\r\nRetry-After: 1\r\n"))
    }

    @Test("Draining: idle connections end at once, what is in flight is finished, and nobody new is let in")
    func drain() async throws {
        let (isAsked, mayAnswer) = (Signal(), Signal())
        let upstream = try ScriptedUpstream { script in
            guard let connection = script.accept() else { return }
            _ = connection.readHead()
            isAsked.raise()
            mayAnswer.wait()
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            connection.close()
        }
        let (cut, idle, late, text) = try await withServer(to: upstream) { server, port in
            let (idle, busy) = try await onThread {
                let idle = BlockingSocket(port: port)
                let busy = BlockingSocket(port: port)
                busy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                isAsked.wait()
                return (idle, busy)
            }
            async let cut = server.workers[0].drain(milliseconds: 10_000)
            let texts = try await onThread {
                let end = idle.readToEnd().end
                let late = BlockingSocket(port: port)
                late.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                mayAnswer.raise()
                let text = busy.readToEnd().text
                busy.close()
                return (end, late.readToEnd().text, text)
            }
            return (await cut, texts.0, texts.1, texts.2)
        }
        #expect(cut == 0)
        #expect(idle == .closed)
        #expect(late.isEmpty)
        #expect(text.hasPrefix("HTTP/1.1 200 ") && text.contains("\r\nConnection: close\r\n") && text.hasSuffix("ok"))
        _ = try await upstream.finish()
    }

    @Test("Draining: what does not end in time is cut off, and its client gets no message")
    func drainCuts() async throws {
        let isAsked = Signal()
        let upstream = try ScriptedUpstream { script in
            guard let connection = script.accept() else { return }
            _ = connection.readHead()
            isAsked.raise()
            _ = connection.readToEnd()
        }
        let (cut, text) = try await withServer(to: upstream) { server, port in
            let client = try await onThread {
                let client = BlockingSocket(port: port)
                client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                isAsked.wait()
                return client
            }
            let cut = await server.workers[0].drain(milliseconds: 50)
            return (cut, try await onThread { client.readToEnd().text })
        }
        #expect(cut == 1)
        #expect(text.isEmpty)
        _ = try await upstream.finish()
    }

    @Test("A token makes an identity, and the token ends here")
    func token() async throws {
        let upstream = try Self.ok()
        let token = try TokenAuthority(
            keys: TokenKeys([TokenKey(secret: HMACSHA256Key(secret: Array("0123456789abcdef0123456789abcdef".utf8)))]), lifetime: 900_000
        ).issue(
            for: UserRecord(id: UserID("101"), username: "alice", passwordHash: "", role: "user", isDisabled: false), now: Clock.wall()
        ).token
        let text = try await withGateway(to: upstream) { port in
            let client = BlockingSocket(port: port)
            client.send("GET /private/x HTTP/1.1\r\nHost: a\r\nX-User-Id: 1\r\nCookie: a=b; token=")
            client.send(token)
            client.send("\r\nConnection: close\r\n\r\n")
            return client.readToEnd().text
        }
        #expect(text.hasPrefix("HTTP/1.1 200 "))
        let head = try #require(try await upstream.finish().first)
        #expect(
            head.pieces("\r\n").filter { $0.lowercased().hasPrefix("x-user") } == ["X-User-Id: 101", "X-User-Name: alice", "X-User-Role: user"])
        #expect(head.contains("\r\nCookie: a=b\r\n"))
    }
}
