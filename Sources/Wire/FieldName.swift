/// The field names that the gateway acts upon, as small numbers; any other name is `other`. Names are case-insensitive (RFC 9110 5.1).
package enum FieldName: UInt8, Sendable, CaseIterable {
    case other = 0
    case host, connection, contentLength, transferEncoding, cookie, setCookie, authorization, expect, upgrade, te, trailer, keepAlive
    case proxyConnection, proxyAuthorization, proxyAuthenticate, proxyAuthenticationInfo, wwwAuthenticate, authenticationInfo
    case via, date, server, contentType, contentEncoding, contentRange, accept, acceptEncoding, acceptLanguage, userAgent, location
    case cacheControl, age, expires, vary, range, ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince, ifRange, maxForwards
    case retryAfter, warning, pragma, origin, referer, secFetchSite, secFetchMode, secFetchDest, xForwardedFor, xForwardedProto
    case xForwardedHost, xForwardedPort, xRealIP, forwarded, xRequestID, traceparent, tracestate, http2Settings, etag, lastModified

    // The compiler's own is called through a table from other targets, for each field of each head.
    package static func == (left: FieldName, right: FieldName) -> Bool { left.rawValue == right.rawValue }

    /// - Parameter name: a token (RFC 9110 5.6.2), as every parsed name is.
    init(_ octets: Octets, _ name: ByteRange) {
        // Length, first octet and last but one tell all the names apart; one comparison then decides.
        let length = name.end &- name.start
        guard length >= 2 else { self = .other; return }
        let candidate = FieldName.candidate(length, octets[name.start].lowercased, octets[name.end &- 2].lowercased)
        self = candidate != .other && octets.equalsToken(name, candidate.text) ? candidate : .other
    }

    /// The id of a name that is not in a message, such as one from the settings. What is no token is `other`.
    package init(_ name: [UInt8]) {
        let octets = name.span
        guard octets.endOfToken(from: 0, to: name.count) == name.count else { self = .other; return }
        self.init(octets, ByteRange(offset: 0, count: name.count))
    }

    /// This name's bit in a set of names; there are fewer than 64.
    @inline(always) var bit: UInt64 { 1 << UInt64(rawValue) }

    /// RFC 9110 7.6.1: fields that end at this hop, whatever Connection says.
    package var isHopByHop: Bool {
        switch self {
        case .connection, .keepAlive, .proxyConnection, .te, .trailer, .transferEncoding, .upgrade, .proxyAuthorization, .proxyAuthenticate,
            .proxyAuthenticationInfo, .http2Settings:
            true
        default: false
        }
    }

    /// RFC 9110 6.5.1: fields of framing, routing, request modification, authentication and content format have no place behind the
    /// content, where no decision can take account of them.
    package var isForbiddenInTrailers: Bool {
        if isHopByHop { return true }
        switch self {
        case .host, .contentLength, .contentType, .contentEncoding, .contentRange, .cookie, .setCookie, .authorization, .wwwAuthenticate,
            .authenticationInfo, .expect, .cacheControl, .age, .expires, .vary, .range, .ifMatch, .ifNoneMatch, .ifModifiedSince,
            .ifUnmodifiedSince, .ifRange, .maxForwards, .retryAfter, .warning, .pragma, .location, .date, .via, .origin, .referer,
            .secFetchSite, .secFetchMode, .secFetchDest, .xForwardedFor, .xForwardedProto, .xForwardedHost, .xForwardedPort, .xRealIP,
            .forwarded, .xRequestID, .traceparent, .tracestate:
            return true
        default: return false
        }
    }
}

extension FieldName {
    /// The name in lower case; empty for `other`.
    package var text: StaticString {
        switch self {
        case .other: ""
        case .host: "host"
        case .connection: "connection"
        case .contentLength: "content-length"
        case .transferEncoding: "transfer-encoding"
        case .cookie: "cookie"
        case .setCookie: "set-cookie"
        case .authorization: "authorization"
        case .expect: "expect"
        case .upgrade: "upgrade"
        case .te: "te"
        case .trailer: "trailer"
        case .keepAlive: "keep-alive"
        case .proxyConnection: "proxy-connection"
        case .proxyAuthorization: "proxy-authorization"
        case .proxyAuthenticate: "proxy-authenticate"
        case .proxyAuthenticationInfo: "proxy-authentication-info"
        case .wwwAuthenticate: "www-authenticate"
        case .authenticationInfo: "authentication-info"
        case .via: "via"
        case .date: "date"
        case .server: "server"
        case .contentType: "content-type"
        case .contentEncoding: "content-encoding"
        case .contentRange: "content-range"
        case .accept: "accept"
        case .acceptEncoding: "accept-encoding"
        case .acceptLanguage: "accept-language"
        case .userAgent: "user-agent"
        case .location: "location"
        case .cacheControl: "cache-control"
        case .age: "age"
        case .expires: "expires"
        case .vary: "vary"
        case .range: "range"
        case .ifMatch: "if-match"
        case .ifNoneMatch: "if-none-match"
        case .ifModifiedSince: "if-modified-since"
        case .ifUnmodifiedSince: "if-unmodified-since"
        case .ifRange: "if-range"
        case .maxForwards: "max-forwards"
        case .retryAfter: "retry-after"
        case .warning: "warning"
        case .pragma: "pragma"
        case .origin: "origin"
        case .referer: "referer"
        case .secFetchSite: "sec-fetch-site"
        case .secFetchMode: "sec-fetch-mode"
        case .secFetchDest: "sec-fetch-dest"
        case .xForwardedFor: "x-forwarded-for"
        case .xForwardedProto: "x-forwarded-proto"
        case .xForwardedHost: "x-forwarded-host"
        case .xForwardedPort: "x-forwarded-port"
        case .xRealIP: "x-real-ip"
        case .forwarded: "forwarded"
        case .xRequestID: "x-request-id"
        case .traceparent: "traceparent"
        case .tracestate: "tracestate"
        case .http2Settings: "http2-settings"
        case .etag: "etag"
        case .lastModified: "last-modified"
        }
    }

