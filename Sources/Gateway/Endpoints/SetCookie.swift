import Wire

/// One `Set-Cookie` line's value (RFC 6265bis 4.1). Always for the whole host and out of scripts' reach.
struct SetCookie: Equatable {
    let name: [UInt8]
    /// Empty, with `maxAge` 0: the client forgets the cookie.
    let value: [UInt8]
    /// Seconds.
    let maxAge: Int64
    let isSecure: Bool

    var bytes: [UInt8] {
        let out = Buffer(capacity: 256)
        out.append(name)
        out.append(UInt8(ascii: "="))
        out.append(value)
        // No Domain, so that no sibling host gets it (RFC 6265bis 4.1.2.3). Lax: a link from elsewhere arrives signed in, a
        // form from elsewhere does not.
        out.append("; Path=/; HttpOnly; SameSite=Lax; Max-Age=")
        out.append(decimal: UInt64(max(0, maxAge)))
        if isSecure { out.append("; Secure") }
        return out.array(ByteRange(offset: 0, count: out.count))
    }
}
