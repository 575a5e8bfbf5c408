import Settings
import Wire

/// A request as the gateway's own parser reads it, made of a method and a URL.
struct ExplainedRequest {
    /// Nil: it is refused before any route is looked at; `text` says why.
    let head: RequestHead?
    let host: [UInt8]
    let path: [UInt8]
    /// What was understood.
    let text: String

    init(method: String, url: String, settings: Settings) throws(CommandFailure) {
        for part in [method, url] where part.isEmpty || part.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) {
            throw CommandFailure("gatehouse: a method or URL has no spaces or control characters", status: .usage)
        }
        // Fragments never leave a browser.
        var target = String(url.prefix { $0 != "#" })
        var authority = Self.authority(of: settings.publicURL.origin) ?? ""
        if url.utf8.first != UInt8(ascii: "/"), url != "*" {
            guard let own = Self.authority(of: target) else {
                throw CommandFailure(
                    "gatehouse: name a path such as /profile, or a URL such as http://host/profile", status: .usage)
            }
            authority = own
            if target.utf8.count(where: { $0 == UInt8(ascii: "/") }) == 2 { target += "/" }
        }
        let input = Buffer()
        input.append(text: "\(method) \(target) HTTP/1.1\r\nHost: \(authority)\r\n\r\n")
        let head = RequestHead()
        var parser = RequestParser(limits: HeadLimits(startLine: Int(settings.limits.requestLine.octets)))
        do throws(WireError) {
            guard try parser.parse(input, into: head) else {
                (self.head, host, path, text) = (nil, [], [], "\(method) \(url) is no whole request")
                return
            }
        } catch {
            (self.head, host, path) = (nil, [], [])
            text = "\(method) \(url) is refused: \(error.status), \(error)"
            return
        }
        self.head = head
        host = head.bytes.array(head.host)
        path = head.bytes.array(head.path)
        text = "\(method) for host \(String(decoding: host, as: UTF8.self)), path \(String(decoding: path, as: UTF8.self))"
    }

    /// What stands between `://` and the path.
    private static func authority(of url: String) -> String? {
        let parts = url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count >= 3, parts[0].utf8.last == UInt8(ascii: ":"), parts[1].isEmpty, !parts[2].isEmpty else { return nil }
        return String(parts[2].prefix { $0 != "?" })
    }

    /// Says so when the gateway answers this itself; nil when routes are asked.
    func ownPage(_ settings: Settings) -> String? {
        if head?.method == .connect || head?.method == .trace { return "The gateway refuses this method." }
        let isOwn =
            path == Array(settings.login.path.utf8) || path == Array("/logout".utf8) || path.starts(with: "/.gatehouse/".utf8)
        return isOwn ? "The gateway answers this itself, before any route." : nil
    }
}
