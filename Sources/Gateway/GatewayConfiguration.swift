package import Access
package import Secrets
package import Wire

/// Everything that the gateway is told, checked and frozen. Workers share one; a change is a new one, swapped whole.
///
/// A large value: on a request's path it is read in place and never handed on, because a copy retains all that is in it.
package struct GatewayConfiguration: Sendable {
    /// Where people reach the gateway: decides the cookies' attributes and what counts as the same origin.
    package struct PublicURL: Sendable {
        package var isHTTPS: Bool
        /// Lower case, with the port where it is not the scheme's own: `127.0.0.1:8080`.
        package var authority: [UInt8]

        package init(isHTTPS: Bool, authority: [UInt8]) {
            self.isHTTPS = isHTTPS
            self.authority = authority
        }

        /// As browsers write it in Origin: `http://127.0.0.1:8080`.
        package var origin: [UInt8] { Array((isHTTPS ? "https://" : "http://").utf8) + authority }
    }

    /// Which property of the identity a header carries.
    package enum Attribute: Sendable { case id, username, role }

    package struct IdentityHeader: Sendable {
        /// As it is written to the upstream.
        package let name: [UInt8]
        package let attribute: Attribute

        package init(name: [UInt8], attribute: Attribute) {
            self.name = name
            self.attribute = attribute
        }
    }

    package struct UpstreamServer: Sendable, Hashable {
        /// A name or a numeric address, without brackets.
        package let host: String
        package let port: UInt16

        package init(host: String, port: UInt16) {
            self.host = host
            self.port = port
        }

        package var text: String { host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)" }
    }

    package struct Upstream: Sendable, Equatable {
        package var name: String
        package var servers: [UpstreamServer]
        /// Milliseconds: to connect (504, or the next server), for the response's head (504), between octets of its content.
        package var connectTimeout: Int64 = 3_000
        package var headTimeout: Int64 = 60_000
        package var bodyTimeout: Int64 = 60_000
        /// How long an unused connection is kept.
        package var idleTimeout: Int64 = 30_000
        /// Per server and worker.
        package var maxConnections = 1_024

        package init(name: String, servers: [UpstreamServer]) {
            self.name = name
            self.servers = servers
        }
    }

    package struct Login: Sendable {
        package var path: [UInt8] = Array("/login".utf8)
        package var logoutPath: [UInt8] = Array("/logout".utf8)
        /// What a sign-in gives when the request does not ask for the other.
        package var issues = CredentialKinds.session
        package var allowed = CredentialKinds.all
        /// Octets of a sign-in's content.
        package var maxBody = 16_384
        package var throttle = Throttle()
        package var passwordPolicy = PasswordPolicy.standard
        package var usernames = UserName.Comparison.exact
        /// Whether a hash that is weaker than the policy is replaced while the password is at hand.
        package var rehashes = true

        package init() {}
    }

    package var publicURL: PublicURL
    package var routes: RouteTable
    /// For each route, the place of its upstream in `upstreams`.
    package var routeUpstreams: [Int]
    package var upstreams: [Upstream]
    package var identityHeaders: [IdentityHeader]
    /// The cookies' names as they travel: with `__Host-` where `publicURL` is https.
    package var sessionCookie: [UInt8]
    package var tokenCookie: [UInt8]
    package var login: Login
    package var sessionPolicy: SessionPolicy
    /// Nil: no tokens are issued or accepted.
    package var tokens: TokenAuthority?
    /// Whose X-Forwarded-* are believed; empty: nobody's.
    package var trustedProxies: [CIDR]
    /// Our name in Via, unlike any other gateway's: 8 random octets in hexadecimal behind `gatehouse-`, once per process.
    package var pseudonym: [UInt8]
    package var limits: ServerLimits
    package var timeouts: ServerTimeouts

    package init(
        publicURL: PublicURL, routes: RouteTable, routeUpstreams: [Int], upstreams: [Upstream],
        identityHeaders: [IdentityHeader], sessionCookie: [UInt8], tokenCookie: [UInt8], login: Login,
        sessionPolicy: SessionPolicy, tokens: TokenAuthority?, pseudonym: [UInt8],
        trustedProxies: [CIDR] = [], limits: ServerLimits = ServerLimits(), timeouts: ServerTimeouts = ServerTimeouts()
    ) {
        self.publicURL = publicURL
        self.routes = routes
        self.routeUpstreams = routeUpstreams
        self.upstreams = upstreams
        self.identityHeaders = identityHeaders
        self.sessionCookie = sessionCookie
        self.tokenCookie = tokenCookie
        self.login = login
        self.sessionPolicy = sessionPolicy
        self.tokens = tokens
        self.pseudonym = pseudonym
        self.trustedProxies = trustedProxies
        self.limits = limits
        self.timeouts = timeouts
    }
}
