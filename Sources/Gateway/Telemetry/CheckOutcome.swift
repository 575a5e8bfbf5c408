import Access

/// How a route's check of who asks ended.
enum CheckOutcome: Int, CaseIterable {
    case sessionPassed, tokenPassed, sessionForbidden, tokenForbidden, refused, unavailable

    /// Nil: nobody was asked who they are.
    init?(_ exchange: borrowing Exchange, _ labels: borrowing TelemetryLabels) {
        guard let route = exchange.route, labels.isChecked(route) else { return nil }
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
