import Secrets
import Testing

@testable import Access

@Suite("VerifiedTokens")
struct VerifiedTokensTests {
    private func identity(_ id: String, expiresAt: Int64) throws -> Identity {
        try Identity(userID: UserID(id), username: [], role: [], method: .token(jti: []), expiresAt: expiresAt)
    }

    private let token = Array("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMDEifQ.c2lnbmF0dXJl".utf8)

    @Test("rule 43: an entry is good for the very octets that were verified, and for no others")
    func octets() throws {
        var cache = VerifiedTokens(capacity: 1)
        #expect(cache.identity(of: token.octets, now: 10) == nil)
        let alice = try identity("101", expiresAt: 100)
        cache.remember(token.octets, alice, now: 10)
        #expect(cache.identity(of: token.octets, now: 10) == alice)
        for index in token.indices {
            var other = token
            other[index] ^= 1
            #expect(cache.identity(of: other.octets, now: 10) == nil, "octet \(index)")
        }
        #expect(cache.identity(of: Array(token.dropLast()).octets, now: 10) == nil)
        #expect(cache.identity(of: (token + token).octets, now: 10) == nil)
        #expect(cache.identity(of: [UInt8]().octets, now: 10) == nil)
    }

    @Test(
        "rule 43: an entry ends with its token, and before it began it is no proof",
        arguments: [
            (Int64(9), false), (10, true), (99, true), (100, false), (Int64.max, false), (Int64.min, false),
        ])
    func time(_ now: Int64, _ isGood: Bool) throws {
        var cache = VerifiedTokens(capacity: 4)
        cache.remember(token.octets, try identity("101", expiresAt: 100), now: 10)
        #expect((cache.identity(of: token.octets, now: now) != nil) == isGood)
    }

    @Test("The cache is bounded: a new entry takes the place of an older one, and each token keeps its own identity")
    func bounded() throws {
        var cache = VerifiedTokens(capacity: 8)
        var tokens: [[UInt8]] = []
        for number in 0..<100 {
            let text = Array("head.claims.signature-of-\(number)".utf8)
            tokens.append(text)
            cache.remember(text.octets, try identity("\(number)", expiresAt: 100), now: 1)
        }
        let held = tokens.indices.filter { index in
            let token = tokens[index]
            guard let found = cache.identity(of: token.octets, now: 1) else { return false }
            #expect(found.userID.text == "\(index)")
            return true
        }
        #expect((1...8).contains(held.count))
        #expect(held.last == 99)
    }
}
