import Access
import Wire

/// `{login.path}`: the sign-in page, and the sign-in itself.
struct SignInEndpoint {
    let desk: Desk
    let check: SignInCheck
    let grant: SignInGrant

    private var login: GatewayConfiguration.Login { desk.configuration.login }

    func serve(_ exchange: Exchange) async {
        switch exchange.head.method {
        case .get, .head: await showPage(exchange)
        case .post: await signIn(exchange)
        case .put, .delete, .options, .patch, .connect, .trace, .other:
            await desk.refuseMethod(exchange, allowed: "GET, HEAD, POST")
        }
    }

    // MARK: The page

    private func showPage(_ exchange: Exchange) async {
        let query = exchange.head.queryFields()
        let asked = query.first { $0.name.elementsEqual("return_to".utf8) }?.value ?? ReturnTo.fallback
        do throws(Problem) {
            let page = page(for: try kind(askedFor: query), returnTo: ReturnTo.validated(asked))
            await desk.send(Pages.signIn(page, status: 200), to: exchange)
        } catch {
            await desk.refuse(exchange, error)
        }
    }

    private func page(for kind: CredentialKinds, returnTo: [UInt8]) -> SignInPage {
        SignInPage(
            site: desk.configuration.publicURL.authority, path: login.path, issue: kind == login.issues ? nil : kind.name,
            returnTo: returnTo)
    }

    /// What the query's `issue` asks for, or what a sign-in gives by itself.
    private func kind(askedFor query: [FormURLEncoded.Field]) throws(Problem) -> CredentialKinds {
        let asked = query.filter { $0.name.elementsEqual("issue".utf8) }
        guard let first = asked.first else { return login.issues }
        let kind = [CredentialKinds.session, .token].first { first.value.elementsEqual($0.name.description.utf8) }
        guard asked.count == 1, let kind else { throw Problem(400, "\"issue\" in the query is either \"session\" or \"token\".") }
        guard login.allowed.contains(kind), kind != .token || desk.configuration.tokens != nil else {
            throw Problem(400, "Signing in with a \(kind.name) is not allowed here.")
        }
        return kind
    }

    // MARK: The sign-in

    private func signIn(_ exchange: Exchange) async {
        exchange.isSignIn = true
        let kind: CredentialKinds
        let request: SignInRequest
        do throws(Problem) {
            kind = try self.kind(askedFor: exchange.head.queryFields())
            request = try await read(exchange)
        } catch {
            return await desk.refuse(exchange, error)
        }
        do throws(SignInFailure) {
            let user = try await check.user(for: request, stores: kind == .session, exchange)
            let granted = try await grant.grant(kind, to: user, desk, exchange)
            exchange.identity = granted.identity
            desk.audit.record(AuditEvent(.signIn, .ok, of: granted.identity), exchange)
            await desk.send(SignInEndpoint.answer(granted, to: request), to: exchange)
        } catch {
            desk.audit.record(error.event, exchange)
            await fail(exchange, request, kind, error.problem)
        }
    }

    private func read(_ exchange: Exchange) async throws(Problem) -> SignInRequest {
        if let problem = desk.objectionToOrigin(of: exchange, against: .signIn) { throw problem }
        guard let type = BodyType(contentTypes: exchange.head.values(of: .contentType)) else {
            throw Problem(415, "A sign-in is sent as application/json or as application/x-www-form-urlencoded.")
        }
        let content: [UInt8]
        do { content = try await exchange.readContent(limit: login.maxBody) } catch {
            throw Problem(content: error, limit: UInt64(max(0, login.maxBody)))
        }
        return try SignInRequest(content, type)
    }

    /// `{"user":{…},"expires_at":"…"}`, or for a form the way back.
    static func answer(_ granted: SignInGrant.Granted, to request: SignInRequest) -> Answer {
        let answer: Answer
        switch request.type {
        case .form: answer = Answer(status: 303, fields: [("Location", request.returnTo)])
        case .json:
            let json = JSONAnswer()
            json.raw("{\"user\":")
            json.user(granted.identity)
            json.raw(",\"expires_at\":")
            json.time(granted.identity.expiresAt)
            json.raw("}")
            answer = json.answer()
        }
        return granted.cookies.reduce(answer) { $0.adding($1) }
    }

    /// A form gets its page again, with what was typed but the password.
    private func fail(_ exchange: Exchange, _ request: SignInRequest, _ kind: CredentialKinds, _ problem: Problem) async {
        var answer: Answer
        switch request.type {
        case .json: answer = problem.answer(for: exchange)
        case .form:
            var page = page(for: kind, returnTo: request.returnTo)
            page.username = request.username
            page.error = Array(problem.detail.utf8)
            answer = Pages.signIn(page, status: problem.status)
            if let retryAfter = problem.retryAfter { answer = answer.adding("Retry-After", String(retryAfter)) }
        }
        // What was noted on the way, such as a hash that cannot be read, says more than that the sign-in failed.
        answer.note = exchange.note ?? problem.note ?? problem.detail
        if problem.status == 401 { answer = answer.adding("WWW-Authenticate", desk.challenge(for: exchange)) }
        await desk.send(answer, to: exchange)
    }
}
