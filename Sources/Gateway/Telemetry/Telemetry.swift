import Access
import Loop
import Wire

/// Counts and logs the exchanges of one worker. Made by `TelemetryHub.makeTelemetry`; it does not leave its worker.
package final class Telemetry {
    private let labels: TelemetryLabels
    /// By the route's index; the last is for exchanges without one.
    private let routes: [RouteSeries]
    let metrics: WorkerMetrics
    private let worker: Int
    private let log: LineLog?
    let audit: AuditLog?
    /// Nil: no lines.
    private let format: AccessLog.Format?
    /// Lines that have not been handed over.
    private let lines = Buffer()
    private var lineCount: UInt64 = 0
    private let spill = Buffer()

    init(
        labels: TelemetryLabels, worker: Int, metrics: WorkerMetrics, log: LineLog?, format: AccessLog.Format?, audit: AuditLog?
    ) {
        self.labels = labels
        routes = labels.series.map { $0.workers[worker] }
        self.metrics = metrics
        self.worker = worker
        self.log = log
        self.audit = audit
        self.format = format
    }

    /// The exchange has ended, however it did.
    package func record(_ exchange: Exchange) {
        // The loop's own clock stands still during a turn, in which a fast exchange may begin and end.
        let duration = Clock.monotonic() &- exchange.startedAt
        routes[min(exchange.route ?? .max, routes.count - 1)].count(
            status: exchange.status, method: exchange.head.methodRange.isEmpty ? .other : exchange.head.method,
            source: Telemetry.source(of: exchange), duration: duration)
        metrics.contentReceived.add(exchange.contentReceived)
        metrics.contentSent.add(exchange.contentSent)
        if let timeout = exchange.timeout { metrics.timeouts[timeout.rawValue].add(1) }
        if let outcome = AttemptOutcome(exchange) { metrics.signIns[outcome.rawValue].add(1) }
        if let outcome = CheckOutcome(exchange, labels) { metrics.checks[outcome.rawValue].add(1) }

        guard let format, log != nil else { return }
        record(of: exchange, duration: duration).append(to: lines, as: format, spill: spill)
        lineCount &+= 1
        if lines.count >= AccessLog.batch { handOver() }
    }

    /// Called from time to time, and when the worker has ended its last exchange: no line waits longer than that.
    package func tick() {
        if !lines.isEmpty { handOver() }
    }

    /// What is known of the upstream at `index` of the settings that this was made for.
    func upstream(at index: Int) -> (counts: UpstreamCounts, servers: [ServerHealth]) {
        let upstream = labels.upstreams[index]
        return (upstream.series.workers[worker], upstream.servers)
    }

    private static func source(of exchange: Exchange) -> RouteSeries.Source {
        if exchange.isBroken || exchange.status == 0 { return .nobody }
        return exchange.isUpstreams ? .upstream : .gateway
    }

    private func handOver() {
        log?.submit(lines.array(ByteRange(offset: 0, count: lines.count)), count: lineCount)
        lines.removeAll()
        lineCount = 0
    }

    private func record(of exchange: Exchange, duration: UInt64) -> AccessRecord {
        AccessRecord(
            head: exchange.head, requestID: exchange.id, traceID: TraceContext.traceID(of: exchange), time: exchange.context.loop.wallClock,
            client: exchange.clientAddress,
            route: labels.name(of: exchange.route), userID: exchange.identity?.userID.bytes,
            auth: AccessRecord.auth(exchange.identity), status: exchange.status, duration: duration,
            upstream: exchange.upstream, upstreamTime: exchange.upstreamTime,
            contentReceived: exchange.contentReceived, contentSent: exchange.contentSent, note: exchange.note)
    }
}