    /// The one name of this length that begins so and has this octet before its last.
    @inline(always)
    private static func candidate(_ length: Int, _ first: UInt8, _ beforeLast: UInt8) -> FieldName {
        switch length {
        case 2: return .te
        case 3:
            switch (first, beforeLast) {
            case (.ascii("v"), .ascii("i")): return .via
            case (.ascii("a"), .ascii("g")): return .age
            default: return .other
            }
        case 4:
            switch (first, beforeLast) {
            case (.ascii("h"), .ascii("s")): return .host
            case (.ascii("d"), .ascii("t")): return .date
            case (.ascii("v"), .ascii("r")): return .vary
            case (.ascii("e"), .ascii("a")): return .etag
            default: return .other
            }
        case 5: return .range
        case 6:
            switch (first, beforeLast) {
            case (.ascii("c"), .ascii("i")): return .cookie
            case (.ascii("e"), .ascii("c")): return .expect
            case (.ascii("s"), .ascii("e")): return .server
            case (.ascii("a"), .ascii("p")): return .accept
            case (.ascii("p"), .ascii("m")): return .pragma
            case (.ascii("o"), .ascii("i")): return .origin
            default: return .other
            }
        case 7:
            switch (first, beforeLast) {
            case (.ascii("u"), .ascii("d")): return .upgrade
            case (.ascii("t"), .ascii("e")): return .trailer
            case (.ascii("e"), .ascii("e")): return .expires
            case (.ascii("w"), .ascii("n")): return .warning
            case (.ascii("r"), .ascii("e")): return .referer
            default: return .other
            }
        case 8:
            switch (first, beforeLast) {
            case (.ascii("l"), .ascii("o")): return .location
            case (.ascii("i"), .ascii("c")): return .ifMatch
            case (.ascii("i"), .ascii("g")): return .ifRange
            default: return .other
            }
        case 9:
            switch (first, beforeLast) {
            case (.ascii("x"), .ascii("i")): return .xRealIP
            case (.ascii("f"), .ascii("e")): return .forwarded
            default: return .other
            }
        case 10:
            switch (first, beforeLast) {
            case (.ascii("c"), .ascii("o")): return .connection
            case (.ascii("s"), .ascii("i")): return .setCookie
            case (.ascii("k"), .ascii("v")): return .keepAlive
            case (.ascii("u"), .ascii("n")): return .userAgent
            case (.ascii("t"), .ascii("t")): return .tracestate
            default: return .other
            }
        case 11:
            switch (first, beforeLast) {
            case (.ascii("r"), .ascii("e")): return .retryAfter
            case (.ascii("t"), .ascii("n")): return .traceparent
            default: return .other
            }
        case 12:
            switch (first, beforeLast) {
            case (.ascii("c"), .ascii("p")): return .contentType
            case (.ascii("m"), .ascii("d")): return .maxForwards
            case (.ascii("x"), .ascii("i")): return .xRequestID
            default: return .other
            }
        case 13:
            switch (first, beforeLast) {
            case (.ascii("a"), .ascii("o")): return .authorization
            case (.ascii("c"), .ascii("g")): return .contentRange
            case (.ascii("c"), .ascii("o")): return .cacheControl
            case (.ascii("i"), .ascii("c")): return .ifNoneMatch
            case (.ascii("l"), .ascii("e")): return .lastModified
            default: return .other
            }
        case 14:
            switch (first, beforeLast) {
            case (.ascii("c"), .ascii("t")): return .contentLength
            case (.ascii("s"), .ascii("t")): return .secFetchSite
            case (.ascii("s"), .ascii("d")): return .secFetchMode
            case (.ascii("s"), .ascii("s")): return .secFetchDest
            case (.ascii("h"), .ascii("g")): return .http2Settings
            default: return .other
            }
        case 15:
            switch (first, beforeLast) {
            case (.ascii("a"), .ascii("n")): return .acceptEncoding
            case (.ascii("a"), .ascii("g")): return .acceptLanguage
            case (.ascii("x"), .ascii("o")): return .xForwardedFor
            default: return .other
            }
        case 16:
            switch (first, beforeLast) {
            case (.ascii("p"), .ascii("o")): return .proxyConnection
            case (.ascii("w"), .ascii("t")): return .wwwAuthenticate
            case (.ascii("c"), .ascii("n")): return .contentEncoding
            case (.ascii("x"), .ascii("s")): return .xForwardedHost
            case (.ascii("x"), .ascii("r")): return .xForwardedPort
            default: return .other
            }
        case 17:
            switch (first, beforeLast) {
            case (.ascii("t"), .ascii("n")): return .transferEncoding
            case (.ascii("i"), .ascii("c")): return .ifModifiedSince
            case (.ascii("x"), .ascii("t")): return .xForwardedProto
            default: return .other
            }
        case 18: return .proxyAuthenticate
        case 19:
            switch (first, beforeLast) {
            case (.ascii("p"), .ascii("o")): return .proxyAuthorization
            case (.ascii("a"), .ascii("f")): return .authenticationInfo
            case (.ascii("i"), .ascii("c")): return .ifUnmodifiedSince
            default: return .other
            }
        case 25: return .proxyAuthenticationInfo
        default: return .other
        }
    }
}
