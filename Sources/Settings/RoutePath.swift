/// The path of a route, in the one canonical form that requests are judged in; any other form could never match.
enum RoutePath {
    /// Says why `path` is not canonical; nil when it is.
    static func fault(_ path: String) -> String? {
        let octets = Array(path.utf8)
        guard octets.first == UInt8(ascii: "/") else { return "a path begins with /" }
        if octets.count > 4_096 { return "the path is longer than 4096 octets" }
        if path.utf8.firstRange(of: "//".utf8) != nil { return "write one / where there are several" }
        var index = 0
        while index < octets.count {
            let octet = octets[index]
            index += 1
            switch octet {
            case UInt8(ascii: "?"), UInt8(ascii: "#"): return "routes match on the path only; remove what follows the `?` or `#`"
            case UInt8(ascii: "*"): return "there are no patterns: a path that ends in / matches everything below it"
            case UInt8(ascii: "\\"), 0...0x20, 0x7F...0xFF:
                return "only printable ASCII without spaces and backslashes can stand in a path"
            case UInt8(ascii: "%"):
                guard let fault = escapeFault(octets, at: &index) else { continue }
                return fault
            default: continue
            }
        }
        for segment in path.utf8.split(separator: UInt8(ascii: "/")) {
            let name = segment.prefix { $0 != UInt8(ascii: ";") }
            if name.elementsEqual(".".utf8) || name.elementsEqual("..".utf8) { return "dot segments cannot stand in a path" }
        }
        return nil
    }

    /// Checks the two digits behind a `%`.
    private static func escapeFault(_ octets: [UInt8], at index: inout Int) -> String? {
        let digits = octets[index...].prefix(2)
        guard digits.count == 2, let text = String(validating: digits, as: UTF8.self), let value = UInt8(text, radix: 16),
            digits.first != UInt8(ascii: "+")
        else { return "% must be followed by two hex digits" }
        index += 2
        switch value {
        case UInt8(ascii: "/"), UInt8(ascii: "\\"), 0...0x1F, 0x7F:
            return "%\(text) is refused in every request, so it cannot match"
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            return "write %\(text) as the character itself, `\(Character(Unicode.Scalar(value)))`"
        default:
            return text == text.uppercased() ? nil : "write %\(text) in capitals, %\(text.uppercased())"
        }
    }
}

extension Codec where Value == String {
    static var routePath: Self {
        Codec(
            schema: [("type", .string("string")), ("pattern", .string("^/[!-~]*$"))],
            parse: { (text) throws(Fault) in
                if let fault = RoutePath.fault(text) { throw Fault(fault) }
                return text
            },
            write: { .text($0) })
    }

    /// A path of one page: it does not end in `/`.
    static var pagePath: Self {
        Codec(
            schema: [("type", .string("string")), ("pattern", .string("^/[!-~]*[!-.0-~]$"))],
            parse: { (text) throws(Fault) in
                if let fault = RoutePath.fault(text) { throw Fault(fault) }
                if text.utf8.last == UInt8(ascii: "/") { throw Fault("the path of a page does not end in /") }
                return text
            },
            write: { .text($0) })
    }

    /// A host that requests name, in lower case; without port and trailing dot, which are taken off before the comparison.
    static var routeHost: Self {
        Codec(
            schema: [("type", .string("string")), ("pattern", .string("^(\\[[0-9A-Fa-f:.]+\\]|[0-9A-Za-z_.-]+)$"))],
            parse: { (text) throws(Fault) in
                if text.utf8.contains(UInt8(ascii: "*")) {
                    throw Fault("there are no patterns for hosts; name the host, or leave the key out to match every host")
                }
                guard let parts = NetworkAddress.split(text) else { throw Fault("`\(text)` is no host") }
                if parts.port != nil { throw Fault("the port is not part of the comparison; remove it") }
                let isAddress = NetworkAddress.octets(parts.host)?.count == 16
                guard isAddress == parts.isBracketed, isAddress || NetworkAddress.isHostName(parts.host) else {
                    throw Fault("`\(text)` is no host name: labels of letters, digits, - and _, no dot at the end")
                }
                return text.lowercased()
            },
            write: { .text($0) })
    }
}
