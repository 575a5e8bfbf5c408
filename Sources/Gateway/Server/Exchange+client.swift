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

    /// The whole content has arrived, as far as its length says; a chunked one may always go on.
    var hasAllContent: Bool {
        switch head.framing {
        case .none: true
        case .length(let count): count <= UInt64(client.input.count)
        case .chunked, .untilClose: false
        }
    }

    private var acceptsHTML: Bool {
        for field in head.fields where field.id == .accept {
            if head.bytes.contains(field.value, "text/html") { return true }
        }
        return false
    }
}

extension Buffer {
    /// Whether `word` stands anywhere in `range`, behind white space and in front of white space, a comma or the end.
    func contains(_ range: ByteRange, word: [UInt8]) -> Bool {
        guard let first = word.first, range.end - range.start > word.count else { return false }
        let span = octets
        for start in (range.start + 1)...(range.end - word.count) where span[start] == first {
            guard span[start - 1] == 0x20 || span[start - 1] == 0x09 else { continue }
            let end = start + word.count
            guard end == range.end || span[end] == 0x20 || span[end] == 0x09 || span[end] == UInt8(ascii: ",") else { continue }
            if word.indices.allSatisfy({ self[start + $0] == word[$0] }) { return true }
        }
        return false
    }

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
