package import Secrets
package import Wire

/// Under what a count of failed sign-ins is kept: a SHA-256, so that the table tells nobody who has an account, or from where.
package struct ThrottleKey: Hashable, Sendable {
    private enum Kind: UInt8 { case pair = 1, address, account }

    package let digest: SHA256Digest

    /// Each value with its length in front, so that no two lists of values are the same octets.
    private init(_ kind: Kind, _ values: [[UInt8]]) {
        var octets: [UInt8] = Array("gatehouse throttle 1".utf8) + [kind.rawValue]
        for value in values {
            for shift in [24, 16, 8, 0] { octets.append(UInt8(truncatingIfNeeded: value.count >> shift)) }
            octets += value
        }
        digest = SHA256Digest(of: octets)
    }

    static func pair(_ name: UserName, _ network: [UInt8]) -> ThrottleKey { ThrottleKey(.pair, [name.bytes, network]) }
    static func address(_ network: [UInt8]) -> ThrottleKey { ThrottleKey(.address, [network]) }
    static func account(_ name: UserName) -> ThrottleKey { ThrottleKey(.account, [name.bytes]) }

    /// 43 characters of base64url: the key of the row.
    package var text: String { String(decoding: Base64URL.encode(digest), as: UTF8.self) }
}

/// The three counts that one attempt to sign in looks at.
package struct ThrottleKeys: Hashable, Sendable {
    package let pair: ThrottleKey
    package let address: ThrottleKey
    package let account: ThrottleKey

    /// `name` is the canonical one, known or not: a count for known users only would tell who they are.
    package init(name: UserName, address: IPAddress) {
        self.init(name: name, network: address.network)
    }

    init(name: UserName, network: [UInt8]) {
        pair = .pair(name, network)
        address = .address(network)
        account = .account(name)
    }
}

extension IPAddress {
    /// What one subscriber is given: an IPv4 address, or the /64 of an IPv6 address, whose other half anybody changes at will.
    var network: [UInt8] { isV4 ? Array(octets.suffix(4)) : Array(octets.prefix(8)) }
}
