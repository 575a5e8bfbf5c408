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
    private let shownPool = Mutex<BlockingPool?>(nil)

    /// - Parameters:
    ///   - workers: how many there are; `makeTelemetry` takes 0 to one less.
    ///   - log: takes the access lines; nil: there are none.
    ///   - audit: nil: no audit log.
    ///   - connections: of the public listeners.
    ///   - version: shown by the metrics, and nowhere else.
    package init(workers: Int, log: LineLog?, audit: AuditLog? = nil, connections: ConnectionCount, version: String) {
        self.workers = (0..<max(1, workers)).map { _ in WorkerMetrics() }
        self.log = log
        self.audit = audit
        self.connections = connections
        self.version = version
        seriesOfNone = NamedSeries(name: [UInt8(ascii: "-")], workers: max(1, workers))
        startedAt = Clock.wall() / 1_000
    }

    /// What log and metrics call `routes`. A route of a name that was there before goes on counting where it stopped; those
    /// that are gone stay with what they counted.
    package func labels(of routes: RouteTable) -> TelemetryLabels {
        TelemetryLabels(routes, none: seriesOfNone) { name in
            named.withLock { all in
                if let known = all.first(where: { $0.name == name }) { return known }
                let new = NamedSeries(name: name, workers: workers.count)
                all.append(new)
                return new
            }
        }
    }

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

    /// Writes all that the workers have logged; call once they have stopped.
    /// - Returns: false when the readers of the logs did not take it all in time.
    package func close() -> Bool {
        let isWritten = log?.close() ?? true
        guard let audit, audit.lines !== log else { return isWritten }
        return audit.lines.close() && isWritten
    }
}
