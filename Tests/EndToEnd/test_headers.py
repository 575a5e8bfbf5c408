"""The header policy: what the upstream is told about the client, and that no client can say it (rules 1 to 7)."""

import re

import pytest

from harness.wire import chunked, request

IDENTITY = ("X-User-Id", "X-User-Name", "X-User-Role")


def folded(name):
    """As the most careless reader folds a name: CGI, WSGI, PHP."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


# Thirty and more spellings of three names.
SPELLINGS = [
    "X-User-Id", "x-user-id", "X-USER-ID", "X-User-ID", "x-UsEr-Id", "X_User_Id", "x_user_id", "X_USER_ID", "X-User_Id", "X_User-Id", "X.User.Id", "x.user.id",
    "X-User.Id", "X.User-Id", "XUserId", "xuserid", "X--User--Id", "X__User__Id", "X-User-Id-", "X-User-Id_", "-X-User-Id", "_X-User-Id", "X'User'Id", "X!User!Id",
    "X~User~Id", "X+User+Id", "X*User*Id", "X#User#Id", "X$User$Id", "X%User%Id", "X&User&Id", "X^User^Id", "X`User`Id", "X|User|Id", "X-User-Name", "x_user_name",
    "X.USER.NAME", "X-User-Role", "x_user_role", "XUSERROLE", "x-user.role", "X_USER-ROLE",
]


def identity_lines(seen):
    """Every field line of the upstream's head whose name folds to one of ours."""
    ours = {folded(name) for name in IDENTITY}
    return [(name, value) for name, value in seen.fields.pairs if folded(name) in ours]


SIGNED_IN = [("X-User-Id", "101"), ("X-User-Name", "alice"), ("X-User-Role", "user")]


def ways(site):
    """(path, credential fields, who, what the upstream has to see)."""
    return {
        "session": ("/app/", [("Cookie", site.credential("alice"))], "101", SIGNED_IN),
        "token": ("/app/", [("Authorization", "Bearer " + site.credential("alice", "token").split("=", 1)[1])], "101", SIGNED_IN),
        "public": ("/open/", [], None, []),
    }


def send(site, way, fields, method="GET", body=None):
    path, credential, user, expected = ways(site)[way]
    nonce = site.nonce(user)
    answer = site.ask(method, f"{path}?n={nonce}", [*credential, *fields], body)
    assert answer.status == 200, answer
    seen = site.recorder.one(nonce)
    assert sorted(identity_lines(seen)) == sorted(expected), seen.raw_head
    return seen


@pytest.mark.parametrize("way", ["session", "token", "public"])
@pytest.mark.parametrize("name", SPELLINGS)
def test_spoofed_name(site, way, name):
    """Rules 1, 2 and 4."""
    send(site, way, [(name, "999")])


@pytest.mark.parametrize("way", ["session", "token", "public"])
@pytest.mark.parametrize("fields", [
    [("X-User-Id", "999")] * 5,
    [(name, "999") for name in SPELLINGS],
    [("X-User-Id", "")], [("X-User-Id", "101, 999")], [("x-user-id", "999"), ("X-User-Role", "admin"), ("X_User_Name", "root")],
    [("Connection", "X-User-Id")], [("Connection", "x-user-id, X-User-Name, X-User-Role")], [("Connection", "close, X-User-Role")],
    [("Connection", "X-User-Id"), ("Connection", "X-User-Name")], [("Connection", "X-User-Id"), ("X-User-Id", "999")],
    [("Keep-Alive", "X-User-Id"), ("Proxy-Connection", "X-User-Id")],
    [("X-Forwarded-User", "root"), ("Remote-User", "root"), ("X-Original-URL", "/admin/"), ("X-Rewrite-URL", "/admin/"), ("X-HTTP-Method-Override", "DELETE")],
], ids=["five", "all", "empty", "list", "three", "Connection", "Connection all", "Connection one", "two Connections", "Connection and spoof", "hop-by-hop", "cousins"])
def test_spoofed_otherwise(site, way, fields):
    """Rule 3: nothing the client names can remove ours."""
    send(site, way, fields)


