/// A stretch of octets inside a buffer: `offset` from the buffer's first readable octet, `count` octets long.
package struct ByteRange: Equatable, Sendable {
    package var offset: Int32
    package var count: Int32

    @inline(always)
    package init(offset: Int, count: Int) {
        self.offset = Int32(truncatingIfNeeded: offset)
        self.count = Int32(truncatingIfNeeded: count)
    }

    package static var empty: ByteRange { ByteRange(offset: 0, count: 0) }
    @inline(always) package var start: Int { Int(offset) }
    @inline(always) package var end: Int { Int(offset) + Int(count) }
    package var isEmpty: Bool { count == 0 }
}
