package import Access
package import Loop
import Synchronization

/// What the whole process knows of its exchanges: the access log, and the counts of all workers. It lives as long as the
/// process, however often the settings change: counts only ever grow.
package final class TelemetryHub: Sendable {
    let workers: [WorkerMetrics]
    let log: LineLog?
    let audit: AuditLog?
    let connections: ConnectionCount
    let version: String
    /// Seconds since 1970.
    let startedAt: Int64
    package let reloads = ReloadCounts()

    /// Exchanges without a route.
    let seriesOfNone: NamedSeries
    private let named = Mutex<[NamedSeries]>([])
    private let knownUpstreams = Mutex<[UpstreamSeries]>([])
    /// By `StoreName`.
    let health = StoreName.allCases.map { _ in StoreHealth() }
    private let shownPool = Mutex<BlockingPool?>(nil)

    /// - Parameters:
    ///   - workers: how many there are; `makeTelemetry` takes 0 to one less.
    ///   - log: takes the access lines; nil: there are none.
    ///   - audit: nil: no audit log.
    ///   - connections: of the public listeners.
    ///   - version: shown by the metrics, and nowhere else.
    package init(workers: Int, log: LineLog?, audit: AuditLog? = nil, connections: ConnectionCount, version: String) {
        let health = self.health
        self.workers = (0..<max(1, workers)).map { _ in WorkerMetrics(health: health) }
        self.log = log
        self.audit = audit
        self.connections = connections
        self.version = version
        seriesOfNone = NamedSeries(name: [UInt8(ascii: "-")], workers: max(1, workers))
        startedAt = Clock.wall() / 1_000
    }

    /// What log and metrics call the routes and the upstreams of one snapshot. Those of a name that was there before go on counting
    /// where they stopped; those that are gone stay with what they counted.
    package func labels(of configuration: GatewayConfiguration) -> TelemetryLabels {
        labels(of: configuration.routes, upstreams: configuration.upstreams)
    }

    func labels(of routes: RouteTable, upstreams: [GatewayConfiguration.Upstream] = []) -> TelemetryLabels {
        TelemetryLabels(routes, none: seriesOfNone, upstreams: upstreams.map(series)) { name in
            named.withLock { all in
                if let known = all.first(where: { $0.name == name }) { return known }
                let new = NamedSeries(name: name, workers: workers.count)
                all.append(new)
                return new
            }
        }
    }

    private func series(of upstream: GatewayConfiguration.Upstream) -> TelemetryLabels.Upstream {
        let name = Array(upstream.name.utf8)
        let series = knownUpstreams.withLock { all in
            if let known = all.first(where: { $0.name == name }) { return known }
            let new = UpstreamSeries(name: name, workers: workers.count)
            all.append(new)
            return new
        }
        return .init(series: series, servers: series.servers(upstream.servers.map { Array($0.text.utf8) }))
    }

    var upstreams: [UpstreamSeries] { knownUpstreams.withLock { $0 } }

    /// The pool whose queue is shown, from now on.
    package func show(hashing pool: BlockingPool) { shownPool.withLock { $0 = pool } }

    var hashing: BlockingPool? { shownPool.withLock { $0 } }

    /// Of all routes that there are or were, then of the exchanges without one.
    var series: [NamedSeries] { named.withLock { $0 } + [seriesOfNone] }

    /// The worker's own hand on it. A worker that makes several may use them all, on its one thread.
    /// - Parameter format: nil: no lines.
    package func makeTelemetry(worker: Int, labels: TelemetryLabels, format: AccessLog.Format?) -> Telemetry {
        Telemetry(labels: labels, worker: worker, metrics: workers[worker], log: log, format: format, audit: audit)
    }

    // MARK: Stores that no request asks

    /// The same store, counted and timed on `worker`, whose thread alone may use it: for probes and for what is done from time to time,
    /// so that a store without traffic is known to be up, or down.
    package func measured(_ sessions: any SessionStore, worker: Int) -> any SessionStore {
        MeasuredSessions(sessions, workers[worker].stores[StoreName.sessions.rawValue])
    }

    package func measured(_ users: any UserStore, worker: Int) -> any UserStore {
        MeasuredUsers(users, workers[worker].stores[StoreName.users.rawValue])
    }

    package func measured(_ throttle: any ThrottleStore, worker: Int) -> any ThrottleStore {
        MeasuredThrottle(throttle, workers[worker].stores[StoreName.throttle.rawValue])
    }

    /// Writes all that the workers have logged; call once they have stopped.
    /// - Returns: false when the readers of the logs did not take it all in time.
    package func close() -> Bool {
        let isWritten = log?.close() ?? true
        guard let audit, audit.lines !== log else { return isWritten }
        return audit.lines.close() && isWritten
    }
}
