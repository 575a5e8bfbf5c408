import Testing

@testable import Access

@Suite struct DecisionTests {
    /// A decision as a value that a test can compare.
    private enum Outcome: Equatable { case forward(route: Int, as: String?), signIn(SignInReason), refuse(Refusal) }

    private func outcome(_ route: Route, _ identity: Identity?) -> Outcome {
        switch Decision.decide(route: route, identity: identity) {
        case .forward(let grant):
            .forward(route: grant.route, as: grant.identity.map { String(decoding: $0.username, as: UTF8.self) })
        case .signIn(let reason): .signIn(reason)
        case .refuse(let refusal): .refuse(refusal)
        }
    }

    private func route(
        accepts: CredentialKinds = .all, access: Route.Access = .signedIn, roles: [String] = [], users: [String] = []
    ) throws -> Route {
        try Route(
            index: 3, path: bytes("/x"), upstream: "u", accepts: accepts, access: access,
            policy: Policy(roles: roles.map(bytes), users: users.map(bytes)))
    }

    @Test("rule 10: deny by default: nobody passes a route that does not say public")
    func nobody() throws {
        #expect(try outcome(route(), nil) == .signIn(.notSignedIn))
        #expect(try outcome(route(access: .public), nil) == .forward(route: 3, as: nil))
        #expect(try outcome(route(), identity()) == .forward(route: 3, as: "alice"))
    }

    @Test("an identity by a kind of credential that the route does not accept counts as not signed in")
    func accepts() throws {
        let session = try identity(by: .session(SessionID.random().key))
        let token = try identity(by: .token(jti: bytes("t")))
        #expect(try outcome(route(accepts: .session), session) == .forward(route: 3, as: "alice"))
        #expect(try outcome(route(accepts: .session), token) == .signIn(.notAccepted(.token)))
        #expect(try outcome(route(accepts: .token), token) == .forward(route: 3, as: "alice"))
        #expect(try outcome(route(accepts: .token), session) == .signIn(.notAccepted(.session)))
    }

    @Test(
        arguments: [
            (["admin"], [], "alice", "admin", nil), (["admin", "ops"], [], "alice", "ops", nil),
            (["admin"], [], "alice", "user", .roleNotAllowed), (["admin"], [], "alice", "", .roleNotAllowed),
            (["admin"], [], "alice", "Admin", .roleNotAllowed), ([], ["alice"], "alice", "", nil),
            ([], ["alice"], "bob", "admin", .userNotAllowed), ([], ["alice"], "", "admin", .userNotAllowed),
            // Another user's id is nobody's name.
            ([], ["101"], "alice", "admin", .userNotAllowed),
            (["admin"], ["alice"], "alice", "user", .roleNotAllowed),
            (["admin"], ["alice"], "bob", "admin", .userNotAllowed), (["admin"], ["alice"], "alice", "admin", nil),
            ([""], [], "alice", "", .roleNotAllowed),
            // Equal as String, different octets.
            (["é"], [], "alice", "e\u{301}", .roleNotAllowed),
            // Of several roles each counts, whole and octet by octet.
            (["staff"], [], "alice", "admin,staff", nil), (["admin"], [], "alice", "admin,staff", nil),
            (["ops", "night"], [], "alice", "staff,night,admin", nil), (["staf"], [], "alice", "admin,staff", .roleNotAllowed),
            (["taff"], [], "alice", "admin,staff", .roleNotAllowed), (["admin,staff"], [], "alice", "admin,staff", .roleNotAllowed),
            (["Staff"], [], "alice", "admin,staff", .roleNotAllowed), ([""], [], "alice", "admin,staff", .roleNotAllowed),
        ] as [([String], [String], String, String, Refusal?)])
    func policy(roles: [String], users: [String], name: String, role: String, refusal: Refusal?) throws {
        let made = try outcome(route(roles: roles, users: users), identity(name, role: role))
        #expect(made == refusal.map(Outcome.refuse) ?? .forward(route: 3, as: name))
    }
}
