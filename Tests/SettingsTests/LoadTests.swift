import Testing

@testable import Settings

@Suite("Loading settings")
struct LoadTests {
    @Test("the least settings load, and everything else has its default")
    func minimalSettings() throws {
        let settings = try load(minimal)
        var expected = Settings()
        expected.upstreams = [Upstream()]
        expected.upstreams[0].name = "profile"
        expected.upstreams[0].servers = [UpstreamServer(host: "127.0.0.1", port: 9001)]
        expected.routes = [RouteRule()]
        expected.routes[0].path = "/profile"
        expected.routes[0].upstream = "profile"
        expected.routes[0].accept = [.session]
        expected.users.store = .sqlite(path: "/nowhere/gatehouse.db")
        expected.sessions.store = .sqlite(path: "/nowhere/gatehouse.db")
        expected.users.rehash = true
        #expect(settings == expected)
    }

    @Test("the defaults are the safe ones of the edge")
    func defaults() {
        let settings = Settings()
        #expect(settings.limits.requestLine == .octets(8_192))
        #expect(settings.limits.headerBytes == .octets(32_768))
        #expect(settings.limits.headerCount == 100)
        #expect(settings.limits.body == .octets(1_073_741_824))
        #expect(settings.timeouts.head == .milliseconds(10_000))
        #expect(settings.sessions.storeTimeout == .milliseconds(100))
        #expect(settings.trustedProxies.isEmpty)
        #expect(settings.routes.isEmpty)
    }

    @Test(
        "a session's store, as it is written",
        arguments: [
            ("sqlite:a.db", StoreURL.sqlite(path: "/nowhere/a.db")),
            ("sqlite:/var/lib/a.db", .sqlite(path: "/var/lib/a.db")),
            ("sqlite:///var/lib/a.db", .sqlite(path: "/var/lib/a.db")),
            ("memory:", .memory),
            ("redis://cache", .redis(.init(hosts: [.init(name: "cache", port: 6379)], database: 0))),
            ("redis://[::1]:7000/15", .redis(.init(hosts: [.init(name: "::1", port: 7000)], database: 15))),
            (
                "redis://gate:s%40cret@cache:6380/2",
                .redis(
                    .init(
                        hosts: [.init(name: "cache", port: 6380)], database: 2, username: "gate",
                        password: Secret(octets: Array("s@cret".utf8), file: nil)))
            ),
        ])
    func stores(text: String, expected: StoreURL) throws {
        #expect(try load(minimal + "sessions: { store: \"\(text)\" }").sessions.store == expected)
    }

    @Test(
        "a Redis address, as it is written and as it is printed",
        arguments: [
            ("redis://Cache", "redis://cache:6379/0"), ("rediss://cache:1/2", "rediss://cache:1/2"),
            (
                "rediss://gate@cache?ca_file=tls/ca.crt&server_name=redis.example&certificate_file=/a%20b.crt&key_file=k",
                "rediss://gate@cache:6379/0?ca_file=%2Fnowhere%2Ftls%2Fca.crt&certificate_file=%2Fa%20b.crt&key_file=%2Fnowhere%2Fk"
                    + "&server_name=redis.example"
            ),
            ("redis+sentinel://a,b:1,[::1]/my.master", "redis+sentinel://a:26379,b:1,[::1]:26379/my.master/0"),
            ("rediss+sentinel://gate@a/m/3", "rediss+sentinel://gate@a:26379/m/3"),
            ("redis+cluster://a,b:7000", "redis+cluster://a:6379,b:7000"), ("rediss+cluster://a/0", "rediss+cluster://a:6379"),
        ])
    func redis(text: String, printed: String) throws {
        #expect(try load(minimal + "sessions: { store: \"\(text)\" }").sessions.store.description == printed)
    }

    @Test("sentinels have a user and a password of their own")
    func sentinelLogin() throws {
        let sessions = try load(
            minimal + "sessions: { store: 'redis+sentinel://gate:a@s/m', sentinel_username: watch, sentinel_password: b }"
        ).sessions
        #expect(sessions.sentinelUsername == "watch")
        #expect(sessions.sentinelPassword?.octets == Array("b".utf8))
    }

    @Test(
        "a PostgreSQL address, as it is written and as it is printed",
        arguments: [
            ("postgresql://gate@db/gate", "postgresql://gate@db:5432/gate"),
            ("postgres://gate@DB.example:5433/gate", "postgresql://gate@db.example:5433/gate"),
            ("postgresql://gate@[::1]/g%20a", "postgresql://gate@[::1]:5432/g%20a"),
            ("postgresql://gate@a:1,b,[::1]:3/gate", "postgresql://gate@a:1,b:5432,[::1]:3/gate"),
            ("postgresql://gate@%2Frun%2Fpostgresql/gate", "postgresql://gate@%2Frun%2Fpostgresql:5432/gate"),
            ("postgresql://g%40te:s%2Fcret@db/gate", "postgresql://g%40te:%3Credacted%3E@db:5432/gate"),
            (
                "postgresql://gate@db/gate?connect_timeout=5&sslmode=verify-full&sslrootcert=ca.crt&application_name=a%26b",
                "postgresql://gate@db:5432/gate?sslmode=verify-full&sslrootcert=%2Fnowhere%2Fca.crt&application_name=a%26b&connect_timeout=5"
            ),
        ])
    func postgresql(text: String, printed: String) throws {
        let settings = try load(minimal + "users: { store: \"\(text)\" }\nsessions: { store: \"\(text)\" }")
        for store in [settings.users.store, settings.sessions.store] {
            guard case .postgresql(let url) = store else {
                Issue.record("\(store)")
                continue
            }
            #expect(url.description == printed)
            #expect(url.connectTimeout == (text.contains("connect_timeout") ? 5 : nil))
            #expect(url.password?.octets == (text.contains("cret") ? Array("s/cret".utf8) : nil))
        }
    }

