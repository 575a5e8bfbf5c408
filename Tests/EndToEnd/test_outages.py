"""Stores that stop: fail closed, soon, with the cookie left alone; service comes back by itself (rules 13 and 40)."""

import os
import signal
import socket
import sqlite3
import threading
import time

import pytest

from harness.wire import eventually, request


@pytest.fixture
def kept(make_site, redis):
    """A site with its sessions in Redis and the default patience of 100 ms."""
    return make_site({"sessions": {"store": redis.url, "store_timeout": "250ms"}})


def ask(site, cookie, user, path="/app/"):
    nonce = site.nonce(user, "never" if user is None else "once")
    return site.ask("GET", f"{path}?n={nonce}", [("Cookie", cookie)] if cookie else [])


def test_redis_stops_and_returns(kept, redis):
    site = kept
    session, token = site.sign_in("alice"), site.sign_in("bob", "token")
    assert ask(site, session, "101").status == 200
    redis.stop()
    for attempt in range(20):
        began = time.monotonic()
        answer = ask(site, session, None)
        took = time.monotonic() - began
        assert answer.status == 503 and int(answer.fields["Retry-After"]) >= 0, answer
        assert "Set-Cookie" not in answer.fields, "the cookie was touched"
        # At once when it is known; the first may have to find out.
        assert took < (1.0 if attempt < 2 else 0.3), took
        if attempt == 0:
            # What does not need the store goes on.
            assert ask(site, token, "102").status == 200
            assert site.ask("GET", f"/open/?n={site.nonce()}").status == 200
            assert site.ask("GET", f"/open/?n={site.nonce()}", [("Cookie", session)]).status == 200
    assert site.login("alice", "secret123").status == 503
    assert site.login("bob", "correct horse battery", "token").status == 200
    assert site.gateway.probe("/livez")[0] == 200
    assert eventually(lambda: site.gateway.probe("/readyz")[0] == 503, 5)
    redis.start()
    # The data died with that Redis, so the session is unknown now: 401, and a new sign-in works.
    began = time.monotonic()

    def served():
        return ask(site, session, None).status == 401

    eventually(served, 3, 0.05)
    assert time.monotonic() - began < 1.5
    eventually(lambda: site.gateway.probe("/readyz")[0] == 200, 5)
    assert ask(site, site.sign_in("alice"), "101").status == 200
    site.joined()


def test_redis_that_pauses(kept, redis):
    """A connection that stands and answers nothing: the deadline of the look-up holds."""
    site = kept
    session = site.sign_in("alice")
    os.kill(redis.process.pid, signal.SIGSTOP)
    try:
        for _ in range(3):
            began = time.monotonic()
            assert ask(site, session, None).status == 503
            assert time.monotonic() - began < 1.2
        assert site.ask("GET", f"/open/?n={site.nonce()}").status == 200
    finally:
        os.kill(redis.process.pid, signal.SIGCONT)
    eventually(lambda: ask_any(site, session), 3, 0.05)
    site.joined()


def test_logout_while_redis_is_down(kept, redis):
    """A logout that cannot be done is not said to be done."""
    site = kept
    session = site.sign_in("alice")
    redis.stop()
    answer = site.ask("POST", "/logout", [("Cookie", session)])
    assert answer.status == 503
    redis.start()


def test_start_without_redis(make_site, redis):
    """The gateway comes up, is not ready, and serves what it can."""
    site = make_site({"sessions": {"store": redis.url}}, start=False)
    redis.stop()
    site.gateway.start(until="/livez")
    assert site.gateway.probe("/readyz")[0] == 503
    assert site.ask("GET", f"/open/?n={site.nonce()}").status == 200
    redis.start()
    eventually(lambda: site.gateway.probe("/readyz")[0] == 200, 5)
    site.joined()


@pytest.mark.parametrize("reply", [b"", b"garbage\r\n", b"$-1\r\n" * 50, b"$999999999999\r\n", b"*1000000\r\n", b"-LOADING Redis is loading\r\n", b"-READONLY x\r\n", b"-NOAUTH x\r\n", b":1\r\n",
                                   b"+OK\r\n+OK\r\n+OK\r\n", b"*-2\r\n", b"$5\r\nabc\r\n", b"*1\r\n" * 5000, b"x" * 100_000])
def test_a_redis_that_answers_nonsense(make_site, reply):
    """Rule 57: an answer of a helper is input. Never in, never down."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return

            def talk(sock=sock):
                try:
                    while sock.recv(65536):
                        sock.sendall(reply)
                        if not reply:
                            break
                except OSError:
                    pass
                sock.close()

            threading.Thread(target=talk, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    site = make_site({"sessions": {"store": "redis://127.0.0.1:%d/0" % listener.getsockname()[1], "store_timeout": "250ms"}}, start=False)
    try:
        site.gateway.start(until="/livez")
        for _ in range(5):
            assert ask(site, "session_id=SESS_" + "A" * 43, None).status in (401, 503)
        assert site.ask("GET", f"/open/?n={site.nonce()}").status == 200
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    site.joined()


def test_the_users_database_is_locked(make_site, redis):
    """Sign-in fails closed; sessions in Redis and tokens go on."""
    site = make_site({"sessions": {"store": redis.url}})
    session, token = site.sign_in("alice"), site.sign_in("bob", "token")
    lock = sqlite3.connect(site.gateway.database, timeout=10, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    try:
        assert ask(site, session, "101").status == 200
        assert ask(site, token, "102").status == 200
        with site.client(timeout=20) as client:
            client.send(request("POST", "/login", [("Content-Type", "application/json")], b'{"username":"alice","password":"wrong"}'))
            assert client.response().status in (401, 503)
    finally:
        lock.execute("ROLLBACK")
        lock.close()
    assert site.login("alice", "secret123").status == 200
    site.joined()


def test_the_session_database_is_damaged(make_site):
    site = make_site()
    session, token = site.sign_in("alice"), site.sign_in("bob", "token")
    site.gateway.change("ALTER TABLE sessions RENAME TO elsewhere")
    answer = ask(site, session, None)
    assert answer.status == 503 and "Set-Cookie" not in answer.fields
    assert ask(site, token, "102").status == 200
    site.gateway.change("ALTER TABLE elsewhere RENAME TO sessions")
    eventually(lambda: ask_any(site, session), 3, 0.1)
    site.joined()


def test_the_session_database_can_be_read_and_not_written(make_site):
    """A full disk, a server in recovery: who is signed in stays so until the session would have been idle; nobody new gets in."""
    site = make_site({"sessions": {"idle_timeout": "2s"}})
    session = site.sign_in("alice")
    for event in ("INSERT", "UPDATE", "DELETE"):
        site.gateway.change(f"CREATE TRIGGER no_{event} BEFORE {event} ON sessions BEGIN SELECT RAISE(ABORT, 'no space'); END")
    time.sleep(0.5)
    nonce = site.nonce("101")
    assert site.ask("GET", f"/app/?n={nonce}", [("Cookie", session)]).status == 200
    assert "could not be written" in site.gateway.access_line(site.recorder.one(nonce).request_id)["note"]
    assert site.login("alice", "secret123").status == 503
    assert site.ask("POST", "/logout", [("Cookie", session)]).status == 503
    eventually(lambda: not ask_any(site, session), 5, 0.2)
    assert ask(site, session, None).status == 401
    site.joined()


def ask_any(site, cookie):
    nonce = site.nonce("101", "maybe")
    return site.ask("GET", f"/app/?n={nonce}", [("Cookie", cookie)]).status == 200
