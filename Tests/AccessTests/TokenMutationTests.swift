import Secrets
import Testing

@testable import Access

@Suite struct TokenMutationTests {
    /// One change of `octets` at random: an octet altered, put in, taken out or swapped, a stretch doubled or cut away.
    private func mutate(_ octets: inout [UInt8], _ random: inout SeededGenerator) {
        guard !octets.isEmpty else { octets = [0x2E]; return }
        let at = Int.random(in: 0..<octets.count, using: &random)
        let to = Int.random(in: at..<octets.count, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: octets[at] = .random(in: 0...255, using: &random)
        case 1: octets.insert(bytes(".=\"{}[]:,\\0-")[Int.random(in: 0..<12, using: &random)], at: at)
        case 2: octets.remove(at: at)
        case 3: octets.swapAt(at, to)
        case 4: octets.insert(contentsOf: octets[at...to], at: at)
        default: octets.removeSubrange(at...to)
        }
    }

    @Test("rule 52: any octets give an identity or an error, and an altered token is never believed", arguments: 0..<20)
    func wholeToken(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let authority = try Forge.authority()
        let good = try authority.issue(for: user(), now: noon).token
        for _ in 0..<300 {
            var token = good
            for _ in 0..<Int.random(in: 1...3, using: &random) { mutate(&token, &random) }
            let isBelieved = (try? authority.verify(token, now: noon)) != nil
            #expect(isBelieved == (token == good))
        }
    }

    @Test("rule 52: whatever stands in a header or in claims that are rightly signed, nothing traps", arguments: 0..<20)
    func signedRubbish(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let authority = try Forge.authority(issuer: "me", audience: "us")
        let key = try HMACSHA256Key(secret: Forge.secret)
        let header = bytes(#"{"alg":"HS256","typ":"JWT","kid":"k1"}"#)
        let claims = bytes(
            #"{"sub":"101","role":"user","preferred_username":"a","iat":1767225600,"nbf":1767225600,"exp":1767226500,"iss":"me","aud":["us"],"jti":"x"}"#
        )
        for _ in 0..<300 {
            var header = header, claims = claims
            if Bool.random(using: &random) { mutate(&header, &random) }
            for _ in 0..<Int.random(in: 1...3, using: &random) { mutate(&claims, &random) }
            let signed = Base64URL.encode(header) + bytes(".") + Base64URL.encode(claims)
            let token = signed + bytes(".") + Base64URL.encode(key.sign(signed))
            guard let made = try? authority.verify(token, now: noon) else { continue }
            try IdentityValue.check(made.username, .username, mayBeEmpty: true)
            try RoleList.check(made.role)
            #expect(made.expiresAt > noon - 60_000)
        }
    }
}
