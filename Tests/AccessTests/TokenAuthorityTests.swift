import Secrets
import Testing
import Wire

@testable import Access

@Suite struct TokenAuthorityTests {
    private func fault(of token: [UInt8], by authority: TokenAuthority? = nil, now: Int64 = noon) throws -> TokenError? {
        let authority = try authority ?? Forge.authority()
        do throws(TokenError) {
            _ = try authority.verify(token, now: now)
            return nil
        } catch { return error }
    }

    @Test func issuedAndVerified() throws {
        let authority = try Forge.authority(issuer: "gatehouse", audience: "us")
        let (token, expiresAt) = try authority.issue(for: user(#"a"l\ice"#, role: "Zoë"), now: noon + 999)
        #expect(expiresAt == noon + 900_000)
        let made = try authority.verify(token, now: noon + 1000)
        #expect(made.userID.text == "101" && made.username == bytes(#"a"l\ice"#) && made.role == bytes("Zoë"))
        #expect(made.expiresAt == expiresAt)
        guard case .token(let jti) = made.method else { Issue.record("not a token"); return }
        #expect(Base64URL.decode(jti)?.count == 16)
    }

    @Test func issuedForm() throws {
        let parts = try Forge.authority().issue(for: user(), now: noon).token.split(separator: UInt8(ascii: "."))
        #expect(parts.count == 3)
        #expect(Base64URL.decode(Array(parts[0])) == bytes(#"{"alg":"HS256","typ":"JWT","kid":"k1"}"#))
        let claims = try JSON.parse(#require(Base64URL.decode(Array(parts[1]))))
        #expect(claims["sub"] == .string(bytes("101")) && claims["role"] == .string(bytes("user")))
        #expect(claims["preferred_username"] == .string(bytes("alice")))
        #expect(claims["iat"] == .integer(noon / 1000) && claims["exp"] == .integer(noon / 1000 + 900))
        #expect(claims["iss"] == nil && claims["aud"] == nil)
    }

    @Test("two tokens never have the same jti")
    func distinct() throws {
        let authority = try Forge.authority()
        #expect(Set(try (0..<50).map { _ in try authority.issue(for: user(), now: noon).token }).count == 50)
    }

    @Test("the longest name and role make a token that is still believed, and fits a cookie")
    func longest() throws {
        let authority = try Forge.authority(issuer: String(repeating: "i", count: 100))
        let longest = try user(String(repeating: "\"", count: 128), role: String(repeating: "\\", count: 512))
        let token = try authority.issue(for: longest, now: noon).token
        #expect(token.count < 4000)
        #expect(try authority.verify(token, now: noon).role.count == 512)
    }

    @Test("rule 6: a user whose name or role cannot be injected gets no token", arguments: ["a\nb", "a,,b", " a"])
    func issueRefuses(value: String) throws {
        let authority = try Forge.authority()
        #expect(throws: TokenIssueError.self) { try authority.issue(for: user(value), now: noon) }
        #expect(throws: TokenIssueError.self) { try authority.issue(for: user(role: value), now: noon) }
    }

    // MARK: The form

    @Test(
        "rule 50: only three parts of strict base64url, bounded before they are split",
        arguments: [
            ("", .notThreeParts), ("a", .notThreeParts), ("a.b", .notThreeParts), ("a.b.c.d", .notThreeParts),
            ("a.b.c.d.e", .notThreeParts), ("..", .emptyPart), ("a..c", .emptyPart), (".b.c", .emptyPart),
            (String(repeating: ".", count: 4096), .notThreeParts), (String(repeating: ".", count: 4097), .tooLong),
            ("eyJhbGciOiJIUzI1NiJ9=.e30.AAAA", .headerNotBase64URL), ("e30\n.e30.AAAA", .headerNotBase64URL),
            ("é.e30.AAAA", .headerNotBase64URL),
            // The JSON form of RFC 7515 7.2.
            (#"{"payload":"e30","signature":"AAAA"}"#, .notThreeParts),
        ] as [(String, TokenError)])
    func form(token: String, expected: TokenError) throws { #expect(try fault(of: bytes(token)) == expected) }

    @Test("rule 50: the signature is strict base64url too, with zero trailing bits")
    func strictSignature() throws {
        let good = try Forge.token(claims: Forge.claims())
        #expect(try fault(of: good) == nil)
        #expect(try fault(of: good + bytes("=")) == .signatureNotBase64URL)
        // 32 octets leave two bits over in the 43rd character; each of the three that set one of them says the same octets.
        let alphabet = bytes("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        let final = try #require(good.last)
        let last = try #require(alphabet.firstIndex(of: final))
        for extra in 1...3 {
            #expect(try fault(of: good.dropLast() + [alphabet[last + extra]]) == .signatureNotBase64URL)
        }
    }

    @Test(
        "rule 50: header and claims are one JSON object each, and rule 52: no member twice, nesting bounded",
        arguments: [
            ("[]", "{}", .headerNotJSON), ("", "{}", .emptyPart), ("{", "{}", .headerNotJSON),
            (#"{"alg":"HS256"}x"#, "{}", .headerNotJSON), (#"{"alg":"none","alg":"HS256"}"#, "{}", .headerNotJSON),
            (#"{"alg":"HS256"}"#, "[]", .claimsNotJSON), (#"{"alg":"HS256"}"#, #""x""#, .claimsNotJSON),
            (#"{"alg":"HS256"}"#, #"{"exp":1,"exp":1767226500,"sub":"1"}"#, .claimsNotJSON),
            (#"{"alg":"HS256"}"#, #"{"exp":1767226500,"sub":"1","\u0073ub":"2"}"#, .claimsNotJSON),
            (#"{"alg":"HS256"}"#, #"{"exp":1767226500,"sub":"1","x":[[[[[[[[1]]]]]]]]}"#, .claimsNotJSON),
        ] as [(String, String, TokenError)])
    func json(header: String, claims: String, expected: TokenError) throws {
        #expect(try fault(of: Forge.token(header: header, claims: claims)) == expected)
    }

    // MARK: The header

    @Test(
        "rule 47: the algorithm comes from the key, never from the token",
        arguments: [
            (#"{"typ":"JWT"}"#, .algorithmMissing), (#"{"alg":"none"}"#, .algorithmNotAllowed),
            (#"{"alg":"None"}"#, .algorithmNotAllowed), (#"{"alg":"NONE"}"#, .algorithmNotAllowed),
            (#"{"alg":""}"#, .algorithmNotAllowed), (#"{"alg":"hs256"}"#, .algorithmNotAllowed),
            (#"{"alg":"HS256 "}"#, .algorithmNotAllowed), (#"{"alg":" HS256"}"#, .algorithmNotAllowed),
            (#"{"alg":"HS512"}"#, .algorithmNotAllowed), (#"{"alg":"RS256"}"#, .algorithmNotAllowed),
            (#"{"alg":"ES256"}"#, .algorithmNotAllowed), (#"{"alg":null}"#, .algorithmNotAllowed),
            (#"{"alg":["HS256"]}"#, .algorithmNotAllowed), (#"{"alg":256}"#, .algorithmNotAllowed),
            (#"{"ALG":"HS256"}"#, .algorithmMissing),
        ] as [(String, TokenError)])
    func algorithm(header: String, expected: TokenError) throws {
        #expect(try fault(of: Forge.token(header: header, claims: Forge.claims())) == expected)
    }

    @Test("rule 47: RFC 7519 6.1, the unsecured token, is refused, with its empty signature and with any other")
    func unsecured() throws {
        let token = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
        #expect(try fault(of: bytes(token)) == .emptyPart)
        #expect(try fault(of: bytes(token + "AA")) == .algorithmNotAllowed)
    }

    @Test(
        "rule 48: a key that comes with the token is refused, and kid only looks up the configured table",
        arguments: [
            (#""jwk":{"kty":"oct","k":"AAAA"}"#, .keyInHeader), (#""jwk":null"#, .keyInHeader),
            (#""jku":"https://evil.example/keys"#, .headerNotJSON), (#""jku":"https://evil.example/keys""#, .keyInHeader),
            (#""x5u":"https://evil.example/c""#, .keyInHeader), (#""x5c":[]"#, .keyInHeader),
            (#""kid":"k2""#, .keyUnknown), (#""kid":"""#, .keyUnknown), (#""kid":"../../dev/null""#, .keyUnknown),
            (#""kid":"k1' or '1'='1""#, .keyUnknown), (#""kid":1"#, .keyIDNotText), (#""kid":null"#, .keyIDNotText),
            (#""kid":"k1""#, nil), (#""unknown":"is ignored (RFC 7515 4)""#, nil),
        ] as [(String, TokenError?)])
    func keys(member: String, expected: TokenError?) throws {
        let token = try Forge.token(header: #"{"alg":"HS256",\#(member)}"#, claims: Forge.claims())
        #expect(try fault(of: token) == expected)
    }

    @Test(
        "rule 49: any crit and any b64 is refused (RFC 7797 with it)",
        arguments: [
            (#""b64":false,"crit":["b64"]"#, .criticalExtension), (#""crit":[]"#, .criticalExtension),
            (#""crit":["exp"],"exp":1"#, .criticalExtension), (#""crit":null"#, .criticalExtension),
            (#""b64":false"#, .unencodedPayload), (#""b64":true"#, .unencodedPayload),
        ] as [(String, TokenError)])
    func extensions(member: String, expected: TokenError) throws {
        let token = try Forge.token(header: #"{"alg":"HS256",\#(member)}"#, claims: Forge.claims())
        #expect(try fault(of: token) == expected)
    }

    @Test("rule 49: RFC 7797 4.2, the detached and unencoded payload, is refused")
    func detached() throws {
        let token = "eyJhbGciOiJIUzI1NiIsImI2NCI6ZmFsc2UsImNyaXQiOlsiYjY0Il19..A5dxf2s96_n5FLueVuW1Z_vh161FwXZC4YLPff6dmDY"
        #expect(try fault(of: bytes(token)) == .emptyPart)
        #expect(try fault(of: bytes(token.replacing("..", with: ".e30."))) == .criticalExtension)
    }

    @Test(
        "a token made for something else is not one of ours (RFC 8725 3.11)",
        arguments: [
            ("JWT", nil), ("jwt", nil), ("Jwt", nil), ("at+jwt", .typeNotJWT), ("application/jwt", .typeNotJWT),
            ("", .typeNotJWT), ("JWTx", .typeNotJWT), ("JW", .typeNotJWT), ("jW\u{14}", .headerNotJSON),
            ("\\u000aWT", .typeNotJWT),
        ] as [(String, TokenError?)])
    func type(type: String, expected: TokenError?) throws {
        let token = try Forge.token(header: #"{"alg":"HS256","typ":"\#(type)"}"#, claims: Forge.claims())
        #expect(try fault(of: token) == expected)
    }

    // MARK: The signature

    /// RFC 7515 A.1.1, and the example of RFC 7519 3.1.
    private let rfcKey = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
    private let rfcToken =
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

    @Test("RFC 7515 A.1 and RFC 7519 3.1: the signature is right, the token expired in 2011, and it has no sub")
    func rfcExample() throws {
        let secret = try #require(Base64URL.decode(bytes(rfcKey)))
        let authority = TokenAuthority(keys: try TokenKeys([Forge.key(secret)]), lifetime: 1000)
        #expect(try fault(of: bytes(rfcToken), by: authority) == .expired)
        // In its time the claims are reached, and only then can their fault show.
        #expect(try fault(of: bytes(rfcToken), by: authority, now: 1_300_819_000_000) == .subjectMissing)
        #expect(try fault(of: bytes(rfcToken), now: 1_300_819_000_000) == .signatureWrong)
    }

    @Test("rule 51: a signature by another key, cut, lengthened or altered in any bit is wrong")
    func signature() throws {
        let other = [UInt8]("another secret of 32 octets here".utf8)
        #expect(try fault(of: Forge.token(claims: Forge.claims(), secret: other)) == .signatureWrong)
        let good = try Forge.token(claims: Forge.claims())
        let dot = try #require(good.lastIndex(of: UInt8(ascii: ".")))
        let signature = try #require(Base64URL.decode(Array(good[(dot + 1)...])))
        let wrong = [Array(signature.dropLast()), Array(signature.prefix(16)), Array(signature.prefix(1)), signature + [0]]
        for signature in wrong + [[UInt8](repeating: 0, count: 32)] {
            #expect(try fault(of: good[...dot] + Base64URL.encode(signature)) == .signatureWrong)
        }
        for bit in 0..<256 {
            var flipped = signature
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(try fault(of: good[...dot] + Base64URL.encode(flipped)) == .signatureWrong)
        }
        #expect(try fault(of: Array(good[...dot])) == .emptyPart)
    }

    @Test("rule 51: no claim is believed before the signature is")
    func signatureFirst() throws {
        let other = [UInt8]("another secret of 32 octets here".utf8)
        for claims in ["[", Forge.claims(exp: "1"), Forge.claims(exp: nil), Forge.claims(sub: "1")] {
            #expect(try fault(of: Forge.token(claims: claims, secret: other)) == .signatureWrong)
        }
    }

    // MARK: The claims

    @Test(
        "rule 52: exp is needed, and times are integers in range",
        arguments: [
            (nil, .expiryMissing), ("null", .timeNotInteger), (#""1767226500""#, .timeNotInteger), ("true", .timeNotInteger),
            ("1767226500.5", .timeNotInteger), ("1e300", .timeNotInteger), ("-1e300", .timeNotInteger),
            ("NaN", .claimsNotJSON), ("Infinity", .claimsNotJSON), ("[1767226500]", .timeNotInteger),
            ("-1", .timeOutOfRange), ("253402300800", .timeOutOfRange), ("9223372036854775807", .timeOutOfRange),
            ("-9223372036854775808", .timeOutOfRange), ("9223372036854775808", .timeNotInteger),
            ("253402300799", nil), ("1767226500", nil), ("0", .expired),
        ] as [(String?, TokenError?)])
    func expiry(exp: String?, expected: TokenError?) throws {
        #expect(try fault(of: Forge.token(claims: Forge.claims(exp: exp))) == expected)
        guard let exp, exp != "0" else { return }
        for name in ["nbf", "iat"] where expected != nil {
            let claims = Forge.claims(more: #""\#(name)":\#(exp)"#)
            #expect(try fault(of: Forge.token(claims: claims)) == expected, "\(name)")
        }
    }

    @Test(
        "rule 54: clocks may differ by a minute, and not by ten",
        arguments: [
            // exp, nbf and iat as seconds from now
            ("exp", 0, nil), ("exp", -59, nil), ("exp", -60, .expired), ("exp", -600, .expired), ("exp", 60, nil),
            ("nbf", 0, nil), ("nbf", 60, nil), ("nbf", 61, .notYetValid), ("nbf", 600, .notYetValid), ("nbf", -600, nil),
            ("iat", 0, nil), ("iat", 60, nil), ("iat", 61, .issuedInFuture), ("iat", 600, .issuedInFuture),
            ("iat", -600, nil),
        ] as [(String, Int64, TokenError?)])
    func skew(claim: String, seconds: Int64, expected: TokenError?) throws {
        let time = "\(noon / 1000 + seconds)"
        let claims = claim == "exp" ? Forge.claims(exp: time) : Forge.claims(more: #""\#(claim)":\#(time)"#)
        #expect(try fault(of: Forge.token(claims: claims)) == expected)
    }

    @Test(
        "rule 54: a gateway whose clock is a minute off believes a fresh token, and one that is ten off does not",
        arguments: [(60_000, nil), (-60_000, nil), (-600_000, .issuedInFuture), (1_500_000, .expired)] as [(Int64, TokenError?)])
    func otherClock(offset: Int64, expected: TokenError?) throws {
        let authority = try Forge.authority()
        let token = try authority.issue(for: user(), now: noon).token
        #expect(try fault(of: token, by: authority, now: noon + offset) == expected)
    }

    @Test(
        "rule 52: sub is a bounded printable text",
        arguments: [
            (nil, .subjectMissing), ("101", .subjectInvalid), ("null", .subjectInvalid), (#""""#, .subjectInvalid),
            (#""1 2""#, .subjectInvalid), (#""1\n2""#, .subjectInvalid), (#""é""#, .subjectInvalid), (#"["101"]"#, .subjectInvalid),
            ("\"" + String(repeating: "1", count: 129) + "\"", .subjectInvalid), (#""101""#, nil),
        ] as [(String?, TokenError?)])
    func subject(sub: String?, expected: TokenError?) throws {
        #expect(try fault(of: Forge.token(claims: Forge.claims(sub: sub))) == expected)
    }

    @Test(
        "rule 6: name, role and jti of a token are held to what a header may carry",
        arguments: [
            (#""role":"a\r\nX-User-Id: 1""#, .roleInvalid), (#""role":"a, admin""#, .roleInvalid), (#""role":1"#, .roleInvalid),
            (#""role":null"#, .roleInvalid), (#""role":["admin"]"#, .roleInvalid), (#""role":" a""#, .roleInvalid),
            (#""preferred_username":"a\u0000b""#, .usernameInvalid), (#""preferred_username":{}"#, .usernameInvalid),
            ("\"preferred_username\":\"" + String(repeating: "a", count: 513) + "\"", .usernameInvalid),
            (#""jti":"a b""#, .tokenIDInvalid), (#""jti":7"#, .tokenIDInvalid),
            ("\"jti\":\"" + String(repeating: "a", count: 129) + "\"", .tokenIDInvalid),
            (#""role":"admin","preferred_username":"Zoë","jti":"x""#, nil),
        ] as [(String, TokenError?)])
    func values(more: String, expected: TokenError?) throws {
        #expect(try fault(of: Forge.token(claims: Forge.claims(more: more))) == expected)
    }

    @Test(
        "rule 52: iss and aud are compared whole, and a token for another audience is for nobody here",
        arguments: [
            (nil, nil, "", nil), ("me", nil, #""iss":"me""#, nil), ("me", nil, "", .issuerWrong),
            ("me", nil, #""iss":"me2""#, .issuerWrong), ("me", nil, #""iss":["me"]"#, .issuerWrong),
            (nil, nil, #""iss":"anybody""#, nil), (nil, "us", #""aud":"us""#, nil),
            (nil, "us", #""aud":["them","us"]"#, nil), (nil, "us", "", .audienceWrong),
            (nil, "us", #""aud":"us2""#, .audienceWrong), (nil, "us", #""aud":["them"]"#, .audienceWrong),
            (nil, "us", #""aud":[["us"]]"#, .audienceWrong), (nil, nil, #""aud":"them""#, .audienceWrong),
            (nil, nil, #""aud":[]"#, .audienceWrong),
        ] as [(String?, String?, String, TokenError?)])
    func issuerAndAudience(issuer: String?, audience: String?, more: String, expected: TokenError?) throws {
        let authority = try Forge.authority(issuer: issuer, audience: audience)
        #expect(try fault(of: Forge.token(claims: Forge.claims(more: more)), by: authority) == expected)
    }

    @Test func aTokenOfThreeClaimsIsEnough() throws {
        let token = try Forge.token(claims: #"{"sub":"101","role":"user","exp":1767226500}"#)
        let made = try Forge.authority().verify(token, now: noon)
        #expect(made.username.isEmpty && made.role == bytes("user") && made.method == .token(jti: []))
    }
}
