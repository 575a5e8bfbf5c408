import Access

/// What the log and the metrics call the routes, spelt out once. The names come from the settings alone, so no client
/// can make a new one.
final class TelemetryLabels: Sendable {
    /// By the route's index: `/profile`, `admin.example.com/`.
    let routes: [[UInt8]]
    /// By the route's index, the series that counts it. Routes of the same name share one: a name stands once in the metrics.
    let series: [Int]
    /// By the route's index, whether it asks who somebody is.
    private let checked: [Bool]
    /// The name of each series but the last.
    let seriesNames: [[UInt8]]

    init(_ table: RouteTable) {
        checked = table.routes.map { $0.access == .signedIn }
        routes = table.routes.map { ($0.host ?? []) + $0.path }
        var names: [[UInt8]] = []
        var series: [Int] = []
        for route in routes {
            if let known = names.firstIndex(of: route) {
                series.append(known)
            } else {
                series.append(names.count)
                names.append(route)
            }
        }
        self.series = series
        seriesNames = names
    }

    /// The place of the series for exchanges without a route.
    var seriesOfNone: Int { seriesNames.count }

    func series(of route: Int?) -> Int {
        guard let route, route < series.count else { return seriesOfNone }
        return series[route]
    }

    func isChecked(_ route: Int) -> Bool { route < checked.count && checked[route] }

    func name(of route: Int?) -> [UInt8]? {
        guard let route, route < routes.count else { return nil }
        return routes[route]
    }
}
