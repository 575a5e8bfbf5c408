import Access
import Loop
import Wire

/// The audit log of the running gateway: a line for each event, handed over at once, since none may wait for a tick that a crash
/// prevents. Where even the room set aside for it is full, the event is counted as lost and reported.
package final class AuditLog: Sendable {
    let lines: LineLog
    private let report: @Sendable (String) -> Void

    /// - Parameter report: told of each line that was lost for want of room.
    package init(_ lines: LineLog, report: @escaping @Sendable (String) -> Void) {
        self.lines = lines
        self.report = report
    }

    /// Lines that did not reach the log.
    package var dropped: UInt64 { lines.dropped(.audit) }

    func record(_ event: AuditEvent, at time: Int64, by actor: AuditActor) {
        let line = AuditLog.line(event, at: time, by: actor)
        if !lines.submit(line, count: 1, .audit) { report("an audit line was lost: its reader is too slow: \(event.name.rawValue)") }
    }

    /// The whole line, with its newline.
    package static func line(_ event: AuditEvent, at time: Int64, by actor: AuditActor) -> [UInt8] {
        let out = Buffer()
        AuditRecord(time: time, event: event, actor: actor).append(to: out)
        return out.array(ByteRange(offset: 0, count: out.count))
    }
}

/// What the handlers of one worker tell the audit log. Without a log it does nothing.
struct Audit {
    let log: AuditLog?
    let routes: RouteTable

    func record(_ event: AuditEvent, _ exchange: Exchange) {
        guard let log else { return }
        let client = AuditActor.Client(
            address: exchange.clientAddress, requestID: exchange.id, traceID: TraceContext.traceID(of: exchange),
            route: exchange.route.map { routes.routes[$0].name })
        log.record(event, at: exchange.context.loop.wallClock, by: .client(client))
    }
}

extension Route {
    /// As the logs and the metrics write it: `/profile`, `admin.example.com/`.
    var name: [UInt8] { (host ?? []) + path }
}
