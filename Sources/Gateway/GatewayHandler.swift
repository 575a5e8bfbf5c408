package import Access
import Loop
import Wire

/// The gateway on one worker: each exchange goes through the same steps, `judge`, `ask`, `decide` and `forward`, as far as each leads
/// at once. Only an endpoint, a question to a store, and a new connection to an upstream are waited for by a task.
package final class GatewayHandler: Handler {
    let configuration: GatewayConfiguration
    let stores: GatewayStores
    /// As it was handed in, for a successor that keeps it.
    package let sessions: any SessionStore
    let context: WorkerContext
    let upstreams: [UpstreamGroup]
    let headers: HeaderPolicy
    let authenticator: Authenticator
    let endpoints: Endpoints
    let telemetry: Telemetry
    let audit: Audit

    /// - Parameter previous: the handler that served before on this worker: upstreams that are the same go on with their
    ///   connections and what is known of their servers.
    package init(
        configuration: GatewayConfiguration, stores: GatewayStores, context: WorkerContext, telemetry: Telemetry,
        after previous: GatewayHandler? = nil
    ) {
        self.configuration = configuration
        let metrics = telemetry.metrics
        sessions = stores.sessions
        let stores = stores.measured(by: metrics)
        self.stores = stores
        self.context = context
        self.telemetry = telemetry
        upstreams = configuration.upstreams.enumerated().map { index, upstream in
            if let kept = previous?.upstreams.first(where: { $0.configuration == upstream && $0.limits == configuration.limits.head }) {
                return kept
            }
            let (counts, health) = telemetry.upstream(at: index)
            return UpstreamGroup(
                configuration: upstream, context: context, lookups: stores.lookups, limits: configuration.limits.head, counts: counts,
                health: health)
        }
        for upstream in upstreams { upstream.take() }
        headers = HeaderPolicy(configuration: configuration)
        authenticator = Authenticator(configuration: configuration, sessions: stores.sessions, metrics: metrics)
        endpoints = Endpoints(
            configuration: configuration, stores: stores, authenticator: authenticator, audit: telemetry.audit,
            metrics: metrics)
        audit = Audit(log: telemetry.audit, routes: configuration.routes)
    }

    package func advance(_ exchange: Exchange) -> Progress {
        switch exchange.step {
        case .judge: judge(exchange)
        case .forward: relay(exchange)
        case .over: .ended
        case .serve, .ask: .needsTask
        }
    }

    package func handle(_ exchange: Exchange) async {
        switch exchange.step {
        case .serve(let endpoint):
            exchange.step = .over
            await endpoints.serve(exchange, endpoint)
        case .ask(let question): await ask(exchange, question)
        case .forward: await prepareRelay(exchange)
        case .judge, .over: break
        }
    }

    package func record(_ exchange: Exchange) { telemetry.record(exchange) }

    package func tick() {
        telemetry.tick()
        for upstream in upstreams { upstream.sweep() }
    }

    package func end() { for upstream in upstreams { upstream.leave() } }

    // MARK: The steps

    private func judge(_ exchange: Exchange) -> Progress {
        if let problem = objection(to: exchange) { return refuse(exchange, problem) }
        exchange.clientAddress = headers.clientAddress(of: exchange)
        if let endpoint = endpoints.match(exchange) {
            exchange.step = .serve(endpoint)
            return .needsTask
        }
        let head = exchange.head
        let octets = head.bytes
        guard let index = configuration.routes.match(host: octets.span(head.host), path: octets.span(head.path)) else {
            return refuse(exchange, Problem(404, "There is nothing at this address."))
        }
        exchange.route = index
        let route = configuration.routes.routes[index]
        if case .public = route.access { return decide(exchange, route, nil) }
        switch authenticator.find(exchange, for: route) {
        case .identity(let identity): return decide(exchange, route, identity)
        case .question(let question):
            exchange.step = .ask(question)
            return .needsTask
        }
    }

    private func ask(_ exchange: Exchange, _ question: StoreQuestion) async {
        guard let index = exchange.route else { return exchange.step = .over }
        do {
            let identity = try await authenticator.ask(question, exchange)
            _ = decide(exchange, configuration.routes.routes[index], identity)
        } catch {
            _ = refuse(exchange, error.problem)
        }
    }

    private func decide(_ exchange: Exchange, _ route: Route, _ identity: Identity?) -> Progress {
        exchange.identity = identity
        switch Decision.decide(route: route, identity: identity) {
        case .forward(let grant): return forward(exchange, under: grant, by: route)
        case .signIn(let reason): return answer(exchange, endpoints.signInFirst(exchange, reason))
        case .refuse(let refusal):
            if let identity { audit.record(AuditEvent(.accessRefused, .refused, AuditEvent.Reason(refusal), of: identity), exchange) }
            return refuse(exchange, Problem(403, "You are signed in, but not allowed to see this.", note: refusal.description))
        }
    }

    func refuse(_ exchange: Exchange, _ problem: Problem) -> Progress { answer(exchange, problem.answer(for: exchange)) }

    private func answer(_ exchange: Exchange, _ answer: Answer) -> Progress {
        exchange.put(answer)
        return over(exchange)
    }

    func over(_ exchange: Exchange) -> Progress {
        exchange.step = .over
        return .ended
    }

    /// What no route is asked about.
    private func objection(to exchange: Exchange) -> Problem? {
        let head = exchange.head
        // RFC 9110 9.3.6 and 9.3.8; rule 12.
        if head.method == .connect { return Problem(501, "CONNECT is not supported: this is not a forward proxy.", closes: true) }
        if head.method == .trace {
            var problem = Problem(405, "TRACE is not allowed.", closes: true)
            problem.allowed = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
            return problem
        }
        // Rule 19: nothing is upgraded, so nothing that is spoken after an upgrade can slip through.
        if head.wantsUpgrade { return Problem(501, "Upgrades of the protocol are not supported.", closes: true) }
        if head.hasUnknownExpectation { return Problem(417, "Only the expectation 100-continue can be met.") }
        if headers.hasPassedHere(exchange) { return Problem(508, "The request has come back to the gateway that sent it.") }
        return nil
    }
}
