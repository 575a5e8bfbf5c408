/// The SHA-256 of something: 32 octets, kept in place.
///
/// `==` stops at the first difference; where a client's octets are compared with a secret, `constantTimeEqual` is the one.
package struct SHA256Digest: Hashable, Sendable {
    package static let count = 32

    // Four words in the order of the octets: hashable and comparable without a loop.
    private let first: UInt64
    private let second: UInt64
    private let third: UInt64
    private let fourth: UInt64

    init(_ words: (UInt64, UInt64, UInt64, UInt64)) { (first, second, third, fourth) = words }

    /// The digest of `octets`.
    package init(of octets: RawSpan) {
        var state = SHA256State()
        state.update(octets)
        self = state.finish()
    }

    /// The digest of `octets`.
    package init(of octets: [UInt8]) { self.init(of: octets.span.raw) }

    /// A digest that was kept somewhere; nil unless there are 32 octets.
    package init?(bytes: RawSpan) {
        guard bytes.byteCount == Self.count else { return nil }
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        unsafe withUnsafeMutableBytes(of: &words) { words in unsafe bytes.withUnsafeBytes { unsafe words.copyMemory(from: $0) } }
        self.init(words)
    }

    package init?(bytes: [UInt8]) { self.init(bytes: bytes.span.raw) }

    /// The 32 octets for the time of `body`.
    package func withBytes<Result>(_ body: (RawSpan) -> Result) -> Result {
        let words = (first, second, third, fourth)
        return unsafe withUnsafeBytes(of: words) { unsafe body($0.bytes) }
    }

    /// Eight of the octets, as good as random: for tables.
    package var word: UInt64 { first }

    /// Of a digest any part is as good a hash as the whole.
    package func hash(into hasher: inout Hasher) { hasher.combine(first) }

    /// The 32 octets.
    package var bytes: [UInt8] {
        let words = (first, second, third, fourth)
        return unsafe withUnsafeBytes(of: words) { unsafe [UInt8]($0) }
    }

    /// 64 lower-case hexadecimal digits.
    package var hex: String {
        var digits: [UInt8] = []
        digits.reserveCapacity(2 * Self.count)
        for octet in bytes {
            for digit in [octet >> 4, octet & 15] { digits.append(digit < 10 ? 0x30 + digit : 0x57 + digit) }
        }
        return String(decoding: digits, as: UTF8.self)
    }
}
