/// A request's head, filled by `RequestParser.parse`.
package final class RequestHead: MessageHead {
    struct Parts {
        var method = Method.get
        var methodRange = ByteRange.empty
        var target = ByteRange.empty
        var host = ByteRange.empty
        var path = ByteRange.empty
        var query: ByteRange?
        var expectsContinue = false
        var hasUnknownExpectation = false
        var wantsUpgrade = false
        var isAsteriskForm = false
    }

    private var parts = Parts()

    package override init() { super.init() }

    func take(_ parts: Parts) { self.parts = parts }

    package var method: Method { parts.method }
    package var methodRange: ByteRange { parts.methodRange }
    /// The target as it was received.
    package var target: ByteRange { parts.target }
    /// The effective authority: Host, which an absolute-form target has to agree with. Empty only for an HTTP/1.0 request without one.
    package var host: ByteRange { parts.host }
    /// The canonical path (see `readTarget`); `*` for the asterisk-form, empty for CONNECT.
    package var path: ByteRange { parts.path }
    /// What follows the first `?`, as it was received.
    package var query: ByteRange? { parts.query }
    /// The client waits for `100 Continue` before it sends the content that it has announced. Never for HTTP/1.0 (RFC 9110 10.1.1).
    package var expectsContinue: Bool { parts.expectsContinue }
    /// Expect asks for something other than 100-continue: 417.
    package var hasUnknownExpectation: Bool { parts.hasUnknownExpectation }
    /// HTTP/1.1 with an Upgrade field that Connection names.
    package var wantsUpgrade: Bool { parts.wantsUpgrade }
    package var isAsteriskForm: Bool { parts.isAsteriskForm }
}
