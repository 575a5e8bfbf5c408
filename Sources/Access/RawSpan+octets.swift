extension RawSpan {
    /// The octet at `offset`; traps outside of the span.
    @inline(always)
    func octet(at offset: Int) -> UInt8 {
        precondition(offset >= 0 && offset < byteCount)
        return unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    func contains(_ octet: UInt8) -> Bool {
        for offset in 0..<byteCount where self.octet(at: offset) == octet { return true }
        return false
    }

    /// The eight octets from `offset` on, the first one lowest; traps outside of the span.
    @inline(always)
    func word(at offset: Int) -> UInt64 {
        precondition(offset >= 0 && byteCount >= 8 && offset <= byteCount &- 8)
        return UInt64(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
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
