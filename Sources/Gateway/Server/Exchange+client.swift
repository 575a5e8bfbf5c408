import Wire

/// What the request says about its sender.
extension Exchange {
    /// A person's browser that opens a page, as far as one can tell: it sends Sec-Fetch-Mode (Fetch Metadata), and an older
    /// one asks for HTML by a GET.
    package var isNavigation: Bool {
        guard head.method == .get || head.method == .head || head.method == .post else { return false }
        if let mode = head.value(of: .secFetchMode) { return head.bytes.equalsFolded(mode, "navigate") && acceptsHTML }
        return acceptsHTML
    }

    private var acceptsHTML: Bool {
        for field in head.fields where field.id == .accept {
            if head.bytes.contains(field.value, "text/html") { return true }
        }
        return false
    }
}

extension Buffer {
    /// Whether `text` stands anywhere in `range`.
    func contains(_ range: ByteRange, _ text: StaticString) -> Bool {
        let length = text.utf8CodeUnitCount
        guard range.end - range.start >= length else { return false }
        for start in range.start...(range.end - length)
        where equals(ByteRange(offset: start, count: length), text) { return true }
        return false
    }
}

extension Buffer {
    /// The readable octets in `range`, in place.
    @_lifetime(borrow self)
    func span(_ range: ByteRange) -> RawSpan { readable.extracting(range.start..<range.end) }
}
