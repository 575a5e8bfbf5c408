import Access
import Wire

/// What the access log says about one exchange. No header's value is in it, so neither a cookie nor an Authorization can
/// be (rule 45), nor is the query, which may hold secrets.
struct AccessRecord: ~Copyable {
    /// The method, the host and the path come from here. Empty where the head never became one.
    let head: RequestHead
    let requestID: RequestID
    let traceID: TraceID
    /// The end of the exchange.
    let time: Timestamp
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

    /// Octets of a line that holds no text of variable length: the names of its members, and its numbers at their longest.
    private static let fixedPart = 768
    /// Octets that one octet can become: `\u00XX`.
    private static let longestEscape = 6

    /// Appends the line. Inlined, as `appendJSON` is: the record is then nothing but where its values come from.
    @inline(always)
    func append(to lines: inout [UInt8], as format: AccessLog.Format) {
        let variable =
            min(AccessRecord.longestMethod, Int(head.methodRange.count)) + min(AccessRecord.longestHost, Int(head.host.count))
            + min(AccessRecord.longestPath, Int(head.path.count)) + min(AccessRecord.longestNote, note?.utf8.count ?? 0)
            + (route?.count ?? 0) + (userID?.count ?? 0) + (upstream?.count ?? 0)
        lines.append(addingCapacity: AccessRecord.fixedPart + AccessRecord.longestEscape * variable) { room in
            unsafe room.withUnsafeMutableBufferPointer { room, count in
                var line = unsafe LineWriter(UnsafeMutableRawBufferPointer(room))
                switch format {
                case .json: appendJSON(to: &line)
                case .text: appendText(to: &line)
                }
                count = line.count
            }
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
    @inline(always)
    func prefix(_ count: Int) -> Range<Int> {
        let start = Int(offset)
        return start..<start + min(count, Int(self.count))
    }
}
