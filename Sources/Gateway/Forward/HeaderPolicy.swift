import Access
import Loop
import Wire

/// Which fields go on, which end here, and which are ours: towards the upstream and towards the client.
final class HeaderPolicy {
    private let configuration: GatewayConfiguration
    /// Our name in Via: no version, and unlike any other gateway's, so that a loop is known for one (RFC 9110 7.6.3).
    private let pseudonym: [UInt8]
    /// The end of a line, a Via line for each version that may have come, and its end.
    private let via: (http10: [UInt8], http11: [UInt8])
    private let protected: ProtectedNames
    /// Fields of a request that end here, whatever they say; `protected` as field ids, where they have one, among them.
    private let requestEnds: FieldNameSet
    /// Fields of a response that end here, whatever they say.
    private let responseEnds: FieldNameSet
    private let ownCookies: [[UInt8]]
    /// The identity's field lines, up to their values.
    private let identityLines: [(start: [UInt8], attribute: GatewayConfiguration.Attribute)]
    /// Octets of a head that are not the message's own, about.
    private static let added = 512

    /// Fields that we set, and those by which an upstream could be told another client, path or method than was judged
    /// (rule 5).
    private static let ours: [StaticString] = [
        "x-request-id", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "x-forwarded-server",
        "x-forwarded-prefix", "x-forwarded-uri", "x-forwarded-method", "x-forwarded-ssl", "x-forwarded-scheme",
        "x-forwarded-user", "x-forwarded-email", "x-forwarded-groups", "x-forwarded-preferred-username",
        "x-real-ip", "forwarded", "x-original-url", "x-rewrite-url", "x-original-uri", "x-http-method-override",
        "x-method-override", "x-http-method", "host", "cookie", "authorization", "connection", "content-length",
        "transfer-encoding", "via", "expect", "upgrade", "te", "trailer", "keep-alive", "proxy-connection",
        // CGI makes it HTTP_PROXY, by which programs send their own requests elsewhere (CVE-2016-5385).
        "proxy",
    ]

    init(configuration: GatewayConfiguration) {
        self.configuration = configuration
        pseudonym = configuration.pseudonym
        via = (
            Array("\r\nVia: 1.0 ".utf8) + pseudonym + [0x0D, 0x0A], Array("\r\nVia: 1.1 ".utf8) + pseudonym + [0x0D, 0x0A]
        )
        let identity = configuration.identityHeaders.map(\.name)
        protected = ProtectedNames(identity + HeaderPolicy.ours.map { Array($0.description.utf8) })
        let hopByHop = FieldName.allCases.filter(\.isHopByHop)
        requestEnds = FieldNameSet(
            hopByHop + identity.map { FieldName($0) }.filter { $0 != .other } + [
                .host, .cookie, .contentLength, .expect, .xRequestID, .xForwardedFor, .xForwardedProto, .xForwardedHost, .xForwardedPort,
                .xRealIP, .forwarded, .tracestate, .traceparent,
            ])
        responseEnds = FieldNameSet(hopByHop + [.xRequestID])
        identityLines = configuration.identityHeaders.map { (start: $0.name + [0x3A, 0x20], attribute: $0.attribute) }
        ownCookies = [configuration.sessionCookie, configuration.tokenCookie]
    }

    // MARK: Reading

    private func isTrusted(_ address: IPAddress) -> Bool {
        configuration.trustedProxies.contains { $0.contains(address) }
    }

    /// Who asks: the peer, or, when that is a trusted proxy, the last address in X-Forwarded-For that is not one.
    func clientAddress(of exchange: Exchange) -> IPAddress {
        let peer = exchange.peerIP
        guard !configuration.trustedProxies.isEmpty, isTrusted(peer) else { return peer }
        var client = peer
        let head = exchange.head
        for field in head.fields.reversed() where field.id == .xForwardedFor {
            for member in head.bytes.array(field.value).split(separator: UInt8(ascii: ",")).reversed() {
                let text = Array(member.drop { $0 == 0x20 || $0 == 0x09 }.reversed().drop { $0 == 0x20 || $0 == 0x09 }.reversed())
                // What is not an address was not written by a proxy that we trust: what stands before it proves nothing.
                guard let address = IPAddress(text) else { return client }
                client = address
                if !isTrusted(address) { return client }
            }
        }
        return client
    }

