import Secrets

/// Tokens that have been verified, so that the next request with the same octets is spared the signature and the JSON.
///
/// An entry is good for exactly the octets that were verified, and only while the clock stands between the moment of that
/// verification and the token's `exp`: the leeway, and a clock that was set back, are left to `TokenAuthority.verify`.
/// The octets are compared in constant time, because a comparison that ends early would tell a forger how much of a signature
/// is right (rules 43 and 51). Bounded; a new entry takes the place of an older one. It belongs to one set of keys
/// and to one worker.
package struct VerifiedTokens {
    private struct Entry {
        let token: [UInt8]
        let identity: Identity
        let verifiedAt: Int64
    }

    private var entries: [Entry?]

    /// - Parameter capacity: entries, a power of two; a token and its identity take about a kilobyte.
    package init(capacity: Int = 1024) {
        precondition(capacity > 0 && capacity & (capacity - 1) == 0)
        entries = Array(repeating: nil, count: capacity)
    }

    /// Whose token it is, if it has been verified and still holds at `now` (milliseconds since 1970).
    package func identity(of token: RawSpan, now: Int64) -> Identity? {
        guard let entry = entries[place(of: token)], constantTimeEqual(entry.token.octets, token) else { return nil }
        guard now >= entry.verifiedAt, now < entry.identity.expiresAt else { return nil }
        return entry.identity
    }

    /// `token` has just been verified at `now`.
    package mutating func remember(_ token: RawSpan, _ identity: Identity, now: Int64) {
        entries[place(of: token)] = Entry(token: token.array, identity: identity, verifiedAt: now)
    }

    /// By the last eight octets, which are the signature's: as good as random for what has been verified. Nothing shorter ever is.
    private func place(of token: RawSpan) -> Int {
        guard token.byteCount >= 8 else { return 0 }
        // The product mixes upwards, so what is taken begins in its upper half.
        let hash = token.word(at: token.byteCount &- 8) &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: hash >> 32) & (entries.count - 1)
    }
}
