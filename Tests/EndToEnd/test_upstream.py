"""The upstream's faults: what becomes a 502, what is tried again, and that nothing of it touches the next exchange."""

import threading
import time

import pytest

from harness.processes import free_port
from harness.recorder import raw
from harness.wire import Closed, ProtocolError, chunked, eventually, request

OK = b"HTTP/1.1 200 OK\r\n"


def healthy(site):
    after = site.nonce()
    assert site.ask("GET", f"/open/?n={after}").json()["target"].endswith(after)


BAD = {
    "both framings": OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    "two lengths": OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi!",
    "same length twice": OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
    "list of lengths": OK + b"Content-Length: 2, 2\r\n\r\nhi",
    "signed length": OK + b"Content-Length: +2\r\n\r\nhi",
    "negative length": OK + b"Content-Length: -2\r\n\r\nhi",
    "huge length": OK + b"Content-Length: 99999999999999999999\r\n\r\nhi",
    "empty length": OK + b"Content-Length:\r\n\r\nhi",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi",
    "bare LF in fields": OK + b"A: b\nContent-Length: 2\r\n\r\nhi",
    "bare CR": OK + b"A: b\rC: d\r\nContent-Length: 2\r\n\r\nhi",
    "folding": OK + b"A: b\r\n c\r\nContent-Length: 2\r\n\r\nhi",
    "space before colon": OK + b"Content-Length : 2\r\n\r\nhi",
    "NUL in a value": OK + b"A: b\x00c\r\nContent-Length: 2\r\n\r\nhi",
    "control in the reason": b"HTTP/1.1 200 O\x01K\r\nContent-Length: 2\r\n\r\nhi",
    "bad name": OK + b"A(b: c\r\nContent-Length: 2\r\n\r\nhi",
    "no colon": OK + b"Abc\r\nContent-Length: 2\r\n\r\nhi",
    "coding gzip": OK + b"Transfer-Encoding: gzip\r\n\r\nhi",
    "coding gzip, chunked": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    "two coding lines": OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    "coding with VT": OK + b"Transfer-Encoding: \x0bchunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    "HTTP/2.0": b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    "HTTP/0.9": b"<html>hello</html>\r\n\r\n",
    "ICY": b"ICY 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    "status 99": b"HTTP/1.1 99 Low\r\nContent-Length: 2\r\n\r\nhi",
    "status 600": b"HTTP/1.1 600 High\r\nContent-Length: 2\r\n\r\nhi",
    "status 2000": b"HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nhi",
    "status +20": b"HTTP/1.1 +20 OK\r\nContent-Length: 2\r\n\r\nhi",
    "status abc": b"HTTP/1.1 abc OK\r\nContent-Length: 2\r\n\r\nhi",
    "no status": b"HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi",
    "101 unasked": b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nhi",
    "oversized head": OK + b"A: " + b"b" * 400_000 + b"\r\nContent-Length: 2\r\n\r\nhi",
    "too many fields": OK + b"A: b\r\n" * 30_000 + b"Content-Length: 2\r\n\r\nhi",
    "flood of 1xx": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 20_000 + OK + b"Content-Length: 2\r\n\r\nhi",
    "endless status line": b"HTTP/1.1 200 " + b"x" * 400_000,
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "garbage": bytes(range(256)) * 8,
    "TLS alert": b"\x15\x03\x01\x00\x02\x02\x46",
}


@pytest.mark.parametrize("octets", BAD.values(), ids=BAD.keys())
def test_bad_head_is_502(site, octets):
    nonce = site.nonce(forwarded="once")
    site.recorder.script(nonce, raw(octets))
    # A POST: nothing of this is a reason to ask again.
    answer = site.ask("POST", f"/open/?n={nonce}", body=b"")
    assert answer.status == 502, answer
    assert answer.json()["status"] == 502 and answer.json()["request_id"] == site.recorder.one(nonce).request_id
    assert b"hi" != answer.body
    healthy(site)


CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
CUT = {
    "length, short": OK + b"Content-Length: 10\r\n\r\nhi",
    "chunk, short": CHUNKED + b"a\r\nhi",
    "no last chunk": CHUNKED + b"2\r\nhi\r\n",
    "no end of trailers": CHUNKED + b"2\r\nhi\r\n0\r\n",
    "bad chunk size": CHUNKED + b"2\r\nhi\r\nxyz\r\n",
    "bad chunk end": CHUNKED + b"2\r\nhiX\r\n0\r\n\r\n",
    "chunk with bare LF": CHUNKED + b"2\nhi\n0\n\n",
    "chunk size overflow": CHUNKED + b"2\r\nhi\r\n10000000000000000f\r\n",
    "extension flood": CHUNKED + b"2\r\nhi\r\n1;" + b"a" * 200_000 + b"\r\nx\r\n0\r\n\r\n",
    "bad trailer": CHUNKED + b"2\r\nhi\r\n0\r\nA : b\r\n\r\n",
}


@pytest.mark.parametrize("octets", CUT.values(), ids=CUT.keys())
@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
def test_dies_in_mid_response(site, octets, version):
    """The client must be able to tell that it did not get the whole: an error before the head went out, else a broken end."""
    nonce = site.nonce()
    site.recorder.script(nonce, raw(octets))
    with site.client() as client:
        client.send(request("GET", f"/open/?n={nonce}", version=version))
        try:
            answer = client.response()
        except (Closed, ProtocolError):
            answer = None
        if version == "HTTP/1.1":
            assert answer is None or answer.status == 502, answer
        elif answer is not None and answer.status != 502:
            # A close-delimited answer to HTTP/1.0 can only be broken by a reset, which the reader cannot tell from an end.
            assert answer.framing == "close"
        assert client.is_closed() or (answer is not None and answer.status == 502)
    healthy(site)


def test_more_than_the_length_says(site):
    """Octets behind a response belong to nobody: they must not become the next one's answer."""
    nonce = site.nonce()
    site.recorder.script(nonce, raw(OK + b"Content-Length: 2\r\n\r\nhi" + OK + b"Content-Length: 6\r\n\r\nstolen", close=False))
    answer = site.ask("GET", f"/open/?n={nonce}")
    assert (answer.status, answer.body) in ((200, b"hi"), (502, answer.body))
    for _ in range(6):
        healthy(site)


@pytest.mark.parametrize("tail", [b"hi", OK + b"Content-Length: 6\r\n\r\nstolen"])
@pytest.mark.parametrize("method, head", [
    ("HEAD", OK + b"Content-Length: 2\r\n\r\n"), ("GET", b"HTTP/1.1 204 No\r\n\r\n"), ("GET", b"HTTP/1.1 304 Not\r\nContent-Length: 2\r\n\r\n"),
])
def test_body_where_none_may_be(site, method, head, tail):
    nonce = site.nonce()
    site.recorder.script(nonce, raw(head + tail, close=False))
    site.ask(method, f"/open/?n={nonce}")
    for _ in range(6):
        healthy(site)


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_dies_before_any_response_on_a_fresh_connection(make_site, method, how):
    site = make_site()
    nonce = site.nonce(forwarded="once")
    site.recorder.script(nonce, lambda exchange: (exchange.read_body(), exchange.abort() if how == "reset" else exchange.close()))
    answer = site.ask(method, f"/open/?n={nonce}", body=b"x" if method == "POST" else None)
    assert answer.status == 502
    site.joined()


@pytest.mark.parametrize("method, body, forwarded", [
    ("GET", None, "retried"), ("HEAD", None, "retried"), ("OPTIONS", None, "retried"), ("DELETE", None, "retried"),
    ("POST", b"x=1", "once"), ("POST", b"", "once"), ("PATCH", b"x", "once"), ("PROPFIND", None, "once"),
])
def test_reused_connection_that_dies_before_a_byte(make_site, method, body, forwarded):
    """RFC 9110 9.2.2: tried again once where repeating is safe, on a reused connection; never otherwise."""
    site = make_site({"workers": 1})
    nonce = site.nonce(forwarded=forwarded)
    count = []

    def first_dies(exchange):
        exchange.read_body()
        count.append(1)
        if len(count) == 1:
            exchange.close()
        else:
            exchange.answer(200, body=b"second")

    site.recorder.script(nonce, first_dies)
    with site.client() as client:
        warm = site.nonce()
        assert client.ask(request("GET", f"/open/?n={warm}")).status == 200
        answer = client.ask(request(method, f"/open/?n={nonce}", body=body), method)
        seen = site.recorder.seen(nonce)
        assert seen[0].connection == site.recorder.one(warm).connection, "not a reused connection: the test proves nothing"
    assert answer.status == (200 if forwarded == "retried" else 502)
    site.joined()


