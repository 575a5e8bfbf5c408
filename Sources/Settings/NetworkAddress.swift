import Glibc

/// Numeric IP addresses, as the system reads them: no leading zeros, no short forms, no zone.
enum NetworkAddress {
    /// 4 or 16 octets in network order; nil for anything that is not a numeric address.
    static func octets(_ text: some StringProtocol) -> [UInt8]? {
        let text = String(text)
        guard !text.utf8.contains(0) else { return nil }
        var octets = [UInt8](repeating: 0, count: 16)
        if unsafe inet_pton(AF_INET, text, &octets) == 1 { return Array(octets.prefix(4)) }
        return unsafe inet_pton(AF_INET6, text, &octets) == 1 ? octets : nil
    }

    /// A port from `range`.
    static func port(_ text: some StringProtocol, _ range: ClosedRange<UInt64>) -> UInt16? {
        guard let port = Decimal.parse(text.utf8), range.contains(port) else { return nil }
        return UInt16(port)
    }

    /// Splits `host:port`, `[::1]:port`, and either without its port; nil when a bracket is missing or left over.
    static func split(_ authority: some StringProtocol) -> (host: String, isBracketed: Bool, port: String?)? {
        if authority.utf8.first == UInt8(ascii: "[") {
            guard let (host, rest) = authority.dropFirst().cut(at: "]") else { return nil }
            if rest.isEmpty { return (String(host), true, nil) }
            return rest.utf8.first == UInt8(ascii: ":") ? (String(host), true, String(rest.dropFirst())) : nil
        }
        guard let (host, port) = authority.cut(at: ":") else { return (String(authority), false, nil) }
        return port.utf8.contains(UInt8(ascii: ":")) ? nil : (String(host), false, String(port))
    }

    /// The host, a name in lower case or a numeric address without brackets, and the port of a server.
    static func server(_ authority: some StringProtocol, usualPort: UInt16) -> (name: String, port: UInt16)? {
        guard let parts = split(authority), (octets(parts.host)?.count == 16) == parts.isBracketed,
            parts.isBracketed || isHostName(parts.host), let port = parts.port.map({ port($0, 1...65_535) }) ?? usualPort
        else { return nil }
        return (parts.host.lowercased(), port)
    }

    /// The same as text.
    static func text(name: String, port: UInt16) -> String {
        name.utf8.contains(UInt8(ascii: ":")) ? "[\(name)]:\(port)" : "\(name):\(port)"
    }

    /// Whether `name` can be looked up: labels of letters, digits, `-` and `_`, parted by single dots, none at the end.
    static func isHostName(_ name: some StringProtocol) -> Bool {
        guard (1...253).contains(name.utf8.count) else { return false }
        return name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
            (1...63).contains(label.count)
                && label.allSatisfy {
                    switch $0 {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                        true
                    default: false
                    }
                }
        }
    }
}

/// An IP address and a port to listen on.
package struct ListenAddress: Hashable, Sendable {
    /// Numeric, without brackets.
    package let host: String
    /// 0 lets the system choose.
    package let port: UInt16

    package var isIPv6: Bool { host.utf8.contains(UInt8(ascii: ":")) }
    package var isWildcard: Bool { NetworkAddress.octets(host)?.allSatisfy { $0 == 0 } ?? false }

    /// nil unless `text` is a numeric address with a port.
    package init?(_ text: String) {
        guard let parts = NetworkAddress.split(text), let port = parts.port.flatMap({ NetworkAddress.port($0, 0...65_535) }),
            let octets = NetworkAddress.octets(parts.host), parts.isBracketed == (octets.count == 16)
        else { return nil }
        (host, self.port) = (parts.host, port)
    }

    init(host: String, port: UInt16) {
        (self.host, self.port) = (host, port)
    }
}

extension ListenAddress: CustomStringConvertible {
    package var description: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

extension Codec where Value == ListenAddress {
    static var listenAddress: Self {
        Codec(
            schema: [("type", .string("string")), ("pattern", .string("^(\\[[0-9A-Fa-f:.]+\\]|[0-9.]+):[0-9]{1,5}$"))],
            parse: { (text) throws(Fault) in
                if let address = ListenAddress(text) { return address }
                throw Fault(
                    "expected an IP address and a port, such as 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080, found `\(text)`")
            },
            write: { .text($0.description) })
    }
}

/// Where the admin listener stands, if anywhere.
package enum AdminAddress: Hashable, Sendable {
    case off
    case at(ListenAddress)
}

extension Codec where Value == AdminAddress {
    static var adminAddress: Self {
        let address = Codec<ListenAddress>.listenAddress
        return Codec(
            schema: [("anyOf", .array([.object([("const", .string("off"))]), .object(address.schema)]))],
            parse: { (text) throws(Fault) in text == "off" ? .off : .at(try address.parse(text)) },
            write: {
                switch $0 {
                case .off: .text("off")
                case .at(let listen): address.write(listen)
                }
            })
    }
}

/// A block of addresses, `10.0.0.0/8`.
package struct NetworkRange: Hashable, Sendable, CustomStringConvertible {
    /// The first address of the block, as it was written.
    package let address: String
    package let prefixLength: Int

    package var description: String { "\(address)/\(prefixLength)" }
}

extension Codec where Value == NetworkRange {
    /// A block, or a single address. An address with bits behind its prefix is a slip that would trust too much.
    static var network: Self {
        Codec(
            schema: [("type", .string("string")), ("pattern", .string("^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$"))],
            parse: { (text) throws(Fault) in
                let parts = text.cut(at: "/")
                let address = String(parts?.0 ?? text[...])
                guard let octets = NetworkAddress.octets(address),
                    let length = parts.map({ Decimal.parse($0.1.utf8) }) ?? UInt64(octets.count * 8),
                    length <= octets.count * 8
                else { throw Fault("expected an address block such as 10.0.0.0/8 or fd00::/8, found `\(text)`") }
                for (index, octet) in octets.enumerated() {
                    let kept = max(0, min(8, Int(length) - index * 8))
                    guard octet & UInt8(truncatingIfNeeded: 0xFF >> kept) == 0 else {
                        throw Fault(
                            "\(address) has bits set behind its first \(length); did you mean \(address)/\(octets.count * 8)?")
                    }
                }
                return NetworkRange(address: address, prefixLength: Int(length))
            },
            write: { .text($0.description) })
    }
}
