import Access
import Wire

/// What the access log says about one exchange. No header's value is in it, so neither a cookie nor an Authorization can
/// be (SECURITY.md rule 45), nor is the query, which may hold secrets.
struct AccessRecord {
    /// The method, the host and the path come from here. Empty where the head never became one.
    let head: RequestHead
    let requestID: RequestID
    /// Milliseconds since 1970 at the end of the exchange.
    let time: Int64
    let client: IPAddress
    /// As the settings write it; nil: none matched, or the gateway's own endpoint.
    let route: [UInt8]?
    let userID: [UInt8]?
    let auth: StaticString
    /// 0: the client got no answer.
    let status: Int
    /// Nanoseconds.
    let duration: UInt64
    /// `host:port` of the server that was asked.
    let upstream: [UInt8]?
    /// Nanoseconds until the first octet of the upstream's response.
    let upstreamTime: UInt64
    /// Octets of content, without heads and framing.
    let contentReceived: UInt64
    let contentSent: UInt64
    let note: String?

    // A client could otherwise make each line as long as the longest head.
    static let longestMethod = 32
    static let longestHost = 256
    static let longestPath = 2_048
    static let longestNote = 512

    func append(to out: Buffer, as format: AccessLog.Format) {
        switch format {
        case .json: appendJSON(to: out)
        case .text: appendText(to: out)
        }
    }

    var hasUpstreamTime: Bool { upstream != nil && upstreamTime > 0 }
}

extension AccessRecord {
    static func auth(_ identity: Identity?) -> StaticString {
        switch identity?.method {
        case .session: "session"
        case .token: "token"
        case nil: "none"
        }
    }
}

extension ByteRange {
    /// The first `count` octets of it.
    func prefix(_ count: Int) -> ByteRange { ByteRange(offset: start, count: min(count, end - start)) }
}

extension Buffer {
    /// `nanoseconds` in milliseconds, to the microsecond: `12.345`.
    func append(milliseconds nanoseconds: UInt64) {
        let microseconds = nanoseconds / 1_000
        append(decimal: microseconds / 1_000)
        append(0x2E)
        append(microseconds % 1_000, digits: 3)
    }

    /// The last `digits` decimal digits of `value`, with leading zeros.
    func append(_ value: UInt64, digits: Int) {
        var power: UInt64 = 1
        for _ in 1..<max(1, digits) { power &*= 10 }
        while power > 0 {
            append(0x30 &+ UInt8(truncatingIfNeeded: value / power % 10))
            power /= 10
        }
    }
}
