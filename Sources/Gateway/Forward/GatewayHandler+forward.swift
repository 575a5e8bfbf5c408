import Access
import Loop
import Wire

// `unsafe`: Exchange.forwarding says why.
extension GatewayHandler {
    /// Sends the request on under `grant`, over a connection that is there already; to make one takes a task.
    func forward(_ exchange: Exchange, under grant: consuming Grant, by route: Route) -> Progress {
        let maxBody = route.maxBody ?? configuration.limits.maxBody
        if case .length(let count) = exchange.head.framing, count > maxBody {
            return refuse(exchange, Problem(content: .tooLarge, limit: maxBody))
        }
        let upstream = configuration.routeUpstreams[grant.route]
        let group = upstreams[upstream]
        let isUpload = !exchange.hasAllContent
        guard !isUpload || group.beginUpload(from: exchange.clientAddress) else {
            return refuse(exchange, Problem(429, "Too many uploads from your address are under way.", retryAfter: 1, closes: true))
        }
        exchange.step = .forward
        unsafe exchange.forwarding = Forwarding(
            under: grant, to: upstream, maxBody: maxBody, isUpload: isUpload, stripsBearer: isBearerOurs(exchange, route),
            relay: Relay(exchange, of: group, maxBody: maxBody))
        guard let connection = group.leaseIdle() else { return .needsTask }
        unsafe exchange.forwarding?.send(exchange, over: consume connection, headers)
        return relay(exchange)
    }

    /// Moves what can be moved now.
    func relay(_ exchange: Exchange) -> Progress {
        switch unsafe exchange.forwarding?.advance(exchange, headers) {
        case .waits(let deadline): return .waits(until: deadline)
        case .yields(let deadline): return .pauses(until: deadline)
        case .asksForContent:
            exchange.putContinue()
            guard exchange.flushAtOnce() else { return .needsTask }
            return exchange.isBroken ? end(exchange, .broken) : relay(exchange)
        case .ended(let outcome): return end(exchange, outcome)
        case nil: return .needsTask
        }
    }

    /// Makes the connection that the request goes over, or waits until the client has been asked for the content.
    func prepareRelay(_ exchange: Exchange) async {
        guard let upstream = unsafe exchange.forwarding?.upstream, let maxBody = unsafe exchange.forwarding?.maxBody,
            let sendings = unsafe exchange.forwarding?.sendings
        else { return exchange.step = .over }
        guard unsafe exchange.forwarding?.connection == nil else {
            await exchange.flush()
            if exchange.isBroken { _ = end(exchange, .broken) }
            return
        }
        do throws(UpstreamFailure) {
            let connection = try await upstreams[upstream].lease(exchange, fresh: sendings > 0)
            unsafe exchange.forwarding?.startOver(Relay(exchange, of: upstreams[upstream], maxBody: maxBody))
            unsafe exchange.forwarding?.send(exchange, over: connection, headers)
        } catch {
            leave(exchange)
            _ = refuse(exchange, error.problem)
        }
    }

    private func end(_ exchange: Exchange, _ outcome: Relay.Outcome) -> Progress {
        var isReusable = false
        if case .done(let mayBe) = outcome { isReusable = mayBe }
        unsafe exchange.forwarding?.release(isReusable: isReusable, at: exchange.loop.now)
        if case .closedBeforeUse = outcome, unsafe exchange.forwarding?.sendings == 1 { return .needsTask }
        let maxBody = leave(exchange)
        switch outcome {
        case .done, .broken: return over(exchange)
        case .failed(let fault): return refuse(exchange, fault.problem(server: exchange.upstream, limit: maxBody))
        case .closedBeforeUse: return refuse(exchange, RelayFault.upstreamClosed.problem(server: exchange.upstream, limit: maxBody))
        }
    }

    /// The request does not go on any more.
    /// - Returns: the limit of its content.
    @discardableResult
    private func leave(_ exchange: Exchange) -> UInt64 {
        guard let forwarding = unsafe exchange.forwarding.take() else { return 0 }
        if forwarding.isUpload { upstreams[forwarding.upstream].endUpload(from: exchange.clientAddress) }
        return forwarding.maxBody
    }

    /// A route that accepts tokens has taken the bearer for one of ours; on the others it may be one all the same.
    private func isBearerOurs(_ exchange: Exchange, _ route: Route) -> Bool {
        guard exchange.head.has(.authorization) else { return false }
        return route.access != .public && route.accepts.contains(.token) || authenticator.showsOwnToken(exchange)
    }
}
