"""Users and sessions in PostgreSQL: both flows, several gateways on one database, a server that restarts or is gone."""

import signal
import threading
import time

import pytest

from harness.gateway import Gateway
from harness.postgresql import PostgreSQL
from harness.site import USERS
from harness.wire import eventually


@pytest.fixture(scope="module")
def server():
    made = PostgreSQL()
    yield made
    made.remove()


@pytest.fixture
def database(server):
    return server.new_database()


def settings(server, database, **more):
    return {"users": {"store": server.url(database)}, "sessions": {"store": server.url(database), **more},
            "passwords": {"algorithm": "bcrypt", "cost": 10}}


@pytest.fixture
def pg_site(make_site, server, database):
    """A site with all of its users and sessions in PostgreSQL."""

    def make(**more):
        site = make_site(settings(server, database, **more), start=False)
        site.gateway.start()
        for name, (id, password, role) in USERS.items():
            site.gateway.do("user", "add", name, "--role", role, "--id", id, "--password-stdin", stdin=password + "\n")
        return site

    return make


def ask(site, cookie, user, path="/app/"):
    nonce = site.nonce(user, "never" if user is None else "once")
    return site.ask("GET", f"{path}?n={nonce}", [("Cookie", cookie)] if cookie else []), nonce


def test_both_flows(pg_site, server, database):
    site = pg_site()
    session = site.sign_in("alice")
    answer, nonce = ask(site, session, "101")
    assert answer.status == 200
    seen = site.recorder.one(nonce)
    assert seen.fields.all("X-User-Id") == ["101"] and seen.fields.all("X-User-Role") == ["user"]
    rows = server.ask("SELECT user_id, username, data FROM sessions", database)
    assert rows == ['101|alice|{"role":"user"}']
    assert session.split("=")[1] not in "".join(server.ask("SELECT session_id FROM sessions", database))
    # A token: nothing is stored anywhere, and nothing that is looked at.
    before = server.ask("SELECT * FROM sessions UNION ALL SELECT key, '', '', '', failures, 0, 0, 0 FROM login_failures ORDER BY 1", database)
    token = site.sign_in("bob", "token")
    assert ask(site, token, "102")[0].status == 200
    assert server.ask("SELECT * FROM sessions UNION ALL SELECT key, '', '', '', failures, 0, 0, 0 FROM login_failures ORDER BY 1", database) == before
    # Signing out deletes the row, and disabling a user all of theirs.
    assert site.ask("POST", "/logout", [("Cookie", session)]).status == 204
    assert server.ask("SELECT count(*) FROM sessions", database) == ["0"]
    assert ask(site, session, None)[0].status == 401
    other = site.sign_in("carol")
    site.gateway.do("user", "disable", "carol")
    assert server.ask("SELECT count(*) FROM sessions", database) == ["0"]
    assert ask(site, other, None)[0].status == 401
    site.joined()


def test_several_roles(pg_site):
    """One text in the table, the session, the token and the header; each role of it counts for a route."""
    site = pg_site()
    site.gateway.do("user", "add", "dana", "--role", "staff,admin", "--id", "200", "--password-stdin", stdin="long enough 1\n")
    for target in ("/login", "/login?issue=token"):
        answer = site.login("dana", "long enough 1", target.partition("issue=")[2] or None)
        assert answer.json()["user"]["role"] == "staff,admin"
        name = "token" if "token" in target else "session_id"
        reply, nonce = ask(site, f"{name}={answer.cookie(name)[0]}", "200", "/admin/")
        assert reply.status == 200
        assert site.recorder.one(nonce).fields.all("X-User-Role") == ["staff,admin"]
    for role in ("a,,b", "a, b", "a,a", ","):
        refused = site.gateway.command("user", "add", "eve", "--role", role, "--password-stdin", stdin="long enough 1\n")
        assert refused.returncode == 2 and "role" in refused.stderr, refused
    shown = site.gateway.do("explain", "GET", "/admin/", "--as", "dana")
    assert "with the roles staff, admin" in shown and "requires the role admin: met by admin" in shown, shown
    shown = site.gateway.do("explain", "GET", "/admin/", "--as", "alice")
    assert "with the role user" in shown and "requires the role admin: not met" in shown and "403" in shown, shown
    site.joined()


