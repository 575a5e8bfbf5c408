import Secrets
import Testing
import Wire

@testable import Gateway

@Suite("Pages")
struct PagesTests {
    static let attack = #""><script>alert('1')</script>&<b a="#

    private func field(_ answer: Answer, _ name: String) -> String? {
        answer.fields.first { $0.name.description == name }.map { String(decoding: $0.value, as: UTF8.self) }
    }

    private func text(_ answer: Answer) -> String { String(decoding: answer.body, as: UTF8.self) }

    @Test(
        "Text is only text",
        arguments: [
            (bytes("a&b<c>d\"e'f"), "a&amp;b&lt;c&gt;d&quot;e&#39;f"), (bytes("añ€😀"), "añ€😀"), ([0x61, 0xFF, 0x62], "a\u{FFFD}b"),
            ([0x00, 0x1B, 0x7F], "\u{FFFD}\u{FFFD}\u{FFFD}"), ([0xC0, 0xBC], "\u{FFFD}\u{FFFD}"), (bytes("a\tb\nc"), "a\tb\nc"),
        ] as [([UInt8], String)])
    func escaping(_ raw: [UInt8], _ escaped: String) {
        let out = Buffer()
        HTML.append(escaped: raw, to: out)
        #expect(out.array(ByteRange(offset: 0, count: out.count)) == bytes(escaped))
    }

    @Test("Nothing that comes from outside becomes markup on the sign-in page")
    func signInEscapes() {
        let hostile = bytes(PagesTests.attack)
        let page = SignInPage(site: hostile, path: hostile, issue: nil, returnTo: hostile, username: hostile, error: hostile)
        let html = text(Pages.signIn(page, status: 401))
        #expect(!html.contains("<script"))
        #expect(!html.contains("<b a"))
        #expect(html.components(of: "&lt;script&gt;") == 5)
    }

    @Test("Nor on the page of a problem")
    func problemEscapes() {
        let html = text(Pages.problem(Problem(404, PagesTests.attack), requestID: "abc"))
        #expect(!html.contains("<script"))
        #expect(html.contains("<p class=\"status\">404</p>"))
        #expect(html.contains("<h1>Not Found</h1>"))
        #expect(html.contains("Request <code>abc</code>"))
    }

    @Test("The policy allows the page's own sheet by its digest, and no script, frame or foreign form")
    func policy() throws {
        let answer = Pages.problem(Problem(404, "x"), requestID: "y")
        let html = text(answer)
        let start = try #require(html.firstRange(of: "<style>")).upperBound
        let end = try #require(html.firstRange(of: "</style>")).lowerBound
        let digest = SHA256Digest(of: bytes(String(html[start..<end]))).bytes
        let alphabet = bytes("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        var base64: [UInt8] = []
        for start in stride(from: 0, to: 32, by: 3) {
            let word = (0..<3).reduce(0) { $0 << 8 | (start + $1 < 32 ? Int(digest[start + $1]) : 0) }
            for shift in [18, 12, 6, 0] { base64.append(alphabet[word >> shift & 63]) }
        }
        base64[43] = UInt8(ascii: "=")
        #expect(
            field(answer, "Content-Security-Policy")
                == "default-src 'none'; style-src 'sha256-\(String(decoding: base64, as: UTF8.self))'; form-action 'self'; "
                + "frame-ancestors 'none'; base-uri 'none'")
        #expect(field(answer, "X-Frame-Options") == "DENY")
        // `no-referrer` would turn the Origin of our own form into `null`.
        #expect(field(answer, "Referrer-Policy") == "same-origin")
        #expect(!html.contains("style=\""))
    }

    @Test("A page without an error has no alert; one with an error ties both fields to it")
    func alert() {
        var page = SignInPage(site: bytes("s"), path: bytes("/login"), issue: nil, returnTo: bytes("/"))
        let calm = text(Pages.signIn(page, status: 200))
        #expect(!calm.contains("role=\"alert\""))
        #expect(calm.contains("autocomplete=\"username\""))
        #expect(calm.contains("autocomplete=\"current-password\""))
        #expect(calm.contains("name=\"viewport\""))
        page.error = bytes("No.")
        page.issue = "token"
        let failed = text(Pages.signIn(page, status: 401))
        #expect(failed.contains("role=\"alert\" id=\"error\">No.</p>"))
        #expect(failed.components(of: "aria-describedby=\"error\"") == 2)
        #expect(failed.contains("action=\"/login?issue=token\""))
    }
}

extension String {
    /// How often `part` stands in this.
    func components(of part: String) -> Int { ranges(of: part).count }
}
