package import Wire

/// What a request shows of who it comes from. The ranges are into the request head's octets.
package struct PresentedCredentials: Sendable {
    package enum Bearer: Equatable, Sendable {
        /// No `Authorization` line, or one of another scheme, which is the upstream's business.
        case none
        case one(ByteRange)
        /// Several `Authorization` lines, or `Bearer` with anything else than one token after it.
        case malformed
    }

    package var session: Cookies.Lookup
    package var token: Cookies.Lookup
    package var bearer: Bearer

    package init(session: Cookies.Lookup, token: Cookies.Lookup, bearer: Bearer) {
        self.session = session
        self.token = token
        self.bearer = bearer
    }
}

/// Which one of the credentials a request shows is to be checked.
///
/// Exactly one is, and its verdict is the request's: a credential that turns out to be wrong is not made up for by another kind,
/// because a request that shows two people would be whoever is tried last. The order, among those that the route accepts:
/// 1. `Authorization: Bearer`: a program wrote it into this very request, while cookies come along by themselves.
/// 2. The session cookie: it can be ended at once, so where both cookies are there it is the one that a sign-out takes away.
/// 3. The token cookie, when there is no session cookie.
/// So a stale session cookie hides a good token cookie; a sign-in therefore clears the other kind's cookie.
package enum CredentialChoice: Equatable, Sendable {
    package enum Source: Equatable, Sendable { case cookie, bearer }

    /// Why what is there cannot be anybody's; the request counts as not signed in (rule 13).
    package enum Fault: Equatable, Sendable, CustomStringConvertible {
        case severalSessionCookies, severalTokenCookies, malformedBearer

        package var description: String {
            switch self {
            case .severalSessionCookies: "more than one session cookie"
            case .severalTokenCookies: "more than one token cookie"
            case .malformedBearer: "an Authorization line that is not one Bearer token"
            }
        }
    }

    case none
    case session(ByteRange)
    case token(ByteRange, Source)
    case unusable(Fault)

    package static func choose(among shown: PresentedCredentials, for route: Route) -> CredentialChoice {
        // A public route looks at nobody, so that it stays up when a store is down.
        if route.access == .public { return .none }
        return choose(among: shown, accepting: route.accepts)
    }

    /// For the gateway's own endpoints, which have no route.
    package static func choose(
        among shown: PresentedCredentials, accepting kinds: CredentialKinds
    ) -> CredentialChoice {
        if kinds.contains(.token) {
            switch shown.bearer {
            case .none: break
            case .one(let range): return .token(range, .bearer)
            case .malformed: return .unusable(.malformedBearer)
            }
        }
        // Rule 39: of two cookies of our name one may have been planted from a sibling domain, and nothing tells which.
        if kinds.contains(.session) {
            switch shown.session {
            case .none: break
            case .one(let range): return .session(range)
            case .several: return .unusable(.severalSessionCookies)
            }
        }
        if kinds.contains(.token) {
            switch shown.token {
            case .none: break
            case .one(let range): return .token(range, .cookie)
            case .several: return .unusable(.severalTokenCookies)
            }
        }
        return .none
    }
}

extension PresentedCredentials.Bearer {
    /// Reads the values of a request's `Authorization` lines; `lines` says how many there are, `range` where the first value is.
    package init(value: RawSpan, at range: ByteRange, lines: Int) {
        guard lines > 0 else { self = .none; return }
        guard lines == 1 else { self = .malformed; return }
        let scheme: StaticString = "bearer"
        let length = scheme.utf8CodeUnitCount
        guard value.byteCount >= length, Self.begins(value, with: scheme) else { self = .none; return }
        guard value.byteCount > length else { self = .malformed; return }
        // `Bearerish` is another scheme.
        guard value.octet(at: length) == 0x20 else {
            self = Self.isToken68(value.octet(at: length)) ? .none : .malformed
            return
        }
        // RFC 9110 11.4: one or more spaces, then token68.
        var start = length
        while start < value.byteCount, value.octet(at: start) == 0x20 { start += 1 }
        guard start < value.byteCount else { self = .malformed; return }
        for offset in start..<value.byteCount where !Self.isToken68(value.octet(at: offset)) {
            self = .malformed
            return
        }
        self = .one(ByteRange(offset: range.start + start, count: value.byteCount - start))
    }

    private static func begins(_ value: RawSpan, with name: StaticString) -> Bool {
        for offset in 0..<name.utf8CodeUnitCount
        where HostName.lowercased(value.octet(at: offset)) != (unsafe name.utf8Start[offset]) { return false }
        return true
    }

    private static func isToken68(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "."), UInt8(ascii: "~"), UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="): true
        default: SessionID.isBase64URL(octet)
        }
    }
}