def test_two_gateways_purge_at_once(pg_site, make_site, server, database):
    """Both delete what has ended, neither what lives, and neither fails over the other."""
    site = pg_site(purge_interval="1s")
    other = Gateway(site.gateway.folder, {**site.gateway.settings, **settings(server, database, purge_interval="1s"),
                                          "public_url": None, "listen": None, "admin": None}, name="second")
    other.settings = {**site.gateway.settings, "public_url": other.url, "listen": [{"address": "%s:%d" % other.address}],
                      "admin": {"address": "%s:%d" % other.admin}}
    other.write_config()
    live = site.sign_in("alice")
    server.ask("""INSERT INTO sessions SELECT 'k' || n, '101', 'alice', '{"role":"user"}', 0, 0, 0, 1000
                  FROM generate_series(1, 20000) AS n""", database)
    other.start()
    try:
        eventually(lambda: server.ask("SELECT count(*) FROM sessions", database) == ["1"], 30, 0.2)
        # Made at one and honoured at the other needs no more than the database.
        assert ask(site, live, "101")[0].status == 200
        for log in (site.gateway.log(), other.log()):
            assert "could not be deleted" not in log, log[-2000:]
    finally:
        other.stop()
    site.joined()


def test_a_restart_under_load_loses_no_session(pg_site, server):
    """Whatever sign-in was answered 200 is good afterwards, also when the server dies as in a crash."""
    site = pg_site()
    kept, statuses, ended = [], set(), threading.Event()
    first = site.sign_in("alice")

    def sign_in(number):
        while not ended.is_set():
            answer = site.login("carol" if number % 2 else "alice", USERS["carol" if number % 2 else "alice"][1],
                                source=f"127.0.0.{10 + number}")
            statuses.add(answer.status)
            if answer.status == 200:
                kept.append(("103" if number % 2 else "101", "session_id=" + answer.cookie("session_id")[0]))

    checks = set()

    def check():
        while not ended.is_set():
            nonce = site.nonce("101", "maybe")
            answer = site.ask("GET", f"/app/?n={nonce}", [("Cookie", first)])
            checks.add(answer.status)
            assert "Set-Cookie" not in answer.fields, "the cookie was touched"

    threads = [threading.Thread(target=sign_in, args=(number,)) for number in range(3)] + [threading.Thread(target=check)]
    for thread in threads:
        thread.start()
    try:
        for how in (signal.SIGINT, signal.SIGQUIT):
            enough = len(kept) + 10
            eventually(lambda enough=enough: len(kept) >= enough, 30)
            server.stop(how)
            eventually(lambda: 503 in checks, 10)
            server.start()
            enough = len(kept) + 10
            eventually(lambda enough=enough: len(kept) >= enough, 30)
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert checks == {200, 503} and statuses <= {200, 503}, (checks, statuses)
    lost = [cookie for user, cookie in kept if ask(site, cookie, user)[0].status != 200]
    assert len(kept) >= 40 and lost == [], f"{len(lost)} of {len(kept)} acknowledged sessions are lost"
    site.joined()


def test_the_server_is_gone(pg_site, server):
    """Fails closed, keeps the cookie, leaves tokens and public routes alone, and comes back by itself."""
    site = pg_site()
    session, token = site.sign_in("alice"), site.sign_in("bob", "token")
    server.stop()
    try:
        for attempt in range(10):
            began = time.monotonic()
            answer = ask(site, session, None)[0]
            assert answer.status == 503 and "Retry-After" in answer.fields and "Set-Cookie" not in answer.fields, answer
            assert time.monotonic() - began < 5
            assert ask(site, token, "102")[0].status == 200
            assert site.ask("GET", f"/open/?n={site.nonce()}").status == 200
        assert site.login("alice", "secret123").status == 503
        assert site.ask("POST", "/logout", [("Cookie", session)]).status == 503
        assert site.gateway.probe("/livez")[0] == 200
        eventually(lambda: site.gateway.probe("/readyz")[0] == 503, 5)
        refused = site.gateway.command("config", "check")
        assert refused.returncode == 1 and "users.store could not be checked" in refused.stderr, refused
        assert site.gateway.command("config", "check", "--offline").returncode == 0
    finally:
        server.start()

    def served():
        return site.ask("GET", f"/app/?n={site.nonce('101', 'maybe')}", [("Cookie", session)]).status == 200

    eventually(served, 10, 0.05)
    eventually(lambda: site.gateway.probe("/readyz")[0] == 200, 5)
    assert site.login("alice", "secret123").status == 200
    site.joined()
