"""HTTP/1.1 on the client's side: persistence, pipelining, versions, targets, methods without a body, 100-continue."""

import re
import time

import pytest

from harness.recorder import raw
from harness.wire import chunked, request


def test_keep_alive(site):
    with site.client() as client:
        for _ in range(20):
            nonce = site.nonce()
            answer = client.ask(request("GET", f"/open/?n={nonce}"))
            assert answer.status == 200 and answer.json()["target"].endswith(nonce)


def test_1000_pipelined_requests(site):
    nonces = [site.nonce() for _ in range(1000)]
    data = b"".join(request("GET", f"/open/?n={nonce}") for nonce in nonces)
    with site.client(timeout=30) as client:
        client.send(data)
        for nonce in nonces:
            assert client.response().json()["target"] == f"/open/?n={nonce}"


def test_pipelined_requests_of_all_kinds_answer_in_order(site):
    cookie, token = site.credential("alice"), site.credential("bob", "token")
    kinds = [
        ("GET", "/open/", [], None, None, 200), ("POST", "/open/", [], b"x" * 5000, None, 200),
        ("GET", "/app/", [("Cookie", cookie)], None, "101", 200), ("GET", "/app/", [("Cookie", token)], None, "102", 200),
        ("GET", "/app/", [], None, None, 401), ("GET", "/nowhere", [], None, None, 404),
        ("HEAD", "/open/", [], None, None, 200), ("GET", "/.gatehouse/me", [("Cookie", cookie)], None, None, 200),
    ] * 5
    data, expected = b"", []
    for method, path, fields, body, user, status in kinds:
        forwarded = "once" if path in ("/open/", "/app/") and status == 200 else "never"
        nonce = site.nonce(user, forwarded)
        data += request(method, f"{path}?n={nonce}", fields, body)
        expected.append((method, status, nonce, user, forwarded))
    with site.client() as client:
        client.send(data)
        for method, status, nonce, user, forwarded in expected:
            answer = client.response(method)
            assert answer.status == status, answer
            if forwarded == "once" and method != "HEAD":
                assert (answer.json()["target"].endswith(nonce), answer.json()["user"]) == (True, user)


def test_connection_close_is_kept(site):
    nonce, after = site.nonce(), site.nonce(forwarded="never")
    with site.client() as client:
        client.send(request("GET", f"/open/?n={nonce}", [("Connection", "close")]) + request("GET", f"/open/?n={after}"))
        answer = client.response()
        assert answer.status == 200 and answer.fields["Connection"] == "close"
        assert client.is_closed()


def open_connections(site):
    return int(re.search(rb"^gatehouse_connections (\d+)$", site.gateway.probe("/metrics")[1], re.M)[1])


def until_nobody_is_connected(site):
    """The clients of earlier tests have closed; the gateway may not have heard of it yet."""
    for _ in range(500):
        if open_connections(site) == 0:
            return
        time.sleep(0.02)
    pytest.fail("somebody stays connected")


def test_an_announced_end_is_not_waited_for(site):
    """Who says `Connection: close` sends nothing any more: the connection is gone with its answer, though the client leaves its own
    side open."""
    until_nobody_is_connected(site)
    clients = [site.client() for _ in range(10)]
    for client in clients:
        client.send(request("GET", f"/open/?n={site.nonce()}", [("Connection", "close")]))
        assert client.response().status == 200 and client.is_closed()
    assert open_connections(site) == 0
    for client in clients:
        client.close()


@pytest.mark.parametrize("sent", [
    b"POST /open/?n=%s HTTP/1.1\r\nHost: gate.test\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
    b"GET /open/?n=%s HTTP/1.0\r\nHost: gate.test\r\nConnection: keep-alive\r\n\r\n"], ids=["content", "HTTP/1.0"])
def test_an_end_that_was_not_announced_is_waited_for(site, sent):
    """Old clients send a stray CRLF behind content, and who asked for HTTP/1.0 to go on may have sent the next request."""
    until_nobody_is_connected(site)
    with site.client() as client:
        client.send(sent % site.nonce().encode())
        assert client.response().status == 200 and client.is_closed()
        assert open_connections(site) == 1


