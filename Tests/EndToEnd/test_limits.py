"""Limits: each with the status that says which it was, and what lies just under it passes."""

import select
import time

import pytest

from harness.gateway import GATEHOUSE
from harness.processes import Process
from harness.site import routes
from harness.wire import Closed, chunked, eventually, request


@pytest.fixture(scope="module")
def narrow(module_sites):
    small = {"path": "/small/", "upstream": "recorder", "access": "public", "max_body": "1k"}
    return module_sites({
        "limits": {"request_line": 1000, "header_bytes": "4k", "header_count": 20, "body": "10k", "login_body": 500, "requests_per_connection": 7},
        "routes": [small, *routes()],
    })


@pytest.fixture
def site(narrow):
    yield narrow
    narrow.joined()


def line_of(target, length):
    """The target filled up so that the request line without CRLF is this long."""
    return target + "x" * (length - len(f"GET {target} HTTP/1.1"))


@pytest.mark.parametrize("length, status", [(990, 200), (1100, 414), (5000, 414), (100_000, 414)])
def test_request_line(site, length, status):
    nonce = site.nonce(forwarded="once" if status == 200 else "never")
    with site.client() as client:
        client.send_some(request("GET", line_of(f"/open/?n={nonce}&", length)))
        assert client.response().status == status
        assert status == 200 or client.is_closed()


def test_request_line_without_end(site):
    """Refused as soon as it is too long, not when it ends."""
    with site.client() as client:
        client.send_some(b"GET /" + b"x" * 3000)
        assert client.response().status == 414


def test_8000_octets_by_default(suite_site):
    """RFC 9112 3: a server should take request lines of 8000 octets."""
    nonce = suite_site.nonce()
    assert suite_site.ask("GET", line_of(f"/open/?n={nonce}&", 8000)).status == 200
    suite_site.joined()


@pytest.mark.parametrize("size, status", [(3000, 200), (5000, 431), (200_000, 431)])
def test_header_bytes(site, size, status):
    nonce = site.nonce(forwarded="once" if status == 200 else "never")
    with site.client() as client:
        client.send_some(request("GET", f"/open/?n={nonce}", [("X-A", "b" * size)]))
        assert client.response().status == status
        assert status == 200 or client.is_closed()


def test_header_bytes_without_end(site):
    with site.client() as client:
        client.send_some(b"GET /open/ HTTP/1.1\r\nHost: gate.test\r\nX-A: " + b"b" * 9000)
        assert client.response().status == 431


@pytest.mark.parametrize("count, status", [(18, 200), (21, 431), (300, 431), (900, 431)])
def test_header_count(site, count, status):
    nonce = site.nonce(forwarded="once" if status == 200 else "never")
    with site.client() as client:
        client.send_some(request("GET", f"/open/?n={nonce}", [("A", "b")] * count))
        assert client.response().status == status


