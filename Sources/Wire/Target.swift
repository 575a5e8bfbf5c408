/// The request target (RFC 9112 3.2) in the one form in which it is judged and sent on. Whatever two servers might read differently is
/// refused, so that nobody behind us sees another path than we did.
enum Target {
    /// Sets `host`, `path`, `query` and `isAsteriskForm` of a head whose octets, target, method and version are in place.
    static func read(into head: RequestHead, host: ByteRange?) throws(WireError) {
        // RFC 9112 3.2: HTTP/1.1 without Host is refused.
        if host == nil, head.version == .http11 { throw WireError(.hostMissing) }
        head.host = host ?? .empty
        let target = head.target
        let bytes = head.bytes
        let octets = bytes.octets
        if head.method == .connect {
            guard Authority.isValid(octets, target) else { throw WireError(.targetForm, line: 1) }
            try adopt(target, into: head, hasHost: host != nil)
            return
        }
        if octets[target.start] == .ascii("/") {
            try readPath(of: head, from: target.start)
        } else if octets.equals(target, "*") {
            guard head.method == .options else { throw WireError(.targetForm, line: 1) }
            head.path = target
            head.isAsteriskForm = true
        } else {
            try readAbsolute(into: head, hasHost: host != nil)
        }
    }

    /// `http://authority[/path][?query]`; `https` likewise.
    private static func readAbsolute(into head: RequestHead, hasHost: Bool) throws(WireError) {
        let bytes = head.bytes
        let octets = bytes.octets
        let target = head.target
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
        try adopt(authority, into: head, hasHost: hasHost)

        if index == target.end, head.method == .options {
            // RFC 9112 3.2.4: OPTIONS for the whole server, written as an absolute target.
            head.isAsteriskForm = true
            head.path = ByteRange(offset: head.bytes.count, count: 1)
            head.bytes.append(.ascii("*"))
        } else if index == target.end || octets[index] == .ascii("?") {
            if index < target.end { try readQuery(of: head, from: index) }
            head.path = ByteRange(offset: head.bytes.count, count: 1)
            head.bytes.append(.ascii("/"))
        } else {
            try readPath(of: head, from: index)
        }
    }

    /// RFC 9112 3.2.2 lets the target's authority win over Host; two names for one request are an ambiguity, so they have to agree.
    private static func adopt(_ authority: ByteRange, into head: RequestHead, hasHost: Bool) throws(WireError) {
        let bytes = head.bytes
        if hasHost, !bytes.octets.equalsFolded(authority, head.host) { throw WireError(.hostDiffers) }
        head.host = authority
    }

    /// The path that begins with the `/` at `start`. One that is canonical already stays where it is; another is written behind the head.
    private static func readPath(of head: RequestHead, from start: Int) throws(WireError) {
        let bytes = head.bytes
        let octets = bytes.octets
        let end = head.target.end
        var index = start
        scan: while index < end {
            let octet = octets[index]
            switch octet {
            case .ascii("/"):
                let next = index &+ 1 < end ? octets[index &+ 1] : 0
                if next == .ascii("/") || next == .ascii(".") { break scan }
            case .ascii("%"), .ascii("?"), .ascii("#"), .ascii("\\"): break scan
            default: break
            }
            index &+= 1
        }
        if index == end || octets[index] == .ascii("?") {
            head.path = ByteRange(offset: start, count: index &- start)
        } else {
            index = try rewritePath(of: head, from: start)
        }
        if index < end { try readQuery(of: head, from: index) }
    }

    /// `start` is where the `?` stands.
    private static func readQuery(of head: RequestHead, from start: Int) throws(WireError) {
        let bytes = head.bytes
        let octets = bytes.octets
        let end = head.target.end
        for index in start..<end where octets[index] == .ascii("#") { throw WireError(.targetFragment, line: 1) }
        head.query = ByteRange(offset: start &+ 1, count: end &- start &- 1)
    }
}

extension Span where Element == UInt8 {
    /// Whether `range` begins with `text`, which is given in lower case.
    func hasFoldedPrefix(_ range: ByteRange, _ text: StaticString) -> Bool {
        range.end &- range.start >= text.utf8CodeUnitCount
            && equalsFolded(ByteRange(offset: range.start, count: text.utf8CodeUnitCount), text)
    }
}
