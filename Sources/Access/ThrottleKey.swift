package import Secrets

/// Under what a count of failed sign-ins is kept: a SHA-256, so that the table tells nobody who has an account, or from where.
package struct ThrottleKey: Hashable, Sendable {
    package let digest: SHA256Digest

    init(_ digest: SHA256Digest) { self.digest = digest }

    /// 43 characters of base64url: the key of the row.
    package var text: String { String(decoding: Base64URL.encode(digest.bytes), as: UTF8.self) }
}

/// The three counts that one attempt to sign in looks at.
package struct ThrottleKeys: Hashable, Sendable {
    package let pair: ThrottleKey
    package let address: ThrottleKey
    package let account: ThrottleKey
}
