import Secrets
import Testing

@testable import Access

@Suite struct TokenRotationTests {
    private let newSecret = [UInt8]("another secret of 32 octets here".utf8)

    private func authority(_ keys: TokenKey...) throws -> TokenAuthority {
        TokenAuthority(keys: try TokenKeys(keys), lifetime: 900_000)
    }

    @Test("rule 54: both keys are valid by kid, new tokens have the new one, and the old one's end with it")
    func rotation() throws {
        let old = try Forge.key(id: "old"), new = try Forge.key(newSecret, id: "new")
        let before = try authority(old), during = try authority(new, old), after = try authority(new)
        let first = try before.issue(for: user(), now: noon).token
        let second = try during.issue(for: user(), now: noon).token
        #expect(try during.verify(first, now: noon).userID.text == "101")
        #expect(try during.verify(second, now: noon).userID.text == "101")
        #expect(try after.verify(second, now: noon).userID.text == "101")
        #expect(throws: TokenError.keyUnknown) { try after.verify(first, now: noon) }
        #expect(throws: TokenError.keyUnknown) { try before.verify(second, now: noon) }
    }

    @Test("rule 54: a secret that stood alone is still known once it has a name and another in front of it")
    func firstRotation() throws {
        let alone = try authority(TokenKey(secret: HMACSHA256Key(secret: Forge.secret)))
        let token = try alone.issue(for: user(), now: noon).token
        let both = try authority(Forge.key(newSecret, id: "new"), Forge.key(id: "old"))
        #expect(try both.verify(token, now: noon).userID.text == "101")
        #expect(throws: TokenError.keyUnknown) { try authority(Forge.key(newSecret, id: "new")).verify(token, now: noon) }
    }

    @Test("rule 54: no setting grants more than a minute, and one may grant none", arguments: [(600_000, 60), (0, 0), (-5, 0)])
    func leeway(setting: Int64, seconds: Int64) throws {
        let authority = TokenAuthority(keys: try TokenKeys([Forge.key()]), lifetime: 1000, leeway: setting)
        let token = try Forge.token(claims: Forge.claims(exp: "\(noon / 1000)"))
        #expect(throws: TokenError.expired) { try authority.verify(token, now: noon + seconds * 1000) }
        #expect(try authority.verify(token, now: noon + seconds * 1000 - 1).userID.text == "101")
    }

    @Test("rule 48: a token is checked with the key that its kid names, and with no other")
    func otherKey() throws {
        let both = try authority(Forge.key(newSecret, id: "new"), Forge.key(id: "old"))
        let header = #"{"alg":"HS256","kid":"new"}"#
        let signedWithOld = try Forge.token(header: header, claims: Forge.claims())
        #expect(throws: TokenError.signatureWrong) { try both.verify(signedWithOld, now: noon) }
    }

    @Test("a token without kid is for the only key, and for none of several")
    func unnamed() throws {
        let token = try Forge.token(claims: Forge.claims())
        #expect(try authority(Forge.key()).verify(token, now: noon).userID.text == "101")
        let both = try authority(Forge.key(), Forge.key(newSecret, id: "k2"))
        #expect(throws: TokenError.keyNotNamed) { try both.verify(token, now: noon) }
    }

    @Test("rule 53: the table of keys is checked at start-up")
    func table() throws {
        let key = try Forge.key()
        #expect(throws: TokenKeyError.none) { try TokenKeys([]) }
        #expect(throws: TokenKeyError.idTwice) { try TokenKeys([key, Forge.key(newSecret)]) }
        #expect(throws: TokenKeyError.tooMany) { try TokenKeys((0..<9).map { try Forge.key(id: "k\($0)") }) }
        for id in ["", "a b", "a\"b", "é", String(repeating: "a", count: 65)] {
            #expect(throws: TokenKeyError.idInvalid) { try Forge.key(id: id) }
        }
    }

    @Test func derivedID() throws {
        let one = try TokenKey(secret: HMACSHA256Key(secret: Forge.secret))
        let again = try TokenKey(secret: HMACSHA256Key(secret: Forge.secret))
        let other = try TokenKey(secret: HMACSHA256Key(secret: newSecret))
        #expect(one.id == again.id && one.id != other.id && one.id.count == 8)
    }
}