@pytest.mark.parametrize("path, size, status", [
    ("/small/", 1024, 200), ("/small/", 1025, 413), ("/open/", 1025, 200), ("/open/", 10240, 200), ("/open/", 10241, 413), ("/open/", 10**17, 413),
])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_body(site, path, size, status, framing):
    nonce = site.nonce(forwarded="once" if status == 200 else "maybe" if framing == "chunked" else "never")
    with site.client() as client:
        if framing == "length":
            client.send_some(request("POST", f"{path}?n={nonce}", [("Content-Length", str(size))]) + b"x" * min(size, 20_000))
        else:
            client.send_some(request("POST", f"{path}?n={nonce}", [("Transfer-Encoding", "chunked")]))
            client.send_some(chunked(*[b"x" * 100] * (min(size, 20_000) // 100), b"x" * (min(size, 20_000) % 100)))
        assert client.response().status == status
    assert all(seen.body_digest is None for seen in site.recorder.seen(nonce)) or status == 200


def test_body_too_large_is_said_before_it_is_sent(site):
    """With Expect: 100-continue the client is spared the upload."""
    nonce = site.nonce(forwarded="never")
    with site.client() as client:
        client.send(request("POST", f"/small/?n={nonce}", [("Expect", "100-continue"), ("Content-Length", "2000")]))
        answer = client.response()
        assert answer.status == 413 and answer.interim == []


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_login_body(site, framing):
    body = b'{"username":"alice","password":"' + b"x" * 600 + b'"}'
    with site.client() as client:
        fields = [("Content-Type", "application/json")]
        if framing == "length":
            client.send_some(request("POST", "/login", fields, body))
        else:
            client.send_some(request("POST", "/login", [*fields, ("Transfer-Encoding", "chunked")]) + chunked(body))
        assert client.response().status == 413


def test_requests_per_connection(site):
    with site.client() as client:
        for number in range(7):
            answer = client.ask(request("GET", f"/open/?n={site.nonce()}"))
            assert answer.status == 200
            assert (answer.fields.get("Connection", "").lower() == "close") == (number == 6)
        assert client.is_closed()


def test_requests_per_connection_when_pipelined(site):
    sent = [site.nonce() for _ in range(7)] + [site.nonce(forwarded="never") for _ in range(3)]
    with site.client() as client:
        client.send(b"".join(request("GET", f"/open/?n={nonce}") for nonce in sent))
        for nonce in sent[:7]:
            assert client.response().json()["target"].endswith(nonce)
        assert client.is_closed()


def is_served(client, site):
    """Whether a fresh connection gets a request through; refused is 503, 429 or closed."""
    nonce = site.nonce(forwarded="maybe")
    try:
        client.send(request("GET", f"/open/?n={nonce}"))
        answer = client.response()
    except (OSError, Closed):
        return False
    assert answer.status in (200, 429, 503), answer
    return answer.status == 200


def settled(check, within=5.0):
    deadline = time.monotonic() + within
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("setting", ["connections_per_address", "connections"])
def test_connections(make_site, setting):
    # The limit may be kept by each worker for its own connections; with one worker it is exact.
    site = make_site({"limits": {setting: 8, **({"connections_per_address": 8} if setting == "connections" else {})}, "workers": 1})
    held = []
    try:
        for _ in range(8):
            held.append(site.client(source="127.7.0.1"))
            assert is_served(held[-1], site)
        with site.client(source="127.7.0.1") as one_more:
            assert not is_served(one_more, site)
        with site.client(source="127.7.0.2") as elsewhere:
            assert is_served(elsewhere, site) == (setting == "connections_per_address")
        held.pop().close()

        def again():
            with site.client(source="127.7.0.1") as client:
                return is_served(client, site)

        settled(again)
    finally:
        for client in held:
            client.close()
    site.joined()


def test_connections_leave_descriptors_for_the_rest(make_site):
    """A limit of open files below limits.connections: whoever comes on top is told so, and the others are served all the same."""
    site = make_site(start=False)
    gateway = site.gateway
    process = Process(["prlimit", "--nofile=128:128", GATEHOUSE, "serve", "--config", gateway.config], gateway.folder, gateway.name,
                      env=gateway.environment, cwd=gateway.folder)
    held = []
    try:
        process.wait_until(lambda: gateway.probe("/readyz")[0] == 200)
        assert "open files are limited" in gateway.log()
        held = [site.client() for _ in range(200)]

        def answered():
            return select.select([client.sock for client in held], [], [], 0)[0]

        eventually(lambda: len(answered()) == 200 - 64, 10)
        refused = [client for client in held if client.sock in answered()]
        for client in refused:
            answer = client.response()
            assert answer.status == 503 and "Retry-After" in answer.fields
        for client in [client for client in held if client not in refused][:10]:
            assert client.ask(request("GET", f"/open/?n={site.nonce()}")).status == 200
        assert gateway.probe("/readyz")[0] == 200
    finally:
        for client in held:
            client.close()
        assert process.terminate() == 0
    site.joined()


def test_connections_of_all_workers_together(make_site):
    """The sum over the workers is bounded too, however the kernel spreads the connections."""
    site = make_site({"limits": {"connections_per_address": 10, "connections": 10}, "workers": 2})
    held = []
    try:
        served = 0
        for _ in range(40):
            held.append(site.client())
            served += is_served(held[-1], site)
        assert 5 <= served <= 10, served
    finally:
        for client in held:
            client.close()
