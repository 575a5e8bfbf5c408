import Testing
import Wire

/// Laws that hold for any input: nothing traps; how an input was cut changes nothing; no more is consumed than was needed; what is
/// accepted and written again is accepted again and means the same.
struct FuzzTests {
    static let rounds = 5000

    func expectLaws<Head: Equatable>(
        _ seed: UInt64, _ seeds: [[UInt8]], _ run: ([UInt8], [Int]) -> Outcome<Head>, rewrite: (Head) -> [UInt8]?, means: (Head, Head) -> Bool
    ) {
        var mutator = Mutator(seed: seed)
        var accepted = 0
        for _ in 0..<FuzzTests.rounds {
            let input = mutator.mutate(seeds)
            let whole = run(input, [])
            let cuts = mutator.cuts(input.count)
            if run(input, cuts) != whole { Issue.record("cut at \(cuts): \(input)") }
            guard case .head(let head, let rest) = whole else { continue }
            accepted += 1
            if !input.suffix(rest.count).elementsEqual(rest) { Issue.record("the rest is not the end: \(input)") }
            // The octets behind a message have no say in it.
            guard let same = run(Array(input.dropLast(rest.count)), []).head, same == head else {
                Issue.record("the rest had a say: \(input)")
                continue
            }
            guard let again = rewrite(head) else { continue }
            guard let second = run(again, []).head, means(head, second) else {
                Issue.record("not the same again: \(input) as \(again)")
                continue
            }
        }
        // Otherwise the laws of what is accepted were hardly tried.
        #expect(accepted > FuzzTests.rounds / 20)
    }

    @Test("laws of requests")
    func requests() {
        let seeds =
            (RequestParserTests.accepted.map(\.0) + RequestParserTests.framings.map { "POST / HTTP/1.1\r\nHost: a\r\n\($0.0)\r\n" }
            + RequestTargetTests.canonical.map { "GET \($0.0) HTTP/1.1\r\nHost: a\r\n\r\n" }).map { octets($0) }
        expectLaws(1, seeds, { request($0, $1) }) { head in
            let target = head.method == "CONNECT" ? head.host : head.path + (head.query.map { "?" + $0 } ?? "")
            let version = head.version == .http10 ? "1.0" : "1.1"
            var lines = "\(head.method) \(target) HTTP/\(version)\r\n"
            if !head.host.isEmpty { lines += "Host: \(head.host)\r\n" }
            for field in head.fields where FieldName(octets(field.name)) != .host { lines += "\(field.name): \(field.value)\r\n" }
            return octets(lines + "\r\n")
        } means: { first, second in
            let isHost = { (field: PlainField) in FieldName(octets(field.name)) == .host }
            return first.method == second.method && first.host == second.host && first.path == second.path && first.query == second.query
                && first.framing == second.framing && first.flags == second.flags && first.version == second.version
                && first.fields.filter { !isHost($0) } == second.fields.filter { !isHost($0) }
        }
    }

    @Test("laws of responses")
    func responses() {
        let seeds = (ResponseParserTests.accepted.map(\.0) + ResponseParserTests.refused.map { $0.0 + "\r\n" }).map { octets($0) }
        expectLaws(2, seeds, { response($0, $1) }) { head in
            let fields = head.fields.map { "\($0.name): \($0.value)\r\n" }.joined()
            return octets("HTTP/1.\(head.version == .http10 ? 0 : 1) \(head.status) \(head.reason)\r\n\(fields)\r\n")
        } means: {
            $0 == $1
        }
    }

    @Test("laws of chunked bodies")
    func bodies() {
        // Whole bodies weigh more: most changes of the framing make it invalid.
        let whole = Array(repeating: BodyDecoderTests.chunked.map(\.0), count: 12).flatMap { $0 }
        let seeds = (whole + BodyDecoderTests.refused.map(\.0)).map { octets($0) }
        expectLaws(3, seeds, { body($0, $1) }) { decoded in
            let out = Buffer()
            if !decoded.content.isEmpty {
                out.append(hexadecimal: UInt(decoded.content.count))
                out.append("\r\n")
                out.append(decoded.content)
                out.append("\r\n")
            }
            out.append("0\r\n")
            for field in decoded.trailers { out.append(octets("\(field.name): \(field.value)\r\n")) }
            out.append("\r\n")
            return rest(out)
        } means: {
            $0 == $1
        }
    }

