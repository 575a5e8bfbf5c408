"""Every state has a deadline (rule 56): slow heads, bodies and readers are cut, and cost nobody else anything."""

import socket
import threading
import time

import pytest

from harness.recorder import raw
from harness.wire import Closed, ProtocolError, chunked, eventually, request

DEADLINE = 1.0
SLACK = 1.5


@pytest.fixture(scope="module")
def hasty(module_sites):
    one = f"{int(DEADLINE * 1000)}ms"
    return module_sites({
        "timeouts": {"head": one, "body": one, "idle": one, "write": one, "upstream_connect": one, "upstream_head": one, "upstream_body": one},
        "limits": {"min_rate": 1000},
    })


@pytest.fixture
def site(hasty):
    yield hasty
    hasty.joined()


def drip(client, data, every):
    """Sends octet by octet until the peer has enough of it."""
    try:
        for i in range(len(data)):
            client.sock.sendall(data[i:i + 1])
            time.sleep(every)
    except OSError:
        pass


def cut(site, start, slow, every, statuses):
    """Sends `start` at once and `slow` by drops; the answer (None: just closed) and how long it took."""
    began = time.monotonic()
    with site.client() as client:
        client.send(start)
        dripper = threading.Thread(target=drip, args=(client, slow, every), daemon=True)
        dripper.start()
        try:
            answer = client.response()
        except (Closed, ProtocolError, ConnectionError):
            answer = None
        took = time.monotonic() - began
        client.sock.shutdown(socket.SHUT_RDWR) if answer is None or not client.is_closed(2) else None
        dripper.join(5)
    assert answer is None or answer.status in statuses, answer
    return answer, took


def test_no_request_at_all(site):
    began = time.monotonic()
    with site.client() as client:
        assert client.is_closed(DEADLINE + SLACK)
    assert time.monotonic() - began > DEADLINE * 0.7


@pytest.mark.parametrize("start", [b"G", b"GET /open/ HTTP/1.1\r\n", b"GET /open/ HTTP/1.1\r\nHost: gate.test\r\n"])
def test_a_head_that_stops(site, start):
    answer, took = cut(site, start, b"", 0, (408,))
    assert DEADLINE * 0.7 < took < DEADLINE + SLACK


def test_a_head_by_drops(site):
    """A total deadline: an octet now and then does not move it."""
    answer, took = cut(site, b"GET /open/ HTTP/1.1\r\nHost: gate.test\r\nX-A: ", b"b" * 100, 0.1, (408,))
    assert took < DEADLINE + SLACK


def test_an_idle_connection_is_closed(site):
    with site.client() as client:
        assert client.ask(request("GET", f"/open/?n={site.nonce()}")).status == 200
        began = time.monotonic()
        assert client.is_closed(DEADLINE + SLACK)
        assert time.monotonic() - began > DEADLINE * 0.7


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_body_that_stops(site, framing):
    nonce = site.nonce(forwarded="maybe")
    field, piece = {"length": (("Content-Length", "100"), b"abc"), "chunked": (("Transfer-Encoding", "chunked"), b"64\r\nabc")}[framing]
    answer, took = cut(site, request("POST", f"/open/?n={nonce}", [field]) + piece, b"", 0, (408,))
    assert DEADLINE * 0.7 < took < DEADLINE + SLACK
    assert all(seen.body_digest is None for seen in site.recorder.seen(nonce))


def test_a_body_by_drops(site):
    """The rate is held to: drops that come in time are still too little."""
    nonce = site.nonce(forwarded="maybe")
    answer, took = cut(site, request("POST", f"/open/?n={nonce}", [("Content-Length", "100000")]), b"a" * 100, 0.1, (408,))
    assert took < DEADLINE + SLACK + 1


def test_a_body_by_drops_on_login(site):
    answer, took = cut(site, request("POST", "/login", [("Content-Type", "application/json"), ("Content-Length", "1000")]), b"{" * 100, 0.1, (408,))
    assert took < DEADLINE + SLACK + 1


