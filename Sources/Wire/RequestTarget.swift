/// The request target (RFC 9112 3.2) in the one form in which it is judged and sent on. Whatever two servers might read differently is
/// refused, so that nobody behind us sees another path than we did.
extension RequestHead.Parts {
    /// Sets `host`, `path`, `query` and `isAsteriskForm` from the target and the Host field.
    ///
    /// - Parameter bytes: the head's octets; what cannot stay where it is gets written behind them.
    mutating func readTarget(_ bytes: Buffer, _ version: HTTPVersion, host: ByteRange?) throws(WireError) {
        // RFC 9112 3.2: HTTP/1.1 without Host is refused.
        if host == nil, version == .http11 { throw WireError(.hostMissing) }
        self.host = host ?? .empty
        let octets = bytes.octets
        if method == .connect {
            guard Authority.isValid(octets, target) else { throw WireError(.targetForm, line: 1) }
            try adopt(target, bytes, hasHost: host != nil)
            return
        }
        if octets[target.start] == .ascii("/") {
            try readPath(bytes, from: target.start)
        } else if octets.equals(target, "*") {
            guard method == .options else { throw WireError(.targetForm, line: 1) }
            path = target
            isAsteriskForm = true
        } else {
            try readAbsolute(bytes, hasHost: host != nil)
        }
    }

    /// `http://authority[/path][?query]`; `https` likewise.
    private mutating func readAbsolute(_ bytes: Buffer, hasHost: Bool) throws(WireError) {
        let octets = bytes.octets
        let scheme: Int
        if octets.hasFoldedPrefix(target, "http://") {
            scheme = 7
        } else if octets.hasFoldedPrefix(target, "https://") {
            scheme = 8
        } else {
            throw WireError(.targetForm, line: 1)
        }
        var index = target.start &+ scheme
        while index < target.end, octets[index] != .ascii("/"), octets[index] != .ascii("?"), octets[index] != .ascii("#") { index &+= 1 }
        let authority = ByteRange(offset: target.start &+ scheme, count: index &- target.start &- scheme)
        guard Authority.isValid(octets, authority) else { throw WireError(.targetAuthority, line: 1) }
        try adopt(authority, bytes, hasHost: hasHost)

        if index == target.end, method == .options {
            // RFC 9112 3.2.4: OPTIONS for the whole server, written as an absolute target.
            isAsteriskForm = true
            path = ByteRange(offset: bytes.count, count: 1)
            bytes.append(.ascii("*"))
        } else if index == target.end || octets[index] == .ascii("?") {
            if index < target.end { try readQuery(bytes, from: index) }
            path = ByteRange(offset: bytes.count, count: 1)
            bytes.append(.ascii("/"))
        } else {
            try readPath(bytes, from: index)
        }
    }

    /// RFC 9112 3.2.2 lets the target's authority win over Host; two names for one request are an ambiguity, so they have to agree.
    private mutating func adopt(_ authority: ByteRange, _ bytes: Buffer, hasHost: Bool) throws(WireError) {
        if hasHost, !bytes.octets.equalsFolded(authority, host) { throw WireError(.hostDiffers) }
        host = authority
    }

    /// The path that begins with the `/` at `start`. One that is canonical already stays where it is; another is written behind the head.
    private mutating func readPath(_ bytes: Buffer, from start: Int) throws(WireError) {
        let octets = bytes.octets
        let end = target.end
        var index = octets.endOfPlainPath(from: start, to: end)
        if index == end || octets[index] == .ascii("?") {
            path = ByteRange(offset: start, count: index &- start)
        } else {
            index = try rewritePath(bytes, from: start)
        }
        if index < end { try readQuery(bytes, from: index) }
    }

    /// `start` is where the `?` stands.
    private mutating func readQuery(_ bytes: Buffer, from start: Int) throws(WireError) {
        let octets = bytes.octets
        let end = target.end
        for index in start..<end where octets[index] == .ascii("#") { throw WireError(.targetFragment, line: 1) }
        query = ByteRange(offset: start &+ 1, count: end &- start &- 1)
    }
}

extension Span where Element == UInt8 {
    /// Whether `range` begins with `text`, which is given in lower case.
    func hasFoldedPrefix(_ range: ByteRange, _ text: StaticString) -> Bool {
        range.end &- range.start >= text.utf8CodeUnitCount
            && equalsFolded(ByteRange(offset: range.start, count: text.utf8CodeUnitCount), text)
    }
}
