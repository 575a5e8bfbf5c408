/// The counts of all exchanges with one route, or with several routes of one name: a name stands once in the metrics.
final class NamedSeries: Sendable {
    let name: [UInt8]
    /// By the worker's index.
    let workers: [RouteSeries]

    init(name: [UInt8], workers: Int) {
        self.name = name
        self.workers = (0..<workers).map { _ in RouteSeries() }
    }

    func sum(_ value: (RouteSeries) -> UInt64) -> UInt64 { workers.reduce(0) { $0 &+ value($1) } }
}
