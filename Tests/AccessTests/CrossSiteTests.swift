import Testing

@testable import Access

@Suite struct CrossSiteTests {
    @Test(
        "rule 36: only our own pages, and programs that are no browser, may change something",
        arguments: [
            // Origin lines, Sec-Fetch-Site lines, allowed?
            ([], [], true), (["https://a.example"], [], true), (["https://a.example"], ["same-origin"], true),
            ([], ["same-origin"], true), ([], ["none"], true), (["http://127.0.0.1:8080"], [], true),
            ([], ["cross-site"], false), ([], ["same-site"], false), ([], [""], false), ([], ["Same-Origin"], false),
            ([], ["same-origin, same-origin"], false), ([], ["same-origin", "same-origin"], false),
            (["https://a.example"], ["cross-site"], false), (["https://a.example"], ["same-site"], false),
            (["null"], [], false), (["null"], ["same-origin"], false), ([""], [], false),
            (["https://evil.example"], [], false), (["https://evil.example"], ["same-origin"], false),
            (["https://evil.example"], ["none"], false), (["http://a.example"], [], false),
            (["https://a.example:444"], [], false), (["https://a.example."], [], false), (["https://a.example/"], [], false),
            (["https://a.example.evil.example"], [], false), (["https://xa.example"], [], false),
            (["https://a.example", "https://a.example"], [], false), (["https://a.example https://evil.example"], [], false),
        ] as [([String], [String], Bool)])
    func allows(origins: [String], sites: [String], expected: Bool) {
        let own = [bytes("https://a.example"), bytes("http://127.0.0.1:8080")]
        #expect(CrossSite.allows(origins: origins.map(bytes), secFetchSites: sites.map(bytes), own: own) == expected)
    }

    @Test(
        "rule 36: JSON only as application/json, a form only as a form, and anything else is 415",
        arguments: [
            (["application/json"], .json), (["Application/JSON"], .json), (["application/json; charset=utf-8"], .json),
            (["application/json;charset=UTF-8"], .json), ([#"application/json ; charset="utf-8""#], .json),
            (["application/x-www-form-urlencoded"], .form),
            (["application/x-www-form-urlencoded;charset=UTF-8"], .form),
            ([], nil), ([""], nil), (["text/plain"], nil), (["text/plain;application/json"], nil),
            (["text/plain; application/json"], nil), (["multipart/form-data; boundary=x"], nil), (["application/jsonx"], nil),
            (["application/json, text/plain"], nil), (["application/ld+json"], nil), (["json"], nil),
            (["application/json; charset=utf-16"], nil), (["application/json; boundary=x"], nil), (["application/json;"], nil),
            (["application/json; charset=utf-8; x=y"], nil), (["application/json\u{A0}"], nil), (["application/json\u{0B}"], nil),
            (["application/\u{212A}son"], nil), (["application/json", "application/json"], nil), ([";"], nil),
        ] as [([String], BodyType?)])
    func bodyType(values: [String], expected: BodyType?) {
        #expect(BodyType(contentTypes: values.map(bytes)) == expected)
    }
}
