package import Secrets
package import Wire

/// What a store sees of a session id: the SHA-256 of its whole text. A stolen store opens no session.
package struct SessionKey: Hashable, Sendable {
    /// Octets of `text`.
    package static let textLength = 43

    package let digest: SHA256Digest

    package init(_ digest: SHA256Digest) { self.digest = digest }

    /// Reads `octets` back; nil unless they are 32.
    package init?(octets: [UInt8]) {
        guard let digest = SHA256Digest(bytes: octets) else { return nil }
        self.digest = digest
    }

    init?(octets: RawSpan) {
        guard let digest = SHA256Digest(bytes: octets) else { return nil }
        self.digest = digest
    }

    /// Reads `text` back; nil unless it is 43 characters of base64url.
    package init?(text: String) {
        guard let octets = Base64URL.decode(Array(text.utf8)) else { return nil }
        self.init(octets: octets)
    }

    package var octets: [UInt8] { digest.bytes }

    /// 43 characters of base64url: the key of the row or of the Redis value.
    package var text: String { String(decoding: Base64URL.encode(digest), as: UTF8.self) }

    /// Appends `text` without making a string of it.
    package func append(to output: Buffer) {
        _ = unsafe output.withWritable(Self.textLength) { unsafe Base64URL.encode(digest, to: $0) }
    }

    /// The first 16 characters of `text`: what people see and type. 96 bits, so two sessions of one user never share it.
    package var handle: String { String(decoding: Base64URL.encode(digest).prefix(16), as: UTF8.self) }
}
