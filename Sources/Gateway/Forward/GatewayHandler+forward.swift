import Access
import Wire

extension GatewayHandler {
    /// Sends the request on under `grant`, and the response back. A grant is good for one request, however often that has to
    /// be sent.
    func forward(_ exchange: Exchange, under grant: consuming Grant, by route: Route) async {
        let maxBody = route.maxBody ?? configuration.limits.maxBody
        if case .length(let count) = exchange.head.framing, count > maxBody {
            return await refuse(exchange, Problem(content: .tooLarge, limit: maxBody))
        }
        let index = configuration.routeUpstreams[grant.route]
        let group = upstreams[index]
        let isUpload = !exchange.hasAllContent
        if isUpload {
            guard group.beginUpload(from: exchange.clientAddress) else {
                return await refuse(
                    exchange, Problem(429, "Too many uploads from your address are under way.", retryAfter: 1, closes: true))
            }
        }
        defer { if isUpload { group.endUpload(from: exchange.clientAddress) } }
        var isFirst = true
        while true {
            let connection: UpstreamConnection
            if isFirst, let idle = group.leaseIdle() {
                connection = idle
            } else {
                do {
                    connection = try await group.lease(exchange, fresh: !isFirst)
                } catch {
                    return await refuse(exchange, error.problem)
                }
            }
            exchange.upstream = connection.server.authority
            headers.writeRequest(
                exchange, as: grant.identity, stripsBearer: isBearerOurs(exchange, route),
                server: connection.server.authority, to: connection.transport.output)
            var relay = Relay(exchange, of: group, maxBody: maxBody)
            switch await relay.run(exchange, over: connection, headers) {
            case .done(let isReusable): return group.release(connection, isReusable: isReusable)
            case .broken: return group.release(connection, isReusable: false)
            case .failed(let problem):
                group.release(connection, isReusable: false)
                return await refuse(exchange, problem)
            case .closedBeforeUse:
                group.release(connection, isReusable: false)
                guard isFirst else { return await refuse(exchange, RelayFault.upstreamClosed.problem(server: "", limit: 0)) }
                isFirst = false
            }
        }
    }

    /// A route that accepts tokens has taken the bearer for one of ours; on the others it may be one all the same.
    private func isBearerOurs(_ exchange: Exchange, _ route: Route) -> Bool {
        guard exchange.head.value(of: .authorization) != nil else { return false }
        return route.access != .public && route.accepts.contains(.token) || authenticator.showsOwnToken(exchange)
    }
}
