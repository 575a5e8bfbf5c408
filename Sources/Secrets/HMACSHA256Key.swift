import COpenSSL

/// A key that signs and checks with HMAC-SHA-256 (RFC 2104, RFC 4231): what HS256 means in RFC 7518 3.2.
///
/// One key serves all workers: what it keeps is only read after `init`, and each call works on copies on its own stack.
@safe package final class HMACSHA256Key: Sendable {
    /// Octets that a secret needs at least: as many as the digest has (RFC 7518 3.2, RFC 8725 3.5).
    package static let minimumSecret = 32
    private static let blockSize = 64

    /// The hash states after the padded key's block, so that a signature does not begin by hashing the key again.
    private struct States {
        var inner = SHA256State()
        var outer = SHA256State()
    }

    // Written in `init` and in `deinit` alone, when no other thread can see it; not moved, so that it can be wiped.
    nonisolated(unsafe) private let states: UnsafeMutablePointer<States>

    /// A key from `secret`, which is used as it stands: 32 octets or more, and neither the text of a key (rule 53) nor one
    /// octet repeated.
    package convenience init(secret: [UInt8]) throws(SecretsError) {
        try Self.check(secret)
        self.init(unchecked: secret)
    }

    /// A key from a secret of any length, as RFC 2104 has it: for the known answers, whose keys are short.
    init(unchecked secret: [UInt8]) {
        unsafe states = .allocate(capacity: 1)
        unsafe states.initialize(to: States())
        var key = secret.count > Self.blockSize ? SHA256Digest(of: secret).bytes : secret
        key.reserveCapacity(Self.blockSize)
        while key.count < Self.blockSize { key.append(0) }
        for index in key.indices { key[index] ^= 0x36 }
        unsafe states.pointee.inner.update(key.span.raw)
        for index in key.indices { key[index] ^= 0x36 ^ 0x5c }
        unsafe states.pointee.outer.update(key.span.raw)
        wipe(&key)
    }

    deinit {
        unsafe OPENSSL_cleanse(states, MemoryLayout<States>.size)
        unsafe states.deallocate()
    }

    /// The signature of `octets`.
    package func sign(_ octets: RawSpan) -> SHA256Digest {
        var inner = unsafe states.pointee.inner
        inner.update(octets)
        let digest = inner.finish()
        inner.wipe()
        var outer = unsafe states.pointee.outer
        digest.withBytes { outer.update($0) }
        let signature = outer.finish()
        outer.wipe()
        return signature
    }

    /// The signature of `octets`.
    package func sign(_ octets: [UInt8]) -> SHA256Digest { sign(octets.span.raw) }

    /// Whether `signature` is the one of `octets`: all 32 octets of it, compared in constant time (rule 51).
    package func verify(_ signature: RawSpan, of octets: RawSpan) -> Bool {
        sign(octets).withBytes { constantTimeEqual($0, signature) }
    }

    /// Whether `signature` is the one of `octets`.
    package func verify(_ signature: [UInt8], of octets: [UInt8]) -> Bool {
        verify(signature.span.raw, of: octets.span.raw)
    }

    private static func check(_ secret: [UInt8]) throws(SecretsError) {
        guard secret.count >= minimumSecret else { throw .secretTooShort(secret.count) }
        guard secret.contains(where: { $0 != secret[0] }) else { throw .secretIsUniform }
        // RFC 8725 3.1 and 3.5: a public key used as an HMAC secret lets its every reader sign. Each of these is in the text of
        // such a key, and in 32 random octets with a chance of 2^-37 at the most.
        let marks = ["-----BEGIN", "\"kty\"", "ssh-rsa ", "ssh-ed25519 ", "ecdsa-sha2-"]
        guard !marks.contains(where: { secret.contains($0) }) else { throw .secretIsKey }
    }
}

extension [UInt8] {
    fileprivate func contains(_ text: String) -> Bool {
        let mark = Array(text.utf8)
        return indices.contains { self[$0...].starts(with: mark) }
    }
}
