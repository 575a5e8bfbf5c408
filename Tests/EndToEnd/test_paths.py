"""One path: what was judged is what is sent, and what readers disagree on is refused (rules 9 to 11)."""

import pytest

from harness.wire import request

# As the client writes it: as the upstream gets it.
CANONICAL = {
    "/open/": "/open/", "/open/a": "/open/a", "/open/a/": "/open/a/", "/open/%61": "/open/a", "/open/%41%7A%30": "/open/Az0",
    "/%6fpen/a": "/open/a", "/%6Fpen/a": "/open/a", "/open/%7e%2d%2E%5fx": "/open/~-._x", "/open/./a": "/open/a", "/open/a/.": "/open/a/",
    "/./open/a": "/open/a", "//open/a": "/open/a", "/open//a": "/open/a", "/open///a//": "/open/a/", "/open/%3a": "/open/%3A",
    "/open/%c3%a9": "/open/%C3%A9", "/open/%e2%82%ac": "/open/%E2%82%AC", "/open/%F0%9f%98%80": "/open/%F0%9F%98%80", "/open/%20": "/open/%20",
    "/open/%25": "/open/%25", "/open/%252e%252e/": "/open/%252e%252e/", "/open/a:b@c!$&'()*+,;=": "/open/a:b@c!$&'()*+,;=",
    "/open/%3Fx": "/open/%3Fx", "/open/%23x": "/open/%23x", "/open/...": "/open/...", "/open/..a": "/open/..a", "/open/a..": "/open/a..",
    "/open/.a": "/open/.a", "/open/a;b=c": "/open/a;b=c", "/exact": "/exact", "/%65xact": "/exact", "/./exact": "/exact",
}

REFUSED = [
    "/open/..", "/open/../", "/open/../admin", "/open/a/../b", "/..", "/../open/", "/open/a/..", "/open/..;/admin/", "/open/..;x=y/admin/",
    "/open/a/..;", "/open/%2e%2e/", "/open/%2E%2e/admin/", "/open/.%2e/", "/open/%2e./", "/open/%2e%2e;/", "/open/%2e/", "/open/%2E", "/%2e%2e/",
    "/open/%2f", "/open/%2F..%2Fadmin", "/open%2fa", "/open/%5c", "/open/%5C..", "/open\\a", "/open/..\\admin", "/open/%00", "/open/a%00b", "/open/%01", "/open/%0a",
    "/open/%0d%0aX:y", "/open/%1f", "/open/%7f", "/open/%09", "/open/%", "/open/%4", "/open/%zz", "/open/%g0", "/open/%u0041", "/open/a%",
    "/open/%c0%ae", "/open/%c1%9c", "/open/%e0%80%af", "/open/%e0%9f%bf", "/open/%f0%80%80%af", "/open/%f0%8f%bf%bf", "/open/%C0%2F", "/open/#", "/open/a#b",
    "/open/\x7f", "/open/\xe9", "/open/a\x01",
]

QUERIES = ["a=b", "a=%2f..%2f", "a=/../", "%00", "a=b?c=d", "a=%zz", "", "&&&", "a[]=1&b{}=|^`", "redirect=http://x/y//z", "a='<>\"", "/./%2e"]


@pytest.mark.parametrize("path, sent", CANONICAL.items(), ids=list(CANONICAL))
def test_judged_is_sent(site, path, sent):
    nonce = site.nonce()
    assert site.ask("GET", f"{path}?n={nonce}").status == 200
    assert site.recorder.one(nonce).target == f"{sent}?n={nonce}"


@pytest.mark.parametrize("path", REFUSED)
@pytest.mark.parametrize("form", ["origin", "absolute"])
def test_refused(site, path, form):
    nonce = site.nonce(forwarded="never")
    target, _, fragment = path.partition("#")
    target = f"{target}?n={nonce}" + (f"#{fragment}" if "#" in path else "")
    with site.client() as client:
        client.send(request("GET", ("http://gate.test" if form == "absolute" else "") + target))
        assert client.response().status == 400


@pytest.mark.parametrize("query", QUERIES)
def test_the_query_is_not_touched(site, query):
    nonce = site.nonce()
    answer = site.ask("GET", f"/open/?n={nonce}&{query}")
    assert answer.status == 200, answer
    assert site.recorder.one(nonce).target == f"/open/?n={nonce}&{query}"


@pytest.mark.parametrize("path, status", [
    ("/app/", 401), ("/app", 404), ("/app/x", 401), ("/%61pp/x", 401), ("//app/x", 401), ("/./app/x", 401), ("/APP/x", 404), ("/open", 404), ("/opening/", 404),
    ("/exact/", 404), ("/exactly", 404), ("/exact/x", 404), ("/profile", 401), ("/profile/", 404), ("/profile/x", 404), ("/", 404), ("/nowhere", 404),
    ("/app/?/open/", 401), ("/app/;/open/", 401), ("/nowhere?/open/", 404), ("/open%3f/", 404),
])
def test_judged_as_what_it_is(site, path, status):
    """Rule 10: routes are matched on the path alone; an open one opens nothing beside it."""
    nonce = site.nonce(forwarded="never")
    separator = "&" if "?" in path else "?"
    assert site.ask("GET", f"{path}{separator}n={nonce}").status == status


@pytest.mark.parametrize("host", ["admin.example.com", "ADMIN.Example.COM", "admin.example.com:8080", "admin.example.com.", "Admin.example.com.:80"])
def test_host_is_compared_once_for_all(site, host):
    """Rule 11: case, port and one trailing dot make no other host."""
    nonce = site.nonce(forwarded="never")
    assert site.ask("GET", f"/x?n={nonce}", host=host).status == 401
    nonce = site.nonce(forwarded="never")
    assert site.ask("GET", f"/x?n={nonce}", [("Cookie", site.credential("alice"))], host=host).status == 403
    nonce = site.nonce("103")
    assert site.ask("GET", f"/x?n={nonce}", [("Cookie", site.credential("carol"))], host=host).status == 200


@pytest.mark.parametrize("host", ["admin.example.com.evil.test", "xadmin.example.com", "example.com", "admin.example.co", "admin_example.com"])
def test_another_host_is_another(site, host):
    nonce = site.nonce(forwarded="never")
    assert site.ask("GET", f"/x?n={nonce}", [("Cookie", site.credential("carol"))], host=host).status == 404


def test_absolute_form_decides_the_host(site):
    nonce = site.nonce("103")
    answer = site.ask("GET", f"http://admin.example.com/x?n={nonce}", [("Cookie", site.credential("carol"))], host="admin.example.com")
    assert answer.status == 200
