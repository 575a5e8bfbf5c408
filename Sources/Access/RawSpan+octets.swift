extension RawSpan {
    /// The octet at `offset`; traps outside of the span.
    @inline(always)
    func octet(at offset: Int) -> UInt8 {
        precondition(offset >= 0 && offset < byteCount)
        return unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }
}

extension [UInt8] {
    /// The octets as a span. `Span.bytes` is marked unsafe for element types with padding, which an octet has not.
    @inline(always)
    var octets: RawSpan {
        @_lifetime(borrow self)
        get { unsafe span.bytes }
    }
}

extension RawSpan {
    /// A copy, for places off the request path.
    var array: [UInt8] { unsafe withUnsafeBytes { unsafe Array($0) } }

    /// A copy of octets that are UTF-8.
    var text: String { String(decoding: array, as: UTF8.self) }
}
