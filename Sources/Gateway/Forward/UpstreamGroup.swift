import Loop
import Wire

/// An upstream's servers, taken in turn, as one worker sees them.
final class UpstreamGroup {
    let configuration: GatewayConfiguration.Upstream
    private let context: WorkerContext
    private let servers: [UpstreamServer]
    let limits: HeadLimits
    private let counts: UpstreamCounts
    /// Handlers that have it: after a change of the settings, an old one and a new one.
    private var holders = 0
    private var turn = 0
    /// Milliseconds after which an unused connection holds no buffers.
    private static let rest: Int64 = 1_000
    /// Requests under way whose content had not all arrived when they were sent on, by the address of who sends it.
    private var uploads: [IPAddress: Int] = [:]

    /// - Parameter health: of each server, in their order; none: nobody watches them.
    init(
        configuration: GatewayConfiguration.Upstream, context: WorkerContext, lookups: BlockingPool, limits: HeadLimits,
        counts: UpstreamCounts = UpstreamCounts(), health: [ServerHealth] = []
    ) {
        self.configuration = configuration
        self.context = context
        self.limits = limits
        self.counts = counts
        servers = configuration.servers.enumerated().map { index, server in
            let health = index < health.count ? health[index] : ServerHealth(address: [])
            return UpstreamServer(
                configuration: server, loop: context.loop, lookups: lookups, counts: counts, health: health)
        }
        // Workers begin at different servers, so that a few clients still use them all.
        turn = context.index
    }

    func take() { holders += 1 }

    /// With the last handler the connections go that nobody uses.
    func leave() {
        holders -= 1
        if holders == 0 { for server in servers { server.sweep(olderThan: .max, restingSince: .max) } }
    }

    /// A client that sends its content slowly holds a connection as slowly, so a few addresses could hold them all.
    /// - Returns: false when this one has its share: an eighth.
    func beginUpload(from address: IPAddress) -> Bool {
        let count = uploads[ConnectionCount.group(address), default: 0]
        guard count < max(16, configuration.maxConnections / 8) else { return false }
        uploads[ConnectionCount.group(address)] = count + 1
        return true
    }

    func endUpload(from address: IPAddress) {
        let count = uploads[ConnectionCount.group(address), default: 1]
        uploads[ConnectionCount.group(address)] = count > 1 ? count - 1 : nil
    }

    /// A connection that is open already and may be used at once; nil: there is none, or a choice of servers has to be made.
    func leaseIdle() -> UpstreamConnection? { servers.count == 1 ? servers[0].takeIdle() : nil }

    /// A connection for one exchange: one that is open already, or else a new one, from the next server that answers.
    /// - Parameter fresh: after a reused connection has turned out to be closed: a new one only.
    func lease(_ exchange: Exchange, fresh: Bool) async throws(UpstreamFailure) -> UpstreamConnection {
        var failure = UpstreamFailure.full(upstream: configuration.name)
        for server in candidates() {
            if !fresh, let idle = server.takeIdle() { return idle }
            guard server.connections < configuration.maxConnections else { continue }
            do {
                return try await server.connect(configuration, context, waiter: exchange.waiter, limits: limits)
            } catch {
                // Nothing has been sent, so the next server may be asked whatever the method is.
                failure = error
                counts.count(error.fault)
            }
        }
        if case .full = failure { counts.count(.full) }
        throw failure
    }

    /// The servers in the order in which to try them: those that rest come last, the one whose rest ends first before the others.
    private func candidates() -> [UpstreamServer] {
        if servers.count == 1 { return servers }
        turn = (turn &+ 1) % servers.count
        let rotated = Array(servers[turn...] + servers[..<turn])
        let now = context.loop.now
        return rotated.filter { !$0.isResting(at: now) }
            + rotated.filter { $0.isResting(at: now) }.sorted { $0.restEnds < $1.restEnds }
    }

    func sweep() {
        let span = UInt64.nanoseconds(milliseconds: configuration.idleTimeout)
        let now = context.loop.now
        let rest = UInt64.nanoseconds(milliseconds: UpstreamGroup.rest)
        for server in servers { server.sweep(olderThan: now > span ? now - span : 0, restingSince: now > rest ? now - rest : 0) }
    }
}

/// Why no response could be had from an upstream.
enum UpstreamFailure: Error {
    case full(upstream: String)
    case notResolved(ResolveError)
    case notConnected(server: String, ConnectError)

    /// As what it is counted.
    var fault: UpstreamCounts.Fault {
        switch self {
        case .full: .full
        case .notResolved: .lookup
        case .notConnected(_, .timedOut): .connectTimeout
        case .notConnected: .connect
        }
    }

    var problem: Problem {
        switch self {
        case .full(let upstream):
            Problem(
                503, "The service is busy. Try again in a moment.", retryAfter: 1, note: "every connection to upstream \(upstream) is in use")
        case .notResolved(let error):
            Problem(502, "The service cannot be reached.", note: error.description)
        case .notConnected(let server, .timedOut):
            Problem(504, "The service did not answer in time.", note: "connecting to \(server) took too long")
        case .notConnected(let server, let error):
            Problem(502, "The service cannot be reached.", note: "connecting to \(server): \(error)")
        }
    }
}
