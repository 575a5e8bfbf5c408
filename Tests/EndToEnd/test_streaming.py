"""Bodies stream: two gigabytes each way at constant memory while one side is slow, each side's pace limiting the other."""

import hashlib
import threading
import time

import pytest

from harness.recorder import raw
from harness.wire import chunked, eventually, request

GIB = 1 << 30
SIZE = 2 * GIB
# A gateway that held the body would grow by its size; one that streams, by its socket buffers. 48 MiB leaves room for an
# allocator's habits and for the other connections of the run.
GROWTH_KIB = 48 * 1024
# Every MiB is another, so that a piece lost, doubled or out of place shows.
BLOCK = hashlib.sha256(b"block").digest() * (1 << 15)


def block(index):
    return index.to_bytes(8, "big") + BLOCK[8:]


class Checker:
    """Takes the content in whatever pieces it comes and compares it with the blocks."""

    def __init__(self):
        self.count = 0
        self.wrong = None

    def take(self, piece):
        while piece and self.wrong is None:
            index, offset = divmod(self.count, 1 << 20)
            expected = block(index)[offset:offset + len(piece)]
            if piece[:len(expected)] != expected:
                self.wrong = self.count
            self.count += len(expected)
            piece = piece[len(expected):]


class Watch:
    """The highest resident memory of a process while it is open, in KiB."""

    def __init__(self, process):
        self.process = process
        self.before = self.highest = process.resident_kib()
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.stop.wait(0.05):
            self.highest = max(self.highest, self.process.resident_kib())

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()

    @property
    def growth(self):
        return self.highest - self.before


@pytest.fixture(scope="module")
def big(module_sites):
    """No limit on the body of /open/ but the one that is asked for."""
    site = module_sites({"limits": {"body": "4g"}})
    nonce = site.nonce()
    site.ask("GET", f"/open/?n={nonce}")
    return site


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_two_gigabytes_up_to_a_slow_upstream(big, framing):
    nonce = big.nonce()
    checker = Checker()

    def slow(exchange):
        for piece in exchange.pieces():
            # A long pause at the start lets the client run as far ahead as the gateway lets it.
            if checker.count == 0:
                time.sleep(1.0)
            checker.take(piece)
        exchange.answer(200, body=str(checker.count).encode())

    big.recorder.script(nonce, slow)
    field = ("Content-Length", SIZE) if framing == "length" else ("Transfer-Encoding", "chunked")
    with big.client(timeout=60) as client, Watch(big.gateway.process) as watch:
        client.send(request("POST", f"/open/?n={nonce}", [field]))
        for index in range(SIZE >> 20):
            data = block(index)
            client.send(data if framing == "length" else b"100000\r\n" + data + b"\r\n")
        if framing == "chunked":
            client.send(b"0\r\n\r\n")
        answer = client.response()
    assert (answer.status, answer.body, checker.wrong) == (200, str(SIZE).encode(), None)
    assert watch.growth < GROWTH_KIB, f"grew by {watch.growth} KiB"
    big.joined()


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_two_gigabytes_down_to_a_slow_client(big, framing):
    nonce = big.nonce()
    sent = {"ahead": 0}

    def generate(exchange):
        exchange.read_body()
        field = {"length": b"Content-Length: %d\r\n" % SIZE, "chunked": b"Transfer-Encoding: chunked\r\n", "close": b""}[framing]
        exchange.send(b"HTTP/1.1 200 OK\r\n" + field + b"\r\n")
        for index in range(SIZE >> 20):
            data = block(index)
            exchange.send(b"100000\r\n" + data + b"\r\n" if framing == "chunked" else data)
            sent["ahead"] = index + 1
        if framing == "chunked":
            exchange.send(b"0\r\n\r\n")
        if framing == "close":
            exchange.close()

    big.recorder.script(nonce, generate)
    checker = Checker()
    with big.client(timeout=60) as client, Watch(big.gateway.process) as watch:
        client.send(request("GET", f"/open/?n={nonce}"))
        start, fields, _ = client.reader.head()
        assert start.startswith(b"HTTP/1.1 200 ")
        names = {name.lower(): value for name, value in fields}
        # While the client reads nothing, the upstream cannot run ahead by more than buffers.
        time.sleep(1.0)
        assert sent["ahead"] < 64, f"the gateway took {sent['ahead']} MiB for a client that reads nothing"
        if "content-length" in names:
            assert int(names["content-length"]) == SIZE
            take_counted(client, checker, SIZE)
        elif names.get("transfer-encoding") == "chunked":
            take_chunks(client, checker)
        else:
            checker.take(bytes(client.reader.buffer))
            while piece := client.sock.recv(1 << 20):
                checker.take(piece)
    assert (checker.count, checker.wrong) == (SIZE, None)
    assert watch.growth < GROWTH_KIB, f"grew by {watch.growth} KiB"
    big.joined()


def take_counted(client, checker, count):
    piece = bytes(client.reader.buffer[:count])
    del client.reader.buffer[: len(piece)]
    checker.take(piece)
    left = count - len(piece)
    while left:
        piece = client.sock.recv(min(left, 1 << 20))
        assert piece, "closed early"
        checker.take(piece)
        left -= len(piece)


def take_chunks(client, checker):
    while size := int(client.reader.line(), 16):
        take_counted(client, checker, size)
        assert client.reader.exactly(2) == b"\r\n"
    assert client.reader.line() == b""


