import Access

// What every key is called, what it may hold, and what it is for. The defaults stand with the properties.

extension Settings: Section {
    static var fields: [Field<Settings>] {
        [
            .scalar("version", \.version, .integer(1...1), isRequired: true, "The version of this format; 1."),
            .scalar(
                "public_url", \.publicURL, .publicURL, isRequired: true,
                "The address that browsers use: scheme, host and port. With https, cookies are Secure and have the __Host- prefix."
            ),
            .sections("listen", \.listen, "Where clients connect."),
            .section("admin", \.admin, "The listener for health checks and metrics; never open it to the public."),
            .scalar("workers", \.workers, .count(1...1_024), "Threads that serve connections; auto: one per core."),
            .scalars(
                "trusted_proxies", \.trustedProxies, .network,
                "Address blocks of proxies in front, whose X-Forwarded-* fields are believed; empty: nobody's."),
            .section("users", \.users, "The users table."),
            .section("passwords", \.passwords, "How passwords are hashed."),
            .section("login", \.login, "Signing in."),
            .section("sessions", \.sessions, "Sessions: kept in a store, where they can be ended at any time."),
            .section("tokens", \.tokens, "Tokens: signed, checked without a store. Without a secret there are none."),
            .section("identity", \.identity, "What upstreams are told about the client."),
            .map(
                "upstreams", \.upstreams, names: .upstreams, of: .section(Upstream.keys),
                read: { member, reading in
                    var upstream = Upstream()
                    reading.section(member.entry, &upstream)
                    upstream.name = member.name
                    return upstream
                },
                write: { .init(name: $0.name, value: $0.output) }, "The servers behind the gateway, by a name of your choice."),
            .sections("routes", \.routes, "What goes where, and who may: the first match wins, and nothing matches by default."),
            .section("limits", \.limits, "How much a client can ask for."),
            .section("timeouts", \.timeouts, "How long things can take."),
            .section("log", \.log, "What is written to standard error and standard output."),
        ]
    }
}

extension Listener: Section {
    static var fields: [Field<Listener>] {
        [
            .scalar("address", \.address, .listenAddress, isRequired: true, "An IP address and a port."),
            .refused(
                "tls",
                "TLS listeners are not available in this version; terminate TLS in front and set public_url and trusted_proxies"),
        ]
    }
}

extension Admin: Section {
    static var fields: [Field<Admin>] {
        [.scalar("address", \.address, .adminAddress, "An IP address and a port, or off.")]
    }
}

extension Passwords: Section {
    static var fields: [Field<Passwords>] {
        [
            .scalar("algorithm", \.algorithm, .choice, "How new hashes are made; the other kind is still verified."),
            .scalar("memory", \.memory, .size(.mebi(8)...(.mebi(256))), "Memory of one argon2id hash."),
            .scalar("iterations", \.iterations, .integer(1...16), "Passes of argon2id over its memory."),
            .scalar("parallelism", \.parallelism, .integer(1...16), "Lanes of argon2id."),
            .scalar("cost", \.cost, .integer(10...15), "Cost of bcrypt: each step doubles the work."),
            .scalar("threads", \.threads, .count(1...256), "Hashes that are computed at the same time; auto: one per core."),
            .scalar(
                "queue", \.queue, .integer(1...65_536),
                "Sign-ins that wait for a thread; beyond that the answer is 503 with Retry-After."),
        ]
    }
}

extension Login: Section {
    static var fields: [Field<Login>] {
        [
            .scalar("path", \.path, .pagePath, "The path of the sign-in page, and of its POST."),
            .scalar("issues", \.issues, .choice, "What signing in gives by default: a session or a token."),
            .scalars(
                "allow", \.allow, .choice, isFilled: true,
                "What can be asked for, with ?issue=session or ?issue=token; left out, tokens too where they have a secret."),
            .section(
                "throttle", \.throttle,
                "How many wrong passwords are free; after them comes a wait, answered 429 with Retry-After."),
        ]
    }
}

extension LoginThrottle: Section {
    static var fields: [Field<LoginThrottle>] {
        [
            .scalar("per_pair", \.perPair, .integer(1...99), "Free failures of one account from one address."),
            .scalar(
                "per_address", \.perAddress, .integer(1...1_000_000), "Free failures from one address, whatever the account."),
            .scalar(
                "per_account", \.perAccount, .integer(1...99),
                "Free failures of one account from addresses that it has not signed in from."),
            .scalar(
                "first_wait", \.firstWait, .duration(.milliseconds(100)...(.minutes(1))),
                "The wait after the free failures; each further one is twice as long."),
            .scalar("longest_wait", \.longestWait, .duration(.seconds(1)...(.hours(1))), "The longest wait."),
            .scalar(
                "forget_after", \.forgetAfter, .duration(.minutes(1)...(.days(30))),
                "How long without a failure until counting begins anew."),
            .scalar(
                "known_for", \.knownFor, .duration(.seconds(0)...(.days(365))),
                "How long after a success an address is known to an account."),
            .optional(
                "store", \.store, .failureStore,
                "Where failures are counted: sqlite:FILE or postgresql://…; left out: in users.store, or, where that has another "
                    + "program's table, in sessions.store."),
        ] + Field.secret("password", \.password, "The password of that PostgreSQL server.")
    }
}

