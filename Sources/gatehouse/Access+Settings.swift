import Access
import Secrets
import Settings

// The settings in the words of Access and Secrets. What is checked here was checked when the settings were loaded, and refused
// in the settings' own words.

extension Settings {
    func passwordPolicy() throws -> PasswordPolicy {
        switch passwords.algorithm {
        case .bcrypt: return try .bcrypt(cost: passwords.cost)
        case .argon2id:
            return try .argon2id(
                memoryKiB: Int(passwords.memory.octets / 1_024), iterations: passwords.iterations,
                parallelism: passwords.parallelism)
        }
    }

    var sessionPolicy: SessionPolicy {
        SessionPolicy(lifetime: sessions.lifetime.milliseconds, idleTimeout: sessions.idleTimeout.milliseconds)
    }

    var throttle: Throttle {
        var throttle = Throttle()
        let figures = login.throttle
        throttle.pair = backOff(free: figures.perPair)
        throttle.address = backOff(free: figures.perAddress)
        throttle.account = backOff(free: figures.perAccount)
        throttle.forgetAfter = figures.forgetAfter.milliseconds
        throttle.knownFor = figures.knownFor.milliseconds
        return throttle
    }

    private func backOff(free: Int) -> Throttle.BackOff {
        Throttle.BackOff(
            free: Int64(free), first: login.throttle.firstWait.milliseconds, cap: login.throttle.longestWait.milliseconds)
    }

    /// Nil: there are no tokens.
    func tokenAuthority() throws -> TokenAuthority? {
        guard usesTokens else { return nil }
        var keys: [Access::TokenKey] = []
        if let secret = tokens.secret { keys.append(try Access::TokenKey(secret: HMACSHA256Key(secret: secret.octets))) }
        for key in tokens.keys {
            guard let secret = key.secret else { continue }
            keys.append(try Access::TokenKey(secret: HMACSHA256Key(secret: secret.octets), id: Array(key.kid.utf8)))
        }
        return TokenAuthority(
            keys: try TokenKeys(keys), lifetime: tokens.lifetime.milliseconds, issuer: tokens.issuer.map { Array($0.utf8) },
            audience: tokens.audience.map { Array($0.utf8) })
    }

    func routeTable() throws -> RouteTable {
        RouteTable(
            routes: try routes.enumerated().map { index, rule in
                try Route(
                    index: index, host: rule.host.map { Array($0.utf8) }, path: Array(rule.path.utf8), upstream: rule.upstream,
                    accepts: CredentialKinds(rule.accept), access: rule.access == .public ? .public : .signedIn,
                    policy: Policy(
                        roles: rule.require.role.map { Array($0.utf8) }, users: rule.require.user.map { Array($0.utf8) }),
                    maxBody: rule.maxBody?.octets)
            })
    }
}

extension CredentialKinds {
    init(_ kinds: [CredentialKind]) {
        self = []
        for kind in kinds { insert(kind == .session ? .session : .token) }
    }
}
