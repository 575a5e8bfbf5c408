import Access
import Wire

/// How an attempt to sign in ended.
enum SignInOutcome: Int, CaseIterable {
    case accepted, refused, throttled, invalid, unavailable

    init(status: Int) {
        self =
            switch status {
            case 200, 204, 303: .accepted
            case 401: .refused
            case 429: .throttled
            case 500...: .unavailable
            default: .invalid
            }
    }

    /// Nil: the exchange is not an attempt to sign in.
    init?(_ exchange: Exchange, _ configuration: GatewayConfiguration) {
        let head = exchange.head
        guard exchange.route == nil, head.method == .post, head.bytes.equals(head.path, configuration.login.path) else {
            return nil
        }
        self.init(status: exchange.status)
    }

    var label: String { String(describing: self) }
}

/// How a route's check of who asks ended.
enum CheckOutcome: Int, CaseIterable {
    case sessionPassed, tokenPassed, sessionForbidden, tokenForbidden, refused, unavailable

    /// Nil: nobody was asked who they are.
    init?(_ exchange: Exchange, _ configuration: GatewayConfiguration) {
        let routes = configuration.routes.routes
        guard let index = exchange.route, index < routes.count, routes[index].access == .signedIn else { return nil }
        guard let identity = exchange.identity else {
            self = exchange.status >= 500 ? .unavailable : .refused
            return
        }
        // A 403 without an upstream is the gateway's own: the policy said no.
        let isForbidden = exchange.status == 403 && exchange.upstream == nil
        switch identity.method {
        case .session: self = isForbidden ? .sessionForbidden : .sessionPassed
        case .token: self = isForbidden ? .tokenForbidden : .tokenPassed
        }
    }

    var kind: String {
        switch self {
        case .sessionPassed, .sessionForbidden: "session"
        case .tokenPassed, .tokenForbidden: "token"
        case .refused, .unavailable: "none"
        }
    }

    var label: String {
        switch self {
        case .sessionPassed, .tokenPassed: "passed"
        case .sessionForbidden, .tokenForbidden: "forbidden"
        case .refused: "refused"
        case .unavailable: "unavailable"
        }
    }
}

extension Buffer {
    /// Whether the readable octets in `range` are exactly `other`.
    func equals(_ range: ByteRange, _ other: [UInt8]) -> Bool {
        guard range.end - range.start == other.count else { return false }
        for index in other.indices where self[range.start + index] != other[index] { return false }
        return true
    }
}
