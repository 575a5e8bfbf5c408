import Access
import Gateway
import Secrets
import Settings
import Wire

// The settings in the words of the gateway.

extension GatewayConfiguration {
    /// - Parameter pseudonym: see `newPseudonym`.
    init(_ settings: Settings, pseudonym: [UInt8]) throws {
        let routes = try settings.routeTable()
        let names = settings.upstreams.map(\.name)
        let prefix = settings.publicURL.isHTTPS ? "__Host-" : ""
        self.init(
            publicURL: PublicURL(settings), routes: routes,
            // Loading has checked that every upstream is there.
            routeUpstreams: routes.routes.compactMap { route in names.firstIndex(of: route.upstream) },
            upstreams: settings.upstreams.map { Upstream($0, settings.timeouts) },
            identityHeaders: settings.identity.headers.map(IdentityHeader.init),
            sessionCookie: Array((prefix + settings.sessions.cookie).utf8),
            tokenCookie: Array((prefix + settings.tokens.cookie).utf8), login: try Login(settings),
            sessionPolicy: settings.sessionPolicy, tokens: try settings.tokenAuthority(),
            pseudonym: pseudonym, trustedProxies: try settings.trustedProxies.map(CIDR.init),
            limits: try ServerLimits(settings), timeouts: ServerTimeouts(settings))
    }

    /// `gatehouse-` and 16 hexadecimal digits: one for the process.
    static func newPseudonym() throws -> [UInt8] {
        let name = Buffer()
        name.append("gatehouse-")
        for octet in try SecureRandom.bytes(8) {
            name.append(hexadecimal: octet >> 4)
            name.append(hexadecimal: octet & 15)
        }
        return name.array(ByteRange(offset: 0, count: name.count))
    }
}

extension CIDR {
    fileprivate init(_ range: NetworkRange) throws {
        guard let block = CIDR(Array(range.description.utf8)) else {
            throw CommandFailure("trusted_proxies: \(range) is no address block", status: .configuration)
        }
        self = block
    }
}

extension GatewayConfiguration.PublicURL {
    init(_ settings: Settings) {
        let url = settings.publicURL
        self.init(isHTTPS: url.isHTTPS, authority: Array(url.origin.utf8.drop { $0 != UInt8(ascii: "/") }.dropFirst(2)))
    }
}

extension GatewayConfiguration.IdentityHeader {
    init(_ header: Settings::IdentityHeader) {
        let attribute: GatewayConfiguration.Attribute =
            switch header.value {
            case .id: .id
            case .username: .username
            case .role: .role
            }
        self.init(name: Array(header.name.utf8), attribute: attribute)
    }
}

extension GatewayConfiguration.Upstream {
    init(_ upstream: Settings::Upstream, _ timeouts: Settings::Timeouts) {
        self.init(name: upstream.name, servers: upstream.servers.map { .init(host: $0.host, port: $0.port) })
        connectTimeout = (upstream.connectTimeout ?? timeouts.upstreamConnect).milliseconds
        headTimeout = (upstream.headTimeout ?? timeouts.upstreamHead).milliseconds
        bodyTimeout = (upstream.bodyTimeout ?? timeouts.upstreamBody).milliseconds
        idleTimeout = upstream.idleTimeout.milliseconds
        maxConnections = upstream.maxConnections
    }
}

extension GatewayConfiguration.Login {
    init(_ settings: Settings) throws {
        self.init()
        path = Array(settings.login.path.utf8)
        issues = CredentialKinds([settings.login.issues])
        allowed = CredentialKinds(settings.login.allow)
        maxBody = Int(settings.limits.loginBody.octets)
        throttle = settings.throttle
        passwordPolicy = try settings.passwordPolicy()
        usernames = settings.users.usernames.comparison
        rehashes = settings.users.rehash ?? false
    }
}

extension ServerLimits {
    init(_ settings: Settings) throws {
        self.init()
        sharedAddresses = try settings.trustedProxies.map(CIDR.init)
        let limits = settings.limits
        head = HeadLimits(
            startLine: Int(limits.requestLine.octets), bytes: Int(limits.headerBytes.octets), fields: limits.headerCount)
        maxBody = limits.body.octets
        connections = min(limits.connections, OpenFiles.forClients)
        connectionsPerAddress = limits.connectionsPerAddress
        requestsPerConnection = limits.requestsPerConnection
    }
}

extension ServerTimeouts {
    init(_ settings: Settings) {
        self.init()
        let timeouts = settings.timeouts
        head = timeouts.head.milliseconds
        idle = timeouts.idle.milliseconds
        body = timeouts.body.milliseconds
        write = timeouts.write.milliseconds
        minimumRate = settings.limits.minRate.octets
        drain = timeouts.drain.milliseconds
        drainIdle = timeouts.drainIdle.milliseconds
    }
}
