import Access
import Secrets

/// What one key alone cannot show: that the settings agree with each other.
struct CrossCheck {
    let settings: Settings
    var reading: Reading

    mutating func run() {
        checkListeners()
        checkPublicURL()
        checkCredentials()
        checkTokenSecrets()
        checkSessions()
        checkUsers()
        checkIdentity()
        checkUpstreams()
        checkRoutes()
        checkLimits()
    }

    // MARK: Listeners

    private mutating func checkListeners() {
        if settings.listen.isEmpty { reading.report("listen", "at least one listener is needed") }
        var seen: [ListenAddress] = []
        for (index, listener) in settings.listen.enumerated() {
            report(listener.address, "listen[\(index)].address", clashingWith: seen)
            seen.append(listener.address)
        }
        if case .at(let address) = settings.admin.address {
            report(address, "admin.address", clashingWith: seen)
            if address.isWildcard {
                reading.report(
                    "admin.address", "answers on every interface; metrics and health are meant for an inner one", .warning)
            }
        }
        for (index, range) in settings.trustedProxies.enumerated() where range.prefixLength == 0 {
            reading.report(
                "trusted_proxies[\(index)]", "trusts everybody: any client can choose the address that it is known by", .warning)
        }
    }

    private mutating func report(_ address: ListenAddress, _ path: String, clashingWith others: [ListenAddress]) {
        // Port 0 is a new port each time.
        guard address.port != 0 else { return }
        for other in others where other.port == address.port {
            let overlaps =
                other.isIPv6 == address.isIPv6 && (other.host == address.host || other.isWildcard || address.isWildcard)
            if overlaps { return reading.report(path, "\(address) is taken by the listener \(other)") }
        }
    }

    private mutating func checkPublicURL() {
        if !settings.publicURL.isHTTPS, !settings.publicURL.isLoopback {
            reading.report(
                "public_url", "is not https: passwords and cookies travel for everybody on the way to read", .warning)
        }
    }

    // MARK: Credentials

    private mutating func checkCredentials() {
        if !settings.login.allow.isEmpty, !settings.login.allow.contains(settings.login.issues) {
            reading.report("login.issues", "\(settings.login.issues.rawValue) is not in login.allow")
        }
        // A secret that was given but is no good has been reported already.
        let isGiven = ["secret", "secret_file", "keys"].contains { reading.isWritten("tokens.\($0)") }
        if settings.usesTokens, !settings.tokens.isConfigured, !isGiven {
            let path =
                if settings.login.allow.contains(.token) {
                    "login.allow"
                } else {
                    settings.routes.firstIndex { $0.accept.contains(.token) }.map { "routes[\($0)].accept" } ?? "tokens"
                }
            reading.report(path, "tokens need something to sign with: set tokens.secret_file or tokens.keys")
        }
        if settings.sessions.cookie.lowercased() == settings.tokens.cookie.lowercased() {
            reading.report("tokens.cookie", "sessions.cookie has the same name")
        }
        let page = settings.login.path
        if GatewayPath.isReserved(page) || page == GatewayPath.logout {
            reading.report("login.path", "the gateway uses \(page) itself")
        }
    }

    private mutating func checkTokenSecrets() {
        let tokens = settings.tokens
        if tokens.secret != nil, !tokens.keys.isEmpty {
            reading.report("tokens.keys", "only one of tokens.secret and tokens.keys can be given")
        }
        if let secret = tokens.secret { check(secret, in: "tokens") }
        if tokens.keys.count > TokenKeys.maxCount {
            reading.report("tokens.keys", "more than \(TokenKeys.maxCount) keys; drop those whose last token has ended")
        }
        for (index, key) in tokens.keys.enumerated() {
            let path = "tokens.keys[\(index)]"
            if let secret = key.secret {
                check(secret, in: path)
            } else if !reading.isWritten("\(path).secret"), !reading.isWritten("\(path).secret_file") {
                reading.report(path, "a key needs secret_file")
            }
            for (other, earlier) in tokens.keys[..<index].enumerated() {
                if earlier.kid == key.kid, !key.kid.isEmpty {
                    reading.report("\(path).kid", "tokens.keys[\(other)] has the same kid")
                }
                if let secret = key.secret, earlier.secret?.octets == secret.octets {
                    reading.report(path, "tokens.keys[\(other)] has the same secret")
                }
            }
        }
    }

    /// The same check as where the key is made (rule 53).
    private mutating func check(_ secret: Secret, in path: String) {
        let key = secret.file == nil ? "\(path).secret" : "\(path).secret_file"
        do {
            _ = try HMACSHA256Key(secret: secret.octets)
        } catch .secretIsKey {
            reading.report(key, "is a key in PEM, SSH or JSON form, which others may know half of; `gatehouse key generate` makes a secret")
        } catch {
            reading.report(key, "\(error); `gatehouse key generate` makes one")
        }
    }

    private mutating func checkSessions() {
        let sessions = settings.sessions
        if sessions.idleTimeout > sessions.lifetime {
            reading.report(
                reading.isWritten("sessions.idle_timeout") ? "sessions.idle_timeout" : "sessions.lifetime",
                "sessions.idle_timeout (\(sessions.idleTimeout)) is longer than sessions.lifetime (\(sessions.lifetime))")
        }
        check(settings.users.store, settings.users.password, in: "users")
        check(sessions.store, sessions.password, in: "sessions")
        checkSentinel()
    }

