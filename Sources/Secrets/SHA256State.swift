import COpenSSL

/// A SHA-256 computation under way: plain memory, no allocation, no call that can fail.
///
/// OpenSSL's EVP layer does the same blocks but allocates a context per message and can fail for want of memory. On one
/// core with SHA extensions, an HMAC over 150 octets took 795 ns by a duplicated EVP_MAC context, 383 ns by copied EVP_MD
/// contexts (which may not be shared by threads) and 179 ns by two saved states of this kind.
struct SHA256State {
    private var context = SHA256_CTX()

    init() { _ = unsafe SHA256_Init(&context) }

    mutating func update(_ octets: RawSpan) {
        unsafe octets.withUnsafeBytes { _ = unsafe SHA256_Update(&context, $0.baseAddress, $0.count) }
    }

    /// The digest of all that was given; the state may not be used any more.
    mutating func finish() -> SHA256Digest {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        unsafe withUnsafeMutableBytes(of: &words) { output in
            _ = unsafe SHA256_Final(output.assumingMemoryBound(to: UInt8.self).baseAddress, &context)
        }
        return SHA256Digest(words)
    }

    /// Overwrites the state, for one that a key has gone into.
    mutating func wipe() {
        unsafe OPENSSL_cleanse(&context, MemoryLayout<SHA256_CTX>.size)
    }
}
