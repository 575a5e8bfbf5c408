/// Why a token is not believed: one case for each fault. The description is for the log; the client hears 401 and no more.
package enum TokenError: Error, Equatable, Sendable, CaseIterable, CustomStringConvertible {
    // The form (rule 50)
    case tooLong, notThreeParts, emptyPart, headerNotBase64URL, claimsNotBase64URL, signatureNotBase64URL
    case headerNotJSON, claimsNotJSON
    // The header (rules 47 to 49)
    case algorithmMissing, algorithmNotAllowed, typeNotJWT, criticalExtension, unencodedPayload, keyInHeader
    case keyIDNotText, keyUnknown, keyNotNamed
    // The signature (rule 51)
    case signatureWrong
    // The claims (rule 52)
    case expiryMissing, timeNotInteger, timeOutOfRange, expired, notYetValid, issuedInFuture
    case issuerWrong, audienceWrong, subjectMissing, subjectInvalid, usernameInvalid, roleInvalid, tokenIDInvalid

    package var description: String {
        switch self {
        case .tooLong: "the token is longer than \(TokenAuthority.maxLength) octets"
        case .notThreeParts: "the token has not exactly three parts"
        case .emptyPart: "a part of the token is empty"
        case .headerNotBase64URL: "the token's header is not strict base64url"
        case .claimsNotBase64URL: "the token's claims are not strict base64url"
        case .signatureNotBase64URL: "the token's signature is not strict base64url"
        case .headerNotJSON: "the token's header is not one JSON object with each member once"
        case .claimsNotJSON: "the token's claims are not one JSON object with each member once"
        case .algorithmMissing: "the token's header has no alg"
        case .algorithmNotAllowed: "the token's alg is not the one of the configured key"
        case .typeNotJWT: "the token's typ is not JWT"
        case .criticalExtension: "the token's header has crit, and no extension is supported"
        case .unencodedPayload: "the token's header has b64, which is not supported"
        case .keyInHeader: "the token's header brings its own key (jwk, jku, x5u or x5c)"
        case .keyIDNotText: "the token's kid is not text"
        case .keyUnknown: "the token's kid is none of the configured keys"
        case .keyNotNamed: "the token has no kid, and more than one key is configured"
        case .signatureWrong: "the token's signature is wrong"
        case .expiryMissing: "the token has no exp"
        case .timeNotInteger: "one of the token's exp, nbf and iat is not an integer"
        case .timeOutOfRange: "one of the token's exp, nbf and iat is before 1970 or after 9999"
        case .expired: "the token has expired"
        case .notYetValid: "the token is not valid yet (nbf)"
        case .issuedInFuture: "the token was issued in the future (iat)"
        case .issuerWrong: "the token's iss is not the configured issuer"
        case .audienceWrong: "the token's aud does not name the configured audience"
        case .subjectMissing: "the token has no sub"
        case .subjectInvalid: "the token's sub is not a user id"
        case .usernameInvalid: "the token's preferred_username cannot be a user name"
        case .roleInvalid: "the token's role cannot be a role"
        case .tokenIDInvalid: "the token's jti is not up to 128 octets of printable ASCII"
        }
    }
}
