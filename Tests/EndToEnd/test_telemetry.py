"""What is told about an exchange: the problem document, the access line, the probes, the metrics. And what never is."""

import json
import re

import pytest

from harness.wire import Client, ProtocolError, eventually, request


@pytest.mark.parametrize("method, target, fields, status", [
    ("GET", "/app/", [], 401), ("GET", "/admin/", ["alice"], 403), ("GET", "/nowhere", [], 404), ("GET", "/logout", [], 405), ("GET", "/open/%00", [], 400),
    ("POST", "/login", [("Content-Type", "text/plain")], 415),
])
def test_problem_document(site, method, target, fields, status):
    """RFC 9457, and the same id in the answer, in its header and in the log."""
    fields = [("Cookie", site.credential(field)) if isinstance(field, str) else field for field in fields]
    answer = site.ask(method, target, fields, b"" if method == "POST" else None)
    assert answer.status == status
    assert answer.fields["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert set(problem) >= {"type", "title", "status", "detail", "request_id"}, problem
    assert problem["status"] == status and problem["title"] and problem["detail"] and isinstance(problem["type"], str)
    assert answer.fields.get("X-Request-Id", problem["request_id"]) == problem["request_id"]
    assert site.gateway.access_line(problem["request_id"])["status"] == status
    assert len({site.ask(method, target, fields, b"" if method == "POST" else None).json()["request_id"] for _ in range(5)}) == 5


@pytest.mark.parametrize("payload", ["<script>alert(1)</script>", "\"'><img src=x>", "{{7*7}}"])
def test_a_problem_echoes_nothing_active(site, payload):
    quoted = payload.replace('"', "%22").replace("<", "%3C").replace(">", "%3E").replace(" ", "%20")
    for fields in ([], [("Accept", "text/html"), ("Sec-Fetch-Mode", "navigate")]):
        answer = site.ask("GET", f"/nowhere/{quoted}", fields)
        assert answer.status == 404 and payload.encode() not in answer.body
    assert site.ask("GET", "/nowhere", host="gate.test").fields.get("X-Content-Type-Options") == "nosniff"


NAVIGATION = [("Accept", "text/html,application/xhtml+xml,*/*;q=0.8"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document"), ("Sec-Fetch-Site", "none")]


def test_a_navigation_is_led_to_the_sign_in_page(site):
    nonce = site.nonce(forwarded="never")
    answer = site.ask("GET", f"/app/x?n={nonce}&y=z", NAVIGATION)
    assert answer.status == 303
    assert answer.fields["Location"] in (f"/login?return_to=%2Fapp%2Fx%3Fn%3D{nonce}%26y%3Dz", f"/login?return_to=/app/x%3Fn%3D{nonce}%26y%3Dz")
    assert "no-store" in answer.fields["Cache-Control"]


@pytest.mark.parametrize("method, fields", [
    ("POST", NAVIGATION), ("GET", [("Accept", "application/json")]), ("GET", [("Accept", "*/*")]), ("GET", []), ("GET", [("Accept", "text/html"), ("Sec-Fetch-Mode", "cors")]),
])
def test_anything_else_gets_401(site, method, fields):
    nonce = site.nonce(forwarded="never")
    answer = site.ask(method, f"/app/?n={nonce}", fields, b"" if method == "POST" else None)
    # A form that a person sends after the session ended is a navigation too; a redirect may lead to the page, never repeat the POST.
    assert answer.status in ((303, 401) if method == "POST" else (401,))


def test_a_browser_gets_a_page_for_an_error(site):
    answer = site.ask("GET", "/nowhere", NAVIGATION)
    assert answer.status == 404 and answer.fields["Content-Type"].startswith("text/html")
    assert "default-src" in answer.fields["Content-Security-Policy"]
    identifier = re.search(rb"[A-Za-z0-9_-]{16,64}", answer.body)
    assert identifier
    assert site.gateway.access_line(answer.fields["X-Request-Id"])["status"] == 404
    assert answer.fields["X-Request-Id"].encode() in answer.body


def test_an_access_line(site):
    nonce = site.nonce("101")
    answer = site.ask("POST", f"/app/some/path?n={nonce}", [("Cookie", site.credential("alice")), ("User-Agent", "test\"agent\\")], b"hello")
    line = site.gateway.access_line(site.recorder.one(nonce).request_id)
    text = json.dumps(line)
    assert line["status"] == 200 and line["method"] == "POST"
    assert str(line["user_id"]) == "101"
    assert "/app/" in text and "recorder" in text or site.recorder.url.removeprefix("http://") in text
    numbers = [value for value in line.values() if isinstance(value, (int, float)) and not isinstance(value, bool)]
    assert len(answer.body) in numbers or any(value >= len(answer.body) for value in numbers), line
    assert any("time" in key or "ms" in key or "duration" in key or key.endswith("_us") for key in line), line


def test_an_access_line_of_nobody(site):
    nonce = site.nonce()
    site.ask("GET", f"/open/?n={nonce}")
    assert site.gateway.access_line(site.recorder.one(nonce).request_id).get("user_id") in (None, "", "-")


def test_every_exchange_has_one_line(make_site):
    site = make_site()
    before = len(site.gateway.access_lines())
    with site.client() as client:
        for _ in range(30):
            client.ask(request("GET", f"/open/?n={site.nonce()}"))
            client.ask(request("GET", "/nowhere"))
    with site.client() as client:
        client.send(b"BAD\r\n\r\n")
        assert client.response().status == 400
    site.gateway.stop()
    lines = site.gateway.access_lines()[before:]
    assert len(lines) == 61 and len({line["request_id"] for line in lines}) == 61
    assert sorted({line["status"] for line in lines}) == [200, 400, 404]


@pytest.mark.parametrize("target, fields", [
    ("/open/%0a{\"status\":1}", []), ("/nowhere\"}", []), ("/nowhere", [("User-Agent", "x\"}\\\t\xff\xfe")]), ("/nowhere", [("Referer", "\xc3\x28")]),
])
def test_log_injection(site, target, fields):
    """Rule 46: what a client sends is data in the log, and every line stays one JSON object."""
    answer = site.ask("GET", target, fields)
    assert answer.status in (400, 404)
    site.gateway.access_line(answer.json()["request_id"])
    for line in site.gateway.log().splitlines():
        if line.startswith("{"):
            json.loads(line)


def test_no_secret_in_any_log(make_site):
    """Rules 45 and ASVS 16.2.5, with the log at its most talkative."""
    site = make_site({"log": {"level": "trace"}})
    session, token = site.sign_in("alice"), site.sign_in("alice", "token")
    secrets = ["secret123", session.split("=")[1], token.split("=")[1], "wrong-pass-word", "SESS_" + "C" * 43, "bearer.of.nothing", "query-secret"]
    site.login("alice", "wrong-pass-word")
    site.ask("GET", f"/app/?n={site.nonce('101')}", [("Cookie", session)])
    site.ask("GET", f"/app/?n={site.nonce('101')}", [("Authorization", "Bearer " + token.split("=")[1])])
    site.ask("GET", "/app/", [("Cookie", "session_id=SESS_" + "C" * 43)])
    site.ask("GET", "/app/", [("Authorization", "Bearer bearer.of.nothing")])
    site.ask("POST", "/login", [("Content-Type", "application/x-www-form-urlencoded")], b"username=alice&password=wrong-pass-word")
    site.ask("GET", "/app/?token=query-secret")
    site.ask("POST", "/logout", [("Cookie", session)])
    site.gateway.stop()
    log = site.gateway.log()
    assert log
    assert [secret[:8] for secret in secrets if secret in log] == []


def test_probes(site):
    assert site.gateway.probe("/livez")[0] == 200
    assert site.gateway.probe("/readyz")[0] == 200
    status, body = site.gateway.probe("/metrics")
    assert status == 200 and body
    for line in body.decode().splitlines():
        assert re.fullmatch(r"#.*|[a-zA-Z_:][a-zA-Z0-9_:]*(\{[^\n]*\})? [-+0-9.eInfNa]+( \d+)?|", line), line


def test_metrics_count(make_site):
    site = make_site()

    def total():
        body = site.gateway.probe("/metrics")[1].decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in body.splitlines() if re.match(r"[a-z_]*requests[a-z_]*_total\{?", line))

    before = total()
    for _ in range(20):
        site.ask("GET", f"/open/?n={site.nonce()}")
    # An exchange is counted when it is over, which is a moment after its client has the answer.
    eventually(lambda: total() >= before + 20)


@pytest.mark.parametrize("target", ["/", "/open/", "/app/", "/login", "/.gatehouse/me", "/metrics/", "/livez/x", "/../metrics", "/config"])
def test_the_admin_listener_serves_nothing_else(site, target):
    assert site.gateway.probe(target)[0] in (400, 404)


@pytest.mark.parametrize("target", ["/livez", "/readyz", "/metrics"])
def test_the_public_listener_serves_none_of_it(site, target):
    """ASVS 13.4.5."""
    for host in ("gate.test", "127.0.0.1", "%s:%d" % site.gateway.admin):
        assert site.ask("GET", target, host=host).status == 404


@pytest.mark.parametrize("octets", [b"\x00" * 100 + b"\r\n\r\n", b"GET /livez HTTP/1.1\r\n\r\n", b"POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", b"x" * 100_000])
def test_the_admin_listener_is_as_strict(site, octets):
    with Client(site.gateway.admin) as client:
        client.send_some(octets)
        try:
            assert client.response().status in (400, 414, 431)
        except ProtocolError:
            pass
    assert site.gateway.probe("/livez")[0] == 200


def test_no_version_banner(site):
    """ASVS 13.4.6."""
    version = site.gateway.do("version", config=False)
    number = re.search(r"\d+\.\d+[.\w-]*", version)
    for target in ("/nowhere", "/login"):
        answer = site.ask("GET", target)
        head = answer.raw_head.decode("latin-1")
        assert not number or number[0] not in answer.fields.get("Server", "") + answer.fields.get("X-Powered-By", "")
        assert "swift" not in head.lower()


def test_health(site):
    done = site.gateway.command("health")
    assert done.returncode == 0, done.stderr


def test_health_of_nothing(make_site):
    site = make_site(start=False)
    assert site.gateway.command("health").returncode == 1


def test_text_access_log(make_site):
    site = make_site({"log": {"access": "text"}})
    nonce = site.nonce()
    site.ask("GET", f"/open/?n={nonce}", [("User-Agent", "x\xff\"")])
    site.gateway.stop()
    line = [line for line in site.gateway.log().splitlines() if site.recorder.one(nonce).request_id in line]
    assert len(line) == 1 and "200" in line[0] and not line[0].startswith("{")
    site.joined()


def test_no_access_log(make_site):
    site = make_site({"log": {"access": "off"}})
    nonce = site.nonce()
    site.ask("GET", f"/open/?n={nonce}")
    site.gateway.stop()
    assert site.recorder.one(nonce).request_id not in site.gateway.log()
    site.joined()
