/// Where a message's content ends (RFC 9112 6.3).
package enum BodyFraming: Equatable, Sendable {
    /// There is no content.
    case none
    case length(UInt64)
    case chunked
    /// At the end of the connection: responses only.
    case untilClose
}
