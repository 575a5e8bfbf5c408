/// What is to happen with a request that has a route.
package enum Decision: ~Copyable {
    case forward(Grant)
    case signIn(SignInReason)
    case refuse(Refusal)

    /// Whether `identity` (nil: nobody is signed in) may pass by `route`.
    package static func decide(route: Route, identity: Identity?) -> Decision {
        switch route.access {
        case .public:
            return .forward(Grant(route: route.index, identity: identity))
        case .signedIn:
            guard let identity else { return .signIn(.notSignedIn) }
            guard route.accepts.contains(identity.method.kind) else {
                return .signIn(.notAccepted(identity.method.kind))
            }
            if let refusal = route.policy.objection(to: identity) { return .refuse(refusal) }
            return .forward(Grant(route: route.index, identity: identity))
        }
    }
}

/// The proof that a request may go on by one route as one identity. Only `decide` makes one; the forwarder uses it up.
package struct Grant: ~Copyable {
    package let route: Int
    /// Nil on a public route for somebody who is not signed in.
    package let identity: Identity?

    fileprivate init(route: Int, identity: Identity?) {
        self.route = route
        self.identity = identity
    }
}

/// Why somebody has to sign in: 401, or the sign-in page.
package enum SignInReason: Equatable, Sendable, CustomStringConvertible {
    case notSignedIn
    /// Signed in by something that this route does not take, which counts as not signed in.
    case notAccepted(CredentialKinds)

    package var description: String {
        switch self {
        case .notSignedIn: "nobody is signed in"
        case .notAccepted(.session): "signed in by a session, which this route does not accept"
        case .notAccepted: "signed in by a token, which this route does not accept"
        }
    }
}

/// Why somebody who is signed in may not pass: 403.
package enum Refusal: Equatable, Sendable, CustomStringConvertible {
    case roleNotAllowed, userNotAllowed

    package var description: String {
        switch self {
        case .roleNotAllowed: "none of the user's roles is one that the route requires"
        case .userNotAllowed: "the user is none of those that the route requires"
        }
    }
}