    @Test(
        "durations",
        arguments: [
            ("1s", TimeSpan.milliseconds(1_000)), ("90s", .seconds(90)), ("15m", .minutes(15)), ("12h", .hours(12)),
            ("7d", .days(7)), ("3650d", .days(3_650)),
        ])
    func durations(text: String, expected: TimeSpan) throws {
        #expect(try load(minimal + "sessions: { lifetime: \(text), idle_timeout: 1s }").sessions.lifetime == expected)
    }

    @Test(
        "sizes",
        arguments: [
            ("0", OctetCount.octets(0)), ("500", .octets(500)), ("16k", .octets(16_384)), ("10m", .octets(10_485_760)),
            ("2g", .octets(2_147_483_648)), ("unlimited", .unlimited),
        ])
    func sizes(text: String, expected: OctetCount) throws {
        #expect(try load(minimal + "limits: { body: \(text) }").limits.body == expected)
    }

    @Test(
        "public URLs, and the origin that a browser sends",
        arguments: [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"), ("https://Gate.Example.com/", "https://gate.example.com"),
            ("https://gate.example.com:443", "https://gate.example.com"), ("http://[::1]:80", "http://[::1]"),
            ("https://gate.example.com:8443", "https://gate.example.com:8443"),
        ])
    func publicURLs(text: String, origin: String) throws {
        let settings = try load(minimal.replacing("http://127.0.0.1:8080", with: text))
        #expect(settings.publicURL.origin == origin)
        #expect(settings.publicURL.isHTTPS == text.hasPrefix("https"))
    }

    @Test("tokens are accepted and issued where a secret is configured, and nowhere else")
    func tokensFollowTheSecret() throws {
        let folder = try Folder()
        let settings = try load(minimal + "tokens: { secret_file: token.secret }", folder: folder.path)
        #expect(settings.login.allow == [.session, .token])
        #expect(settings.routes[0].accept == [.session, .token])
        // The newline at the file's end is not part of the secret.
        #expect(settings.tokens.secret?.octets == Array("0123456789abcdefghijklmnopqrstuvwxyzABCDEFG".utf8))
        #expect(settings.usesTokens)
        #expect(try !load(minimal).usesTokens)
    }

    @Test("several keys, in their order")
    func keys() throws {
        let folder = try Folder()
        let settings = try load(
            minimal + """
                tokens:
                  keys:
                    - { kid: b, secret_file: token.secret }
                    - { kid: a, secret_file: second.secret }
                """, folder: folder.path)
        #expect(settings.tokens.keys.map(\.kid) == ["b", "a"])
        #expect(settings.tokens.keys.allSatisfy { $0.secret?.octets.count == 43 })
    }

    @Test(
        "what is odd but works is a warning",
        arguments: [
            ("public_url: http://127.0.0.1:8080", "public_url: http://gate.example.com", "public_url"),
            ("routes:", "trusted_proxies: [0.0.0.0/0]\nroutes:", "trusted_proxies[0]"),
            ("routes:", "admin: { address: 0.0.0.0:9090 }\nroutes:", "admin.address"),
            ("upstreams:", "upstreams:\n  other: { servers: [http://127.0.0.1:9002] }", "upstreams.other"),
        ])
    func warned(text: String, replacement: String, path: String) throws {
        #expect(try warnings(minimal).isEmpty)
        #expect(try warnings(minimal.replacing(text, with: replacement)).map(\.path) == [path])
    }

    @Test("a file that is not there, not UTF-8, or not a file")
    func unreadable() throws {
        let folder = try Folder()
        for (path, reason) in [("\(folder.path)/none.yaml", "No such file"), (folder.path, "directory")] {
            #expect(throws: SettingsError.self) { try Settings.load(path: path, environment: [:]) }
            do throws(SettingsError) {
                _ = try Settings.load(path: path, environment: [:])
            } catch {
                #expect(error.problems.count == 1 && error.description.contains(reason), "\(error)")
            }
        }
    }

    @Test("a loaded file's relative paths start from its folder")
    func relativePaths() throws {
        let folder = try Folder()
        try folder.write("gatehouse.yaml", minimal + "tokens: { secret_file: token.secret }")
        let settings = try Settings.load(path: "\(folder.path)/gatehouse.yaml", environment: [:]).settings
        #expect(settings.users.store == .sqlite(path: "\(folder.path)/gatehouse.db"))
        #expect(settings.tokens.secret?.file == "\(folder.path)/token.secret")
    }
}
