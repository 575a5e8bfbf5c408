import Access
import Loop
import Wire

/// What somebody gets whose password was right: a session in the store, or a token and nothing anywhere.
struct SignInGrant {
    /// What was granted, and what the client's cookies are to be.
    struct Granted {
        let identity: Identity
        let cookies: [SetCookie]
    }

    let configuration: GatewayConfiguration
    let users: any UserStore
    let sessions: any SessionStore

    /// - Throws: 401 when the account ended in the meantime, 503 when a store is down, 500 when the account cannot be injected.
    func grant(
        _ kind: CredentialKinds, to user: UserRecord, _ desk: Desk, _ exchange: Exchange
    ) async throws(SignInFailure) -> Granted {
        kind == .token ? try await token(for: user, desk, exchange) : try await session(for: user, desk, exchange)
    }

    private func session(for user: UserRecord, _ desk: Desk, _ exchange: Exchange) async throws(SignInFailure) -> Granted {
        let now = exchange.context.loop.wallClock
        let start: SessionStart
        do {
            start = try configuration.sessionPolicy.start(for: user, replacing: desk.presentedSession(exchange), now: now)
        } catch { throw SignInFailure.notPossible(error.description, user) }
        let mayStay: Bool
        do throws(StoreError) {
            try await sessions.insert(start.record, now: now)
            // While the hash was computed the account may have been disabled and its sessions ended. This one was not among them,
            // and whoever disables it from now on finds this one.
            let current = try await users.find(id: user.id)
            mayStay = current?.isDisabled == false
            if !mayStay { _ = try await sessions.remove(start.record.key) }
        } catch {
            throw SignInFailure.storeDown(error)
        }
        guard mayStay else { throw SignInFailure.ended(user) }
        await end(start.replaces, desk, exchange)
        let identity: Identity
        do { identity = try Identity(session: start.record) } catch { throw SignInFailure.notPossible(error.description, user) }
        let cookie = desk.setCookie(.session, start.id.text, maxAge: (start.record.expiresAt - now) / 1000)
        return Granted(identity: identity, cookies: [cookie] + stale(.token, desk, exchange))
    }

    private func token(for user: UserRecord, _ desk: Desk, _ exchange: Exchange) async throws(SignInFailure) -> Granted {
        guard let tokens = configuration.tokens else { throw SignInFailure.notPossible("no keys for tokens are configured", user) }
        let now = exchange.context.loop.wallClock
        let token: [UInt8]
        let identity: Identity
        do throws(TokenIssueError) {
            (token, _) = try tokens.issue(for: user, now: now)
        } catch { throw SignInFailure.notPossible(error.description, user) }
        do { identity = try tokens.verify(token, now: now) } catch { throw SignInFailure.notPossible("\(error)", user) }
        // The session whose cookie is taken away would be out of everybody's reach, so it ends.
        await end(desk.presentedSession(exchange), desk, exchange)
        let cookie = desk.setCookie(.token, token, maxAge: (identity.expiresAt - now) / 1000)
        return Granted(identity: identity, cookies: [cookie] + stale(.session, desk, exchange))
    }

    /// Of two cookies the session's would be looked at and the token's not (`CredentialChoice`), or a program would send both for
    /// ever: the other kind's goes, if it is there.
    private func stale(_ kind: CredentialKinds, _ desk: Desk, _ exchange: Exchange) -> [SetCookie] {
        desk.carriesCookie(kind, exchange) ? [desk.clearCookie(kind)] : []
    }

    /// Ends the session that the client had before. Its cookie is replaced, and it ends by itself if the store does not answer.
    private func end(_ old: SessionKey?, _ desk: Desk, _ exchange: Exchange) async {
        guard let old else { return }
        do throws(StoreError) {
            guard try await sessions.remove(old) else { return }
            var event = AuditEvent(.sessionRevoked, .ok, .replaced)
            event.session = Array(old.handle.utf8)
            desk.audit.record(event, exchange)
        } catch {
            exchange.note = "the session before this one could not be ended: \(error)"
        }
    }
}