extension Sessions: Section {
    static var fields: [Field<Sessions>] {
        [
            .scalar(
                "store", \.store, .sessionStore,
                "Where sessions are kept: sqlite:FILE, postgresql://USER@HOST:PORT/DATABASE, redis://HOST:PORT/DATABASE, "
                    + "redis+sentinel://HOST:PORT,HOST:PORT/SERVICE/DATABASE, redis+cluster://HOST:PORT,HOST:PORT (each with rediss for "
                    + "TLS), or memory:.")
        ] + Field.secret("password", \.password, "The password of the Redis or PostgreSQL server.") + [
            .optional(
                "sentinel_username", \.sentinelUsername, .word("a user name", limit: 256), "Our ACL user at Redis' sentinels.")
        ] + Field.secret("sentinel_password", \.sentinelPassword, "Our password at Redis' sentinels.") + [
            .scalar(
                "store_timeout", \.storeTimeout, .duration(.milliseconds(1)...(.seconds(60))),
                "How long Redis can take for one look, and PostgreSQL at least one second; then the answer is 503."),
            .scalar("cookie", \.cookie, .cookieName, "The name of the session's cookie, without a prefix."),
            .scalar(
                "lifetime", \.lifetime, .duration(.seconds(1)...(.days(3_650))), "When a session ends, however much it is used."),
            .scalar("idle_timeout", \.idleTimeout, .duration(.seconds(1)...(.days(3_650))), "When an unused session ends."),
            .scalar(
                "purge_interval", \.purgeInterval, .duration(.seconds(1)...(.days(1))),
                "How often ended sessions are deleted from SQLite or PostgreSQL."),
            .scalar(
                "cache", \.cache, .cacheSize(1...1_000_000),
                "Sessions that each worker keeps at hand, told by SQLite or Redis within 100 ms what becomes of them; or off."),
        ]
    }
}

extension Tokens: Section {
    static var fields: [Field<Tokens>] {
        [
            .scalar("cookie", \.cookie, .cookieName, "The name of the token's cookie, without a prefix."),
            .scalar("algorithm", \.algorithm, .choice, "How tokens are signed."),
        ]
            + Field.secret(
                "secret", \.secret, "What tokens are signed with: at least 32 octets, as `gatehouse key generate` makes them.")
            + [
                .sections(
                    "keys", \.keys,
                    "Several keys in the place of one secret, to change them without a gap: the first signs, all verify."),
                .scalar(
                    "lifetime", \.lifetime, .duration(.seconds(1)...(.days(30))),
                    "When a token ends. Nothing can end it sooner, so keep it short."),
                .optional("issuer", \.issuer, .word("an issuer", limit: 256), "The iss claim, written and demanded."),
                .optional("audience", \.audience, .word("an audience", limit: 256), "The aud claim, written and demanded."),
            ]
    }
}

extension TokenKey: Section {
    static var fields: [Field<TokenKey>] {
        [
            .scalar("kid", \.kid, .keyID, isRequired: true, "The key's name, which tokens carry.")
        ] + Field.secret("secret", \.secret, "What tokens of this key are signed with.")
    }
}

extension IdentityInjection: Section {
    static var fields: [Field<IdentityInjection>] {
        let value = Codec<IdentityHeader.Value>.choice
        return [
            .map(
                "headers", \.headers, names: .headers, of: .scalar(schema: value.schema),
                read: { member, reading in
                    reading.scalar(member.entry, value).map { IdentityHeader(name: member.name, value: $0) }
                },
                write: { .init(name: $0.name, value: value.write($0.value)) },
                "Header names, and what each of them carries. What a client sends under these names is removed.")
        ]
    }
}

extension Upstream: Section {
    static var fields: [Field<Upstream>] {
        let patience = TimeSpan.milliseconds(1)...TimeSpan.days(1)
        return [
            .scalars(
                "servers", \.servers, .upstreamServer, isRequired: true, "URLs of its servers, such as http://127.0.0.1:9001."),
            .optional("connect_timeout", \.connectTimeout, .duration(patience), "In the place of timeouts.upstream_connect."),
            .optional("head_timeout", \.headTimeout, .duration(patience), "In the place of timeouts.upstream_head."),
            .optional("body_timeout", \.bodyTimeout, .duration(patience), "In the place of timeouts.upstream_body."),
            .scalar(
                "idle_timeout", \.idleTimeout, .duration(.milliseconds(100)...(.hours(1))),
                "How long an unused connection is kept; set it below the server's own."),
            .scalar(
                "max_connections", \.maxConnections, .integer(1...1_000_000),
                "Connections of each worker to each server."),
        ]
    }
}

