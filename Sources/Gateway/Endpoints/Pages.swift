import Wire

/// The pages that people see: plain HTML without scripts.
enum Pages {
    /// Says what went wrong, and under which id it stands in the log.
    static func problem(_ problem: Problem, requestID: String) -> Answer {
        let title = StatusText.text(problem.status)
        let out = Buffer(capacity: 4096)
        begin(title: title, to: out)
        out.append("<p class=\"status\">")
        out.append(decimal: UInt64(max(0, problem.status)))
        out.append("</p>\n<h1>")
        out.append(title)
        out.append("</h1>\n<p>")
        HTML.append(escaped: Array(problem.detail.utf8), to: out)
        out.append("</p>\n<p class=\"id\">Request <code>")
        HTML.append(escaped: Array(requestID.utf8), to: out)
        out.append("</code></p>\n")
        return end(out, status: problem.status)
    }

    static func signIn(_ page: SignInPage, status: Int) -> Answer {
        let out = Buffer(capacity: 6144)
        begin(title: page.error == nil ? "Sign in" : "Error: Sign in", to: out)
        out.append(gate)
        out.append("<h1>Sign in</h1>\n<p>to ")
        HTML.append(escaped: page.site, to: out)
        out.append("</p>\n")
        page.appendForm(to: out)
        return end(out, status: status)
    }

    private static let gate: StaticString = """
        <svg viewBox="0 0 32 32" fill="none" stroke="currentColor" stroke-width="2.5" stroke-linecap="round" \
        stroke-linejoin="round" aria-hidden="true"><path d="M4 28V13a12 10 0 0 1 24 0v15M2 28h28M11 28V16a5 5 0 0 1 10 0v12"/></svg>

        """

    private static func begin(title: StaticString, to out: Buffer) {
        out.append("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
        out.append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>")
        out.append(title)
        out.append("</title>\n<style>")
        out.append(PageStyle.sheet)
        out.append("</style>\n</head>\n<body>\n<main>\n")
    }

    private static func end(_ out: Buffer, status: Int) -> Answer {
        out.append("</main>\n</body>\n</html>\n")
        return Answer(
            status: status, contentType: "text/html; charset=utf-8",
            body: out.array(ByteRange(offset: 0, count: out.count)),
            fields: [
                ("Content-Security-Policy", PageStyle.policy),
                ("X-Frame-Options", Array("DENY".utf8)),
                // Not `no-referrer`: with it a browser posts our own form with `Origin: null` (Fetch 3.2), which is nobody's.
                ("Referrer-Policy", Array("same-origin".utf8)),
            ])
    }
}
