/// Where a message's content ends (RFC 9112 6.3).
package enum BodyFraming: Equatable, Sendable {
    /// There is no content.
    case none
    case length(UInt64)
    case chunked
    /// At the end of the connection: responses only.
    case untilClose

    // The compiler's own is called through a table from other targets.
    package static func == (left: BodyFraming, right: BodyFraming) -> Bool {
        switch (left, right) {
        case (.none, .none), (.chunked, .chunked), (.untilClose, .untilClose): true
        case (.length(let count), .length(let other)): count == other
        case (.none, _), (.length, _), (.chunked, _), (.untilClose, _): false
        }
    }
}
