/// Where browsers find the gateway: scheme, host and port, and nothing else.
package struct PublicURL: Hashable, Sendable {
    package let isHTTPS: Bool
    /// In lower case; an IPv6 address in brackets.
    package let host: String
    package let port: UInt16

    /// The origin as a browser writes it (RFC 6454 6.2): without the scheme's own port.
    package var origin: String {
        let isUsual = port == (isHTTPS ? 443 : 80)
        return "\(isHTTPS ? "https" : "http")://\(host)\(isUsual ? "" : ":\(port)")"
    }

    /// Whether the address leads nowhere but to the machine that it is typed on.
    var isLoopback: Bool { host == "localhost" || host == "[::1]" || host.utf8.starts(with: "127.".utf8) }
}

/// One server behind the gateway.
package struct UpstreamServer: Hashable, Sendable {
    /// A name, or a numeric address without brackets; in lower case.
    package let host: String
    package let port: UInt16

    package var isIPv6: Bool { host.utf8.contains(UInt8(ascii: ":")) }
    /// As it stands in a Host field.
    package var authority: String { "\(isIPv6 ? "[\(host)]" : host)\(port == 80 ? "" : ":\(port)")" }
    package var url: String { "http://\(authority)" }
}

/// Scheme, host and port of a URL that has nothing behind them but perhaps one slash.
private struct BareURL {
    let scheme: String
    let host: String
    let isIPv6: Bool
    let port: UInt16?

    init(_ text: String) throws(Fault) {
        guard let colon = text.utf8.firstRange(of: "://".utf8) else {
            throw Fault("expected a URL such as http://127.0.0.1:8080, found `\(text)`")
        }
        scheme = text[..<colon.lowerBound].lowercased()
        var authority = text[colon.upperBound...]
        if authority.utf8.last == UInt8(ascii: "/") { authority = authority.dropLast() }
        if authority.utf8.contains(UInt8(ascii: "@")) { throw Fault("a user or password has no place in this URL") }
        if authority.utf8.contains(where: { "/?#".utf8.contains($0) }) {
            throw Fault("expected scheme, host and port only; remove what follows them in `\(text)`")
        }
        guard let parts = NetworkAddress.split(authority) else { throw Fault("the host and port of `\(text)` cannot be read") }
        let address = NetworkAddress.octets(parts.host)
        isIPv6 = address?.count == 16
        guard isIPv6 == parts.isBracketed, address != nil || NetworkAddress.isHostName(parts.host) else {
            throw Fault("`\(parts.host)` is neither a host name nor an address")
        }
        host = parts.host.lowercased()
        if let digits = parts.port {
            guard let port = NetworkAddress.port(digits, 1...65_535) else { throw Fault("`\(digits)` is no port") }
            self.port = port
        } else {
            port = nil
        }
    }
}

extension Codec where Value == PublicURL {
    static var publicURL: Self {
        Codec(
            schema: [("type", .string("string")), ("pattern", .string("^https?://[^/?#@]+/?$"))],
            parse: { (text) throws(Fault) in
                let url = try BareURL(text)
                guard url.scheme == "https" || url.scheme == "http" else {
                    throw Fault("expected http:// or https://, found `\(url.scheme)://`")
                }
                let isHTTPS = url.scheme == "https"
                return PublicURL(
                    isHTTPS: isHTTPS, host: url.isIPv6 ? "[\(url.host)]" : url.host, port: url.port ?? (isHTTPS ? 443 : 80))
            },
            write: { .text($0.origin) })
    }
}

extension Codec where Value == UpstreamServer {
    static var upstreamServer: Self {
        Codec(
            schema: [("type", .string("string")), ("pattern", .string("^http://[^/?#@]+/?$"))],
            parse: { (text) throws(Fault) in
                let url = try BareURL(text)
                if url.scheme == "https" { throw Fault("TLS towards upstreams is not available in this version; use http://") }
                guard url.scheme == "http" else { throw Fault("expected http://, found `\(url.scheme)://`") }
                return UpstreamServer(host: url.host, port: url.port ?? 80)
            },
            write: { .text($0.url) })
    }
}

extension Collection<UInt8> {
    /// Where `part` first stands.
    func firstRange(of part: some Collection<UInt8>) -> Range<Index>? {
        var start = startIndex
        while true {
            if self[start...].starts(with: part) {
                return start..<index(start, offsetBy: part.count)
            }
            if start == endIndex { return nil }
            formIndex(after: &start)
        }
    }
}
