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
    private var lines: [UInt8] = []
    private var lineCount: UInt64 = 0
    /// Of the last line.
    private var time = Timestamp(milliseconds: 0)

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
        write(exchange, duration: duration, as: format)
    }

    private func write(_ exchange: Exchange, duration: UInt64, as format: AccessLog.Format) {
        // Taken out and put back: a property that is changed while others are called costs an exclusivity check each time.
        var lines: [UInt8] = []
        swap(&lines, &self.lines)
        if lines.capacity == 0 { lines.reserveCapacity(AccessLog.batch + AccessLog.slack) }
        var time = time
        time.move(to: exchange.loop.wallClock)
        record(of: exchange, at: time, duration: duration).append(to: &lines, as: format)
        let isFull = lines.count >= AccessLog.batch
        swap(&lines, &self.lines)
        self.time = time
        lineCount &+= 1
        if isFull { handOver() }
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
        var lines: [UInt8] = []
        swap(&lines, &self.lines)
        // A full batch goes as it is; of a smaller one goes a copy, for what waits is to take no more memory than its octets.
        if lines.count >= AccessLog.batch {
            log?.submit(lines, count: lineCount)
        } else {
            log?.submit(unsafe lines.withUnsafeBufferPointer { unsafe Array($0) }, count: lineCount)
            lines.removeAll(keepingCapacity: true)
            swap(&lines, &self.lines)
        }
        lineCount = 0
    }

    @inline(always)
    private func record(of exchange: Exchange, at time: Timestamp, duration: UInt64) -> AccessRecord {
        AccessRecord(
            head: exchange.head, requestID: exchange.id, traceID: TraceContext.traceID(of: exchange), time: time,
            client: exchange.clientAddress,
            route: labels.name(of: exchange.route), userID: exchange.identity?.userID.bytes,
            auth: AccessRecord.auth(exchange.identity), status: exchange.status, duration: duration,
            upstream: exchange.upstream?.authority, upstreamTime: exchange.upstreamTime,
            contentReceived: exchange.contentReceived, contentSent: exchange.contentSent, note: exchange.note)
    }
}
