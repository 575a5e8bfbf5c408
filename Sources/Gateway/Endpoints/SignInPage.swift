import Wire

/// What the sign-in page shows. All of it is escaped; the password is never among it.
struct SignInPage {
    /// Where one signs in, as the address bar has it.
    var site: [UInt8]
    /// The path that the form goes to.
    var path: [UInt8]
    /// The kind of credential asked for when it is not the one that comes by itself.
    var issue: StaticString?
    /// Validated already.
    var returnTo: [UInt8]
    /// As it was typed.
    var username: [UInt8] = []
    /// Why the last attempt failed.
    var error: [UInt8]?

    func appendForm(to out: Buffer) {
        if let error {
            out.append("<p class=\"alert\" role=\"alert\" id=\"error\">")
            HTML.append(escaped: error, to: out)
            out.append("</p>\n")
        }
        out.append("<form method=\"post\" action=\"")
        HTML.append(escaped: path, to: out)
        if let issue {
            out.append("?issue=")
            out.append(issue)
        }
        out.append("\">\n<input type=\"hidden\" name=\"return_to\" value=\"")
        HTML.append(escaped: returnTo, to: out)
        out.append("\">\n<label for=\"username\">User name</label>\n<input id=\"username\" name=\"username\" type=\"text\" value=\"")
        HTML.append(escaped: username, to: out)
        out.append("\" autocomplete=\"username\" autocapitalize=\"none\" autocorrect=\"off\" spellcheck=\"false\" required")
        appendState(isNext: username.isEmpty, to: out)
        out.append("<label for=\"password\">Password</label>\n<input id=\"password\" name=\"password\" type=\"password\"")
        out.append(" autocomplete=\"current-password\" required")
        appendState(isNext: !username.isEmpty, to: out)
        out.append("<button type=\"submit\">Sign in</button>\n</form>\n")
    }

    /// Ends a field: tied to the error, and with the focus when it is the one to fill in next.
    private func appendState(isNext: Bool, to out: Buffer) {
        if error != nil { out.append(" aria-describedby=\"error\"") }
        if isNext { out.append(" autofocus") }
        out.append(">\n")
    }
}
