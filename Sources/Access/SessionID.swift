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

    package var key: SessionKey { SessionKey(SHA256Digest(of: text)) }

    /// The key of what a cookie holds; nil unless that has exactly the form of an id, so that nothing else ever reaches a store.
    package static func key(ofPresented octets: RawSpan) -> SessionKey? {
        hasForm(octets) ? SessionKey(SHA256Digest(of: octets)) : nil
    }

    private static func hasForm(_ octets: RawSpan) -> Bool {
        guard octets.byteCount == length else { return false }
        for offset in 0..<prefix.count where octets.octet(at: offset) != prefix[offset] { return false }
        // The prefix is base64url too, and an id is six words long.
        for offset in stride(from: 0, to: length, by: 8) where !isBase64URL(octets.word(at: offset)) { return false }
        return true
    }

    /// Whether each of the word's eight octets is one of the 64 characters.
    private static func isBase64URL(_ word: UInt64) -> Bool {
        let every: UInt64 = 0x0101_0101_0101_0101
        let mark = every &* 0x80
        // Only without an octet above 0x7F no sum below carries into the next octet.
        guard word & mark == 0 else { return false }
        let lower = word | every &* 0x20
        let letters = (lower &+ every &* 0x1F) & ~(lower &+ every &* 0x05)
        let digits = (word &+ every &* 0x50) & ~(word &+ every &* 0x46)
        let hyphens = ~((word ^ every &* 0x2D) &+ every &* 0x7F)
        let underscores = ~((word ^ every &* 0x5F) &+ every &* 0x7F)
        return (letters | digits | hyphens | underscores) & mark == mark
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
