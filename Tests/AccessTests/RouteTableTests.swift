import Testing

@testable import Access

@Suite struct RouteTableTests {
    private func table(_ routes: [(host: String?, path: String)]) throws -> RouteTable {
        RouteTable(
            routes: try routes.enumerated().map { index, route in
                try Route(index: index, host: route.host.map(bytes), path: bytes(route.path), upstream: "u")
            })
    }

    @Test(
        "rule 10: a path matches exactly, or whole segments below a tree",
        arguments: [
            ("/profile", 0), ("/profile/", nil), ("/profile/x", nil), ("/profilex", nil), ("/Profile", nil),
            ("/public/", 1), ("/public/a", 1), ("/public/a/b", 1), ("/public", nil), ("/publicx", nil),
            ("/publi", nil), ("/", nil), ("", nil), ("public/", nil),
        ] as [(String, Int?)])
    func paths(path: String, expected: Int?) throws {
        let table = try table([(nil, "/profile"), (nil, "/public/")])
        #expect(table.match(host: bytes("example.com"), path: bytes(path)) == expected)
    }

    @Test(
        "rule 11: a host is compared without case, port and one dot at the end",
        arguments: [
            ("admin.example.com", true), ("ADMIN.Example.COM", true), ("admin.example.com:8443", true),
            ("admin.example.com.", true), ("Admin.example.com.:80", true), ("admin.example.com..", false),
            ("admin.example.com.evil", false), ("xadmin.example.com", false), ("admin.example.co", false), ("", false),
            (":80", false), (".", false),
            // U+212A is a K to Unicode, and not to DNS.
            ("admin.example.\u{212A}om", false),
        ])
    func hosts(host: String, matches: Bool) throws {
        let table = try table([("Admin.Example.com", "/")])
        #expect((table.match(host: bytes(host), path: bytes("/x")) == 0) == matches)
    }

    @Test(arguments: ["[::1]", "[::1]:8080", "[::1"])
    func addressLiterals(host: String) throws {
        #expect(try (table([("[::1]", "/")]).match(host: bytes(host), path: bytes("/")) == 0) == (host != "[::1"))
    }

    @Test("rule 10: the first match wins, and what matches nothing has no route")
    func order() throws {
        let table = try table([("a", "/x"), (nil, "/x"), (nil, "/x/"), ("a", "/")])
        #expect(table.match(host: bytes("a"), path: bytes("/x")) == 0)
        #expect(table.match(host: bytes("b"), path: bytes("/x")) == 1)
        #expect(table.match(host: bytes("b"), path: bytes("/x/y")) == 2)
        #expect(table.match(host: bytes("a"), path: bytes("/y")) == 3)
        #expect(table.match(host: bytes("b"), path: bytes("/y")) == nil)
        #expect(RouteTable(routes: []).match(host: [], path: bytes("/")) == nil)
    }

    @Test func explain() throws {
        let table = try table([("other", "/x"), (nil, "/y"), (nil, "/x/"), (nil, "/x"), (nil, "/"), (nil, "/x")])
        #expect(
            table.explain(host: bytes("h"), path: bytes("/x"))
                == [.otherHost, .otherPath, .bareNameOfTree, .matches, .shadowed(by: 3), .shadowed(by: 3)])
        #expect(
            table.explain(host: bytes("h"), path: bytes("/x/y"))
                == [.otherHost, .otherPath, .matches, .belowExactPath, .shadowed(by: 2), .belowExactPath])
    }

    @Test("explain and match never differ", arguments: 0..<10)
    func explainAgrees(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let paths = ["/", "/a", "/a/", "/a/b", "/a/b/", "/b"]
        let hosts = [nil, "h", "i"] as [String?]
        for _ in 0..<200 {
            let table = try table(
                (0..<4).map { _ in (hosts.randomElement(using: &random) ?? nil, paths.randomElement(using: &random) ?? "/") })
            let host = bytes(["h", "H:1", "i.", "j"].randomElement(using: &random) ?? "")
            let path = bytes(paths.randomElement(using: &random) ?? "/")
            #expect(table.explain(host: host, path: path).firstIndex(of: .matches) == table.match(host: host, path: path))
        }
    }

    @Test(
        "rule 9: a route whose path is not in the canonical form is refused, for it would match nothing",
        arguments: [
            ("", .pathNotAbsolute), ("x", .pathNotAbsolute), ("/a b", .pathNotPrintable), ("/é", .pathNotPrintable),
            ("/a?b", .pathWithQuery), ("/a#b", .pathWithQuery), (#"/a\b"#, .pathWithQuery), ("//", .pathNotCanonical),
            ("/a//b", .pathNotCanonical), ("/a/../b", .pathNotCanonical), ("/a/.", .pathNotCanonical),
            ("/%61", .pathNotCanonical), ("/%c3%a9", .pathNotCanonical), ("/%2F", .pathNotCanonical),
            ("/%5C", .pathNotCanonical), ("/%00", .pathNotCanonical), ("/%", .pathNotCanonical), ("/%4", .pathNotCanonical),
            ("/%zz", .pathNotCanonical),
        ] as [(String, RouteError)])
    func refusedPaths(path: String, error: RouteError) {
        #expect(throws: error) { try Route(index: 0, path: bytes(path), upstream: "u") }
    }

    @Test(arguments: ["/", "/a", "/a/b/", "/%C3%A9", "/a%20b", "/a:b@c;d", "/...", "/.well-known/x"])
    func takenPaths(path: String) throws {
        #expect(try Route(index: 0, path: bytes(path), upstream: "u").path == bytes(path))
    }

    @Test(
        arguments: [
            ("", .hostNotBare), ("a:80", .hostNotBare), ("a.", .hostNotBare), ("bücher.example", .hostNotASCII),
            ("a b", .hostNotASCII), ("*.a", .hostNotASCII),
        ] as [(String, RouteError)])
    func refusedHosts(host: String, error: RouteError) {
        #expect(throws: error) { try Route(index: 0, host: bytes(host), path: bytes("/"), upstream: "u") }
    }

    @Test("a route that could protect nothing, or let nobody pass, is refused")
    func contradictions() {
        #expect(throws: RouteError.acceptsNothing) { try Route(index: 0, path: bytes("/"), upstream: "u", accepts: []) }
        #expect(throws: RouteError.publicWithRequirement) {
            try Route(
                index: 0, path: bytes("/"), upstream: "u", access: .public, policy: Policy(roles: [bytes("admin")]))
        }
    }
}