    /// Whether the request has been through this gateway before.
    func hasPassedHere(_ exchange: Exchange) -> Bool {
        let head = exchange.head
        guard head.has(.via) else { return false }
        for field in head.fields where field.id == .via {
            if head.bytes.contains(field.value, word: pseudonym) { return true }
        }
        return false
    }

    // MARK: Towards the upstream

    /// Writes the head of the request as the upstream gets it. `identity`: exactly one field each, or none.
    func writeRequest(_ exchange: Exchange, as identity: Identity?, stripsBearer: Bool, server: [UInt8], to out: Buffer) {
        let head = exchange.head
        let bytes = head.bytes
        out.write(bytes.count + HeaderPolicy.added) { out in
            let octets = bytes.octets
            writeRequestLine(head, octets, server: server, to: &out)
            writeFields(of: head, octets, stripsBearer: stripsBearer, to: &out)
            if head.has(.cookie), exchange.cookies(configuration).hasOthers {
                out.append("Cookie: ")
                Cookies.append(head, without: ownCookies, to: &out)
                out.append("\r\n")
            }
            writeTrace(exchange, octets, to: &out)
            writeForwarding(exchange, octets, to: &out)
            if let identity { write(identity, to: &out) }
            writeFraming(head.framing, to: &out)
            out.append("\r\n")
        }
    }

    private func writeRequestLine(_ head: RequestHead, _ octets: Octets, server: [UInt8], to out: inout HeadWriter) {
        out.append(octets, head.methodRange)
        out.append(0x20)
        out.append(octets, head.path)
        if let query = head.query {
            out.append(UInt8(ascii: "?"))
            out.append(octets, query)
        }
        out.append(" HTTP/1.1\r\nHost: ")
        if head.host.isEmpty { out.append(server) } else { out.append(octets, head.host) }
        out.append("\r\n")
    }

    /// The client's own fields, as far as they go on.
    private func writeFields(of head: RequestHead, _ octets: Octets, stripsBearer: Bool, to out: inout HeadWriter) {
        let hasConnectionOptions = head.hasConnectionOptions
        var run = FieldRun()
        for field in head.fields {
            if requestEnds.contains(field.id) { continue }
            if field.id == .other && protected.contains(octets, field.name) { continue }
            // Rule 45: a credential of the gateway's ends here, so that the upstream cannot use it again.
            if field.id == .authorization && stripsBearer && isBearer(head.bytes, field.value) { continue }
            if hasConnectionOptions && head.connectionNames(field.name) { continue }
            out.append(field, from: octets, behind: &run)
        }
        out.append(run, from: octets)
    }

    /// W3C Trace Context: passed on when it is well formed, and begun here when not.
    private func writeTrace(_ exchange: Exchange, _ octets: Octets, to out: inout HeadWriter) {
        let head = exchange.head
        guard let traceparent = TraceContext.parent(in: head), TraceContext.id(octets, traceparent.value) != nil else {
            return TraceContext.begin(exchange.id, to: &out)
        }
        out.append(traceparent, from: octets)
        for field in head.fields where field.id == .tracestate { out.append(field, from: octets) }
    }

    private func writeForwarding(_ exchange: Exchange, _ octets: Octets, to out: inout HeadWriter) {
        let head = exchange.head
        let peer = exchange.peerIP
        let trusted = !configuration.trustedProxies.isEmpty && isTrusted(peer)
        out.append("X-Request-Id: ")
        out.append(exchange.id.digits)
        out.append("\r\nX-Forwarded-For: ")
        if trusted {
            for field in head.fields where field.id == .xForwardedFor && !field.value.isEmpty {
                out.append(octets, field.value)
                out.append(", ")
            }
        }
        peer.append(to: &out)
        out.append("\r\nX-Forwarded-Proto: ")
        if trusted, let scheme = single(.xForwardedProto, in: head), isScheme(head.bytes, scheme) {
            out.append(octets, scheme)
        } else if configuration.publicURL.isHTTPS {
            out.append("https")
        } else {
            out.append("http")
        }
        let host = trusted ? single(.xForwardedHost, in: head) ?? head.host : head.host
        if !host.isEmpty {
            out.append("\r\nX-Forwarded-Host: ")
            out.append(octets, host)
        }
        out.append(head.version == .http10 ? via.http10 : via.http11)
    }

