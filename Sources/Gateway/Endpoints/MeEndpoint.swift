import Access
import Wire

/// `GET /.gatehouse/me`: who is signed in, how, and until when.
struct MeEndpoint {
    let desk: Desk

    func serve(_ exchange: Exchange) async {
        guard exchange.head.method == .get || exchange.head.method == .head else {
            return await desk.refuseMethod(exchange, allowed: "GET, HEAD")
        }
        guard let identity = await desk.identity(of: exchange) else { return }
        await desk.send(MeEndpoint.answer(identity), to: exchange)
    }

    /// `{"user":{…},"method":"session","expires_at":"…"}`
    static func answer(_ identity: Identity) -> Answer {
        let json = JSONAnswer()
        json.raw("{\"user\":")
        json.user(identity)
        json.raw(",\"method\":\"")
        json.raw(identity.method.kind.name)
        json.raw("\",\"expires_at\":")
        json.time(identity.expiresAt)
        json.raw("}")
        return json.answer()
    }
}
