package import Wire

/// What the gateway answers itself, by the canonical path alone: the same octets that a route would be chosen by
/// (rule 9).
package enum Endpoint: Equatable, Sendable {
    case signIn, signOut, me, sessions, auth
    /// One session, by what stands behind `/.gatehouse/sessions/`.
    case session(handle: ByteRange)
    /// A path that is ours and has nothing at it. It is never an upstream's.
    case nothing

    /// The two that the settings choose.
    struct Paths {
        let signIn: [UInt8]
        let signOut: [UInt8]

        init(_ login: GatewayConfiguration.Login) {
            signIn = login.path
            signOut = login.logoutPath
        }
    }

    /// Nil: not ours.
    init?(_ bytes: Buffer, _ path: ByteRange, _ paths: borrowing Paths) {
        if bytes.isSame(path, paths.signIn) {
            self = .signIn
        } else if bytes.isSame(path, paths.signOut) {
            self = .signOut
        } else if path.count >= 2, bytes[path.start + 1] == UInt8(ascii: ".") {
            self.init(reserved: bytes, path)
        } else {
            return nil
        }
    }

    private init?(reserved bytes: Buffer, _ path: ByteRange) {
        if bytes.equals(path, "/.well-known/jwks.json") {
            // Nothing but asymmetric keys has a public half, and a shared secret never leaves (RFC 7517 4).
            self = .nothing
        } else if bytes.equals(path, "/.gatehouse") {
            self = .nothing
        } else if bytes.rest(of: path, after: "/.gatehouse/") != nil {
            self.init(own: bytes, path)
        } else {
            return nil
        }
    }

    private init(own bytes: Buffer, _ path: ByteRange) {
        if bytes.equals(path, "/.gatehouse/me") {
            self = .me
        } else if bytes.equals(path, "/.gatehouse/sessions") {
            self = .sessions
        } else if let handle = bytes.rest(of: path, after: "/.gatehouse/sessions/"), !handle.isEmpty {
            self = .session(handle: handle)
        } else if bytes.equals(path, "/.gatehouse/auth") || bytes.rest(of: path, after: "/.gatehouse/auth/") != nil {
            // Envoy appends the path of the request that it asks about.
            self = .auth
        } else {
            self = .nothing
        }
    }
}

extension Buffer {
    /// Whether the readable octets in `range` are `other`.
    func isSame(_ range: ByteRange, _ other: [UInt8]) -> Bool {
        guard range.end - range.start == other.count else { return false }
        let octets = self.octets
        for index in 0..<other.count where octets[range.start + index] != other[index] { return false }
        return true
    }

    /// What follows `prefix` in `range`; nil when `range` does not begin with it.
    func rest(of range: ByteRange, after prefix: StaticString) -> ByteRange? {
        let length = prefix.utf8CodeUnitCount
        guard range.end - range.start >= length, equals(ByteRange(offset: range.start, count: length), prefix) else { return nil }
        return ByteRange(offset: range.start + length, count: range.end - range.start - length)
    }
}
