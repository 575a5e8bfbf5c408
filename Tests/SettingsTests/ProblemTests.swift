import Testing

@testable import Settings

@Suite("Problems with settings")
struct ProblemTests {
    @Test("all problems at once, in the order of the file, each with its place and key")
    func allAtOnce() {
        let text = """
            version: 1
            public_url: ftp://gate
            listen:
              - { address: localhost:8080 }
              - address: 127.0.0.1:8443
                tls: { certificate_file: tls.crt }
            sesions: {}
            sessions:
              store: mysql://db/x
              idle_timeout: 20h
              idle_timeout: 10 minutes
              cookie: __Host-id
            upstreams:
              profile: { servers: [https://10.0.0.1] }
            routes:
              - { path: /a//b, upstream: profil }
              - { upstream: profile, acess: public }
            """
        let found = problems(text).map { problem in
            guard case .file(let line, let column) = problem.origin else { return "\(problem)" }
            return "\(line):\(column) \(problem.path)"
        }
        #expect(
            found == [
                "2:13 public_url", "4:16 listen[0].address", "6:10 listen[1].tls", "7:1 sesions", "9:10 sessions.store",
                "11:3 sessions.idle_timeout", "11:17 sessions.idle_timeout", "12:11 sessions.cookie",
                "14:24 upstreams.profile.servers[0]", "16:13 routes[0].path",
                "16:30 routes[0].upstream", "17:5 routes[1].path", "17:26 routes[1].acess",
            ])
    }

    @Test("a problem reads as file, line, column, key and sentence")
    func text() {
        let found = problems(minimal + "sessions:\n  idle_timout: 5m\n").map(\.description)
        #expect(found == ["gatehouse.yaml:8:3: sessions.idle_timout: there is no such key; did you mean `idle_timeout`?"])
    }

    @Test(
        "unknown keys name the nearest one, or all there are",
        arguments: [
            ("workrs: 2", "did you mean `workers`?"), ("Workers: 2", "did you mean `workers`?"),
            ("trusted-proxies: []", "did you mean `trusted_proxies`?"), ("listne: []", "did you mean `listen`?"),
            ("identity: { header: {} }", "did you mean `headers`?"), ("log: { colour: red }", "known here: level, access"),
            ("<<: {}", "known here: version, public_url"),
        ])
    func unknownKeys(line: String, hint: String) {
        let found = problems(minimal + line)
        #expect(found.count == 1 && found[0].message.contains(hint), "\(found)")
    }

    @Test("keys that are written twice, wherever, are each named with both lines")
    func writtenTwice() {
        let found = problems(
            minimal + """
                log: { level: info, level: debug }
                workers: 1
                "workers": 2
                workers: 3
                timeouts:
                  head: 1s
                  head: 2s
                """
        ).map { "\($0.origin) \($0.path) \($0.message.suffix(7))" }
        #expect(
            found == [
                "file(line: 7, column: 21) log.level  line 7",
                "file(line: 9, column: 1) workers  line 8", "file(line: 10, column: 1) workers  line 9",
                "file(line: 13, column: 3) timeouts.head line 12",
            ], "\(found)")
    }

    @Test(
        "what is not YAML is said with its line",
        arguments: [
            ("version: 1\nlisten: [\n", 3), ("version: 1\n\tlisten: 1\n", 2), ("a: b: c\n", 1),
            ("version: 1\n---\nversion: 1\n", 2),
            ("a: *nothing\n", 1),
        ])
    func notYAML(text: String, line: Int) {
        let found = problems(text)
        #expect(found.count == 1)
        guard case .file(let found, _)? = found.first?.origin else { return #expect(Bool(false)) }
        #expect(found == line)
    }

    @Test("an empty file lacks what is required")
    func empty() {
        for text in ["", "# nothing\n", "---\n"] {
            #expect(problems(text).map(\.path) == ["public_url", "version"], "\(text)")
        }
        #expect(problems("- a list\n").map(\.path).first == "")
    }

    @Test(
        "a value of the wrong kind",
        arguments: [
            ("workers: [1]", "workers", "expected a single value, found a list"),
            ("workers:", "workers", "has no value"),
            ("listen: 127.0.0.1:80", "listen", "expected a list, such as [127.0.0.1:80]"),
            ("sessions: memory", "sessions", "expected a section of keys, found a single value"),
            ("sessions: { cookie: { a: b } }", "sessions.cookie", "expected a single value, found a section of keys"),
            ("listen: []", "listen", "at least one listener is needed"),
            ("listen: [{}]", "listen[0].address", "is required"),
        ])
    func wrongKind(line: String, path: String, message: String) {
        let found = problems(minimal + line)
        #expect(found.count == 1 && found[0].path == path && found[0].message.contains(message), "\(found)")
    }

    @Test(
        "values out of their range or form",
        arguments: [
            ("workers: 0", "workers"), ("workers: 1.5", "workers"), ("workers: -1", "workers"), ("workers: 007", "workers"),
            ("workers: ２", "workers"), ("limits: { header_count: 99999999999999999999999 }", "limits.header_count"),
            ("limits: { body: 1kb }", "limits.body"), ("limits: { body: 99999999999999999g }", "limits.body"),
            ("limits: { header_bytes: unlimited }", "limits.header_bytes"),
            ("limits: { request_line: 1k, header_bytes: 2 }", "limits.header_bytes"),
            ("limits: { request_line: 64k }", "limits.request_line"),
            ("timeouts: { head: 0s }", "timeouts.head"), ("timeouts: { head: 10 }", "timeouts.head"),
            ("timeouts: { head: 1h30m }", "timeouts.head"), ("timeouts: { head: 99999999999999999d }", "timeouts.head"),
            ("sessions: { lifetime: 4000d }", "sessions.lifetime"), ("sessions: { cookie: 'a b' }", "sessions.cookie"),
            ("sessions: { cookie: token }", "tokens.cookie"), ("sessions: { cookie: '' }", "sessions.cookie"),
            ("sessions: { lifetime: 10m }", "sessions.lifetime"),
            ("sessions: { lifetime: 1h, idle_timeout: 2h }", "sessions.idle_timeout"),
            ("sessions: { store: redis:cache }", "sessions.store"), ("sessions: { store: 'redis://cache/x' }", "sessions.store"),
            ("sessions: { store: 'redis://:0' }", "sessions.store"),
            ("sessions: { store: 'redis://a:b%zz@c' }", "sessions.store"),
            ("sessions: { store: 'redis://a,b' }", "sessions.store"), ("sessions: { store: 'redis://a?ca_file=x' }", "sessions.store"),
            ("sessions: { store: 'rediss://a?verify=no' }", "sessions.store"),
            ("sessions: { store: 'rediss://a?ca_file=' }", "sessions.store"),
            ("sessions: { store: 'rediss://a?ca_file=x&ca_file=y' }", "sessions.store"),
            ("sessions: { store: 'rediss://a?certificate_file=x' }", "sessions.store"),
            ("sessions: { store: 'rediss://a?server_name=a%2Fb' }", "sessions.store"),
            ("sessions: { store: 'redis+sentinel://a,b' }", "sessions.store"),
            ("sessions: { store: 'redis+sentinel://a,,b/m' }", "sessions.store"),
            ("sessions: { store: 'redis+sentinel://a/my%20master' }", "sessions.store"),
            ("sessions: { store: 'redis+sentinel://a/m/x' }", "sessions.store"),
            ("sessions: { store: 'redis+cluster://a/1' }", "sessions.store"), ("sessions: { store: 'redis+x://a' }", "sessions.store"),
            ("sessions: { store: 'redis://a', sentinel_password: x }", "sessions.sentinel_password"),
            ("sessions: { store: 'redis+sentinel://a/m', sentinel_username: x }", "sessions.sentinel_username"),
            ("sessions: { store: 'memory:x' }", "sessions.store"),
            ("sessions: { store: 'sqlite:' }", "sessions.store"), ("sessions: { store: 'sqlite://x.db' }", "sessions.store"),
            ("sessions: { store: 'sqlite::memory:' }", "sessions.store"), ("sessions: { store: gatehouse.db }", "sessions.store"),
            ("sessions: { password: x }", "sessions.password"),
            ("sessions: { store: 'redis://:a@c', password: x }", "sessions.password"),
            ("users: { store: 'memory:' }", "users.store"), ("users: { store: 'redis://cache' }", "users.store"),
            ("users: { store: 'mysql://db/x' }", "users.store"), ("users: { password: x }", "users.password"),
            ("users: { store: 'postgresql://u:a@db/x', password: x }", "users.password"),
            ("sessions: { store: 'postgresql://u:a@db/x', password: x }", "sessions.password"),

            ("listen: [{ address: '8080' }]", "listen[0].address"), ("listen: [{ address: ':8080' }]", "listen[0].address"),
            ("listen: [{ address: '127.0.0.1:65536' }]", "listen[0].address"),
            ("listen: [{ address: '::1:80' }]", "listen[0].address"),
            ("listen: [{ address: '[127.0.0.1]:80' }]", "listen[0].address"),
            ("listen: [{ address: '127.1:80' }]", "listen[0].address"),
            ("listen: [{ address: '127.0.0.1:1' }, { address: '0.0.0.0:1' }]", "listen[1].address"),
            ("admin: { address: 127.0.0.1:8080 }", "admin.address"), ("admin: { address: 'no' }", "admin.address"),
            ("trusted_proxies: [10.0.0.1/8]", "trusted_proxies[0]"), ("trusted_proxies: [10.0.0.0/33]", "trusted_proxies[0]"),
            ("trusted_proxies: [10.0.0/8]", "trusted_proxies[0]"), ("trusted_proxies: [proxy]", "trusted_proxies[0]"),
            ("trusted_proxies: [10.0.0.1, 10.0.0.1]", "trusted_proxies[1]"),
            ("login: { path: login }", "login.path"), ("login: { path: / }", "login.path"),
            ("login: { path: /logout }", "login.path"),
            ("login: { path: /.gatehouse/login }", "login.path"), ("login: { allow: [] }", "login.allow"),
            ("login: { issues: token, allow: [session] }", "login.issues"), ("login: { allow: [session, token] }", "login.allow"),
            ("login: { issues: sesion }", "login.issues"),
            ("login: { throttle: { per_account: 100 } }", "login.throttle.per_account"),
            ("passwords: { algorithm: md5 }", "passwords.algorithm"), ("passwords: { cost: 31 }", "passwords.cost"),
            ("passwords: { memory: 1g }", "passwords.memory"), ("log: { level: loud }", "log.level"),
            ("tokens: { secret: short }", "tokens.secret"), ("tokens: { algorithm: none }", "tokens.algorithm"),
            ("tokens: { keys: [{ kid: a }] }", "tokens.keys[0]"), ("tokens: { issuer: 'a b' }", "tokens.issuer"),
            ("tokens: { secret_file: nowhere.secret }", "tokens.secret_file"),
        ])
    func outOfRange(line: String, path: String) {
        let found = problems(minimal + line)
        #expect(found.map(\.path) == [path], "\(found)")
    }

    @Test(
        "identity headers that cannot be one",
        arguments: [
            "Connection", "content-length", "Cookie", "Via", "X-Forwarded-For", "X_User_Id", "X User", "--", "Content.Length", "",
        ])
    func identityHeaders(name: String) {
        let found = problems(minimal + "identity: { headers: { \"\(name)\": id } }")
        #expect(found.map(\.path) == ["identity.headers.\(name)"], "\(found)")
    }

    @Test("rule 2: identity headers that an upstream could confuse are refused")
    func foldedHeaders() {
        let found = problems(minimal + "identity: { headers: { X-User-Id: id, x.user.id: role } }")
        #expect(found.map(\.path) == ["identity.headers.x.user.id"], "\(found)")
    }

    @Test(
        "rule 53: a secret that is short, a public key or uniform is refused at the start",
        arguments: [
            "0123456789012345678901234567890", String(repeating: "a", count: 40),
            "-----BEGIN PUBLIC KEY-----\\nMFkwEwYHKoZIzj0CAQYI",
        ])
    func weakSecrets(secret: String) {
        let found = problems(minimal + "tokens: { secret: \"\(secret)\" }")
        #expect(found.map(\.path) == ["tokens.secret"], "\(found)")
    }

    @Test(
        "token keys that clash",
        arguments: [
            ("{ kid: a, secret_file: token.secret }, { kid: a, secret_file: second.secret }", "tokens.keys[1].kid"),
            ("{ kid: a, secret_file: token.secret }, { kid: b, secret_file: token.secret }", "tokens.keys[1]"),
            ("{ kid: a, secret_file: token.secret, secret: x }", "tokens.keys[0].secret"),
            ("{ kid: a.b, secret_file: token.secret }", "tokens.keys[0].kid"),
        ])
    func keyClashes(keys: String, path: String) throws {
        let folder = try Folder()
        let found = problems(minimal + "tokens: { keys: [\(keys)] }", folder: folder.path)
        #expect(found.map(\.path) == [path], "\(found)")
    }

    @Test("one secret and several keys at once are refused")
    func secretAndKeys() throws {
        let folder = try Folder()
        let found = problems(
            minimal + "tokens: { secret_file: token.secret, keys: [{ kid: a, secret_file: second.secret }] }", folder: folder.path
        )
        #expect(found.map(\.path) == ["tokens.keys"])
    }

    @Test(
        "routes that cannot be",
        arguments: [
            ("{ path: profile, upstream: profile }", "path"), ("{ path: /a/../b, upstream: profile }", "path"),
            ("{ path: /a/.;x/b, upstream: profile }", "path"), ("{ path: /a%2fb, upstream: profile }", "path"),
            ("{ path: /a%41, upstream: profile }", "path"), ("{ path: /a%c3%a9, upstream: profile }", "path"),
            ("{ path: /a%4, upstream: profile }", "path"), ("{ path: /é, upstream: profile }", "path"),
            ("{ path: /a?b, upstream: profile }", "path"), ("{ path: /a*, upstream: profile }", "path"),
            ("{ path: \"/a\\\\b\", upstream: profile }", "path"), ("{ path: /login, upstream: profile }", "path"),
            ("{ path: /logout, upstream: profile }", "path"), ("{ path: /.gatehouse/x, upstream: profile }", "path"),
            ("{ path: /a, upstream: other }", "upstream"), ("{ path: /a, upstream: profile, host: '*.example.com' }", "host"),
            ("{ path: /a, upstream: profile, host: 'example.com:80' }", "host"),
            ("{ path: /a, upstream: profile, host: example.com. }", "host"),
            ("{ path: /a, upstream: profile, accept: [] }", "accept"),
            ("{ path: /a, upstream: profile, accept: [token] }", "accept"),
            ("{ path: /a, upstream: profile, accept: [session, session] }", "accept[1]"),
            ("{ path: /a, upstream: profile, access: public, accept: [session] }", "accept"),
            ("{ path: /a, upstream: profile, access: public, require: { role: [admin] } }", "require"),
            ("{ path: /a, upstream: profile, access: all }", "access"), ("{ path: /profile, upstream: profile }", ""),
        ])
    func routes(route: String, key: String) {
        let found = problems(minimal + "  - \(route)")
        #expect(found.map(\.path) == [key.isEmpty ? "routes[1]" : "routes[1].\(key)"], "\(found)")
    }

    @Test("a route behind one that takes everything can never match; one for a host of its own can")
    func shadowed() {
        let tree = minimal.replacing("path: /profile", with: "path: /")
        #expect(problems(tree + "  - { path: /admin/, upstream: profile }").map(\.path) == ["routes[1]"])
        let hosts = minimal.replacing("path: /profile", with: "host: A.example, path: /")
        #expect(problems(hosts + "  - { path: /admin/, upstream: profile }").isEmpty)
        #expect(problems(hosts + "  - { host: a.example, path: /admin/, upstream: profile }").map(\.path) == ["routes[1]"])
    }

    @Test(
        "upstreams that cannot be",
        arguments: [
            ("9: { servers: [http://a] }", "9"), ("a: { servers: [] }", "a.servers"), ("a: {}", "a.servers"),
            ("a: { servers: [a:80] }", "a.servers[0]"), ("a: { servers: ['http://a/b'] }", "a.servers[0]"),
            ("a: { servers: ['http://u@a'] }", "a.servers[0]"), ("a: { servers: ['http://a:0'] }", "a.servers[0]"),
            ("a: { servers: ['http://::1'] }", "a.servers[0]"), ("a: { servers: [http://a, http://a:80] }", "a.servers[1]"),
            ("a: { servers: [http://127.0.0.1:8080] }", "a.servers[0]"),
            ("a: { servers: [http://a], idle_timeout: 1ms }", "a.idle_timeout"),
        ])
    func upstreams(line: String, path: String) {
        let found = problems(minimal.replacing("upstreams:", with: "upstreams:\n  \(line)"))
        #expect(found.map(\.path) == ["upstreams.\(path)"], "\(found)")
    }

    @Test(
        "rule 45: a faulty PostgreSQL address is refused with a sentence that says why and repeats no password",
        arguments: [
            ("postgresql:u:hunter2@h/d", "expected postgresql://"), ("postgres://u:hunter2@h", "name of a database"),
            ("postgresql://u:hunter2@h/", "name of a database"), ("postgresql://u:hunter2@h/a/b", "name of a database"),
            ("postgresql://h/d", "a user"), ("postgresql://:hunter2@h/d", "a user"), ("postgresql://h\u{0}:hunter2@h/d", "a user"),
            ("postgresql://u:hunter2%@h/d", "percent-encoded"), ("postgresql://u:hunter2%00@h/d", "percent-encoded"),
            ("postgresql://u:hunter2@/d", "host and port"), ("postgresql://u:hunter2@h:0/d", "host and port"),
            ("postgresql://u:hunter2@h:65536/d", "host and port"), ("postgresql://u:hunter2@h,/d", "host and port"),
            ("postgresql://u:hunter2@::1/d", "host and port"), ("postgresql://u:hunter2@[h]/d", "host and port"),
            ("postgresql://u:hunter2@h o/d", "host and port"), ("postgresql://u:hunter2@%2Frun%2C%2Ftmp/d", "host and port"),
            ("postgresql://u:hunter2@a,b,c,d,e/d", "at most 4"), ("postgresql://u:hunter2@h/d#x", "%23"),
            ("postgresql://u:hunter2@h/d?options=-cfoo", "these parameters: sslmode"),
            ("postgresql://u:a?hunter2@h/d", "name of a database"), ("postgresql://u/d?hunter2@h/d", "a user"),
            ("postgresql://u@h/d?hunter2=x", "these parameters"), ("postgresql://u@h/d?password=hunter2", "these parameters"),
            ("postgresql://u@h/d?service=x", "these parameters"), ("postgresql://u@h/d?sslmode=hunter2", "sslmode is one of"),
            ("postgresql://u@h/d?sslmode=", "is empty"), ("postgresql://u@h/d?target_session_attrs=standby", "is one of any"),
            ("postgresql://u@h/d?connect_timeout=0", "from 1 to 60"), ("postgresql://u@h/d?connect_timeout=1.5", "from 1 to 60"),
            ("postgresql://u@h/d?sslmode=require&sslmode=disable", "twice"),
            ("postgresql://u@h/d?application_name=a%0Ab", "percent-encoded"),
            ("postgresql://u@h/\(String(repeating: "d", count: 64))", "name of a database"),
        ])
    func postgresql(text: String, says: String) {
        for section in ["users", "sessions"] {
            let found = problems(minimal + "\(section): { store: \"\(text.replacing("\u{0}", with: "\\0"))\" }")
            #expect(found.contains { $0.path == "\(section).store" && $0.message.contains(says) }, "\(found)")
            #expect(!"\(found)".contains("hunter2"))
        }
    }

    @Test(
        "ASVS 12.3: a database over the network without a check of who answers is warned about",
        arguments: [
            ("db.example", true), ("db.example/x?sslmode=require", true), ("10.0.0.1,127.0.0.1", true),
            ("db.example/x?sslmode=verify-full", false), ("db.example/x?sslmode=verify-ca", false), ("127.0.0.1", false),
            ("localhost", false), ("[::1]", false), ("%2Frun%2Fpostgresql", false),
        ])
    func exposed(address: String, isExposed: Bool) throws {
        let url = "postgresql://gate@\(address)" + (address.contains("/") ? "" : "/x")
        let loaded = try Settings.read(
            minimal + "users: { store: \"\(url)\" }", file: "test", folder: "/nowhere", environment: [:])
        #expect(loaded.warnings.contains { $0.path == "users.store" } == isExposed)
    }
}
