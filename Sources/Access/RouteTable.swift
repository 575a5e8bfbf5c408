/// The routes in their order: the first that matches wins, and what matches none is nobody's (404).
package struct RouteTable: Sendable {
    package let routes: [Route]

    package init(routes: [Route]) { self.routes = routes }

    /// The place of the first route for `host` (an authority as received, port and all; empty when there is none) and `path`
    /// (canonical, without the query: rule 10).
    package func match(host: RawSpan, path: RawSpan) -> Int? {
        let length = HostName.length(of: host)
        for index in routes.indices where Self.judge(routes[index], host, length, path) == nil { return index }
        return nil
    }

    package func match(host: [UInt8], path: [UInt8]) -> Int? { match(host: host.octets, path: path.octets) }

    /// One verdict for each route, in their order.
    package func explain(host: [UInt8], path: [UInt8]) -> [RouteVerdict] {
        let length = HostName.length(of: host.octets)
        var winner: Int?
        return routes.indices.map { index in
            if let miss = Self.judge(routes[index], host.octets, length, path.octets) { return miss }
            if let winner { return .shadowed(by: winner) }
            winner = index
            return .matches
        }
    }

    /// Why `route` is not for this host and path; nil when it is. The only comparison there is, for `match` and `explain` alike.
    private static func judge(_ route: Route, _ host: RawSpan, _ length: Int, _ path: RawSpan) -> RouteVerdict? {
        if let name = route.host, !HostName.matches(host, length: length, name) { return .otherHost }
        if route.isTree {
            guard path.byteCount >= route.path.count else {
                // `/public` for the tree `/public/`: another resource, and people do wonder.
                return isBareName(of: route, path) ? .bareNameOfTree : .otherPath
            }
            return begins(path, with: route.path) ? nil : .otherPath
        }
        guard path.byteCount == route.path.count else {
            return path.byteCount > route.path.count && begins(path, with: route.path)
                && path.octet(at: route.path.count) == UInt8(ascii: "/") ? .belowExactPath : .otherPath
        }
        return begins(path, with: route.path) ? nil : .otherPath
    }

    private static func isBareName(of route: Route, _ path: RawSpan) -> Bool {
        path.byteCount == route.path.count - 1 && begins(path, with: route.path.dropLast())
    }

    private static func begins(_ path: RawSpan, with prefix: some RandomAccessCollection<UInt8>) -> Bool {
        guard path.byteCount >= prefix.count else { return false }
        var offset = 0
        for octet in prefix {
            if path.octet(at: offset) != octet { return false }
            offset += 1
        }
        return true
    }
}

/// What a route has to say to one host and path.
package enum RouteVerdict: Equatable, Sendable, CustomStringConvertible {
    case matches
    /// It would match, but the route at that place came first.
    case shadowed(by: Int)
    case otherHost
    case otherPath
    /// The path is the tree's own name without the `/` at the end.
    case bareNameOfTree
    /// The path lies below a route that is for exactly one path.
    case belowExactPath

    package var description: String {
        switch self {
        case .matches: "matches"
        case .shadowed(let first): "would match, but route \(first) comes first"
        case .otherHost: "is for another host"
        case .otherPath: "is for another path"
        case .bareNameOfTree: "is for what lies below its path, and this is the bare name without the / at the end"
        case .belowExactPath: "is for exactly its path, and this lies below it; a / at its end would make it a tree"
        }
    }
}
