package import Secrets

/// What a store sees of a session id: the SHA-256 of its whole text. A stolen store opens no session.
package struct SessionKey: Hashable, Sendable {
    package static let length = 32

    private let words: SIMD4<UInt64>

    package init(_ digest: SHA256Digest) { words = Self.words(of: digest.bytes) }

    /// Reads `octets` back; nil unless they are 32.
    package init?(octets: [UInt8]) {
        guard octets.count == Self.length else { return nil }
        words = Self.words(of: octets)
    }

    private static func words(of octets: [UInt8]) -> SIMD4<UInt64> {
        var words = SIMD4<UInt64>()
        for (index, octet) in octets.enumerated() { words[index / 8] = words[index / 8] << 8 | UInt64(octet) }
        return words
    }

    /// Reads `text`'s form back: 43 characters of base64url.
    package init?(text: String) {
        guard let octets = Base64URL.decode(Array(text.utf8)) else { return nil }
        self.init(octets: octets)
    }

    package var octets: [UInt8] {
        (0..<Self.length).map { UInt8(truncatingIfNeeded: words[$0 / 8] >> UInt64(56 - 8 * ($0 % 8))) }
    }

    /// 43 characters of base64url: the key of the row or of the Redis value.
    package var text: String { String(decoding: Base64URL.encode(octets), as: UTF8.self) }

    /// The first 16 characters of `text`: what people see and type. 96 bits, so two sessions of one user never share it.
    package var handle: String { String(decoding: Base64URL.encode(Array(octets.prefix(12))), as: UTF8.self) }
}