    private mutating func checkSentinel() {
        let sessions = settings.sessions
        if let password = sessions.sentinelPassword {
            let path = password.file == nil ? "sessions.sentinel_password" : "sessions.sentinel_password_file"
            if !sessions.store.hasSentinels { reading.report(path, "sessions.store names no sentinels") }
        } else if sessions.sentinelUsername != nil {
            reading.report("sessions.sentinel_username", "needs sentinel_password_file, which is not there")
        }
    }

    /// A store that is reached by network, and the password that is given beside its URL.
    mutating func check(_ store: StoreURL, _ password: Secret?, in section: String) {
        if case .postgresql(let postgresql) = store, postgresql.isExposed {
            reading.report(
                "\(section).store",
                "does not check who answers, nor always encrypt; add ?sslmode=verify-full unless nobody else is on that network",
                .warning)
        }
        guard let password else { return }
        let path = password.file == nil ? "\(section).password" : "\(section).password_file"
        let held: Secret?
        switch store {
        case .postgresql(let postgresql): held = postgresql.password
        case .redis(let redis): held = redis.password
        case .sqlite, .memory:
            return reading.report(path, "\(section).store is no URL of a server, so there is no password to give")
        }
        if held != nil { reading.report(path, "\(section).store holds a password already") }
        if case .postgresql = store, password.octets.contains(0) { reading.report(path, "holds a NUL") }
    }

    private mutating func checkIdentity() {
        var seen: [[UInt8]: String] = [:]
        for header in settings.identity.headers {
            let path = "identity.headers.\(header.name)"
            if let fault = HeaderName.identityFault(header.name) { reading.report(path, fault) }
            if let other = seen.updateValue(header.name, forKey: HeaderName.folded(header.name)) {
                reading.report(path, "many servers cannot tell it from \(other)")
            }
        }
    }

    // MARK: Upstreams and routes

    private mutating func checkUpstreams() {
        for upstream in settings.upstreams {
            for (index, server) in upstream.servers.enumerated() {
                let isOwn = settings.listen.contains {
                    $0.address.port == server.port
                        && ($0.address.host == server.host || ($0.address.isWildcard && server.isLoopback))
                }
                if isOwn { reading.report("upstreams.\(upstream.name).servers[\(index)]", "is the gateway's own listener") }
            }
        }
        let used = Set(settings.routes.map(\.upstream))
        for upstream in settings.upstreams where !used.contains(upstream.name) {
            reading.report("upstreams.\(upstream.name)", "no route leads here", .warning)
        }
    }

    private mutating func checkRoutes() {
        let names = settings.upstreams.map(\.name)
        for (index, route) in settings.routes.enumerated() {
            let path = "routes[\(index)]"
            if !route.upstream.isEmpty, !names.contains(route.upstream) {
                let hint = names.isEmpty ? "upstreams is empty" : NearestName.hint(route.upstream, among: names)
                reading.report("\(path).upstream", "there is no upstream `\(route.upstream)`; \(hint)")
            }
            if route.access == .public, route.require != Requirement() {
                reading.report("\(path).require", "a public route can require nothing of a user; remove access or require")
            }
            if route.access == .public, reading.isWritten("\(path).accept") {
                reading.report("\(path).accept", "a public route looks at no credential; remove access or accept")
            }
            if route.path == settings.login.path || route.path == GatewayPath.logout || GatewayPath.isReserved(route.path) {
                reading.report("\(path).path", "the gateway answers \(route.path) itself, so this can never match")
            }
            if let earlier = settings.routes[..<index].firstIndex(where: { $0.covers(route) }) {
                reading.report(
                    path, "can never match: routes[\(earlier)] (\(settings.routes[earlier].path)) comes first and takes it all")
            }
        }
    }

    private mutating func checkLimits() {
        if settings.limits.requestLine > settings.limits.headerBytes {
            reading.report("limits.request_line", "is larger than limits.header_bytes (\(settings.limits.headerBytes))")
        }
        let throttle = settings.login.throttle
        if throttle.firstWait > throttle.longestWait {
            reading.report("login.throttle.first_wait", "is longer than login.throttle.longest_wait (\(throttle.longestWait))")
        }
        if settings.limits.connectionsPerAddress > settings.limits.connections,
            reading.isWritten("limits.connections_per_address")
        {
            reading.report(
                "limits.connections_per_address", "is larger than limits.connections (\(settings.limits.connections))")
        }
    }
}

extension StoreURL {
    fileprivate var hasSentinels: Bool {
        guard case .redis(let redis) = self, case .sentinel = redis.kind else { return false }
        return true
    }
}

/// Paths that the gateway answers itself, on every host, before any route.
private enum GatewayPath {
    static let logout = "/logout"

    static func isReserved(_ path: String) -> Bool {
        path == "/.gatehouse" || path.utf8.starts(with: "/.gatehouse/".utf8)
    }
}

extension UpstreamServer {
    fileprivate var isLoopback: Bool { host == "localhost" || host == "::1" || host.utf8.starts(with: "127.".utf8) }
}

extension RouteRule {
    /// Whether every request that `other` would match matches this one.
    fileprivate func covers(_ other: RouteRule) -> Bool {
        guard !path.isEmpty, !other.path.isEmpty, host == nil || host == other.host else { return false }
        return path.utf8.last == UInt8(ascii: "/") ? other.path.utf8.starts(with: path.utf8) : other.path == path
    }
}