def test_a_steady_body_is_not_cut(site):
    """Slower than the deadline in all, but always moving."""
    nonce = site.nonce()
    with site.client() as client:
        client.send(request("POST", f"/open/?n={nonce}", [("Content-Length", str(25 * 2000))]))
        for _ in range(25):
            client.send(b"x" * 2000)
            time.sleep(0.1)
        assert client.response().json()["length"] == 50000


def test_a_reader_that_stops(site):
    nonce = site.nonce()
    ended = threading.Event()

    def endless(exchange):
        exchange.read_body()
        exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                exchange.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        except OSError:
            ended.set()
            exchange.close()

    site.recorder.script(nonce, endless)
    with site.client(receive_buffer=4096) as client:
        client.send(request("GET", f"/open/?n={nonce}"))
        began = time.monotonic()
        assert ended.wait(DEADLINE + SLACK + 3), "the upstream still sends for a client that reads nothing"
        assert time.monotonic() - began > DEADLINE * 0.5


def test_an_upstream_that_never_answers(site):
    nonce = site.nonce()
    release = threading.Event()
    site.recorder.script(nonce, lambda exchange: (exchange.read_body(), release.wait(5), exchange.close()))
    began = time.monotonic()
    answer = site.ask("GET", f"/open/?n={nonce}")
    release.set()
    assert answer.status == 504 and DEADLINE * 0.7 < time.monotonic() - began < DEADLINE + SLACK


def test_an_upstream_head_by_drops(site):
    nonce = site.nonce()
    head = b"HTTP/1.1 200 OK\r\nX-A: " + b"b" * 100 + b"\r\nContent-Length: 0\r\n\r\n"

    def drops(exchange):
        try:
            raw(*(head[i:i + 1] for i in range(len(head))), pause=0.1)(exchange)
        except OSError:
            exchange.close()

    site.recorder.script(nonce, drops)
    began = time.monotonic()
    assert site.ask("GET", f"/open/?n={nonce}").status == 504
    assert time.monotonic() - began < DEADLINE + SLACK


def test_an_upstream_body_that_stops(site):
    nonce = site.nonce()
    release = threading.Event()

    def stop(exchange):
        exchange.read_body()
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
        release.wait(5)
        exchange.close()

    site.recorder.script(nonce, stop)
    with site.client() as client:
        client.send(request("GET", f"/open/?n={nonce}"))
        began = time.monotonic()
        with pytest.raises(ProtocolError):
            client.response()
        assert time.monotonic() - began < DEADLINE + SLACK
    release.set()


def test_an_upstream_body_in_steady_pieces_is_not_cut(site):
    nonce = site.nonce()
    pieces = [chunked(b"x" * 10)[:-5] for _ in range(8)]
    site.recorder.script(nonce, raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *pieces, b"0\r\n\r\n", pause=0.3, close=False))
    assert site.ask("GET", f"/open/?n={nonce}").body == b"x" * 80


def test_the_expected_continue_is_not_waited_for_without_end(site):
    nonce = site.nonce(forwarded="maybe")
    began = time.monotonic()
    with site.client() as client:
        client.send(b"POST /open/?n=%s HTTP/1.1\r\nHost: gate.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n" % nonce.encode())
        try:
            answer = client.response()
            assert answer.status in (408, 504)
        except ProtocolError:
            pass
    assert time.monotonic() - began < DEADLINE + SLACK


def test_a_hundred_slow_clients_cost_nobody_anything(site):
    slow = [site.client() for _ in range(100)]
    try:
        for client in slow:
            client.send(b"GET /open/ HTTP/1.1\r\nHost: ")
        began = time.monotonic()
        for _ in range(20):
            assert site.ask("GET", f"/open/?n={site.nonce()}").status == 200
        assert time.monotonic() - began < 2
        eventually(lambda: all(client.is_closed(0.01) or client.reader.ended for client in slow[:5]), DEADLINE + SLACK + 1, what="slow clients cut")
    finally:
        for client in slow:
            client.close()
