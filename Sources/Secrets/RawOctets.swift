extension Span where Element == UInt8 {
    /// The octets, untyped. `Span.bytes` counts as unsafe because padding inside an element could show; an octet has none.
    var raw: RawSpan {
        @_lifetime(copy self)
        get { unsafe bytes }
    }
}
