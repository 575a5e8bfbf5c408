/// One worker's counts: raised by its thread alone, read by whoever scrapes. What is counted by route stands in `NamedSeries`.
final class WorkerMetrics: Sendable {
    let signIns: [5 of Counter] = InlineArray { _ in Counter() }
    let checks: [6 of Counter] = InlineArray { _ in Counter() }
}