    @Test("laws of cookies: ours are gone, the others are what they were")
    func cookies() throws {
        var mutator = Mutator(seed: 4)
        let seeds = (CookiesTests.lookups + CookiesTests.remainders).map { octets($0.0.joined(separator: "; ")) }
        var parsed = 0
        for _ in 0..<FuzzTests.rounds {
            let line = mutator.mutate(seeds)
            guard let head = head(line) else { continue }
            parsed += 1
            let out = Buffer()
            var hasMore = false
            out.write(0) { hasMore = Cookies.append(head, without: [octets("id")], to: &$0) }
            #expect(hasMore == !out.isEmpty)
            let again = try #require(self.head(rest(out)))
            #expect(Cookies.survey(head, session: octets("id"), token: octets("id")).hasOthers == hasMore)
            #expect(Cookies.survey(again, session: octets("id"), token: octets("t")).session == .none)
            let second = Buffer()
            second.write(0) { _ = Cookies.append(again, without: [octets("id")], to: &$0) }
            #expect(rest(second) == rest(out))
            for name in ["a", "c", "idx"] {
                #expect(value(name, head) == value(name, again), "\(line)")
            }
        }
        #expect(parsed > FuzzTests.rounds / 2)
    }

    private func value(_ name: String, _ head: RequestHead) -> String? {
        let survey = Cookies.survey(head, session: octets(name), token: octets("t"))
        return if case .one(let range) = survey.session { text(head.bytes, range) } else { nil }
    }

    private func head(_ cookies: [UInt8]) -> RequestHead? {
        let input = Buffer()
        input.append(octets("GET / HTTP/1.1\r\nHost: a\r\nCookie: ") + cookies + octets("\r\n\r\n"))
        var parser = RequestParser(limits: HeadLimits())
        let head = RequestHead()
        return (try? parser.parse(input, into: head)) == true ? head : nil
    }

    @Test("laws of JSON")
    func json() throws {
        var mutator = Mutator(seed: 5)
        let seeds = (JSONTests.accepted.map(\.0) + JSONTests.refused.map(\.0)).map { octets($0) }
        var parsed = 0
        for _ in 0..<FuzzTests.rounds {
            guard let value = try? JSON.parse(mutator.mutate(seeds)) else { continue }
            parsed += 1
            let out = Buffer()
            write(value, to: out)
            #expect(try JSON.parse(rest(out)) == value)
        }
        #expect(parsed > FuzzTests.rounds / 20)
    }

    private func write(_ value: JSON, to out: Buffer) {
        switch value {
        case .null: out.append("null")
        case .bool(let value): out.append(value ? "true" : "false")
        case .integer(let value): out.append(text: String(value))
        case .number(let value): out.append(text: String(value))
        case .string(let value): JSONWriter.appendString(value, to: out)
        case .array(let elements):
            out.append("[")
            for (index, element) in elements.enumerated() {
                if index > 0 { out.append(",") }
                write(element, to: out)
            }
            out.append("]")
        case .object(let members):
            out.append("{")
            for (index, member) in members.enumerated() {
                if index > 0 { out.append(",") }
                JSONWriter.appendString(member.name, to: out)
                out.append(":")
                write(member.value, to: out)
            }
            out.append("}")
        }
    }

    @Test("laws of forms, addresses and networks")
    func smallParsers() throws {
        var mutator = Mutator(seed: 6)
        let forms = FormURLEncodedTests.forms.map { octets($0.0) }
        let addresses = (IPAddressTests.addresses.map(\.0) + IPAddressTests.networks.map(\.0)).map { octets($0) }
        var parsed = 0
        for _ in 0..<FuzzTests.rounds {
            if let fields = try? FormURLEncoded.parse(mutator.mutate(forms)) {
                let out = Buffer()
                for field in fields {
                    if !out.isEmpty { out.append("&") }
                    FormURLEncoded.append(field.name, to: out)
                    out.append("=")
                    FormURLEncoded.append(field.value, to: out)
                }
                let again = try FormURLEncoded.parse(rest(out))
                #expect(again.map(\.name) == fields.map(\.name))
                #expect(again.map(\.value) == fields.map(\.value))
            }
            let text = mutator.mutate(addresses)
            if let address = IPAddress(text) {
                parsed += 1
                #expect(IPAddress(octets(address.text)) == address)
            }
            if let network = CIDR(text) { #expect(network.contains(network.address)) }
        }
        #expect(parsed > FuzzTests.rounds / 20)
    }
}