def test_both_bodies_at_once(site):
    """An upstream that echoes while it is still being sent to: neither side waits for the other's end."""
    nonce = site.nonce()

    def echo(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in exchange.pieces():
            exchange.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        exchange.send(b"0\r\n\r\n")

    site.recorder.script(nonce, echo)
    with site.client() as client:
        client.send(request("POST", f"/open/?n={nonce}", [("Transfer-Encoding", "chunked")]))
        client.send(b"5\r\nhello\r\n")
        start, _, _ = client.reader.head()
        assert start.startswith(b"HTTP/1.1 200 ")
        got = b""

        def more(expected):
            nonlocal got
            while len(got) < len(expected):
                size = int(client.reader.line(), 16)
                got += client.reader.exactly(size)
                client.reader.exactly(2)
            assert got == expected

        more(b"hello")
        client.send(b"6\r\n world\r\n")
        more(b"hello world")
        client.send(b"0\r\n\r\n")
        assert client.reader.line() == b"0"
        assert client.reader.line() == b""


def test_small_pieces_arrive_as_they_come(site):
    """Server-sent events: nothing is held back until a buffer is full."""
    nonce = site.nonce()
    site.recorder.script(nonce, raw(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n", chunked(b"data: 1\n\n")[:-5],
        chunked(b"data: 2\n\n")[:-5], b"0\r\n\r\n", pause=0.5, close=False))
    with site.client() as client:
        began = time.monotonic()
        client.send(request("GET", f"/open/?n={nonce}"))
        client.reader.head()
        assert time.monotonic() - began < 0.4
        assert client.reader.line() == b"9"
        assert time.monotonic() - began < 0.9
        assert client.reader.exactly(11) == b"data: 1\n\n\r\n"
        assert client.reader.line() == b"9"
        assert time.monotonic() - began < 1.4


def test_early_answer_while_the_body_is_still_coming(site):
    """The upstream refuses without reading: the client gets that answer and not an error."""
    nonce, after = site.nonce(), site.nonce()
    site.recorder.script(nonce, raw(b"HTTP/1.1 413 Too Big\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbig!", read_body=False))
    with site.client() as client:
        client.send(b"POST /open/?n=%s HTTP/1.1\r\nHost: gate.test\r\nContent-Length: 50000000\r\n\r\n" % nonce.encode())
        client.send_some(b"x" * 300_000)
        answer = client.response()
        assert (answer.status, answer.body) == (413, b"big!")
    assert site.ask("GET", f"/open/?n={after}").status == 200


def test_client_that_vanishes_during_a_download(site):
    nonce = site.nonce()
    ended = threading.Event()

    def endless(exchange):
        exchange.read_body()
        exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                exchange.send(b"100000\r\n" + BLOCK + b"\r\n")
        except OSError:
            ended.set()
            exchange.close()

    site.recorder.script(nonce, endless)
    client = site.client()
    client.send(request("GET", f"/open/?n={nonce}"))
    client.reader.head()
    client.reset()
    assert ended.wait(5), "the upstream still sends for a client that is gone"


def test_client_that_vanishes_during_an_upload(site):
    nonce = site.nonce()
    ended = threading.Event()

    def watch(exchange):
        try:
            exchange.read_body()
        finally:
            ended.set()

    site.recorder.script(nonce, watch)
    client = site.client()
    client.send(b"POST /open/?n=%s HTTP/1.1\r\nHost: gate.test\r\nContent-Length: 1000\r\n\r\nabc" % nonce.encode())
    eventually(lambda: site.recorder.seen(nonce))
    client.reset()
    assert ended.wait(5), "the upstream still waits for a client that is gone"
    assert site.recorder.one(nonce).body_digest is None


def test_client_that_vanishes_before_the_answer(site):
    nonce, after = site.nonce(), site.nonce()
    release = threading.Event()

    def late(exchange):
        exchange.read_body()
        release.wait(5)
        try:
            exchange.answer(200, body=b"late")
        except OSError:
            exchange.close()

    site.recorder.script(nonce, late)
    client = site.client()
    client.send(request("GET", f"/open/?n={nonce}"))
    eventually(lambda: site.recorder.seen(nonce))
    client.reset()
    time.sleep(0.1)
    release.set()
    # Whatever becomes of that upstream connection, the late answer is nobody else's.
    for _ in range(5):
        assert site.ask("GET", f"/open/?n={site.nonce()}").body != b"late"
    assert site.ask("GET", f"/open/?n={after}").json()["target"].endswith(after)


def test_no_descriptor_is_lost(make_site):
    """Vanishing clients and dying upstreams leave nothing open."""
    site = make_site()
    site.ask("GET", f"/open/?n={site.nonce()}")
    before = site.gateway.process.descriptors()
    for round in range(60):
        nonce = site.nonce(forwarded="maybe")
        client = site.client()
        if round % 3 == 0:
            client.send(b"POST /open/?n=%s HTTP/1.1\r\nHost: g\r\nContent-Length: 1000\r\n\r\nabc" % nonce.encode())
        elif round % 3 == 1:
            site.recorder.script(nonce, raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"))
            client.send(request("GET", f"/open/?n={nonce}"))
            client.reader.head()
        else:
            client.send(b"GET /open/?n=" + nonce.encode())
        client.reset()
    eventually(lambda: site.gateway.process.descriptors() <= before + 4, 8, 0.1, "descriptors back")
