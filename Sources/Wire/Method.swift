/// A request method (RFC 9110 9). Methods are case-sensitive; `other` is any token that is not named here.
package enum Method: UInt8, Sendable, CaseIterable {
    case get, head, post, put, delete, options, patch, connect, trace, other

    // The compiler's own is called through a table from other targets, for each field of each head.
    package static func == (left: Method, right: Method) -> Bool { left.rawValue == right.rawValue }

    /// RFC 9110 9.2.1. An unknown method is not safe.
    package var isSafe: Bool {
        switch self {
        case .get, .head, .options, .trace: true
        case .post, .put, .delete, .patch, .connect, .other: false
        }
    }

    /// RFC 9110 9.2.2: whether repeating the request has the effect of sending it once. An unknown method is not idempotent.
    package var isIdempotent: Bool {
        switch self {
        case .get, .head, .options, .trace, .put, .delete: true
        case .post, .patch, .connect, .other: false
        }
    }

    init(_ octets: Octets, _ range: ByteRange) {
        switch range.count {
        case 3: self = octets.equals(range, "GET") ? .get : octets.equals(range, "PUT") ? .put : .other
        case 4: self = octets.equals(range, "POST") ? .post : octets.equals(range, "HEAD") ? .head : .other
        case 5: self = octets.equals(range, "PATCH") ? .patch : octets.equals(range, "TRACE") ? .trace : .other
        case 6: self = octets.equals(range, "DELETE") ? .delete : .other
        case 7: self = octets.equals(range, "OPTIONS") ? .options : octets.equals(range, "CONNECT") ? .connect : .other
        default: self = .other
        }
    }
}
