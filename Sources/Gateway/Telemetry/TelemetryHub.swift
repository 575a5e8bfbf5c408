package import Access
package import Loop

/// What the whole process knows of its exchanges: the access log, and the counts of all workers.
package final class TelemetryHub: Sendable {
    let labels: TelemetryLabels
    let workers: [WorkerMetrics]
    let log: AccessLog?
    let connections: ConnectionCount
    let hashing: BlockingPool?
    let version: String
    /// Seconds since 1970.
    let startedAt: Int64

    /// - Parameters:
    ///   - routes: the only source of the names by which exchanges are counted.
    ///   - workers: how many there are; `makeTelemetry` takes 0 to one less.
    ///   - log: nil: no access log.
    ///   - connections: of the public listeners.
    ///   - hashing: the pool whose queue is shown.
    ///   - version: shown by the metrics, and nowhere else.
    package init(
        routes: RouteTable, workers: Int, log: AccessLog?, connections: ConnectionCount, hashing: BlockingPool?,
        version: String
    ) {
        let labels = TelemetryLabels(routes)
        self.labels = labels
        self.workers = (0..<max(1, workers)).map { _ in WorkerMetrics(series: labels.seriesOfNone + 1) }
        self.log = log
        self.connections = connections
        self.hashing = hashing
        self.version = version
        startedAt = Clock.wall() / 1_000
    }

    /// The worker's own hand on it. A worker that makes several may use them all, on its one thread.
    package func makeTelemetry(worker: Int) -> Telemetry {
        Telemetry(labels: labels, metrics: workers[worker], log: log)
    }

    /// Writes all that the workers have logged; call once they have stopped.
    /// - Returns: false when the reader of the log did not take it all in time.
    package func close() -> Bool {
        log?.close() ?? true
    }
}
