/// Everything that can be set, checked: what is in here is well-formed and agrees with itself.
///
/// A value made by `init()` holds the defaults; `load` makes one from a file and the environment.
package struct Settings: Sendable, Equatable {
    package internal(set) var version = 1
    package internal(set) var publicURL = PublicURL(isHTTPS: false, host: "127.0.0.1", port: 8080)
    package internal(set) var listen = [Listener()]
    package internal(set) var admin = Admin()
    package internal(set) var workers = Count.auto
    package internal(set) var trustedProxies: [NetworkRange] = []
    package internal(set) var users = Users()
    package internal(set) var passwords = Passwords()
    package internal(set) var login = Login()
    package internal(set) var sessions = Sessions()
    package internal(set) var tokens = Tokens()
    package internal(set) var identity = IdentityInjection()
    package internal(set) var upstreams: [Upstream] = []
    package internal(set) var routes: [RouteRule] = []
    package internal(set) var limits = Limits()
    package internal(set) var timeouts = Timeouts()
    package internal(set) var log = Log()

    package init() {}

    /// Whether anything is signed in by a token, so that there must be something to sign with.
    package var usesTokens: Bool { login.allow.contains(.token) || routes.contains { $0.accept.contains(.token) } }

    /// Where failed sign-ins are counted: beside the users, or, where those are another program's, beside the sessions.
    package var failureStore: StoreURL { login.throttle.store ?? (users.isForeign ? sessions.store : users.store) }

    /// Of that store's server, when it does not stand in the URL.
    package var failurePassword: Secret? {
        login.throttle.store != nil ? login.throttle.password : users.isForeign ? sessions.password : users.password
    }

    package func upstream(named name: String) -> Upstream? { upstreams.first { $0.name == name } }
}

/// What a client can show to be known.
package enum CredentialKind: String, CaseIterable, Sendable { case session, token }

package struct Listener: Sendable, Equatable {
    package internal(set) var address = ListenAddress(host: "127.0.0.1", port: 8080)
}

package struct Admin: Sendable, Equatable {
    package internal(set) var address = AdminAddress.at(ListenAddress(host: "127.0.0.1", port: 9090))
}

/// How new password hashes are made, and how many at a time.
package struct Passwords: Sendable, Equatable {
    package enum Algorithm: String, CaseIterable, Sendable { case argon2id, bcrypt }

    // OWASP's figures: argon2id with 19 MiB, two passes, one lane.
    package internal(set) var algorithm = Algorithm.argon2id
    package internal(set) var memory = OctetCount.mebi(19)
    package internal(set) var iterations = 2
    package internal(set) var parallelism = 1
    package internal(set) var cost = 12
    package internal(set) var threads = Count.auto
    package internal(set) var queue = 64
}

package struct Login: Sendable, Equatable {
    package internal(set) var path = "/login"
    package internal(set) var issues = CredentialKind.session
    package internal(set) var allow = [CredentialKind.session]
    package internal(set) var throttle = LoginThrottle()
}

/// How often one may try to sign in: each count has some free failures, then a wait that doubles.
package struct LoginThrottle: Sendable, Equatable {
    package internal(set) var perPair = 5
    package internal(set) var perAddress = 30
    package internal(set) var perAccount = 10
    package internal(set) var firstWait = TimeSpan.seconds(1)
    package internal(set) var longestWait = TimeSpan.minutes(15)
    package internal(set) var forgetAfter = TimeSpan.days(1)
    package internal(set) var knownFor = TimeSpan.days(90)
    /// nil: `Settings.failureStore` says where.
    package internal(set) var store: StoreURL?
    /// Of the PostgreSQL server, when it does not stand in the URL.
    package internal(set) var password: Secret?
}

package struct Sessions: Sendable, Equatable {
    package internal(set) var store = StoreURL.sqlite(path: "gatehouse.db")
    /// Of the Redis or PostgreSQL server, when it does not stand in the URL.
    package internal(set) var password: Secret?
    /// Who we are to Redis' sentinels, which have users and passwords of their own.
    package internal(set) var sentinelUsername: String?
    package internal(set) var sentinelPassword: Secret?
    package internal(set) var storeTimeout = TimeSpan.milliseconds(100)
    package internal(set) var cookie = "session_id"
    package internal(set) var lifetime = TimeSpan.hours(12)
    package internal(set) var idleTimeout = TimeSpan.minutes(30)
    package internal(set) var purgeInterval = TimeSpan.seconds(60)
    package internal(set) var cache = CacheSize.entries(10_000)
}

