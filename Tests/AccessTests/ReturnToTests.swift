import Testing

@testable import Access

@Suite struct ReturnToTests {
    @Test(
        "rule 37: a path of this site",
        arguments: [
            "/", "/profile", "/a/b/", "/a?b=c&d=/e//f", "/a?next=http://example.com/", "/@alice", "/a:b;c=d", "/%C3%A9?q=%26",
            "/a%20b", "/.well-known/x", "/...", "/" + String(repeating: "a", count: 2047),
        ])
    func taken(target: String) { #expect(ReturnTo.validated(bytes(target)) == bytes(target)) }

    @Test(
        "rule 37: anything that some reader takes for another site becomes /",
        arguments: [
            "", "profile", "//evil.example", "///evil.example", "//user@evil.example/", "https://evil.example/", "https:/evil",
            "javascript:alert(1)", #"/\evil.example"#, #"\/evil.example"#, #"\\evil.example"#, #"/a\b"#, "@evil.example",
            ".evil.example", ":80/", " /a", "/ /evil.example", "/\t/evil.example", "\t//evil.example", "/\n/evil.example",
            "/\r/evil.example", "/a\r\nSet-Cookie: a=b", "/\0", "/\u{7F}", "/é", "/a#b", "/a//evil.example", "/.//evil.example",
            "/..//evil.example", "/../a", "/a/..", "/./a", "/a/.",
            // The same after decoding, once and again
            "/%2Fevil.example", "/%2fevil.example", "%2F%2Fevil.example", "/%5Cevil.example", "/%5cevil.example",
            "/%09/evil.example", "/%0D%0ASet-Cookie:a=b", "/%00", "/%7F", "/a?x=%0d%0a", "/%2e%2e/%2Fevil", "/%2E/a",
            "/%252Fevil.example", "/%255Cevil.example", "/%25252Fevil.example", "/%2525252Fevil.example", "/%", "/%4", "/%zz",
            "/%25zz", "/" + String(repeating: "a", count: 2048),
        ])
    func refused(target: String) { #expect(ReturnTo.validated(bytes(target)) == bytes("/")) }

    @Test("rule 37: any octets give a path that begins with one slash", arguments: 0..<10)
    func anything(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let alphabet = bytes("//\\%25FfcC09aAdD@:.?# \t\r\n") + [0, 0x7F, 0xC3, 0xA9]
        for _ in 0..<2000 {
            let length = Int.random(in: 0...12, using: &random)
            let target = (0..<length).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &random)] }
            let made = ReturnTo.validated([UInt8(ascii: "/")] + target)
            #expect(made.first == UInt8(ascii: "/") && made.allSatisfy { $0 > 0x20 && $0 < 0x7F })
            #expect(made.count == 1 || (made[1] != UInt8(ascii: "/") && made[1] != UInt8(ascii: "\\")))
        }
    }
}
