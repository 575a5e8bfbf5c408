import Glibc
import Loop
import Testing

@testable import Gateway

/// Requests through a whole gateway on loopback to an upstream that does as it is told.
@Suite("Forwarding")
struct ForwardingTests {
    private static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    /// The head's lines but for those that differ each time.
    private static func stable(_ head: String) -> [String] {
        head.split(separator: "\r\n").map(String.init).filter { line in
            !["x-request-id:", "date:", "traceparent:"].contains { line.lowercased().hasPrefix($0) }
        }
    }

    @Test("A request goes on re-written, and its response comes back")
    func plain() async throws {
        let upstream = try ScriptedUpstream.answering { _ in Self.ok }
        let text = try await withGateway(to: upstream) { port in
            let client = BlockingSocket(port: port)
            client.send("GET /a/./b?q=1 HTTP/1.1\r\nHost: x.example\r\nX-User-Id: 1\r\nAccept: */*\r\nConnection: close\r\n\r\n")
            return client.readToEnd().text
        }
        #expect(
            Self.stable(text) == [
                "HTTP/1.1 200 OK", "Via: 1.1 gatehouse-0123", "Content-Length: 2", "Connection: close", "ok",
            ])
        #expect(
            try await upstream.finish().map(Self.stable) == [
                [
                    "GET /a/b?q=1 HTTP/1.1", "Host: x.example", "Accept: */*", "X-Forwarded-For: 127.0.0.1",
                    "X-Forwarded-Proto: http", "X-Forwarded-Host: x.example", "Via: 1.1 gatehouse-0123",
                ]
            ])
    }

    @Test("Pipelined requests are answered in their order, over one upstream connection")
    func pipelining() async throws {
        let upstream = try ScriptedUpstream.answering { head in
            let path = head.split(separator: " ")[1]
            return "HTTP/1.1 200 OK\r\nContent-Length: \(path.utf8.count)\r\n\r\n\(path)"
        }
        let paths = (0..<40).map { "/p\($0)" }
        let text = try await withGateway(to: upstream) { port in
            let client = BlockingSocket(port: port)
            client.send(paths.map { "GET \($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined())
            client.send("GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            return client.readToEnd().text
        }
        let bodies = text.pieces("\r\n\r\n").dropFirst().map { $0.prefix { $0 != "H" } }
        #expect(bodies.map(String.init) == paths + ["/last"])
        #expect(try await upstream.finish().count == 41)
    }

    @Test(
        "A response is framed anew for who gets it",
        arguments: [
            ("GET", "1.1", "HTTP/1.1 200 OK\r\n\r\nuntil the end", "Transfer-Encoding: chunked", "d\r\nuntil the end\r\n0\r\n\r\n"),
            ("GET", "1.0", "HTTP/1.1 200 OK\r\n\r\nuntil the end", "Connection: close", "until the end"),
            (
                "GET", "1.1",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-User-Id: 7\r\nX-T: 1\r\n\r\n",
                "Transfer-Encoding: chunked", "3\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\n"
            ),
            ("GET", "1.0", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "Connection: close", "abc"),
            ("GET", "1.1", "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 204 No Content", ""),
            ("GET", "1.1", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\nETag: \"a\"\r\n\r\n", "Content-Length: 9", ""),
            ("HEAD", "1.1", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "Content-Length: 9", ""),
            ("HEAD", "1.1", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK", ""),
            ("GET", "1.1", "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", "Content-Length: 3", "abc"),
        ])
    func framing(_ method: String, _ version: String, _ response: String, _ line: String, _ body: String) async throws {
        let upstream = try ScriptedUpstream { script in
            guard let connection = script.accept() else { return }
            script.answer(connection, response)
            connection.close()
        }
        let text = try await withGateway(to: upstream) { port in
            let client = BlockingSocket(port: port)
            client.send("\(method) / HTTP/\(version)\r\nHost: a\r\nConnection: close\r\n\r\n")
            return client.readToEnd()
        }
        let parts = text.text.pieces("\r\n\r\n")
        #expect(parts[0].pieces("\r\n").contains(line))
        #expect(parts.dropFirst().joined(separator: "\r\n\r\n") == body)
        #expect(text.end == .closed)
        _ = try await upstream.finish()
    }

    @Test("Expect: the client is asked for its content once, by us, and the upstream never sees the expectation")
    func expectContinue() async throws {
        let upstream = try ScriptedUpstream { script in
            guard let connection = script.accept() else { return }
            script.hear(connection.readHead())
            script.hear(connection.read(5))
            connection.send("HTTP/1.1 100 Continue\r\n\r\n" + Self.ok)
            connection.close()
        }
        let (first, rest) = try await withGateway(to: upstream) { port in
            let client = BlockingSocket(port: port)
            client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
            let first = client.readHead()
            client.send("12345")
            return (first, client.readToEnd().text)
        }
        #expect(first == "HTTP/1.1 100 Continue\r\n\r\n")
        #expect(rest.hasPrefix("HTTP/1.1 200 OK\r\n") && rest.hasSuffix("\r\n\r\nok"))
        let heard = try await upstream.finish()
        #expect(!heard[0].lowercased().contains("expect"))
        #expect(heard[1] == "12345")
    }

    @Test("A client that resets while the upstream is thinking sets its connection free")
    func resetWhileWaiting() async throws {
        let upstream = try ScriptedUpstream { script in
            guard let connection = script.accept() else { return }
            script.hear(connection.readHead())
            // Answers never: only the gateway's giving up ends this.
            script.hear("\(connection.readToEnd().end)")
        }
        try await withGateway(to: upstream) { port in
            let client = BlockingSocket(port: port)
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            while upstream.heard == 0 { sched_yield() }
            client.reset()
            // The upstream's own patience ends this if the gateway does not, long before its time-out for the head.
            while upstream.heard < 2 { sched_yield() }
        }
        let end = try await upstream.finish().last
        #expect(end == "closed" || end == "reset")
    }

    @Test("An interim response goes to a client of HTTP/1.1 before the final one, and not to one of 1.0", arguments: ["1.1", "1.0"])
    func interim(_ version: String) async throws {
        let upstream = try ScriptedUpstream { script in
            guard let connection = script.accept() else { return }
            script.answer(connection, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + Self.ok)
            connection.close()
        }
        let text = try await withGateway(to: upstream) { port in
            let client = BlockingSocket(port: port)
            client.send("GET / HTTP/\(version)\r\nHost: a\r\nConnection: close\r\n\r\n")
            return client.readToEnd().text
        }
        #expect(text.hasPrefix("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n") == (version == "1.1"))
        #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n") == (version == "1.0"))
        _ = try await upstream.finish()
    }

    @Test(
        "rule 19: what nobody asked for is no answer",
        arguments: [
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            String(repeating: "HTTP/1.1 103 Early Hints\r\n\r\n", count: 17) + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "nonsense\r\n\r\n", "",
        ])
    func outOfTurn(_ response: String) async throws {
        let upstream = try ScriptedUpstream { script in
            guard let connection = script.accept() else { return }
            script.answer(connection, response)
            connection.close()
        }
        let text = try await withGateway(to: upstream) { port in
            let client = BlockingSocket(port: port)
            client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            return client.readToEnd().text
        }
        let final = text.pieces("HTTP/1.1 103 Early Hints\r\n\r\n").last ?? ""
        #expect(final.hasPrefix("HTTP/1.1 502 "))
        _ = try await upstream.finish()
    }

    @Test("A response before the request's end ends the exchange: small content is read away, large content cuts the connection")
    func early() async throws {
        for (length, keeps) in [(1_000, true), (1_000_000, false)] {
            let upstream = try ScriptedUpstream { script in
                for _ in 0..<(keeps ? 2 : 1) {
                    guard let connection = script.accept() else { return }
                    script.answer(connection, Self.ok)
                    _ = connection.readToEnd()
                    connection.close()
                }
            }
            let (first, rest) = try await withGateway(to: upstream) { port in
                let client = BlockingSocket(port: port)
                client.send("POST /one HTTP/1.1\r\nHost: a\r\nContent-Length: \(length)\r\n\r\n")
                let first = client.readHead() + client.read(2)
                client.send([UInt8](repeating: 0x78, count: keeps ? length : 100))
                client.send("GET /two HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                return (first, client.readToEnd().text)
            }
            #expect(first.hasPrefix("HTTP/1.1 200 OK\r\n") && first.hasSuffix("ok"))
            #expect(first.contains("Connection: close") == !keeps)
            #expect(rest.hasPrefix("HTTP/1.1 200 OK\r\n") == keeps)
            #expect(rest.isEmpty == !keeps)
            #expect(try await upstream.finish().count == (keeps ? 2 : 1))
        }
    }

    @Test(
        "An idle connection that the upstream closes as the request arrives: sent again when that is safe, and only then",
        arguments: ["GET", "POST"])
    func retry(_ method: String) async throws {
        let upstream = try ScriptedUpstream { script in
            guard let first = script.accept() else { return }
            script.answer(first, Self.ok)
            // The second request is read, so that the connection is good when it is leased, and never answered.
            script.hear(first.readHead())
            first.close()
            guard let second = script.accept() else { return }
            script.answer(second, Self.ok)
            second.close()
        }
        let text = try await withGateway(to: upstream) { port in
            let client = BlockingSocket(port: port)
            client.send(
                "\(method) /one HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n".replacing(
                    method == "GET" ? "Content-Length: 0\r\n" : "", with: ""))
            _ = client.readHead() + client.read(2)
            client.send("\(method) /two HTTP/1.1\r\nHost: a\r\n\(method == "GET" ? "" : "Content-Length: 0\r\n")Connection: close\r\n\r\n")
            let text = client.readToEnd().text
            if method == "POST" {
                // Who comes next is not the gateway.
                let test = BlockingSocket(port: upstream.port)
                test.send("END\r\n\r\n")
                test.close()
            }
            return text
        }
        #expect(text.hasPrefix(method == "GET" ? "HTTP/1.1 200 " : "HTTP/1.1 502 "))
        #expect(
            try await upstream.finish().map { String($0.prefix(8)) }
                == (method == "GET" ? ["GET /one", "GET /two", "GET /two"] : ["POST /on", "POST /tw", "END\r\n\r\n"]))
    }

    @Test(
        "An upstream that dies in the middle of a response takes the client's connection with it: no message looks complete",
        arguments: [
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nnonsense\r\n",
        ])
    func diesInTheMiddle(_ response: String) async throws {
        let upstream = try ScriptedUpstream { script in
            guard let connection = script.accept() else { return }
            script.answer(connection, response)
            connection.close()
        }
        let (text, end) = try await withGateway(to: upstream) { port in
            let client = BlockingSocket(port: port)
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            return client.readToEnd()
        }
        #expect(end == .reset)
        #expect(!text.hasSuffix("\r\n0\r\n\r\n"))
        _ = try await upstream.finish()
    }

    @Test("rule 12: octets behind a complete response belong to nobody, and their connection is not used again")
    func leftover() async throws {
        let upstream = try ScriptedUpstream { script in
            for _ in 0..<2 {
                guard let connection = script.accept() else { return }
                script.answer(connection, Self.ok + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
                script.hear(connection.readToEnd().text)
                connection.close()
            }
        }
        let text = try await withGateway(to: upstream) { port in
            let client = BlockingSocket(port: port)
            client.send("GET /one HTTP/1.1\r\nHost: a\r\n\r\n")
            let first = client.readHead() + client.read(2)
            client.send("GET /two HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            return first + client.readToEnd().text
        }
        #expect(!text.contains("evil"))
        let heard = try await upstream.finish()
        #expect(heard.count == 4)
        #expect(heard[1].isEmpty && heard[2].hasPrefix("GET /two "))
    }
}
