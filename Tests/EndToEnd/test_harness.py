"""The harness itself: a joiner that cannot disagree proves nothing, so it is shown each thing that it has to find."""

import json

import pytest

from harness.ledger import Ledger
from harness.recorder import Recorder, raw
from harness.wire import Client, Closed, ProtocolError, chunked, eventually, request


@pytest.fixture
def recorder():
    recorder = Recorder()
    yield recorder
    recorder.stop()


def direct(recorder, raw_request, method="GET"):
    with Client(recorder.address) as client:
        return client.ask(raw_request, method)


def identity(user, number):
    return ([("X-User-Id", user)] if user else []) + [("X-Request-Id", f"r{number}")]


def test_recorder_accounts_for_a_request(recorder):
    nonce = Ledger(recorder).nonce()
    answer = direct(recorder, request("POST", f"/x?n={nonce}", [("X-User-Id", "7")], b"hello"))
    assert answer.json()["user"] == "7"
    assert answer.json()["length"] == 5
    assert recorder.one(nonce).body == b"hello"


def test_recorder_reads_chunks_and_trailers(recorder):
    nonce = Ledger(recorder).nonce()
    head = request("POST", f"/x?n={nonce}", [("Transfer-Encoding", "chunked")])
    direct(recorder, head + chunked(b"abc", b"defg", trailers=[("X-Sum", "1")]))
    assert recorder.one(nonce).body == b"abcdefg"
    assert recorder.one(nonce).trailers.get("x-sum") == "1"


def test_recorder_plays_a_script(recorder):
    nonce = Ledger(recorder).nonce()
    recorder.script(nonce, raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", b"abc"))
    with pytest.raises(Closed):
        direct(recorder, request("GET", f"/x?n={nonce}"))


@pytest.mark.parametrize("sent, forwarded, seen, complaint", [
    (["101"], "once", ["101"], None),
    ([None], "once", [None], None),
    (["101"], "once", ["102"], "sent as 101 and seen as"),
    ([None], "once", ["101"], "sent as None and seen as"),
    (["101"], "once", [None], "sent as 101 and seen as"),
    (["101"], "once", [], "was 0 times"),
    (["101"], "once", ["101", "101"], "this is number 2"),
    (["101"], "never", ["101"], "this is number 1"),
    (["101"], "maybe", [], None),
    (["101"], "retried", ["101", "101"], None),
    ([], "once", ["101"], "no client sent"),
])
def test_joiner_finds(recorder, sent, forwarded, seen, complaint):
    ledger = Ledger(recorder)
    nonces = [ledger.nonce(user, forwarded) for user in sent] or ["n0123456789abcdefz"]
    for number, user in enumerate(seen):
        direct(recorder, request("GET", f"/x?n={nonces[0]}", identity(user, number)))
    problems = ledger.join()
    if complaint is None:
        assert problems == []
    else:
        assert any(complaint in problem for problem in problems), problems


@pytest.mark.parametrize("octets", [
    b"GET /x HTTP/1.1\nHost: a\n\n",
    b"GET /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET /x HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    b"GET /x HTTP/1.1\r\nHost : a\r\n\r\n",
    b"GET /x y HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;x\r\na\r\n0\r\n\r\n",
])
def test_recorder_is_strict(recorder, octets):
    with Client(recorder.address) as client:
        client.send(octets)
        assert client.is_closed()
    eventually(lambda: recorder.violations, what="a violation")


@pytest.mark.parametrize("octets", [
    b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
    b"HTTP/2 200 OK\r\n\r\n",
])
def test_client_is_strict(recorder, octets):
    nonce = Ledger(recorder).nonce()
    recorder.script(nonce, raw(octets))
    with pytest.raises(ProtocolError):
        direct(recorder, request("GET", f"/x?n={nonce}"))


def test_account_is_json(recorder):
    nonce = Ledger(recorder).nonce()
    answer = direct(recorder, request("GET", f"/x?n={nonce}"))
    assert json.loads(answer.body)["target"] == f"/x?n={nonce}"
