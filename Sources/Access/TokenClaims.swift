import Wire

/// The claims of a token whose signature is right. They are still input: another program may hold the same key.
struct TokenClaims {
    /// Seconds since 1970, as RFC 7519 has them. The end of the year 9999 is the last moment that a date header can name.
    static let times: ClosedRange<Int64> = 0...253_402_300_799
    static let maxIDLength = 128

    let json: JSON
    let expiry: Int64

    /// Reads `claims` (JSON) and checks every time in it against `now`, with `leeway`; both are milliseconds.
    init(_ claims: [UInt8], now: Int64, leeway: Int64) throws(TokenError) {
        do { json = try JSON.parse(claims, maxDepth: TokenAuthority.maxDepth) } catch { throw .claimsNotJSON }
        guard case .object = json else { throw .claimsNotJSON }
        guard let expiry = try Self.time(json["exp"]) else { throw .expiryMissing }
        let notBefore = try Self.time(json["nbf"])
        let issuedAt = try Self.time(json["iat"])
        self.expiry = expiry
        // RFC 7519 4.1.4: not on or after exp; a few clocks' difference, and no more, is granted (rule 54).
        guard now < expiry * 1000 + leeway else { throw .expired }
        if let notBefore, now < notBefore * 1000 - leeway { throw .notYetValid }
        if let issuedAt, now < issuedAt * 1000 - leeway { throw .issuedInFuture }
    }

    /// Who the token speaks of.
    func identity() throws(TokenError) -> Identity {
        guard let subject = json["sub"] else { throw .subjectMissing }
        guard case .string(let subject) = subject, let userID = try? UserID(subject) else { throw .subjectInvalid }
        let username = try text(json["preferred_username"], or: .usernameInvalid)
        let role = try text(json["role"], or: .roleInvalid)
        let tokenID = try text(json["jti"], or: .tokenIDInvalid)
        guard tokenID.count <= Self.maxIDLength, tokenID.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw .tokenIDInvalid
        }
        do {
            return try Identity(
                userID: userID, username: username, role: role, method: .token(jti: tokenID), expiresAt: expiry * 1000)
        } catch {
            throw error.field == .role ? .roleInvalid : .usernameInvalid
        }
    }

    func checkIssuer(_ issuer: [UInt8]?) throws(TokenError) {
        guard let issuer else { return }
        guard json["iss"] == .string(issuer) else { throw .issuerWrong }
    }

    /// RFC 7519 4.1.3: one text or several, compared whole. A token that names an audience is for nobody else, so without one of our
    /// own it is not for us.
    func checkAudience(_ audience: [UInt8]?) throws(TokenError) {
        let named = json["aud"]
        guard let audience else {
            if named != nil { throw .audienceWrong }
            return
        }
        switch named {
        case .string(let one) where one == audience: return
        case .array(let several) where several.contains(.string(audience)): return
        default: throw .audienceWrong
        }
    }

    /// Absent is empty; present is text.
    private func text(_ value: JSON?, or fault: TokenError) throws(TokenError) -> [UInt8] {
        guard let value else { return [] }
        guard case .string(let text) = value else { throw fault }
        return text
    }

    /// Rule 52: an integer in range, so that no sum with it overflows. A number with a fraction or an exponent is refused
    /// rather than converted, for a conversion that fails ends the process.
    private static func time(_ value: JSON?) throws(TokenError) -> Int64? {
        guard let value else { return nil }
        guard case .integer(let seconds) = value else { throw .timeNotInteger }
        guard times.contains(seconds) else { throw .timeOutOfRange }
        return seconds
    }
}