def test_tried_again_once_only(make_site):
    site = make_site({"workers": 1})
    nonce = site.nonce(forwarded="retried")
    site.recorder.script(nonce, lambda exchange: exchange.close())
    for _ in range(3):
        site.ask("GET", f"/open/?n={site.nonce()}")
    assert site.ask("GET", f"/open/?n={nonce}").status == 502
    site.joined()


def test_idle_connections_that_the_upstream_closed(site):
    """The classic race: it costs no GET and doubles no POST."""
    for round in range(10):
        nonce = site.nonce()
        assert site.ask("GET", f"/open/?n={nonce}").status == 200
        site.recorder.close_idle()
        if round % 2:
            time.sleep(0.02)
        nonce = site.nonce(forwarded="once")
        assert site.ask("GET", f"/open/?n={nonce}").status == 200
    time.sleep(0.2)
    nonce = site.nonce(forwarded="maybe")
    site.ask("POST", f"/open/?n={nonce}", body=b"x")


def test_upstream_that_closes_after_every_second_request(site):
    numbers = {}

    def action(exchange):
        numbers[exchange.request.connection] = numbers.get(exchange.request.connection, 0) + 1
        exchange.answer(200, body=b"ok")
        if numbers[exchange.request.connection] == 2:
            exchange.close()

    with site.client() as client:
        for _ in range(20):
            nonce = site.nonce(forwarded="once")
            site.recorder.script(nonce, action)
            answer = client.ask(request("GET", f"/open/?n={nonce}"))
            assert (answer.status, answer.body) == (200, b"ok")
            time.sleep(0.01)


@pytest.mark.parametrize("field", ["Connection: close", "Connection: Close"])
def test_upstream_that_says_close_is_not_reused(site, field):
    nonce, after = site.nonce(), site.nonce()
    site.recorder.script(nonce, raw(OK + field.encode() + b"\r\nContent-Length: 2\r\n\r\nhi", close=False))
    with site.client() as client:
        assert client.ask(request("GET", f"/open/?n={nonce}")).body == b"hi"
        assert client.ask(request("GET", f"/open/?n={after}")).status == 200
    assert site.recorder.one(nonce).connection != site.recorder.one(after).connection


def test_nobody_listens(make_site):
    site = make_site({"upstreams": {"recorder": {"servers": [f"http://127.0.0.1:{free_port()}"]}}})
    began = time.monotonic()
    answer = site.ask("GET", f"/open/?n={site.nonce(forwarded='never')}")
    assert answer.status in (502, 503) and time.monotonic() - began < 5
    assert site.gateway.probe("/livez")[0] == 200


def test_one_of_two_servers_is_down(make_site):
    """Requests go to the one that answers."""
    site = make_site(start=False)
    dead = f"http://127.0.0.1:{free_port()}"
    site.gateway.settings["upstreams"]["recorder"]["servers"].insert(0, dead)
    site.gateway.write_config()
    site.start()
    for _ in range(10):
        assert site.ask("GET", f"/open/?n={site.nonce()}").status == 200
    site.joined()


def test_upstream_pieces_of_a_response_head(site):
    nonce = site.nonce()
    head = OK + b"X-A: b\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"hello", trailers=[("X-T", "u")])
    site.recorder.script(nonce, raw(*(head[i:i + 1] for i in range(len(head))), pause=0.001, close=False))
    answer = site.ask("GET", f"/open/?n={nonce}")
    assert answer.body == b"hello" and answer.fields["X-A"] == "b"


def test_slow_upstream_holds_up_nobody_else(site):
    nonce = site.nonce()
    release = threading.Event()
    site.recorder.script(nonce, lambda exchange: (release.wait(10), exchange.answer(200, body=b"slow")))
    with site.client() as client:
        client.send(request("GET", f"/open/?n={nonce}"))
        eventually(lambda: site.recorder.seen(nonce))
        began = time.monotonic()
        for _ in range(10):
            healthy(site)
        assert time.monotonic() - began < 3
        release.set()
        assert client.response().body == b"slow"
