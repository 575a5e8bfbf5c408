import Access
import Loop
import Wire

/// `/.gatehouse/sessions`: the sessions of whoever asks, and the end of one of them or of all others.
struct SessionsEndpoint {
    let desk: Desk
    let sessions: any SessionStore

    // MARK: All of mine

    func serveAll(_ exchange: Exchange) async {
        switch exchange.head.method {
        case .get, .head: await list(exchange)
        case .delete: await endOthers(exchange)
        case .post, .put, .options, .patch, .connect, .trace, .other:
            await desk.refuseMethod(exchange, allowed: "GET, HEAD, DELETE")
        }
    }

    private func list(_ exchange: Exchange) async {
        guard let identity = await desk.identity(of: exchange) else { return }
        do throws(StoreError) {
            let mine = try await sessions.sessions(of: identity.userID, now: exchange.context.loop.wallClock)
            await desk.send(SessionsEndpoint.answer(mine, askedBy: identity), to: exchange)
        } catch {
            await refuse(exchange, error)
        }
    }

    private func endOthers(_ exchange: Exchange) async {
        if let problem = desk.objectionToOrigin(of: exchange, against: .sessionRevoked) { return await desk.refuse(exchange, problem) }
        guard let identity = await desk.identity(of: exchange) else { return }
        // Who is signed in by a token has no session of theirs to keep, whatever cookie stands beside it.
        let isSession = identity.method.kind == .session
        let kept = isSession ? desk.presentedSession(exchange) : nil
        do throws(StoreError) {
            let ended = try await sessions.removeAll(of: identity.userID, except: kept)
            var event = AuditEvent(.sessionRevoked, .ok, .byUser, of: identity)
            // Those that ended are the others; the one that asked goes on.
            event.session = nil
            event.ended = ended
            desk.audit.record(event, exchange)
            let json = JSONAnswer()
            json.raw("{\"ended\":")
            json.number(ended)
            json.raw("}")
            await desk.send(json.answer(), to: exchange)
        } catch {
            await refuse(exchange, error)
        }
    }

    // MARK: One of mine

    func serveOne(_ exchange: Exchange, _ handle: [UInt8]) async {
        guard exchange.head.method == .delete else { return await desk.refuseMethod(exchange, allowed: "DELETE") }
        if let problem = desk.objectionToOrigin(of: exchange, against: .sessionRevoked) { return await desk.refuse(exchange, problem) }
        guard let identity = await desk.identity(of: exchange) else { return }
        do throws(StoreError) {
            // Only among one's own, so that nobody learns whether another's session exists.
            let mine = try await sessions.sessions(of: identity.userID, now: exchange.context.loop.wallClock)
            guard let session = mine.first(where: { $0.key.handle.utf8.elementsEqual(handle) }),
                try await sessions.remove(session.key)
            else { return await desk.refuse(exchange, Problem(404, "You have no session of this handle.")) }
            desk.audit.record(AuditEvent(.sessionRevoked, .ok, .byUser, of: session), exchange)
            let answer = Answer(status: 204)
            await desk.send(identity.isOf(session) ? answer.adding(desk.clearCookie(.session)) : answer, to: exchange)
        } catch {
            await refuse(exchange, error)
        }
    }

    private func refuse(_ exchange: Exchange, _ error: StoreError) async {
        await desk.refuse(exchange, Problem(error, "The sessions cannot be looked at just now. Try again in a moment."))
    }

    /// `{"sessions":[{"handle","created_at","last_seen_at","expires_at","current"}]}`
    static func answer(_ sessions: [SessionRecord], askedBy identity: Identity) -> Answer {
        let json = JSONAnswer()
        json.raw("{\"sessions\":[")
        for (index, session) in sessions.enumerated() {
            json.raw(index == 0 ? "{\"handle\":" : ",{\"handle\":")
            json.string(Array(session.key.handle.utf8))
            json.raw(",\"created_at\":")
            json.time(session.createdAt)
            json.raw(",\"last_seen_at\":")
            json.time(session.lastSeenAt)
            json.raw(",\"expires_at\":")
            json.time(session.expiresAt)
            json.raw(identity.isOf(session) ? ",\"current\":true}" : ",\"current\":false}")
        }
        json.raw("]}")
        return json.answer()
    }
}

extension Identity {
    /// Whether this is who `session`'s cookie makes of a request.
    fileprivate func isOf(_ session: SessionRecord) -> Bool { method == .session(session.key) }
}
