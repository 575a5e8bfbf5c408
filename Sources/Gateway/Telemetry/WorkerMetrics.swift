/// One worker's counts: raised by its thread alone, read by whoever scrapes.
final class WorkerMetrics: Sendable {
    /// By `TelemetryLabels.series`: one for each distinct route, and the last for exchanges without one.
    let routes: [RouteSeries]
    let signIns: [5 of Counter] = InlineArray { _ in Counter() }
    let checks: [6 of Counter] = InlineArray { _ in Counter() }

    init(series: Int) {
        routes = (0..<series).map { _ in RouteSeries() }
    }
}
