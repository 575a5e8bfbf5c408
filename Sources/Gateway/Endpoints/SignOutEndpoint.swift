import Access
import Loop
import Wire

/// `POST {login.logoutPath}`: the session ends in its store, and the cookies go.
struct SignOutEndpoint {
    let desk: Desk
    let sessions: any SessionStore

    func serve(_ exchange: Exchange) async {
        let head = exchange.head
        // A link or a picture of another site must not sign anybody out (rule 36), so GET does not.
        guard head.method == .post else { return await desk.refuseMethod(exchange, allowed: "POST") }
        if let problem = desk.objectionToOrigin(of: exchange, against: .signOut) { return await desk.refuse(exchange, problem) }
        if let key = desk.presentedSession(exchange) {
            do throws(StoreError) {
                try await end(key, exchange)
            } catch {
                // Rule 40: without its cookie nobody could end the session any more.
                let problem = Problem(error, "You could not be signed out just now. Try again in a moment.")
                return await desk.refuse(exchange, problem)
            }
        }
        if let identity = desk.authenticator.identity(ofTokenCookie: exchange) {
            desk.audit.record(AuditEvent(.signOut, .ok, .cookieCleared, of: identity), exchange)
        }
        // A page's form wants to see something afterwards; a program wants to know that it is done.
        let isForm = BodyType(contentTypes: head.values(of: .contentType)) == .form || exchange.isNavigation
        let answer = isForm ? Answer(status: 303, fields: [("Location", desk.configuration.login.path)]) : Answer(status: 204)
        await desk.send(answer.adding(desk.clearCookie(.session)).adding(desk.clearCookie(.token)), to: exchange)
    }
    private func end(_ key: SessionKey, _ exchange: Exchange) async throws(StoreError) {
        // Asked for first: afterwards nobody knows any more whose it was.
        let session = try await sessions.find(key, now: exchange.context.loop.wallClock)
        guard try await sessions.remove(key), let session else { return }
        desk.audit.record(AuditEvent(.signOut, .ok, .byUser, of: session), exchange)
    }
}
