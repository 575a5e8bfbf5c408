import Access

/// What the log and the metrics call the routes of one snapshot, spelt out once. The names come from the settings alone, so
/// no client can make a new one. Made by `TelemetryHub.labels`.
package final class TelemetryLabels: Sendable {
    /// By the route's index: `/profile`, `admin.example.com/`.
    let routes: [[UInt8]]
    /// By the route's index; the last is for exchanges without one.
    let series: [NamedSeries]
    /// By the route's index, whether it asks who somebody is.
    private let checked: [Bool]

    struct Upstream: Sendable {
        let series: UpstreamSeries
        /// In the order of the settings.
        let servers: [ServerHealth]
    }

    /// In the order of the settings.
    let upstreams: [Upstream]

    /// - Parameter seriesNamed: the same one for the same name.
    init(_ table: RouteTable, none: NamedSeries, upstreams: [Upstream], seriesNamed: ([UInt8]) -> NamedSeries) {
        self.upstreams = upstreams
        checked = table.routes.map { $0.access == .signedIn }
        routes = table.routes.map(\.name)
        series = routes.map(seriesNamed) + [none]
    }

    func isChecked(_ route: Int) -> Bool { route < checked.count && checked[route] }

    func name(of route: Int?) -> [UInt8]? {
        guard let route, route < routes.count else { return nil }
        return routes[route]
    }
}