    private func write(_ identity: Identity, to out: inout HeadWriter) {
        for line in identityLines {
            out.append(line.start)
            switch line.attribute {
            case .id: out.append(identity.userID.bytes)
            case .username: out.append(identity.username)
            case .role: out.append(identity.role)
            }
            out.append("\r\n")
        }
    }

    private func writeFraming(_ framing: BodyFraming, to out: inout HeadWriter) {
        switch framing {
        case .none, .untilClose: return
        case .length(let count):
            out.append("Content-Length: ")
            out.append(decimal: count)
            out.append("\r\n")
        case .chunked: out.append("Transfer-Encoding: chunked\r\n")
        }
    }

    private func single(_ id: FieldName, in head: RequestHead) -> ByteRange? {
        head.count(of: id) == 1 ? head.value(of: id) : nil
    }

    private func isScheme(_ octets: Buffer, _ range: ByteRange) -> Bool {
        octets.equals(range, "http") || octets.equals(range, "https")
    }

    private func isBearer(_ octets: Buffer, _ range: ByteRange) -> Bool {
        range.count >= 6 && octets.equalsFolded(ByteRange(offset: range.start, count: 6), "bearer")
    }

    /// Trailers are fields like others to an upstream that merges them (rule 7).
    func allowsTrailer(_ octets: Buffer, _ field: HeaderField) -> Bool { !protected.contains(octets.octets, field.name) }

    // MARK: Towards the client

    /// Writes the head of the upstream's response as the client gets it.
    func writeResponse(
        _ response: ResponseHead, to exchange: Exchange, framing: BodyFraming, closes: Bool, out: Buffer
    ) {
        let bytes = response.bytes
        let status = response.status
        out.write(bytes.count + HeaderPolicy.added) { out in
            let octets = bytes.octets
            out.append("HTTP/1.1 ")
            out.append(decimal: UInt64(status))
            out.append(0x20)
            out.append(octets, response.reason)
            out.append("\r\n")
            writeFields(of: response, octets, framing, to: &out)
            if status >= 200 {
                out.append("X-Request-Id: ")
                out.append(exchange.id.digits)
                out.append(response.version == .http10 ? via.http10 : via.http11)
                writeFraming(framing, to: &out)
                if closes { out.append("Connection: close\r\n") }
            }
            out.append("\r\n")
        }
    }

    /// The upstream's own fields, as far as they go on.
    private func writeFields(of response: ResponseHead, _ octets: Octets, _ framing: BodyFraming, to out: inout HeadWriter) {
        // What a HEAD or a 304 says of content that is not sent (RFC 9110 8.6, which forbids it for 204 and interim responses).
        let keepsLength = framing == .none && response.status != 204 && response.status >= 200
        let hasConnectionOptions = response.hasConnectionOptions
        var run = FieldRun()
        for field in response.fields {
            if responseEnds.contains(field.id) { continue }
            if field.id == .contentLength && !keepsLength { continue }
            if field.id == .setCookie && isOwnCookie(response.bytes, field.value) { continue }
            if hasConnectionOptions && response.connectionNames(field.name) { continue }
            out.append(field, from: octets, behind: &run)
        }
        out.append(run, from: octets)
    }

    /// Only the gateway gives its own cookies (rule 38). A browser drops the white space around a name, and sends a cookie
    /// without a name as its bare value (RFC 6265bis 5.6 and 5.8.3): `session_id =x` and `=session_id=x` come back as ours.
    private func isOwnCookie(_ octets: Buffer, _ value: ByteRange) -> Bool {
        let span = octets.octets
        var start = value.start
        while start < value.end, isBlank(span[start]) || span[start] == UInt8(ascii: "=") { start += 1 }
        var end = start
        while end < value.end, span[end] != UInt8(ascii: "="), span[end] != UInt8(ascii: ";") { end += 1 }
        while end > start, isBlank(span[end - 1]) { end -= 1 }
        let name = ByteRange(offset: start, count: end - start)
        return ownCookies.contains { octets.isSame(name, $0) }
    }

    private func isBlank(_ octet: UInt8) -> Bool { octet == 0x20 || octet == 0x09 }
}
