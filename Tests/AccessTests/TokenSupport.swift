import Secrets

@testable import Access

/// Tokens made by hand, as somebody would who holds the key, or does not.
enum Forge {
    static let secret = Array("0123456789abcdef0123456789abcdef".utf8)

    static func key(_ secret: [UInt8] = secret, id: String = "k1") throws -> TokenKey {
        try TokenKey(secret: HMACSHA256Key(secret: secret), id: bytes(id))
    }

    static func authority(issuer: String? = nil, audience: String? = nil) throws -> TokenAuthority {
        TokenAuthority(
            keys: try TokenKeys([key()]), lifetime: 900_000, issuer: issuer.map(bytes), audience: audience.map(bytes))
    }

    /// Signed with `secret`, whatever the header says.
    static func token(
        header: String = #"{"alg":"HS256","typ":"JWT"}"#, claims: String, secret: [UInt8] = secret
    ) throws -> [UInt8] {
        let signed = Base64URL.encode(bytes(header)) + bytes(".") + Base64URL.encode(bytes(claims))
        return signed + bytes(".") + Base64URL.encode(try HMACSHA256Key(secret: secret).sign(signed))
    }

    /// Good claims, with `more` put in front of them or in place of what they replace.
    static func claims(
        sub: String? = #""101""#, exp: String? = "1767226500", more: String = ""
    ) -> String {
        let members = [
            sub.map { #""sub":\#($0)"# }, exp.map { #""exp":\#($0)"# }, more.isEmpty ? nil : more,
        ].compactMap { $0 }
        return "{" + members.joined(separator: ",") + "}"
    }
}
