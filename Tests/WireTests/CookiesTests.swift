import Testing
import Wire

struct CookiesTests {
    func head(_ lines: [String]) throws -> RequestHead {
        let input = Buffer()
        input.append(octets("GET / HTTP/1.1\r\nHost: a\r\n" + lines.map { "Cookie: \($0)\r\n" }.joined() + "\r\n"))
        var parser = RequestParser(limits: HeadLimits())
        let head = RequestHead()
        #expect(try parser.parse(input, into: head))
        return head
    }

    static let lookups: [([String], String?)] = [
        ([], nil), ([""], nil), (["id=1"], "1"), (["a=b; id=1; c=d"], "1"), (["a=b;id=1"], "1"), (["a=b", "id=1"], "1"),
        (["id="], ""), (["id==1="], "=1="), (["\tid= 1 ; a=b"], "1"), (["id=\"1\""], "\"1\""),
        // Not our name.
        (["ID=1"], nil), (["id"], nil), (["xid=1"], nil), (["idx=1"], nil), (["\u{A0}id=1"], nil), (["\u{85}id=1"], nil), (["i d=1"], nil),
        (["a=id=1"], nil), (["=id=1"], nil), ([";;; ; =; ;"], nil), (["=1; id"], nil), (["a,id=1"], nil),
        // Odd lines around it.
        ([";;id=1;;"], "1"), (["=; id=1"], "1"), (["$Version=1; id=1"], "1"), (["a=\"b; id=1; c\""], "1"),
    ]

    @Test("rules 13 and 39: names are octets, and an odd line ends like any other", arguments: lookups)
    func finds(_ lines: [String], _ value: String?) throws {
        let head = try head(lines)
        switch Cookies.survey(head, session: octets("id"), token: octets("t")).session {
        case .none: #expect(value == nil)
        case .one(let range): #expect(text(head.bytes, range) == value)
        case .several: Issue.record("several")
        }
    }

    @Test(
        "rule 39: two cookies of one name are none of ours",
        arguments: [
            ["id=1; id=2"], ["id=1; id=1"], ["id=1", "id=2"], ["id=1; a=b; id=2; id=3"], ["id=; id=1"], ["id=1;id =2"], ["id =1"],
            ["id\t=1; a=b"],
        ])
    func several(_ lines: [String]) throws {
        #expect(Cookies.survey(try head(lines), session: octets("id"), token: octets("t")).session == .several)
        #expect(Cookies.survey(try head(lines), session: octets("t"), token: octets("id")).token == .several)
    }

    static let remainders: [([String], String?)] = [
        (["id=1"], nil), (["id=1; t=2; id=3", "t"], nil), ([], nil), ([";; ;"], nil),
        (["a=b; id=1; c=d"], "a=b; c=d"), (["id=1;a=b"], "a=b"), (["a=b", "t=1; c"], "a=b; c"), (["id = 1; a"], "a"), (["id; a; t ;b"], "a; b"),
        (["a=\"x; id=1; y\""], "a=\"x; y\""), (["ID=1; =x; idx=2"], "ID=1; =x; idx=2"),
    ]

    @Test("rule 45: our cookies do not go on; the others do", arguments: remainders)
    func removes(_ lines: [String], _ expected: String?) throws {
        let head = try head(lines)
        let out = Buffer()
        #expect(Cookies.survey(head, session: octets("id"), token: octets("t")).hasOthers == (expected != nil))
        var hasMore = false
        out.write(0) { hasMore = Cookies.append(head, without: [octets("id"), octets("t")], to: &$0) }
        #expect(hasMore == (expected != nil))
        #expect(text(rest(out)) == expected ?? "")
    }
}