package struct Tokens: Sendable, Equatable {
    package enum Algorithm: String, CaseIterable, Sendable { case hs256 = "HS256" }

    package internal(set) var cookie = "token"
    package internal(set) var algorithm = Algorithm.hs256
    package internal(set) var secret: Secret?
    package internal(set) var keys: [TokenKey] = []
    package internal(set) var lifetime = TimeSpan.minutes(15)
    package internal(set) var issuer: String?
    package internal(set) var audience: String?

    /// Whether there is anything to sign with.
    package var isConfigured: Bool { secret != nil || !keys.isEmpty }
}

/// One signing key of several; the first signs, all verify.
package struct TokenKey: Sendable, Equatable {
    package internal(set) var kid = ""
    package internal(set) var secret: Secret?
}

package struct IdentityInjection: Sendable, Equatable {
    package internal(set) var headers = [
        IdentityHeader(name: "X-User-Id", value: .id), IdentityHeader(name: "X-User-Name", value: .username),
        IdentityHeader(name: "X-User-Role", value: .role),
    ]
}

package struct IdentityHeader: Sendable, Equatable {
    package enum Value: String, CaseIterable, Sendable { case id, username, role }

    package let name: String
    package let value: Value
}

package struct Upstream: Sendable, Equatable {
    package internal(set) var name = ""
    package internal(set) var servers: [UpstreamServer] = []
    /// nil: as in `timeouts`.
    package internal(set) var connectTimeout: TimeSpan?
    package internal(set) var headTimeout: TimeSpan?
    package internal(set) var bodyTimeout: TimeSpan?
    package internal(set) var idleTimeout = TimeSpan.seconds(30)
    package internal(set) var maxConnections = 1_024
}

package struct RouteRule: Sendable, Equatable {
    package enum Access: String, CaseIterable, Sendable {
        case signedIn = "signed_in"
        case `public`
    }

    /// nil: every host.
    package internal(set) var host: String?
    package internal(set) var path = ""
    package internal(set) var upstream = ""
    /// What signs a client in here; once loaded, empty on public routes only.
    package internal(set) var accept: [CredentialKind] = []
    package internal(set) var access = Access.signedIn
    package internal(set) var require = Requirement()
    /// nil: as in `limits`.
    package internal(set) var maxBody: OctetCount?
}

package struct Requirement: Sendable, Equatable {
    /// One of these roles; empty: any.
    package internal(set) var role: [String] = []
    /// One of these user names; empty: any.
    package internal(set) var user: [String] = []
}

package struct Limits: Sendable, Equatable {
    package internal(set) var requestLine = OctetCount.kibi(8)
    package internal(set) var headerBytes = OctetCount.kibi(32)
    package internal(set) var headerCount = 100
    package internal(set) var body = OctetCount.gibi(1)
    package internal(set) var loginBody = OctetCount.kibi(16)
    package internal(set) var minRate = OctetCount.octets(500)
    package internal(set) var connections = 20_000
    package internal(set) var connectionsPerAddress = 1_000
    package internal(set) var requestsPerConnection = 100_000
}

package struct Timeouts: Sendable, Equatable {
    package internal(set) var head = TimeSpan.seconds(10)
    package internal(set) var body = TimeSpan.seconds(30)
    package internal(set) var idle = TimeSpan.seconds(60)
    package internal(set) var write = TimeSpan.seconds(30)
    package internal(set) var upstreamConnect = TimeSpan.seconds(3)
    package internal(set) var upstreamHead = TimeSpan.seconds(60)
    package internal(set) var upstreamBody = TimeSpan.seconds(60)
    package internal(set) var drain = TimeSpan.seconds(30)
    package internal(set) var drainIdle = TimeSpan.seconds(5)
}

package struct Log: Sendable, Equatable {
    package enum Level: String, CaseIterable, Sendable { case trace, debug, info, notice, warning, error, critical }
    package enum Access: String, CaseIterable, Sendable { case json, text, off }

    package internal(set) var level = Level.info
    package internal(set) var access = Access.json
    /// Where whoever collects the access log finds it without being told; a file of its own is for those who keep it longer.
    package internal(set) var audit = AuditPlace.standardOutput
}
