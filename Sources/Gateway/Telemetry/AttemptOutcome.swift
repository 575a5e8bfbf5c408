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
    init?(_ exchange: Exchange, _ configuration: GatewayConfiguration) {
        let head = exchange.head
        guard exchange.route == nil, head.method == .post, head.bytes.equals(head.path, configuration.login.path) else {
            return nil
        }
        self.init(status: exchange.status)
    }

    var label: String { String(describing: self) }
}

extension Buffer {
    /// Whether the readable octets in `range` are exactly `other`.
    func equals(_ range: ByteRange, _ other: [UInt8]) -> Bool {
        guard range.end - range.start == other.count else { return false }
        for index in other.indices where self[range.start + index] != other[index] { return false }
        return true
    }
}