@pytest.mark.parametrize("way", ["session", "public"])
@pytest.mark.parametrize("name", ["X-User-Id", "x_user_id", "X.User.Role", "Content-Length", "Transfer-Encoding", "Host", "Authorization", "Cookie"])
def test_spoofed_trailer(site, way, name):
    """Rule 7: a trailer never becomes a header, and ours is in no trailer."""
    path, credential, user, expected = ways(site)[way]
    nonce = site.nonce(user)
    head = request("POST", f"{path}?n={nonce}", [*credential, ("Transfer-Encoding", "chunked"), ("Trailer", name)])
    with site.client() as client:
        answer = client.ask(head + chunked(b"x", trailers=[(name, "999")]))
    if answer.status == 400:
        site.ledger.expect(nonce, "maybe")
        assert all(seen.body_digest is None for seen in site.recorder.seen(nonce))
        return
    assert answer.status == 200
    seen = site.recorder.one(nonce)
    assert sorted(identity_lines(seen)) == sorted(expected)
    assert not [value for value in seen.fields.all(name) if "999" in value]
    assert folded(name) not in [folded(other) for other, _ in seen.trailers.pairs]


def test_nothing_of_the_last_one_is_left(site):
    """One connection, one upstream connection: alice, nobody, bob, and each is only who they are."""
    with site.client() as client:
        for cookie, user in [(site.credential("alice"), "101"), (None, None), (site.credential("bob"), "102"), (None, None), (site.credential("carol"), "103")] * 3:
            nonce = site.nonce(user)
            fields = [("Cookie", cookie)] if cookie else []
            answer = client.ask(request("GET", ("/app/" if cookie else "/open/") + f"?n={nonce}", fields))
            assert answer.status == 200 and answer.json()["user"] == user


def test_a_public_route_stays_without_identity_even_when_signed_in(site):
    """Either nobody or the one who signed in, but then in full; the cookie does not go on in any case."""
    nonce = site.nonce()
    answer = site.ask("GET", f"/open/?n={nonce}", [("Cookie", site.credential("alice"))])
    assert answer.status == 200
    assert "SESS_" not in site.recorder.one(nonce).raw_head.decode("latin-1")


HOP_BY_HOP = [
    ("Connection", "keep-alive, X-Private"), ("X-Private", "1"), ("Keep-Alive", "timeout=5"), ("Proxy-Connection", "keep-alive"), ("TE", "trailers, gzip"),
    ("Proxy-Authorization", "Basic eA=="), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABkAAQAoAAAAAIAAAAA"),
]


