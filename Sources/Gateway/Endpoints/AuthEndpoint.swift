import Access
import Loop
import Wire

/// `/.gatehouse/auth`: the check for another proxy that asks by a request of its own before it lets one pass (nginx
/// auth_request, Traefik and Caddy ForwardAuth, Envoy ext_authz). 200 with the identity's headers, 401, or 403.
///
/// It looks at the credentials alone. Nothing is believed of X-Forwarded-* or X-Original-URL, which a client can send as well as a
/// proxy (rule 5): what has to be required is said in the query, by `require_role=admin,staff`.
struct AuthEndpoint {
    let desk: Desk

    // Any method is taken: Envoy asks with that of the request in question.
    func serve(_ exchange: Exchange) async {
        guard let identity = await desk.identity(of: exchange) else { return }
        guard AuthEndpoint.isAllowed(identity, exchange.head.queryFields()) else {
            desk.audit.record(AuditEvent(.accessRefused, .refused, .roleNotAllowed, of: identity), exchange)
            return await desk.refuse(
                exchange, Problem(403, "You are signed in, but not allowed to see this.", note: "the role is none of those required"))
        }
        await exchange.answer(identity, desk.configuration.identityHeaders)
    }

    /// Every `require_role` has to name one of the user's roles: a client whose query is passed on can make the check stricter, never laxer.
    static func isAllowed(_ identity: Identity, _ query: [FormURLEncoded.Field]) -> Bool {
        query.allSatisfy { field in
            guard field.name.elementsEqual("require_role".utf8) else { return true }
            return field.value.split(separator: UInt8(ascii: ",")).contains { RoleList.contains($0, in: identity.role) }
        }
    }
}

extension Exchange {
    /// Answers 200 without content and with exactly one of each header: an empty one where the identity has no such value, since a
    /// proxy that copies what it finds would otherwise let the client's own stand (Caddy's CVE-2026-30851). Written here because
    /// the names are the settings', not ours.
    fileprivate func answer(_ identity: Identity, _ headers: [GatewayConfiguration.IdentityHeader]) async {
        guard !hasAnswered else { return }
        hasAnswered = true
        status = 200
        if !isContentDrainable { keepsAlive = false }
        let out = client.output
        out.append("HTTP/1.1 200 OK\r\nDate: ")
        HTTPDate.append(unixSeconds: context.loop.wallClock / 1000, to: out)
        out.append("\r\nCache-Control: no-store\r\nX-Request-Id: ")
        id.append(to: out)
        for header in headers {
            out.append("\r\n")
            out.append(header.name)
            out.append(": ")
            out.append(identity.value(of: header.attribute))
        }
        out.append(keepsAlive ? "\r\nContent-Length: 0\r\n\r\n" : "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await flush()
    }
}

extension Identity {
    fileprivate func value(of attribute: GatewayConfiguration.Attribute) -> [UInt8] {
        switch attribute {
        case .id: userID.bytes
        case .username: username
        case .role: role
        }
    }
}
