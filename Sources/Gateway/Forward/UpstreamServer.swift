import Loop
import Wire

/// One server of an upstream, as one worker sees it.
final class UpstreamServer {
    let configuration: GatewayConfiguration.UpstreamServer
    /// For `Host` where the client sent none.
    let authority: [UInt8]
    /// Of the upstream on this worker.
    let counts: UpstreamCounts
    private let health: ServerHealth
    private let addresses: UpstreamAddresses

    // Unchecked, with its count: one worker's thread only, and nothing that is called while it changes comes back here.
    @exclusivity(unchecked) private var idle: [UpstreamConnection] = [] {
        // Without a look at the old value, which would cost a copy of the array.
        didSet {
            let count = unsafe idle.count
            counts.idle.add(UInt64(truncatingIfNeeded: unsafe count &- countedIdle))
            unsafe countedIdle = count
        }
    }
    @exclusivity(unchecked) private var countedIdle = 0
    /// Connections in use, being made, or idle.
    private(set) var connections = 0 {
        didSet { counts.open.add(UInt64(truncatingIfNeeded: connections &- oldValue)) }
    }
    private var nextAddress = 0
    private var failures = 0
    private var downUntil: UInt64 = 0

    /// After a failed connect the server is passed over for a time that doubles, as long as another one is there.
    private static let shortestRest: Int64 = 250
    private static let longestRest: Int64 = 8_000

    init(
        configuration: GatewayConfiguration.UpstreamServer, loop: EventLoop, lookups: BlockingPool,
        counts: UpstreamCounts = UpstreamCounts(), health: ServerHealth = ServerHealth(address: [])
    ) {
        self.configuration = configuration
        self.counts = counts
        self.health = health
        authority = Array(configuration.text.utf8)
        addresses = UpstreamAddresses(host: configuration.host, port: configuration.port, loop: loop, lookups: lookups)
    }

    /// Nanoseconds from the request's way here to the first octet of the response.
    func hasAnswered(in time: UInt64) { counts.latency.observe(time) }

    func isResting(at now: UInt64) -> Bool { now < downUntil }
    var restEnds: UInt64 { downUntil }

    /// A connection that has been used before and is still good, latest first; nil when there is none.
    func takeIdle() -> UpstreamConnection? {
        while let connection = unsafe idle.popLast() {
            if connection.isQuiet { return connection }
            discard(connection)
        }
        return nil
    }

    func connect(
        _ group: GatewayConfiguration.Upstream, _ context: WorkerContext, waiter: Waiter, limits: HeadLimits
    ) async throws(UpstreamFailure) -> UpstreamConnection {
        let loop = context.loop
        connections += 1
        do throws(UpstreamFailure) {
            let deadline = loop.now.adding(milliseconds: group.connectTimeout)
            let addresses = try await addresses(waiter, until: deadline)
            let socket = try await connect(to: addresses, loop: loop, waiter: waiter, until: deadline)
            failures = 0
            downUntil = 0
            if health.isFailing { health.isFailing(false) }
            return UpstreamConnection(socket: socket, server: self, limits: limits, pool: context.buffers)
        } catch {
            connections -= 1
            rest(from: loop.now)
            throw error
        }
    }

    /// The next address that takes the connection. A name may have an address that nobody listens at, such as `localhost` with ::1,
    /// and that must not cost every other request a 502.
    private func connect(
        to addresses: [SocketAddress], loop: EventLoop, waiter: Waiter, until deadline: UInt64
    ) async throws(UpstreamFailure) -> Socket {
        var failure = ConnectError.timedOut
        for _ in addresses {
            nextAddress = (nextAddress + 1) % addresses.count
            do {
                return try await Socket.connect(to: addresses[nextAddress], loop: loop, waiter: waiter, until: deadline)
            } catch {
                failure = error
                if case .timedOut = error { break }
            }
        }
        throw .notConnected(server: configuration.text, failure)
    }

    private func rest(from now: UInt64) {
        let milliseconds = min(UpstreamServer.shortestRest << Int64(min(failures, 6)), UpstreamServer.longestRest)
        failures += 1
        health.isFailing(true)
        downUntil = now.adding(milliseconds: milliseconds)
        addresses.doubt()
    }

    private func addresses(_ waiter: Waiter, until deadline: UInt64) async throws(UpstreamFailure) -> [SocketAddress] {
        do throws(ResolveError) {
            if let known = try await addresses.addresses(waiter, until: deadline) { return known }
        } catch {
            throw .notResolved(error)
        }
        throw .notConnected(server: configuration.text, .timedOut)
    }

    /// The name stands for `addresses`, never none, from now on.
    func know(_ addresses: [SocketAddress]) { self.addresses.know(addresses) }

    /// Takes a connection back, for the next exchange where it is good for one. `isReusable`: both messages are complete and it carries
    /// more.
    func release(_ connection: UpstreamConnection, isReusable: Bool, at now: UInt64) {
        guard isReusable && connection.isQuietAfterUse else { return discard(connection) }
        connection.park(at: now)
        unsafe idle.append(connection)
    }

    func discard(_ connection: UpstreamConnection) {
        connections -= 1
        connection.close()
    }

    /// Closes what the server has closed, or what has not been used since `moment`. What has not been used since `restingSince` gives
    /// its memory back.
    func sweep(olderThan moment: UInt64, restingSince: UInt64) {
        guard unsafe !idle.isEmpty else { return }
        var kept: [UpstreamConnection] = []
        let all = unsafe idle
        for connection in all {
            guard connection.isQuiet && connection.idleSince >= moment else { discard(connection); continue }
            if connection.idleSince < restingSince { connection.releaseBuffers() }
            kept.append(connection)
        }
        unsafe idle = kept
    }
}