def test_hop_by_hop_ends_here(site):
    seen = send(site, "public", HOP_BY_HOP)
    for name in ("X-Private", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Upgrade", "HTTP2-Settings"):
        assert name not in seen.fields, name
    assert seen.fields.all("TE") in ([], ["trailers"])
    assert all("private" not in value.lower() for value in seen.fields.all("Connection"))


def test_a_token_of_ours_ends_here_on_every_route(site):
    """Rule 45: an upstream that gets it could use it again; any other bearer is the upstream's business."""
    token = site.credential("alice", "token").split("=", 1)[1]
    for bearer, goes_on in ((token, False), (token.rsplit(".", 1)[0] + "." + "A" * 43, True), ("of.somebody.else", True)):
        nonce = site.nonce()
        assert site.ask("GET", f"/open/?n={nonce}", [("Authorization", f"Bearer {bearer}")]).status == 200
        assert site.recorder.one(nonce).fields.all("Authorization") == ([f"Bearer {bearer}"] if goes_on else [])


@pytest.mark.parametrize("name", ["Host", "Cookie", "Authorization", "Content-Type", "Content-Length", "X-Forwarded-For", "X-Request-Id", "Via"])
def test_connection_names_what_it_must_not(site, name):
    """Traefik CVE-2024-45410: the Connection field took away what the proxy had put in."""
    fields = [("Connection", name), ("Content-Type", "text/x"), ("Authorization", "Custom abc")]
    seen = send(site, "public", fields, "POST", b"hello")
    assert seen.body == b"hello"
    for ours in ("Host", "X-Forwarded-For", "X-Request-Id", "Via"):
        assert len(seen.fields.all(ours)) == 1, ours


def test_everything_else_passes(site):
    fields = [("Accept", "text/html"), ("User-Agent", "x/1.0 (y)"), ("X-Odd_Name", "1"), ("X-Twice", "1"), ("X-Twice", "2"), ("Authorization", "Custom abc"),
              ("Content-Type", "text/plain"), ("Range", "bytes=0-1"), ("If-None-Match", '"a"'), ("Accept-Encoding", "gzip, br"), ("Referer", "http://gate.test/x")]
    seen = send(site, "public", fields, "POST", b"x")
    for name, value in fields:
        if "_" not in name:
            assert value in seen.fields.all(name), name
    assert seen.fields.all("X-Twice") == ["1", "2"]


def test_host_goes_on(site):
    nonce = site.nonce()
    site.ask("GET", f"/open/?n={nonce}", host="Shop.example.com:8080")
    seen = site.recorder.one(nonce)
    assert len(seen.fields.all("Host")) == 1
    assert seen.fields["X-Forwarded-Host"].lower() == "shop.example.com:8080"


@pytest.mark.parametrize("lines, rest", [
    (["OURS"], None), (["a=b; OURS"], "a=b"), (["OURS; a=b"], "a=b"), (["a=b; OURS; c=d"], "a=b; c=d"), (["a=b", "OURS", "c=d"], "a=b; c=d"), (["a=b;OURS;c=d"], "a=b; c=d"),
    (["theme=dark; xsession_id=1; OURS; session_idx=2"], "theme=dark; xsession_id=1; session_idx=2"), (["a=b; OURS; a=c"], "a=b; a=c"), (["a; OURS; b"], "a; b"),
])
def test_our_cookie_is_taken_out_and_the_rest_goes_on(site, lines, rest):
    """Rule 45: the upstream could otherwise sign in as its own user."""
    cookie = site.credential("alice")
    nonce = site.nonce("101")
    answer = site.ask("GET", f"/app/?n={nonce}", [("Cookie", line.replace("OURS", cookie)) for line in lines])
    assert answer.status == 200
    seen = site.recorder.one(nonce)
    assert "; ".join(seen.fields.all("Cookie")) == (rest or "")
    assert "SESS_" not in seen.raw_head.decode("latin-1")


@pytest.mark.parametrize("way", ["cookie", "bearer"])
def test_the_token_does_not_reach_the_upstream_as_cookie(site, way):
    token = site.credential("alice", "token").split("=", 1)[1]
    nonce = site.nonce("101")
    field = ("Cookie", f"a=b; token={token}") if way == "cookie" else ("Authorization", f"Bearer {token}")
    assert site.ask("GET", f"/app/?n={nonce}", [field]).status == 200
    seen = site.recorder.one(nonce)
    assert token not in "; ".join(seen.fields.all("Cookie"))
    if way == "cookie":
        assert token not in seen.raw_head.decode("latin-1")
        assert seen.fields.all("Cookie") == ["a=b"]


def test_both_our_cookies_are_taken_out_everywhere(site):
    session, token = site.credential("alice"), site.credential("alice", "token")
    nonce = site.nonce()
    site.ask("GET", f"/open/?n={nonce}", [("Cookie", f"{session}; a=b; {token}")])
    assert site.recorder.one(nonce).fields.all("Cookie") == ["a=b"]


@pytest.mark.parametrize("fields", [
    [], [("X-Forwarded-For", "6.6.6.6")], [("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-For", "6.6.6.6")], [("X-Forwarded-Proto", "https")], [("X-Forwarded-Host", "evil.test")],
    [("x_forwarded_for", "6.6.6.6")], [("X.Forwarded.Host", "evil.test")], [("Forwarded", "for=6.6.6.6;proto=https;host=evil.test")], [("X-Real-Ip", "6.6.6.6")],
    [("X-Forwarded-Port", "1"), ("X-Forwarded-Prefix", "/x"), ("X-Forwarded-Server", "x")],
])
def test_forwarded_fields_are_ours(site, fields):
    """Rule 5: trusted_proxies is empty, so nobody's are believed."""
    seen = send(site, "public", fields)
    assert seen.fields.all("X-Forwarded-For") == ["127.0.0.1"]
    assert seen.fields.all("X-Forwarded-Proto") == ["http"]
    assert seen.fields.all("X-Forwarded-Host") == ["gate.test"]
    text = seen.raw_head.decode("latin-1")
    assert "evil.test" not in text
    for name, value in seen.fields.pairs:
        if folded(name) in ("xforwardedfor", "forwarded"):
            assert "6.6.6.6" not in value


@pytest.fixture(scope="module")
def trusting(module_sites):
    return module_sites({"trusted_proxies": ["127.9.0.0/16", "10.0.0.0/8"]})


@pytest.mark.parametrize("source, given, proto, sent, proto_sent", [
    ("127.9.0.1", "203.0.113.7", "https", "203.0.113.7, 127.9.0.1", "https"),
    ("127.9.0.1", "6.6.6.6, 203.0.113.7, 10.1.2.3", "https", None, "https"),
    ("127.8.0.1", "203.0.113.7", "https", "127.8.0.1", "http"),
])
def test_trusted_proxies(trusting, source, given, proto, sent, proto_sent):
    nonce = trusting.nonce()
    answer = trusting.ask("GET", f"/open/?n={nonce}", [("X-Forwarded-For", given), ("X-Forwarded-Proto", proto)], source=source)
    assert answer.status == 200
    seen = trusting.recorder.one(nonce)
    assert len(seen.fields.all("X-Forwarded-For")) == 1
    if sent:
        assert seen.fields["X-Forwarded-For"] == sent
    else:
        assert seen.fields["X-Forwarded-For"].endswith("203.0.113.7, 10.1.2.3, 127.9.0.1")
    assert seen.fields["X-Forwarded-Proto"] == proto_sent
    trusting.joined()


@pytest.mark.parametrize("given", ["garbage", "", "1.2.3.4.5", "'; DROP TABLE", "203.0.113.7\tx", ",,,", "203.0.113.7, garbage", "x" * 3000])
def test_trusted_proxies_say_nonsense(trusting, given):
    nonce = trusting.nonce()
    assert trusting.ask("GET", f"/open/?n={nonce}", [("X-Forwarded-For", given)], source="127.9.0.1").status == 200
    assert trusting.recorder.one(nonce).fields["X-Forwarded-For"].endswith("127.9.0.1")
    trusting.joined()


def test_via_is_added(site):
    seen = send(site, "public", [("Via", "1.0 fred")])
    via = ", ".join(seen.fields.all("Via"))
    assert re.match(r"1\.0 fred, 1\.1 \S+", via), via


def test_request_id_is_new_and_the_same_everywhere(site):
    nonce = site.nonce()
    answer = site.ask("GET", f"/open/?n={nonce}", [("X-Request-Id", "client-chosen\"<script>"), ("x_request_id", "two")])
    seen = site.recorder.one(nonce)
    assert len(seen.fields.all("X-Request-Id")) == 1
    assert re.fullmatch(r"[A-Za-z0-9_-]{8,64}", seen.request_id), seen.request_id
    assert answer.fields.get("X-Request-Id", seen.request_id) == seen.request_id
    assert site.gateway.access_line(seen.request_id)["status"] == 200


def test_traceparent_is_passed_or_begun(site):
    given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    seen = send(site, "public", [("traceparent", given)])
    assert seen.fields["traceparent"].split("-")[1] == given.split("-")[1]
    seen = send(site, "public", [])
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", seen.fields["traceparent"])


@pytest.mark.parametrize("given", ["", "garbage", "00-" + "0" * 32 + "-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01",
                                   "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"])
def test_a_bad_traceparent_is_begun_anew(site, given):
    seen = send(site, "public", [("traceparent", given)])
    (value,) = seen.fields.all("traceparent")
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", value) and value != given


def test_our_own_answers_are_not_stored(site):
    """Rule 44."""
    for method, target, fields in [("GET", "/app/", []), ("GET", "/login", []), ("GET", "/.gatehouse/me", [("Cookie", site.credential("alice"))])]:
        assert "no-store" in site.ask(method, target, fields).fields["Cache-Control"], target
    assert "no-store" in site.login("alice", "secret123").fields["Cache-Control"]


def test_an_identity_header_by_another_name(make_site):
    """The header policy folds whatever names the settings choose."""
    site = make_site({"identity": {"headers": {"X-User-Id": "id", "Remote-User": "username"}}})
    nonce = site.nonce("101")
    spoofed = [("Remote-User", "root"), ("REMOTE_USER", "root"), ("remote.user", "root"), ("X_User_Id", "1")]
    assert site.ask("GET", f"/app/?n={nonce}", [("Cookie", site.credential("alice")), *spoofed]).status == 200
    seen = site.recorder.one(nonce)
    assert [value for name, value in seen.fields.pairs if folded(name) == "remoteuser"] == ["alice"]
    site.joined()


@pytest.mark.parametrize("name", ["X-User-Id", "x-user-name", "X-Request-Id"])
def test_the_upstream_does_not_echo_identity_wrongly(site, name):
    """A response field of the same name is the upstream's business; it passes or not, but never twice."""
    nonce = site.nonce()
    site.recorder.script(nonce, lambda exchange: exchange.answer(200, [(name, "abc")], b"hi"))
    answer = site.ask("GET", f"/open/?n={nonce}")
    assert len(answer.fields.all(name)) <= 1
