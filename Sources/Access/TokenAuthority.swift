package import Secrets
import Wire

/// Issues and checks the tokens of stateless sign-in: JWT (RFC 7519) in the compact form, signed with a configured key.
///
/// A check asks no store and keeps nothing. What it believes comes from the settings: the keys, their algorithms, the issuer, the
/// audience. Any octets at all give an identity or a `TokenError`.
package struct TokenAuthority: Sendable {
    /// Octets of a token, looked at before anything else is. A cookie's name and value may have 4096 (RFC 6265 6.1).
    package static let maxLength = 4096
    /// How deep the JSON of header and claims may be nested.
    static let maxDepth = 8
    /// How far two clocks may differ, in milliseconds, and no setting makes it more (rule 54).
    package static let maxLeeway: Int64 = 60_000

    private let keys: TokenKeys
    private let lifetime: Int64
    private let issuer: [UInt8]?
    private let audience: [UInt8]?
    private let leeway: Int64

    /// `lifetime` and `leeway` are milliseconds; a token lives for whole seconds, one at least.
    package init(
        keys: TokenKeys, lifetime: Int64, issuer: [UInt8]? = nil, audience: [UInt8]? = nil,
        leeway: Int64 = maxLeeway
    ) {
        self.keys = keys
        self.lifetime = lifetime
        self.issuer = issuer
        self.audience = audience
        self.leeway = min(max(0, leeway), Self.maxLeeway)
    }

    /// Who `token` says that its bearer is, once its form, key, signature, times, issuer and audience are right, in this order.
    package func verify(_ token: RawSpan, now: Int64) throws(TokenError) -> Identity {
        let parts = try CompactToken(token)
        let key = try key(for: parts, of: token)
        guard let signature = parts.signature(of: token) else { throw .signatureNotBase64URL }
        // Rule 51: whole, of exact length, in constant time; and no claim is read before.
        guard key.secret.verify(signature.octets, of: token.extracting(0..<parts.signedEnd)) else { throw .signatureWrong }
        guard let json = parts.claims(of: token) else { throw .claimsNotBase64URL }
        let claims = try TokenClaims(json, now: now, leeway: leeway)
        try claims.checkIssuer(issuer)
        try claims.checkAudience(audience)
        return try claims.identity()
    }

    package func verify(_ token: [UInt8], now: Int64) throws(TokenError) -> Identity {
        try verify(token.octets, now: now)
    }

    private func key(for parts: CompactToken, of token: RawSpan) throws(TokenError) -> TokenKey {
        for key in keys.keys where parts.hasHeader(key.header, in: token) { return key }
        guard let header = parts.header(of: token) else { throw .headerNotBase64URL }
        return try TokenHeader.key(for: header, in: keys)
    }

    /// A new token for `user`, signed with the first key; `expiresAt` is milliseconds since 1970.
    package func issue(for user: UserRecord, now: Int64) throws(TokenIssueError) -> (token: [UInt8], expiresAt: Int64) {
        let username: UserName
        do {
            username = try UserName(user.username)
            try RoleList.check(Array(user.role.utf8))
        } catch { throw .user(error) }
        let tokenID: [UInt8]
        do { tokenID = Base64URL.encode(try SecureRandom.bytes(16)) } catch { throw .random(error) }

        let issuedAt = now / 1000
        let expiry = issuedAt + max(1, lifetime / 1000)
        let claims = Buffer(capacity: 512)
        claims.append(#"{"sub":"#)
        JSONWriter.appendString(user.id.bytes, to: claims)
        claims.append(#","preferred_username":"#)
        JSONWriter.appendString(username.bytes, to: claims)
        claims.append(#","role":"#)
        JSONWriter.appendString(Array(user.role.utf8), to: claims)
        if let issuer {
            claims.append(#","iss":"#)
            JSONWriter.appendString(issuer, to: claims)
        }
        if let audience {
            claims.append(#","aud":"#)
            JSONWriter.appendString(audience, to: claims)
        }
        claims.append(text: #","iat":\#(issuedAt),"exp":\#(expiry),"jti":"#)
        JSONWriter.appendString(tokenID, to: claims)
        claims.append(UInt8(ascii: "}"))

        var token = keys.signing.header + [UInt8(ascii: ".")] + Base64URL.encode(claims.readable)
        let signature = keys.signing.secret.sign(token)
        token.append(UInt8(ascii: "."))
        token += Base64URL.encode(signature)
        return (token, expiry * 1000)
    }
}

/// Why there is no token for somebody whose password was right.
package enum TokenIssueError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The users table holds a name or role that no header may carry.
    case user(IdentityError)
    case random(SecretsError)

    package var description: String {
        switch self {
        case .user(let fault): fault.description
        case .random(let fault): fault.description
        }
    }
}
