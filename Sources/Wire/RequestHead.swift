/// A request's head. `RequestParser.parse` resets and fills it.
package final class RequestHead: MessageHead {
    package var method = Method.get
    package var methodRange = ByteRange.empty
    /// The target as it was received.
    package var target = ByteRange.empty
    /// The effective authority: Host, which an absolute-form target has to agree with. Empty only for an HTTP/1.0 request without one.
    package var host = ByteRange.empty
    /// The canonical path (see `Target`); `*` for the asterisk-form, empty for CONNECT.
    package var path = ByteRange.empty
    /// What follows the first `?`, as it was received.
    package var query: ByteRange?
    /// The client waits for `100 Continue` before it sends the content that it has announced. Never for HTTP/1.0 (RFC 9110 10.1.1).
    package var expectsContinue = false
    /// Expect asks for something other than 100-continue: 417.
    package var hasUnknownExpectation = false
    /// HTTP/1.1 with an Upgrade field that Connection names.
    package var wantsUpgrade = false
    package var isAsteriskForm = false

    package override init() { super.init() }

    func reset() {
        resetCommon()
        host = .empty
        path = .empty
        query = nil
        expectsContinue = false
        hasUnknownExpectation = false
        wantsUpgrade = false
        isAsteriskForm = false
    }
}
