import Testing
import Wire

@testable import Access

@Suite struct CredentialChoiceTests {
    private static let a = ByteRange(offset: 1, count: 10)
    private static let b = ByteRange(offset: 20, count: 10)
    private static let c = ByteRange(offset: 40, count: 10)

    struct Case: Sendable {
        var session = Cookies.Lookup.none
        var token = Cookies.Lookup.none
        var bearer = PresentedCredentials.Bearer.none
        var accepts = CredentialKinds.all
        var expected: CredentialChoice
    }

    @Test(
        "rules 13 and 39: one credential is chosen, and what is ambiguous or malformed is nobody's",
        arguments: [
            Case(expected: .none),
            Case(session: .one(a), expected: .session(a)),
            Case(token: .one(b), expected: .token(b, .cookie)),
            Case(bearer: .one(c), expected: .token(c, .bearer)),
            // The order
            Case(session: .one(a), token: .one(b), bearer: .one(c), expected: .token(c, .bearer)),
            Case(session: .one(a), token: .one(b), expected: .session(a)),
            // Two cookies of our name
            Case(session: .several, expected: .unusable(.severalSessionCookies)),
            Case(token: .several, expected: .unusable(.severalTokenCookies)),
            Case(session: .several, token: .one(b), expected: .unusable(.severalSessionCookies)),
            Case(session: .one(a), token: .several, expected: .session(a)),
            Case(session: .several, bearer: .one(c), expected: .token(c, .bearer)),
            // A malformed one of the first kind is not made up for by the next
            Case(session: .one(a), token: .one(b), bearer: .malformed, expected: .unusable(.malformedBearer)),
            // Only what the route accepts
            Case(session: .one(a), bearer: .one(c), accepts: .session, expected: .session(a)),
            Case(session: .one(a), bearer: .malformed, accepts: .session, expected: .session(a)),
            Case(token: .one(b), bearer: .one(c), accepts: .session, expected: .none),
            Case(token: .several, accepts: .session, expected: .none),
            Case(session: .one(a), token: .one(b), accepts: .token, expected: .token(b, .cookie)),
            Case(session: .several, accepts: .token, expected: .none),
        ])
    func choice(_ example: Case) throws {
        let shown = PresentedCredentials(session: example.session, token: example.token, bearer: example.bearer)
        let route = try Route(index: 0, path: bytes("/"), upstream: "u", accepts: example.accepts)
        #expect(CredentialChoice.choose(among: shown, for: route) == example.expected)
        #expect(CredentialChoice.choose(among: shown, accepting: example.accepts) == example.expected)
    }

    @Test("a public route looks at no credential, so it needs no store")
    func publicRoute() throws {
        let shown = PresentedCredentials(session: .several, token: .one(Self.b), bearer: .malformed)
        let route = try Route(index: 0, path: bytes("/"), upstream: "u", access: .public)
        #expect(CredentialChoice.choose(among: shown, for: route) == .none)
    }

    @Test(
        "rule 13: an Authorization line is one Bearer token, another scheme, or malformed",
        arguments: [
            ("Bearer abc.d-e_f~+/=", 1, .one(ByteRange(offset: 107, count: 13))),
            ("bearer   x", 1, .one(ByteRange(offset: 109, count: 1))), ("BEARER x", 1, .one(ByteRange(offset: 107, count: 1))),
            ("Basic YWxpY2U6cw==", 1, .none), ("Bearerish x", 1, .none), ("Bear x", 1, .none), ("", 1, .none),
            ("Bearer", 1, .malformed), ("Bearer ", 1, .malformed), ("Bearer\tx", 1, .malformed), ("Bearer,x", 1, .malformed),
            ("Bearer a b", 1, .malformed), ("Bearer a,b", 1, .malformed), ("Bearer \"a\"", 1, .malformed),
            ("Bearer é", 1, .malformed), ("Bearer a ", 1, .malformed),
            ("Bearer x", 2, .malformed), ("Basic x", 2, .malformed), ("", 0, .none),
        ] as [(String, Int, PresentedCredentials.Bearer)])
    func bearer(value: String, lines: Int, expected: PresentedCredentials.Bearer) {
        let octets = bytes(value)
        let range = ByteRange(offset: 100, count: octets.count)
        #expect(PresentedCredentials.Bearer(value: octets.octets, at: range, lines: lines) == expected)
    }
}
