import Access
import Wire

/// What all of the gateway's own endpoints do alike.
struct Desk {
    let configuration: GatewayConfiguration
    let authenticator: Authenticator
    let audit: Audit

    // MARK: Answering

    func send(_ answer: Answer, to exchange: Exchange) async { await exchange.answer(complete(answer)) }

    /// With what all answers of the gateway's own bear.
    func complete(_ answer: Answer) -> Answer {
        // RFC 6797 7.2: only over https; a year.
        configuration.publicURL.isHTTPS ? answer.adding("Strict-Transport-Security", "max-age=31536000") : answer
    }

    func refuse(_ exchange: Exchange, _ problem: Problem) async {
        await send(problem.answer(for: exchange), to: exchange)
    }

    /// 405 has to say what is allowed (RFC 9110 15.5.6).
    func refuseMethod(_ exchange: Exchange, allowed: String) async {
        let problem = Problem(405, "This address takes \(allowed) only.")
        await send(problem.answer(for: exchange).adding("Allow", allowed), to: exchange)
    }

    /// 401 for who is not signed in.
    func challenge(_ exchange: Exchange, note: String?) -> Answer {
        let problem = Problem(401, "You are not signed in, or your sign-in has ended.", note: note)
        return problem.answer(for: exchange).adding("WWW-Authenticate", challenge(for: exchange))
    }

    /// RFC 9110 11.6.1: a 401 carries at least one challenge. Where no bearer token helps, it names the scheme `Cookie`: the
    /// grammar takes any token for a scheme, and one that browsers do not know opens no password dialogue of theirs, as Basic,
    /// Digest and Negotiate would.
    func challenge(for exchange: Exchange) -> String {
        guard configuration.tokens != nil else { return "Cookie" }
        switch PresentedCredentials.Bearer(exchange.head) {
        case .none: return "Bearer"
        // RFC 6750 3.1.
        case .one: return #"Bearer error="invalid_token""#
        case .malformed: return #"Bearer error="invalid_request""#
        }
    }

    // MARK: Asking

    /// Who is signed in. Nil: nobody, or it cannot be checked, and the exchange has been answered so.
    func identity(of exchange: Exchange) async -> Identity? {
        do throws(CheckFailure) {
            guard let identity = try await authenticator.identify(exchange) else {
                await send(challenge(exchange, note: exchange.note), to: exchange)
                return nil
            }
            exchange.identity = identity
            return identity
        } catch {
            await refuse(exchange, error.problem)
            return nil
        }
    }

    /// Rule 36: nothing is changed for a page of another site.
    /// - Parameter event: what the page wants.
    func objectionToOrigin(of exchange: Exchange, against event: AuditEvent.Name) -> Problem? {
        let head = exchange.head
        let isAllowed = CrossSite.allows(
            origins: head.values(of: .origin), secFetchSites: head.values(of: .secFetchSite),
            own: [configuration.publicURL.origin])
        if isAllowed { return nil }
        audit.record(AuditEvent(event, .refused, .crossSite), exchange)
        let own = String(decoding: configuration.publicURL.origin, as: UTF8.self)
        return Problem(403, "The request comes from a page of another site. This site's address is \(own).")
    }

    // MARK: Cookies

    func setCookie(_ kind: CredentialKinds, _ value: [UInt8], maxAge: Int64) -> SetCookie {
        SetCookie(name: cookieName(kind), value: value, maxAge: maxAge, isSecure: configuration.publicURL.isHTTPS)
    }

    func clearCookie(_ kind: CredentialKinds) -> SetCookie { setCookie(kind, [], maxAge: 0) }

    func carriesCookie(_ kind: CredentialKinds, _ exchange: Exchange) -> Bool {
        let cookies = exchange.cookies(configuration)
        return (kind == .token ? cookies.token : cookies.session) != .none
    }

    /// The key of the session id in the request's cookie; nil when there is none, or several, or something else.
    func presentedSession(_ exchange: Exchange) -> SessionKey? {
        guard case .one(let range) = exchange.cookies(configuration).session else { return nil }
        let bytes = exchange.head.bytes
        return SessionID.key(ofPresented: bytes.span(range))
    }

    private func cookieName(_ kind: CredentialKinds) -> [UInt8] {
        kind == .token ? configuration.tokenCookie : configuration.sessionCookie
    }
}

extension RequestHead {
    /// The values of all fields of this name.
    func values(of id: FieldName) -> [[UInt8]] { fields.filter { $0.id == id }.map { bytes.array($0.value) } }

    /// The fields of the query. There are no more of them than a request line has room for.
    func queryFields() -> [FormURLEncoded.Field] {
        guard let query else { return [] }
        return (try? FormURLEncoded.parse(bytes.array(query), maxFields: .max)) ?? []
    }
}

extension Answer {
    func adding(_ cookie: SetCookie) -> Answer {
        var answer = self
        answer.fields.append(("Set-Cookie", cookie.bytes))
        return answer
    }
}

extension CredentialKinds {
    /// As settings, queries and answers write it.
    var name: StaticString { self == .token ? "token" : "session" }
}

/// What keeps an endpoint from going on: thrown inside, answered at its edge.
extension Problem: Error {
    /// A store cannot be asked: 503, and the client's cookie stays as it is (rule 40).
    init(_ failure: StoreError, _ detail: String) {
        self.init(503, detail, retryAfter: 1, note: failure.description)
    }
}
