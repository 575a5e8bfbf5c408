package import Secrets

/// The secret in the session cookie: `SESS_` and 32 random octets in base64url. Never stored and never logged.
package struct SessionID: Sendable, Equatable {
    private static let prefix = Array("SESS_".utf8)
    private static let randomOctets = 32
    /// The octets of every session id's text: the prefix and 43 characters.
    package static let length = 48

    /// For `Set-Cookie`, and for nothing else.
    package let text: [UInt8]

    /// A new id; rule 38: from the system's generator, and without it there is none.
    package static func random() throws(SecretsError) -> SessionID {
        SessionID(text: prefix + Base64URL.encode(try SecureRandom.bytes(randomOctets)))
    }

    private init(text: [UInt8]) { self.text = text }

    /// What a cookie holds; nil unless it has exactly the form of an id, so that nothing else ever reaches a store.
    package init?(presented: RawSpan) {
        guard Self.hasForm(presented) else { return nil }
        text = presented.array
    }

    package init?(presented: [UInt8]) { self.init(presented: presented.octets) }

    package var key: SessionKey { SessionKey(SHA256Digest(of: text)) }

    /// The key of what a cookie holds; nil unless that has the form of an id.
    package static func key(ofPresented octets: RawSpan) -> SessionKey? {
        hasForm(octets) ? SessionKey(SHA256Digest(of: octets)) : nil
    }

    private static func hasForm(_ octets: RawSpan) -> Bool {
        guard octets.byteCount == length else { return false }
        for offset in 0..<length {
            let octet = octets.octet(at: offset)
            guard offset < prefix.count ? octet == prefix[offset] : isBase64URL(octet) else { return false }
        }
        return true
    }

    static func isBase64URL(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

extension SessionID: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    // Rule 45: whoever prints one by mistake prints nothing that opens a session.
    package var description: String { "SESS_…" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
