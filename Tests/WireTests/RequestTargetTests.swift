import Testing
import Wire

struct RequestTargetTests {
    static let canonical: [(String, String)] = [
        ("/", "/"), ("/a/b", "/a/b"), ("/a/b/", "/a/b/"), ("//", "/"), ("//a", "/a"), ("/a//b///c", "/a/b/c"),
        ("/./a", "/a"), ("/a/./b", "/a/b"), ("/a/.", "/a/"), ("/.", "/"), ("/././.", "/"), ("/a/.//./b", "/a/b"),
        ("/%61", "/a"), ("/%41%5a%30%39%2D%5f%7E", "/AZ09-_~"), ("/a%2eb", "/a.b"), ("/%2Ehidden", "/.hidden"), ("/.hidden", "/.hidden"),
        ("/...", "/..."), ("/a..b", "/a..b"), ("/a..", "/a.."), ("/..a", "/..a"), ("/.a;b", "/.a;b"), ("/a;b=..", "/a;b=.."),
        ("/%3a%2b", "/%3A%2B"), ("/%e2%82%ac", "/%E2%82%AC"), ("/%25", "/%25"), ("/%252e%252e", "/%252e%252e"), ("/a%3Fb%23", "/a%3Fb%23"),
        ("/%20", "/%20"), ("/%e0%a0%80", "/%E0%A0%80"), ("/%f0%90%80%80", "/%F0%90%80%80"), ("/%F0", "/%F0"), ("/%e0x", "/%E0x"),
        ("/~!$&'()*+,;=:@-._", "/~!$&'()*+,;=:@-._"), ("/a?", "/a?"), ("/a?b?c=/../%2F%zz\\", "/a?b?c=/../%2F%zz\\"), ("/%61?%61", "/a?%61"),
        ("/.?x", "/?x"),
    ]

    @Test("rule 9: a path has one form, and that form is its own canonical form", arguments: canonical)
    func canonicalForm(_ target: String, _ expected: String) throws {
        for prefix in ["", "http://a"] {
            for target in [target, expected] {
                let outcome = try #require(always(octets("GET \(prefix)\(target) HTTP/1.1\r\nHost: a\r\n\r\n")) { request($0, $1) })
                let head = try #require(outcome.head, "\(outcome)")
                #expect(head.path + (head.query.map { "?" + $0 } ?? "") == expected)
            }
        }
    }

    static let refused: [(String, WireError.Reason)] = [
        ("/..", .pathDotSegment), ("/../a", .pathDotSegment), ("/a/../b", .pathDotSegment), ("/a/..", .pathDotSegment),
        ("/a/%2e%2e/b", .pathDotSegment), ("/a/.%2E/b", .pathDotSegment), ("/a/%2e./b", .pathDotSegment), ("/%2e/a", .pathDotSegment),
        ("/a/%2e", .pathDotSegment), ("/a/..;x/b", .pathDotSegment), ("/..;", .pathDotSegment), ("/..%3b/a", .pathDotSegment),
        ("/.;x/a", .pathDotSegment), ("/%2e%2e;x", .pathDotSegment), ("/a/..?x", .pathDotSegment), ("/a//../b", .pathDotSegment),
        ("/a%2fb", .pathEncodedSeparator), ("/a%2Fb", .pathEncodedSeparator), ("/a%5cb", .pathEncodedSeparator),
        ("/%5C", .pathEncodedSeparator),
        ("/..%2f", .pathEncodedSeparator), ("/a%00", .pathEncodedControl), ("/a%0d%0aX", .pathEncodedControl), ("/%1F", .pathEncodedControl),
        ("/%7f", .pathEncodedControl), ("/%09", .pathEncodedControl), ("/a\\b", .pathBackslash), ("/\\", .pathBackslash),
        ("/%", .pathEscape), ("/%a", .pathEscape), ("/%zz", .pathEscape), ("/%4", .pathEscape), ("/%%41", .pathEscape), ("/%4?1", .pathEscape),
        ("/a#b", .targetFragment), ("/#", .targetFragment), ("/a?b#c", .targetFragment), ("/%61?#", .targetFragment),
        ("/%c0%af", .pathOverlong), ("/%c1%81", .pathOverlong), ("/%e0%80%af", .pathOverlong), ("/%E0%9f%bf", .pathOverlong),
        ("/%f0%80%80%af", .pathOverlong), ("/%f0%8f%bf%bf", .pathOverlong),
        ("/\u{E4}", .invalidTarget), ("/a\u{0}", .invalidTarget), ("/a\u{7F}", .invalidTarget), ("/a?\u{80}", .invalidTarget),
    ]

    @Test("rule 9: a path that two servers may read differently is refused", arguments: refused)
    func refusesPath(_ target: String, _ reason: WireError.Reason) {
        for prefix in ["", "http://a"] {
            #expect(always(octets("GET \(prefix)\(target) HTTP/1.1\r\nHost: a\r\n\r\n")) { request($0, $1) }?.reason == reason)
        }
    }
}