def test_a_refused_head_is_waited_for(site):
    """What else the client has sent must not reset the connection under the answer."""
    until_nobody_is_connected(site)
    with site.client() as client:
        client.send(b"GET / HTTP/1.1\r\nbad name: x\r\n\r\n")
        assert client.response().status == 400 and client.is_closed()
        assert open_connections(site) == 1


@pytest.mark.parametrize("value", ["Close", "CLOSE", "x, close", "close, x", " close "])
def test_connection_close_in_every_spelling(site, value):
    nonce = site.nonce()
    with site.client() as client:
        assert client.ask(request("GET", f"/open/?n={nonce}", [("Connection", value)])).status == 200
        assert client.is_closed()


@pytest.mark.parametrize("fields", [[], [("Connection", "keep-alive")], [("Connection", "close")]])
def test_http_1_0_client(site, fields):
    nonce = site.nonce()
    # The upstream answers in chunks; a client of HTTP/1.0 cannot read those.
    site.recorder.script(nonce, raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"hello ", b"world"), close=False))
    with site.client() as client:
        client.send(request("GET", f"/open/?n={nonce}", fields, version="HTTP/1.0"))
        answer = client.response()
        assert answer.status == 200 and answer.body == b"hello world"
        assert "Transfer-Encoding" not in answer.fields
        if answer.framing == "length" and answer.fields.get("Connection", "").lower() == "keep-alive":
            return
        assert client.is_closed()
    assert site.recorder.one(nonce).raw_head.startswith(b"GET /open/?n=" + nonce.encode() + b" HTTP/1.1\r\n")


def test_http_1_0_without_host(site):
    nonce = site.nonce(forwarded="maybe")
    with site.client() as client:
        answer = client.ask(request("GET", f"/open/?n={nonce}", host=None, version="HTTP/1.0"))
        assert answer.status in (200, 400)
        assert client.is_closed()


@pytest.mark.parametrize("authority", ["gate.test", "GATE.test", "gate.test:80"])
def test_absolute_form(site, authority):
    nonce = site.nonce()
    answer = site.ask("GET", f"http://{authority}/open/x?n={nonce}", host=authority)
    assert answer.status == 200, answer
    assert site.recorder.one(nonce).target == f"/open/x?n={nonce}"


def test_absolute_form_without_path(site):
    answer = site.ask("GET", "http://gate.test")
    assert answer.status == 404


def test_options_asterisk(site):
    answer = site.ask("OPTIONS", "*")
    assert answer.status in (200, 204, 404, 405)


def test_head(site):
    nonce, after = site.nonce(), site.nonce()
    with site.client() as client:
        client.send(request("HEAD", f"/open/?n={nonce}") + request("GET", f"/open/?n={after}"))
        head = client.response("HEAD")
        assert head.status == 200 and int(head.fields["Content-Length"]) > 100
        assert client.response().json()["target"].endswith(after)


@pytest.mark.parametrize("target, status", [("/app/", 401), ("/nowhere", 404), ("/login", 200), ("/.gatehouse/me", 401)])
def test_head_of_our_own_answers(site, target, status):
    with site.client() as client:
        client.send(request("HEAD", target) + request("GET", target))
        assert client.response("HEAD").status == status
        assert client.response().status == status


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "get", "X-Odd!"])
def test_methods_pass_as_they_are(site, method):
    nonce = site.nonce()
    answer = site.ask(method, f"/open/?n={nonce}", body=b"" if method in ("POST", "PUT", "PATCH") else None)
    assert answer.status == 200 and site.recorder.one(nonce).method == method


