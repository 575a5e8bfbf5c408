import Wire

/// How an attempt to sign in ended.
enum AttemptOutcome: Int, CaseIterable {
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
    init?(_ exchange: borrowing Exchange) {
        guard exchange.isSignIn else { return nil }
        self.init(status: exchange.status)
    }

    var label: String { String(describing: self) }
}
