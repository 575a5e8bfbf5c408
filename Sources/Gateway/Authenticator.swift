package import Access
import Loop
import Wire

/// Who is it? From the credential that the request shows to an identity, by the session store or the token's signature.
package final class Authenticator {
    private let configuration: GatewayConfiguration
    private let sessions: any SessionStore
    private let cache: SessionCache?
    private var verified = VerifiedTokens()
    private let metrics: WorkerMetrics?

    init(configuration: GatewayConfiguration, sessions: any SessionStore, metrics: WorkerMetrics? = nil) {
        self.configuration = configuration
        self.metrics = metrics
        self.sessions = sessions
        cache = sessions.cache
    }

    /// The identity behind the request; nil when it shows none, or none that holds.
    /// - Throws: when the check cannot be made. That is never taken for a yes, nor for a no (rules 13 and 40).
    func identify(_ exchange: Exchange, for route: Route) async throws(CheckFailure) -> Identity? {
        try await identify(exchange, CredentialChoice.choose(among: shown(by: exchange), for: route))
    }

    /// The same for the gateway's own endpoints, which take what any route may take.
    func identify(_ exchange: Exchange) async throws(CheckFailure) -> Identity? {
        try await identify(exchange, CredentialChoice.choose(among: shown(by: exchange), accepting: .all))
    }

    private func identify(_ exchange: Exchange, _ choice: CredentialChoice) async throws(CheckFailure) -> Identity? {
        switch choice {
        case .none: return nil
        case .unusable(let fault):
            exchange.note = fault.description
            return nil
        case .session(let range): return try await identity(ofSession: range, exchange)
        case .token(let range, _): return identity(ofToken: range, exchange)
        }
    }

    /// Whether the request's bearer is a token of ours, on a route that does not look at it (rule 45). Others are the
    /// upstream's business.
    func showsOwnToken(_ exchange: Exchange) -> Bool {
        guard case .one(let range) = shown(by: exchange).bearer else { return false }
        return identity(ofToken: range, exchange) != nil
    }

    /// Whose token the request's cookie is; nil when there is none, or none that holds.
    func identity(ofTokenCookie exchange: Exchange) -> Identity? {
        guard case .one(let range) = shown(by: exchange).token else { return nil }
        return identity(ofToken: range, exchange)
    }

    private func shown(by exchange: Exchange) -> PresentedCredentials {
        let cookies = exchange.cookies(configuration)
        guard configuration.tokens != nil else {
            return PresentedCredentials(session: cookies.session, token: .none, bearer: .none)
        }
        return PresentedCredentials(
            session: cookies.session, token: cookies.token, bearer: PresentedCredentials.Bearer(exchange.head))
    }

    @inline(always)
    private func identity(ofSession range: ByteRange, _ exchange: Exchange) async throws(CheckFailure) -> Identity? {
        let octets = exchange.head.bytes
        guard let key = SessionID.key(ofPresented: octets.span(range)) else {
            exchange.note = "the session cookie is not a session id"
            return nil
        }
        guard let cache else { return try await lookUp(key, nil, exchange) }
        let loop = exchange.context.loop
        // Not the time of the turn, which may have begun long ago: this bounds for how long an ended session is let through.
        switch cache.find(key, now: Clock.monotonic(), wallClock: loop.wallClock) {
        case .known(let identity, let isTouchDue):
            metrics?.sessionHits.add(1)
            if isTouchDue {
                cache.noteUse(of: key, at: loop.wallClock)
                await touch(key, now: loop.wallClock, exchange)
            }
            return identity
        case .unknown(let ticket):
            metrics?.sessionMisses.add(1)
            return try await lookUp(key, ticket, exchange)
        }
    }

    private func lookUp(
        _ key: SessionKey, _ ticket: SessionCache.Ticket?, _ exchange: Exchange
    ) async throws(CheckFailure) -> Identity? {
        let now = exchange.context.loop.wallClock
        do throws(StoreError) {
            guard let record = try await sessions.find(key, now: now) else {
                exchange.note = "the session is unknown or has ended"
                return nil
            }
            let identity: Identity
            do {
                identity = try Identity(session: record)
            } catch {
                // Rule 41: what a store holds is input.
                exchange.note = "the stored session cannot be an identity: \(error)"
                return nil
            }
            if let ticket { cache?.keep(record, as: identity, ticket) }
            if record.times.isTouchDue(at: now) { await touch(key, now: now, exchange) }
            return identity
        } catch {
            throw CheckFailure(error)
        }
    }

    /// Notes that the session is in use. A store that can be read and not written (its disk is full, its primary is gone) has said who
    /// asks all the same; the session is the sooner idle for it, never the later.
    private func touch(_ key: SessionKey, now: Int64, _ exchange: Exchange) async {
        do throws(StoreError) {
            try await sessions.touch(key, lastSeenAt: now)
        } catch {
            exchange.note = "the session's use could not be written: \(error)"
        }
    }

    private func identity(ofToken range: ByteRange, _ exchange: Exchange) -> Identity? {
        let octets = exchange.head.bytes
        let token = octets.span(range)
        let now = exchange.context.loop.wallClock
        if let identity = verified.identity(of: token, now: now) {
            metrics?.tokenHits.add(1)
            return identity
        }
        guard let tokens = configuration.tokens else { return nil }
        metrics?.tokenMisses.add(1)
        do {
            let identity = try tokens.verify(token, now: now)
            verified.remember(token, identity, now: now)
            return identity
        } catch {
            exchange.note = "the token is refused: \(error)"
            return nil
        }
    }
}

/// A check that could not be made.
package struct CheckFailure: Error {
    package let cause: StoreError

    init(_ cause: StoreError) { self.cause = cause }

    /// 503 and not 401: the client keeps its cookie and tries again (rule 40).
    package var problem: Problem {
        Problem(503, "Sign-ins cannot be checked at the moment. Try again in a moment.", retryAfter: 1, note: cause.description)
    }
}
