/// A response's head. `ResponseParser.parse` resets and fills it.
package final class ResponseHead: MessageHead {
    /// 100...599.
    package var status = 0
    package var reason = ByteRange.empty

    package override init() { super.init() }
}
