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

    /// What is known at once of who sends the request.
    func find(_ exchange: Exchange, for route: Route) -> Finding {
        find(exchange, CredentialChoice.choose(among: shown(by: exchange), for: route))
    }

    /// The identity behind a request to the gateway's own endpoints, which take what any route may take; nil when it shows none, or none
    /// that holds.
    /// - Throws: when the check cannot be made. That is never taken for a yes, nor for a no (rules 13 and 40).
    func identify(_ exchange: Exchange) async throws(CheckFailure) -> Identity? {
        switch find(exchange, CredentialChoice.choose(among: shown(by: exchange), accepting: .all)) {
        case .identity(let identity): identity
        case .question(let question): try await ask(question, exchange)
        }
    }

    private func find(_ exchange: Exchange, _ choice: CredentialChoice) -> Finding {
        switch choice {
        case .none: return .identity(nil)
        case .unusable(let fault):
            exchange.note = fault.description
            return .identity(nil)
        case .session(let range): return find(session: range, exchange)
        case .token(let range, _): return .identity(identity(ofToken: range, exchange))
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

    private func find(session range: ByteRange, _ exchange: Exchange) -> Finding {
        let octets = exchange.head.bytes
        guard let key = SessionID.key(ofPresented: octets.span(range)) else {
            exchange.note = "the session cookie is not a session id"
            return .identity(nil)
        }
        guard let cache else { return .question(StoreQuestion(key: key)) }
        let now = exchange.loop.wallClock
        // Not the time of the turn, which may have begun long ago: this bounds for how long an ended session is let through.
        switch cache.find(key, now: Clock.monotonic(), wallClock: now) {
        case .known(let identity, let isTouchDue):
            metrics?.sessionHits.add(1)
            guard isTouchDue else { return .identity(identity) }
            cache.noteUse(of: key, at: now)
            return .question(StoreQuestion(key: key, known: identity))
        case .unknown(let ticket):
            metrics?.sessionMisses.add(1)
            return .question(StoreQuestion(key: key, ticket: ticket))
        }
    }

    /// The identity that `question` is about, nil when its session does not hold.
    /// - Throws: as `identify`.
    func ask(_ question: StoreQuestion, _ exchange: Exchange) async throws(CheckFailure) -> Identity? {
        guard let identity = question.known else { return try await lookUp(question.key, question.ticket, exchange) }
        await touch(question.key, now: exchange.loop.wallClock, exchange)
        return identity
    }

    private func lookUp(
        _ key: SessionKey, _ ticket: SessionCache.Ticket?, _ exchange: Exchange
    ) async throws(CheckFailure) -> Identity? {
        let now = exchange.loop.wallClock
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
        let now = exchange.loop.wallClock
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

/// What is known of who sends a request.
enum Finding {
    /// Nil: nobody, or nobody who holds.
    case identity(Identity?)
    case question(StoreQuestion)
}

/// What the session store has to be asked, or told.
struct StoreQuestion {
    let key: SessionKey
    /// For keeping the answer at hand.
    var ticket: SessionCache.Ticket?
    /// Who it is; only that the session is in use is to be told.
    var known: Identity?
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
