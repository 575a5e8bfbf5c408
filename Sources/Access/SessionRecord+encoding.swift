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
    package init(encoded octets: [UInt8], under key: SessionKey) throws(StoreError) {
        let place = "session \(key.handle)"
        guard octets.count <= Self.maxEncoded else { throw .corrupt("\(place): the record is too long") }
        var rest = octets[...]
        guard Self.take(4, from: &rest)?.elementsEqual(Self.mark) == true else {
            throw .corrupt("\(place): not a record of a version known here")
        }
        guard let bound = Self.take(SHA256Digest.count, from: &rest), SessionKey(octets: Array(bound)) == key else {
            throw .corrupt("\(place): the record belongs to another session")
        }
        guard let created = Self.time(from: &rest), let seen = Self.time(from: &rest),
            let expires = Self.time(from: &rest), let idle = Self.time(from: &rest),
            let userID = Self.text(from: &rest), let username = Self.text(from: &rest),
            let role = Self.text(from: &rest)
        else { throw .corrupt("\(place): the record is cut off") }
        guard rest.isEmpty else { throw .corrupt("\(place): the record goes on after its end") }
        try self.init(
            checking: key, userID: userID, username: username, role: role, createdAt: created, lastSeenAt: seen,
            expiresAt: expires, idleTimeout: idle)
    }

    private static func take(_ count: Int, from rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard rest.count >= count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    private static func time(from rest: inout ArraySlice<UInt8>) -> Int64? {
        take(8, from: &rest).map { Int64(bitPattern: $0.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }) }
    }

    private static func text(from rest: inout ArraySlice<UInt8>) -> [UInt8]? {
        guard let length = take(2, from: &rest) else { return nil }
        return take(length.reduce(0) { $0 << 8 | Int($1) }, from: &rest).map { Array($0) }
    }
}
