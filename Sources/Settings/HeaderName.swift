import Access

/// Names of fields and cookies that settings choose.
enum HeaderName {
    /// RFC 9110 5.6.2.
    static func isToken(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "!#$%&'*+-.^_`|~".utf8.contains($0)
                }
            }
    }

    /// The name as an upstream may see it that reads headers as variables: letters and digits only, in lower case.
    static func folded(_ name: String) -> [UInt8] {
        name.utf8.compactMap {
            switch $0 {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): $0 | 0x20
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): $0
            default: nil
            }
        }
    }

    /// Says why `name` cannot carry an identity; nil when it can.
    static func identityFault(_ name: String) -> String? {
        guard isToken(name) else { return "`\(name)` is no header name" }
        if name.utf8.contains(UInt8(ascii: "_")) {
            return "many servers drop or confuse a name with `_`; write `-` instead"
        }
        let folded = folded(name)
        if folded.isEmpty { return "a header name needs letters" }
        if reserved.contains(folded) { return "`\(name)` has a meaning of its own in HTTP and cannot carry an identity" }
        return nil
    }

    /// Fields of HTTP itself (RFC 9110, 9111, 9112, 6265, 8246 and their kin), and those that the gateway writes.
    private static let reserved: Set<[UInt8]> = Set(
        """
        accept accept-charset accept-encoding accept-language accept-ranges access-control-request-headers
        access-control-request-method age allow authentication-info authorization cache-control connection
        content-disposition content-encoding content-language content-length content-location content-range content-type
        cookie date etag expect expires forwarded from host http2-settings if-match if-modified-since if-none-match if-range
        if-unmodified-since keep-alive last-modified location max-forwards origin pragma proxy-authenticate
        proxy-authentication-info proxy-authorization proxy-connection range referer retry-after sec-fetch-dest
        sec-fetch-mode sec-fetch-site sec-fetch-user server set-cookie strict-transport-security te traceparent tracestate
        trailer transfer-encoding upgrade user-agent vary via www-authenticate x-forwarded-for x-forwarded-host
        x-forwarded-port x-forwarded-proto x-real-ip x-request-id
        """.split(whereSeparator: \.isWhitespace).map { folded(String($0)) })
}

extension Codec where Value == String {
    /// RFC 6265 4.1.1; the gateway itself puts `__Host-` in front.
    static var cookieName: Self {
        Codec(
            schema: [("type", .string("string")), ("pattern", .string("^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$"))],
            parse: { (text) throws(Fault) in
                guard HeaderName.isToken(text) else { throw Fault("`\(text)` is no cookie name") }
                let folded = text.lowercased()
                if folded.utf8.starts(with: "__host-".utf8) || folded.utf8.starts(with: "__secure-".utf8) {
                    throw Fault("leave the prefix out: with an https public_url, the gateway writes __Host- in front by itself")
                }
                return text
            },
            write: { .text($0) })
    }
}

extension Codec where Value == String {
    /// What a user may have: a value that no user can have would never match.
    static func identityValue(_ field: IdentityError.Field, limit: Int) -> Self {
        Codec(
            schema: [("type", .string("string")), ("minLength", .integer(1)), ("maxLength", .integer(Int64(limit)))],
            parse: { (text) throws(Fault) in
                do throws(IdentityError) {
                    try IdentityValue.check(Array(text.utf8), field, maxLength: limit)
                } catch {
                    throw Fault(error.description)
                }
                return text
            },
            write: { .text($0) })
    }
}

extension NameRule {
    /// An upstream's name.
    static let upstreams = NameRule(
        what: "a name of 1 to 64 letters, digits, - and _ that begins with a letter", pattern: "^[A-Za-z][A-Za-z0-9_-]{0,63}$",
        accepts: { name in
            (1...64).contains(name.utf8.count) && (0x61...0x7A).contains((name.utf8.first ?? 0) | 0x20)
                && name.utf8.allSatisfy { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || isLetterOrDigit($0) }
        },
        fromEnvironment: { $0.lowercased() })

    /// An identity header's name; what it may not be, besides, is checked with a better message.
    static let headers = NameRule(
        what: "a header name", pattern: "^[!#$%&'*+.^`|~0-9A-Za-z-]{1,64}$", accepts: HeaderName.isToken,
        fromEnvironment: { $0.split(separator: "_").map { $0.prefix(1) + $0.dropFirst().lowercased() }.joined(separator: "-") })

    private static func isLetterOrDigit(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