@pytest.mark.parametrize("raw_request, statuses", [
    (b"CONNECT gate.test:443 HTTP/1.1\r\nHost: gate.test:443\r\n\r\n", (405, 501)),
    (b"CONNECT {t} HTTP/1.1\r\nHost: gate.test\r\n\r\n", (400, 405, 501)),
    (b"CONNECT gate.test:443 HTTP/1.1\r\nHost: gate.test:443\r\nContent-Length: 5\r\n\r\nhello", (400, 405, 501)),
    (b"TRACE {t} HTTP/1.1\r\nHost: gate.test\r\n\r\n", (405, 501)),
    (b"TRACE {t} HTTP/1.1\r\nHost: gate.test\r\nMax-Forwards: 0\r\n\r\n", (405, 501)),
    (b"GET {t} HTTP/1.1\r\nHost: gate.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
     b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", (501,)),
    (b"GET {t} HTTP/1.1\r\nHost: gate.test\r\nConnection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n", (501,)),
])
def test_connect_trace_and_upgrade_are_refused(site, raw_request, statuses):
    """Rules 12 and 19."""
    nonce, after = site.nonce(forwarded="never"), site.nonce(forwarded="maybe")
    with site.client() as client:
        client.send(raw_request.replace(b"{t}", f"/open/?n={nonce}".encode()) + request("GET", f"/open/?n={after}"))
        assert client.response().status in statuses


def test_upgrade_without_the_connection_option_is_ignored(site):
    """RFC 9110 7.8."""
    nonce = site.nonce()
    assert site.ask("GET", f"/open/?n={nonce}", [("Upgrade", "websocket")]).status == 200
    assert "Upgrade" not in site.recorder.one(nonce).fields


def test_expect_continue(site):
    nonce = site.nonce()
    with site.client() as client:
        client.send(b"POST /open/?n=%s HTTP/1.1\r\nHost: gate.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n" % nonce.encode())
        client.sock.settimeout(5)
        start, _, _ = client.reader.head()
        assert start.startswith(b"HTTP/1.1 100 ")
        client.send(b"hello")
        answer = client.response()
        assert answer.status == 200 and answer.json()["length"] == 5
    assert site.recorder.one(nonce).body == b"hello"


def test_expect_continue_with_the_body_at_once(site):
    nonce = site.nonce()
    answer = site.ask("POST", f"/open/?n={nonce}", [("Expect", "100-Continue")], b"hello")
    assert answer.status == 200 and answer.json()["length"] == 5


@pytest.mark.parametrize("target, status", [("/app/", 401), ("/nowhere", 404)])
def test_expect_continue_refused_asks_for_no_body(site, target, status):
    nonce = site.nonce(forwarded="never")
    with site.client() as client:
        client.send(b"POST %s?n=%s HTTP/1.1\r\nHost: gate.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n" % (target.encode(), nonce.encode()))
        answer = client.response()
        assert answer.status == status and answer.interim == []


def test_expect_something_else(site):
    nonce = site.nonce(forwarded="maybe")
    answer = site.ask("POST", f"/open/?n={nonce}", [("Expect", "200-ok")], b"hello")
    assert answer.status in (200, 400, 417)


def test_expect_of_an_http_1_0_client_is_ignored(site):
    nonce = site.nonce()
    answer = site.ask("POST", f"/open/?n={nonce}", [("Expect", "100-continue")], b"hello", version="HTTP/1.0")
    assert answer.status == 200 and answer.interim == []


def test_chunked_request_with_trailers(site):
    nonce = site.nonce()
    head = request("POST", f"/open/?n={nonce}", [("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum")])
    with site.client() as client:
        answer = client.ask(head + chunked(b"a" * 70000, b"b", trailers=[("X-Sum", "70001")]))
    assert answer.json()["length"] == 70001
    seen = site.recorder.one(nonce)
    assert seen.body == b"a" * 70000 + b"b"
    # Passed on as a trailer or dropped; never merged into the head.
    assert "X-Sum" not in seen.fields
    assert seen.trailers.all("X-Sum") in ([], ["70001"])


@pytest.mark.parametrize("size", [b"5", b"05", b"0000000000000005", b"5;a", b"5;a=b", b'5;a="b;c"'])
def test_chunk_size_spellings(site, size):
    nonce = site.nonce()
    head = request("POST", f"/open/?n={nonce}", [("Transfer-Encoding", "Chunked")])
    with site.client() as client:
        assert client.ask(head + size + b"\r\nhello\r\n0\r\n\r\n").json()["length"] == 5
    assert site.recorder.one(nonce).body == b"hello"


def test_chunked_response_with_trailers(site):
    nonce, after = site.nonce(), site.nonce()
    site.recorder.script(nonce, raw(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n" + chunked(b"hello ", b"world", trailers=[("X-Sum", "11")]), close=False))
    with site.client() as client:
        answer = client.ask(request("GET", f"/open/?n={nonce}", [("TE", "trailers")]))
        assert answer.body == b"hello world" and answer.framing == "chunked"
        assert "X-Sum" not in answer.fields
        assert answer.trailers.all("X-Sum") in ([], ["11"])
        assert client.ask(request("GET", f"/open/?n={after}")).status == 200


def test_close_delimited_response(site):
    nonce, after = site.nonce(), site.nonce()
    site.recorder.script(nonce, raw(b"HTTP/1.1 200 OK\r\nX-A: b\r\n\r\nhello ", b"world", pause=0.1))
    with site.client() as client:
        answer = client.ask(request("GET", f"/open/?n={nonce}"))
        assert answer.body == b"hello world" and answer.fields["X-A"] == "b"
        if answer.framing == "chunked":
            assert client.ask(request("GET", f"/open/?n={after}")).status == 200
        else:
            site.ledger.expect(after, "never")
            assert client.is_closed()


@pytest.mark.parametrize("status, fields", [
    (204, b""), (304, b""), (304, b"Content-Length: 500\r\nETag: \"a\"\r\n"), (200, b"Content-Length: 0\r\n"), (204, b"X-A: b\r\n"),
])
def test_responses_without_a_body(site, status, fields):
    nonce, after = site.nonce(), site.nonce()
    site.recorder.script(nonce, raw(b"HTTP/1.1 %d Odd\r\n%s\r\n" % (status, fields), close=False))
    with site.client() as client:
        answer = client.ask(request("GET", f"/open/?n={nonce}"))
        assert answer.status == status and answer.body == b""
        assert client.ask(request("GET", f"/open/?n={after}")).json()["target"].endswith(after)


def test_interim_responses(site):
    nonce, after = site.nonce(), site.nonce()
    site.recorder.script(nonce, raw(
        b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", close=False))
    with site.client() as client:
        answer = client.ask(request("GET", f"/open/?n={nonce}"))
        assert answer.status == 200 and answer.body == b"hi"
        assert all(100 <= interim.status < 200 for interim in answer.interim)
        assert client.ask(request("GET", f"/open/?n={after}")).status == 200


def test_interim_responses_are_not_sent_to_http_1_0(site):
    nonce = site.nonce()
    site.recorder.script(nonce, raw(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", close=False))
    answer = site.ask("GET", f"/open/?n={nonce}", version="HTTP/1.0")
    assert answer.status == 200 and answer.interim == []


@pytest.mark.parametrize("status", [200, 201, 301, 400, 404, 418, 500, 503, 599])
def test_upstream_statuses_pass(site, status):
    nonce = site.nonce()
    site.recorder.script(nonce, raw(b"HTTP/1.1 %d Very Odd Reason\r\nContent-Length: 2\r\n\r\nhi" % status, close=False))
    answer = site.ask("GET", f"/open/?n={nonce}")
    assert (answer.status, answer.body) == (status, b"hi")


def test_response_fields_pass(site):
    nonce = site.nonce()
    site.recorder.script(nonce, raw(
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\nX-High: \xe9\r\nConnection: X-Private\r\nX-Private: 1\r\nKeep-Alive: timeout=5\r\n"
        b"Proxy-Authenticate: Basic\r\nContent-Length: 2\r\nServer: recorder\r\n\r\nhi", close=False))
    answer = site.ask("GET", f"/open/?n={nonce}")
    assert answer.fields.all("Set-Cookie") == ["a=1; Path=/", "b=2"]
    assert answer.fields["X-High"] == "\u00e9"
    for name in ("X-Private", "Keep-Alive", "Upgrade"):
        assert name not in answer.fields, name


def test_upstream_connections_are_reused(site):
    numbers = set()
    with site.client() as client:
        for _ in range(10):
            nonce = site.nonce()
            client.ask(request("GET", f"/open/?n={nonce}"))
            numbers.add(site.recorder.one(nonce).connection)
    assert len(numbers) == 1
