import Wire

/// What ended a relay before its time. Each says whose fault it was, and so what is to be answered.
enum RelayFault: Error {
    case clientGone, clientTooSlow, clientTakesTooLong, tooLarge
    case clientMalformed(WireError)
    /// Without an octet of a response.
    case upstreamClosed
    /// In the middle of a response.
    case upstreamBrokeOff
    case upstreamTooSlow, upstreamOutOfTurn
    case upstreamMalformed(WireError)

    /// There is no client any more to answer to.
    var leavesNobody: Bool {
        switch self {
        case .clientGone, .clientTakesTooLong: true
        default: false
        }
    }

    /// For the log.
    var note: String {
        switch self {
        case .clientGone: "the client went away"
        case .clientTooSlow: "the client sent its content too slowly"
        case .clientTakesTooLong: "the client took the response too slowly"
        case .tooLarge: "the content is larger than allowed"
        case .clientMalformed(let error): "the client's content is malformed: \(error)"
        case .upstreamClosed: "the upstream closed without a response"
        case .upstreamBrokeOff: "the upstream broke off in the middle of its response"
        case .upstreamTooSlow: "the upstream took too long"
        case .upstreamOutOfTurn: "the upstream sent an interim response that nothing asked for"
        case .upstreamMalformed(let error): "the upstream's response is malformed: \(error)"
        }
    }

    /// As what the upstream's fault is counted; nil: it is the client's.
    var upstreamFault: UpstreamCounts.Fault? {
        switch self {
        case .clientGone, .clientTooSlow, .clientTakesTooLong, .tooLarge, .clientMalformed: nil
        case .upstreamClosed: .closed
        case .upstreamBrokeOff: .brokeOff
        case .upstreamTooSlow: .timeout
        case .upstreamOutOfTurn, .upstreamMalformed: .malformed
        }
    }

    var clientTimeout: ClientTimeout? {
        switch self {
        case .clientTooSlow: .body
        case .clientTakesTooLong: .write
        case .clientGone, .tooLarge, .clientMalformed, .upstreamClosed, .upstreamBrokeOff, .upstreamTooSlow, .upstreamOutOfTurn,
            .upstreamMalformed:
            nil
        }
    }

    func problem(server: UpstreamServer?, limit: UInt64) -> Problem {
        let server = server?.configuration.text ?? ""
        return switch self {
        case .clientGone, .clientTakesTooLong: Problem(400, "The request broke off.", closes: true)
        case .clientTooSlow: Problem(content: .tooSlow, limit: limit)
        case .tooLarge: Problem(content: .tooLarge, limit: limit)
        case .clientMalformed(let error): Problem(malformed: error)
        case .upstreamTooSlow: Problem(504, "The service did not answer in time.", note: "\(server): \(note)")
        case .upstreamClosed, .upstreamBrokeOff, .upstreamOutOfTurn, .upstreamMalformed:
            Problem(502, "The service gave no proper answer.", note: "\(server): \(note)")
        }
    }
}
