import Secrets

/// A session as one value of a key-value store.
///
/// ```
/// octets  what
/// 4       "GHS" and the version, 1
/// 32      the key that it is kept under
/// 4 x 8   created, last seen, expires, idle time-out: milliseconds, big-endian
/// 2 + n   user id, user name, role: each its length, big-endian, and its octets
/// ```
/// The key inside binds it: a record that somebody copies to another key is not believed there (rule 41).
extension SessionRecord {
    private static let mark: [UInt8] = [0x47, 0x48, 0x53, 1]
    /// The longest record: what the longest user id, user name and role make.
    package static let maxEncoded =
        4 + SHA256Digest.count + 32 + 6 + UserID.maxLength + UserName.maxLength
        + IdentityValue.maxLength

    package var encoded: [UInt8] {
        var octets = Self.mark + key.octets
        for time in [createdAt, lastSeenAt, expiresAt, idleTimeout] {
            let bits = UInt64(bitPattern: time)
            for shift in stride(from: UInt64(56), through: 0, by: -8) { octets.append(UInt8(truncatingIfNeeded: bits >> shift)) }
        }
        for text in [userID.bytes, username, role] {
            octets.append(UInt8(truncatingIfNeeded: text.count >> 8))
            octets.append(UInt8(truncatingIfNeeded: text.count))
            octets += text
        }
        return octets
    }

    /// Reads `octets`, found under `key`, back; `.corrupt` for anything that `encoded` does not write.
    package init(encoded octets: RawSpan, under key: SessionKey) throws(StoreError) {
        func corrupt(_ what: String) -> StoreError { .corrupt("session \(key.handle): \(what)") }
        guard octets.byteCount <= Self.maxEncoded else { throw corrupt("the record is too long") }
        var fields = Fields(octets)
        guard fields.begins(with: Self.mark) else { throw corrupt("not a record of a version known here") }
        guard fields.key() == key else { throw corrupt("the record belongs to another session") }
        guard let created = fields.time(), let seen = fields.time(), let expires = fields.time(), let idle = fields.time(),
            let userID = fields.text(), let username = fields.text(), let role = fields.text()
        else { throw corrupt("the record is cut off") }
        guard fields.isAtEnd else { throw corrupt("the record goes on after its end") }
        try self.init(
            checking: key, userID: userID, username: username, role: role, createdAt: created, lastSeenAt: seen,
            expiresAt: expires, idleTimeout: idle)
    }

    package init(encoded octets: [UInt8], under key: SessionKey) throws(StoreError) {
        try self.init(encoded: octets.octets, under: key)
    }

    /// What stands in a record, from its beginning to its end; nil where it ends too early.
    private struct Fields: ~Escapable {
        private let octets: RawSpan
        private var offset = 0

        @_lifetime(copy octets)
        init(_ octets: RawSpan) { self.octets = octets }

        var isAtEnd: Bool { offset == octets.byteCount }

        mutating func begins(with mark: [UInt8]) -> Bool {
            guard octets.byteCount >= mark.count else { return false }
            for (place, octet) in mark.enumerated() where octets.octet(at: place) != octet { return false }
            offset = mark.count
            return true
        }

        mutating func time() -> Int64? {
            guard octets.byteCount &- offset >= 8 else { return nil }
            defer { offset &+= 8 }
            return Int64(bitPattern: octets.word(at: offset).byteSwapped)
        }

        mutating func key() -> SessionKey? {
            guard octets.byteCount &- offset >= SHA256Digest.count else { return nil }
            defer { offset &+= SHA256Digest.count }
            return SessionKey(octets: octets.extracting(offset..<offset &+ SHA256Digest.count))
        }

        mutating func text() -> [UInt8]? {
            guard octets.byteCount &- offset >= 2 else { return nil }
            let length = Int(octets.octet(at: offset)) << 8 | Int(octets.octet(at: offset &+ 1))
            offset &+= 2
            guard octets.byteCount &- offset >= length else { return nil }
            defer { offset &+= length }
            return octets.extracting(offset..<offset &+ length).array
        }
    }
}
