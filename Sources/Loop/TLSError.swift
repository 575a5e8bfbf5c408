internal import COpenSSL

/// Why there is no TLS with a peer, or no more: a sentence about that peer, or about a file of ours.
package struct TLSError: Error, Equatable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }

    /// OpenSSL's own words for what it has just refused, and an empty queue for the next call.
    static func lastReason() -> String {
        var reason = "no reason given"
        while case let code = ERR_get_error(), code != 0 {
            // Of several the last one in the queue is what the caller met; those before led to it.
            if let text = unsafe ERR_reason_error_string(code) { reason = unsafe String(cString: text) }
        }
        return reason
    }
}