extension RouteRule: Section {
    static var fields: [Field<RouteRule>] {
        [
            .optional("host", \.host, .routeHost, "The host that the request must name; left out: every host."),
            .scalar(
                "path", \.path, .routePath, isRequired: true,
                "The path; one that ends in / matches everything below it, any other exactly itself."),
            .scalar(
                "upstream", \.upstream, .word("an upstream's name", limit: 64), isRequired: true, "The upstream that it goes to."),
            .scalars("accept", \.accept, .choice, isFilled: true, "What signs a client in here; left out: what login.allow has."),
            .scalar("access", \.access, .choice, "Who may: signed_in, or public for everybody."),
            .section("require", \.require, "What a signed-in user must have, besides."),
            .optional("max_body", \.maxBody, .bodyLimit, "In the place of limits.body."),
        ]
    }
}

extension Requirement: Section {
    static var fields: [Field<Requirement>] {
        [
            .scalars("role", \.role, .identityValue(.role, limit: IdentityValue.maxLength), "One of these roles."),
            .scalars("user", \.user, .identityValue(.username, limit: UserName.maxLength), "One of these user names."),
        ]
    }
}

extension Limits: Section {
    static var fields: [Field<Limits>] {
        [
            .scalar("request_line", \.requestLine, .size(.octets(512)...(.kibi(64))), "Octets of the request line; beyond: 414."),
            .scalar("header_bytes", \.headerBytes, .size(.kibi(1)...(.mebi(1))), "Octets of all fields together; beyond: 431."),
            .scalar("header_count", \.headerCount, .integer(10...1_000), "Fields of a request; beyond: 431."),
            .scalar(
                "body", \.body, .bodyLimit,
                "Octets of a request's body, or unlimited; beyond: 413. Bodies are streamed, not kept."),
            .scalar("login_body", \.loginBody, .size(.octets(256)...(.mebi(1))), "Octets of a sign-in's body; beyond: 413."),
            .scalar(
                "min_rate", \.minRate, .size(.octets(0)...(.mebi(1))),
                "Octets a second under which a body uses up its timeout, however steadily it drips; 0: no such rule."),
            .scalar("connections", \.connections, .integer(1...10_000_000), "Client connections in all."),
            .scalar(
                "connections_per_address", \.connectionsPerAddress, .integer(1...10_000_000),
                "Client connections from one IPv4 address or IPv6 /64; a proxy in front counts as one address."),
            .scalar(
                "requests_per_connection", \.requestsPerConnection, .integer(1...1_000_000_000),
                "Requests after which a client connection is closed."),
        ]
    }
}

extension Timeouts: Section {
    static var fields: [Field<Timeouts>] {
        let short = TimeSpan.milliseconds(100)...TimeSpan.hours(1)
        let long = TimeSpan.milliseconds(1)...TimeSpan.days(1)
        return [
            .scalar("head", \.head, .duration(short), "For a request's head, from its first octet to its last."),
            .scalar("body", \.body, .duration(short), "For a request's body, renewed as it comes at limits.min_rate or faster."),
            .scalar("idle", \.idle, .duration(short), "For the next request on a connection."),
            .scalar(
                "write", \.write, .duration(short),
                "For a client to take what it is sent, renewed as it does so at limits.min_rate or faster."),
            .scalar("upstream_connect", \.upstreamConnect, .duration(long), "For a connection to an upstream; beyond: 504."),
            .scalar("upstream_head", \.upstreamHead, .duration(long), "For the head of an upstream's response; beyond: 504."),
            .scalar("upstream_body", \.upstreamBody, .duration(long), "Between two pieces of an upstream's response."),
            .scalar(
                "drain", \.drain, .duration(.seconds(0)...(.hours(1))),
                "For requests in flight when the gateway is asked to stop, or a listener is taken away."),
            .scalar(
                "drain_idle", \.drainIdle, .duration(.seconds(0)...(.hours(1))),
                "Then, for the next request on a connection that is kept alive; at most half of drain."),
        ]
    }
}

extension Log: Section {
    static var fields: [Field<Log>] {
        [
            .scalar("level", \.level, .choice, "The least important event that is written to standard error."),
            .scalar("access", \.access, .choice, "One line for each request: json, text or off."),
            .scalar(
                "audit", \.audit, .auditPlace,
                "Where a JSON line goes for each sign-in, sign-out, refusal and change of a user: stdout, stderr, off, or a file's path."),
        ]
    }
}

extension Codec where Value == OctetCount {
    static var bodyLimit: Self { size(.octets(0)...(.gibi(1_048_576)), orUnlimited: true) }
}
