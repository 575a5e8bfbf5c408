import Testing

@testable import Settings

@Suite("The environment over the file")
struct OverrideTests {
    @Test("single values, list items and named entries")
    func applied() throws {
        let settings = try load(
            minimal + "log: { level: debug }",
            environment: [
                "GATEHOUSE_WORKERS": "3", "GATEHOUSE_SESSIONS__STORE": "memory:", "GATEHOUSE_LOG__LEVEL": "error",
                "GATEHOUSE_LISTEN__0__ADDRESS": "0.0.0.0:80", "GATEHOUSE_LISTEN__1__ADDRESS": "[::]:80",
                "GATEHOUSE_UPSTREAMS__PROFILE__SERVERS__0": "http://profile:9001",
                "GATEHOUSE_UPSTREAMS__PROFILE__SERVERS__1": "http://profile2:9001",
                "GATEHOUSE_ROUTES__0__REQUIRE__ROLE__0": "admin", "GATEHOUSE_IDENTITY__HEADERS__X_USER_ID": "id",
                "PATH": "/bin", "GATEHOUSEX": "1",
            ])
        #expect(settings.workers == .exactly(3))
        #expect(settings.sessions.store == .memory)
        #expect(settings.log.level == .error)
        #expect(settings.listen.map(\.address.description) == ["0.0.0.0:80", "[::]:80"])
        #expect(settings.upstreams[0].servers.map(\.url) == ["http://profile:9001", "http://profile2:9001"])
        #expect(settings.routes[0].require.role == ["admin"])
        #expect(settings.identity.headers == [IdentityHeader(name: "X-User-Id", value: .id)])
    }

    @Test("eleven items come in the order of their numbers")
    func manyItems() throws {
        var environment: [String: String] = [:]
        for index in 0...10 { environment["GATEHOUSE_TRUSTED_PROXIES__\(index)"] = "10.0.0.\(index)" }
        #expect(try load(minimal, environment: environment).trustedProxies.map(\.address).last == "10.0.0.10")
    }

    @Test("a whole configuration can come from the environment")
    func withoutFile() throws {
        let settings = try load(
            "",
            environment: [
                "GATEHOUSE_VERSION": "1", "GATEHOUSE_PUBLIC_URL": "http://localhost:8080",
                "GATEHOUSE_UPSTREAMS__APP__SERVERS__0": "http://app:80", "GATEHOUSE_ROUTES__0__PATH": "/",
                "GATEHOUSE_ROUTES__0__UPSTREAM": "app",
            ])
        #expect(settings.upstream(named: "app")?.servers.first?.authority == "app")
    }

    @Test(
        "a name that is no key, and a value that is none, name the variable",
        arguments: [
            ("GATEHOUSE_SESSIONS__STOR", "memory:", "there is no key `stor` in sessions; did you mean `store`?"),
            ("GATEHOUSE_SESION__STORE", "memory:", "there is no key `sesion`; did you mean `sessions`?"),
            ("GATEHOUSE_SESSIONS", "memory:", "sessions is no single value"),
            ("GATEHOUSE_WORKERS__0", "1", "workers is a single value and has no keys"),
            ("GATEHOUSE_LISTEN__X__ADDRESS", "1", "`X` is no index of the list listen"),
            ("GATEHOUSE_LISTEN__7__ADDRESS", "1", "the next one has the index 0"),
            ("GATEHOUSE_LISTEN__0__TLS__KEY_FILE", "1", "is not available in this version"),
            ("GATEHOUSE_WORKERS", "many", "workers: expected auto or a whole number"),
            ("GATEHOUSE_WORKERS", "", "workers: expected auto or a whole number"),
            ("GATEHOUSE_", "", "there is no key ``"),
        ])
    func refused(name: String, value: String, message: String) {
        let found = problems(minimal, environment: [name: value])
        #expect(found.count == 1, "\(found)")
        #expect(found.first?.description.hasPrefix("\(name): ") == true)
        #expect(found.first?.description.contains(message) == true, "\(found)")
    }

    @Test(
        "what Kubernetes sets for a service of our name is no setting",
        arguments: [
            "GATEHOUSE_SERVICE_HOST", "GATEHOUSE_SERVICE_PORT", "GATEHOUSE_SERVICE_PORT_HTTP", "GATEHOUSE_PORT",
            "GATEHOUSE_PORT_8080_TCP", "GATEHOUSE_PORT_8080_TCP_ADDR",
        ])
    func serviceLinks(name: String) {
        #expect(problems(minimal, environment: [name: "tcp://10.0.0.1:8080"]).isEmpty)
    }

    @Test("the file's problems come first, then the environment's")
    func order() {
        let found = problems("version: 2", environment: ["GATEHOUSE_A": "1", "GATEHOUSE_WORKERS": "x"])
        #expect(
            found.map { "\($0.description.prefix(15))" } == [
                "gatehouse.yaml:", "gatehouse.yaml:", "GATEHOUSE_A: th", "GATEHOUSE_WORKE",
            ])
    }
}
