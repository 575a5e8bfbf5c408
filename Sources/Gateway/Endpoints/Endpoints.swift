package import Access
import Wire

/// What the gateway answers itself: signing in and out, who am I, my sessions, and the check for another proxy.
package final class Endpoints {
    private let login: GatewayConfiguration.Login
    private let paths: Endpoint.Paths
    private let desk: Desk
    private let signIn: SignInEndpoint
    private let signOut: SignOutEndpoint
    private let sessions: SessionsEndpoint
    private let me: MeEndpoint
    private let auth: AuthEndpoint

    init(
        configuration: GatewayConfiguration, stores: GatewayStores, authenticator: Authenticator, audit: AuditLog?,
        metrics: WorkerMetrics? = nil
    ) {
        login = configuration.login
        paths = Endpoint.Paths(login)
        desk = Desk(
            configuration: configuration, authenticator: authenticator, audit: Audit(log: audit, routes: configuration.routes))
        let check = SignInCheck(users: stores.users, throttle: stores.throttle, hashing: stores.hashing, login: login, metrics: metrics)
        let grant = SignInGrant(configuration: configuration, users: stores.users, sessions: stores.sessions)
        signIn = SignInEndpoint(desk: desk, check: check, grant: grant)
        signOut = SignOutEndpoint(desk: desk, sessions: stores.sessions)
        sessions = SessionsEndpoint(desk: desk, sessions: stores.sessions)
        me = MeEndpoint(desk: desk)
        auth = AuthEndpoint(desk: desk)
    }

    /// Nil: the request is for a route. Asked for every request, so it makes nothing.
    package func match(_ exchange: Exchange) -> Endpoint? {
        Endpoint(exchange.head.bytes, exchange.head.path, paths)
    }

    package func serve(_ exchange: Exchange, _ endpoint: Endpoint) async {
        switch endpoint {
        case .signIn: await signIn.serve(exchange)
        case .signOut: await signOut.serve(exchange)
        case .me: await me.serve(exchange)
        case .sessions: await sessions.serveAll(exchange)
        case .session(let handle): await sessions.serveOne(exchange, exchange.head.bytes.array(handle))
        case .auth: await auth.serve(exchange)
        case .nothing: await desk.refuse(exchange, Problem(404, "There is nothing at this address."))
        }
    }

    /// The request has a route that takes nobody unknown: a person gets to the sign-in page and from there back, a program 401.
    /// The cookie stays as it is: it may be good for another route, and a sign-in replaces it.
    package func signInFirst(_ exchange: Exchange, _ reason: SignInReason) -> Answer {
        let method = exchange.head.method
        let note = exchange.note ?? reason.description
        // Only what can be repeated by following a link comes back after the sign-in.
        guard exchange.isNavigation, method == .get || method == .head else {
            return desk.complete(desk.challenge(exchange, note: note))
        }
        var answer = Answer(status: 303, fields: [("Location", signInLocation(for: exchange))])
        answer.note = note
        return desk.complete(answer)
    }

    private func signInLocation(for exchange: Exchange) -> [UInt8] {
        let head = exchange.head
        var target = head.bytes.array(head.path)
        if let query = head.query { target += [UInt8(ascii: "?")] + head.bytes.array(query) }
        let out = Buffer()
        out.append(login.path)
        out.append("?return_to=")
        FormURLEncoded.append(ReturnTo.validated(target), to: out)
        if let kind = kindToAsk(forRoute: exchange.route) {
            out.append("&issue=")
            out.append(kind.name)
        }
        return out.array(ByteRange(offset: 0, count: out.count))
    }

    /// The kind that has to be asked for because the route does not take the one that a sign-in gives by itself: otherwise the
    /// person would sign in and be asked to again.
    private func kindToAsk(forRoute index: Int?) -> CredentialKinds? {
        guard let index else { return nil }
        let accepted = desk.configuration.routes.routes[index].accepts
        guard !accepted.contains(login.issues) else { return nil }
        return [CredentialKinds.session, .token].first { accepted.contains($0) && login.allowed.contains($0) }
    }
}
