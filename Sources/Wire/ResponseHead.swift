/// A response's head, filled by `ResponseParser.parse`.
package final class ResponseHead: MessageHead {
    struct Parts {
        var status = 0
        var reason = ByteRange.empty
    }

    private var parts = Parts()

    package override init() { super.init() }

    func take(_ parts: Parts) { self.parts = parts }

    /// 100...599.
    package var status: Int { parts.status }
    /// The reason phrase; may be empty.
    package var reason: ByteRange { parts.reason }
}
