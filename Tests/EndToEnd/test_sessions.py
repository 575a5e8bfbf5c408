"""Sessions: what each store holds, how they end, and what is not one."""

import base64
import hashlib
import json
import pathlib
import tempfile
import time

import pytest

from harness.redis import Redis
from harness.wire import eventually

LIFETIME = 2  # seconds, where a test waits for the end


def store_key(session_id):
    return base64.urlsafe_b64encode(hashlib.sha256(session_id.encode()).digest()).rstrip(b"=").decode()


def value(cookie):
    return cookie.split("=", 1)[1]


def stores(redis):
    return {"redis": {"store": redis.url}, "memory": {"store": "memory:"}, "sqlite": {}}


@pytest.fixture(params=["sqlite", "redis", "memory"])
def store_site(request, make_site, redis):
    def make(**sessions):
        # A memory store is each process's own; one worker or two must make no difference to its users.
        return make_site({"sessions": {**stores(redis)[request.param], **sessions}})

    return make


def ask_as(site, cookie, user, target="/app/"):
    """The status of a request with this cookie; `user` is who the upstream has to see, None for nobody."""
    nonce = site.nonce(user, "never" if user is None else "once")
    return site.ask("GET", f"{target}?n={nonce}", [("Cookie", cookie)]).status


def test_a_session_lasts_until_logout(store_site):
    site = store_site()
    cookie, other = site.sign_in("alice"), site.sign_in("alice")
    assert cookie != other
    for _ in range(4):
        assert ask_as(site, cookie, "101") == 200
    assert site.ask("POST", "/logout", [("Cookie", cookie)]).status == 204
    assert ask_as(site, cookie, None) == 401
    assert ask_as(site, other, "101") == 200
    site.joined()


def test_a_session_ends_with_its_lifetime(store_site):
    site = store_site(lifetime=f"{LIFETIME}s", idle_timeout=f"{LIFETIME}s")
    cookie = site.sign_in("alice")
    assert ask_as(site, cookie, "101") == 200
    time.sleep(LIFETIME + 0.3)
    assert ask_as(site, cookie, None) == 401


def test_a_session_ends_when_idle_and_use_keeps_it(store_site):
    site = store_site(idle_timeout="2s")
    cookie, idle = site.sign_in("alice"), site.sign_in("bob")
    for _ in range(6):
        time.sleep(0.5)
        assert ask_as(site, cookie, "101") == 200
    assert ask_as(site, idle, None) == 401


def test_use_does_not_move_the_absolute_end(store_site):
    site = store_site(lifetime="2s", idle_timeout="2s")
    cookie = site.sign_in("alice")
    ended = time.monotonic() + 2.3
    while time.monotonic() < ended - 0.6:
        assert ask_as(site, cookie, "101") == 200
        time.sleep(0.2)
    time.sleep(max(0, ended - time.monotonic()))
    assert ask_as(site, cookie, None) == 401


@pytest.mark.parametrize("store", ["sqlite", "redis"])
def test_disabling_a_user_ends_the_sessions(make_site, redis, store):
    """By a command, which is another process: a memory store is in none but the gateway's."""
    site = make_site({"sessions": stores(redis)[store]})
    alice, bob = site.sign_in("alice"), site.sign_in("bob")
    site.gateway.do("user", "disable", "bob")
    assert ask_as(site, bob, None) == 401
    assert ask_as(site, alice, "101") == 200
    assert site.login("bob", "correct horse battery").status == 401
    site.gateway.do("user", "enable", "bob")
    assert ask_as(site, bob, None) == 401
    assert ask_as(site, site.sign_in("bob"), "102") == 200


def test_sqlite_keeps_only_the_digest(make_site):
    site = make_site()
    session_id = value(site.sign_in("alice"))
    (row,) = site.gateway.query("SELECT * FROM sessions")
    assert row["session_id"] == store_key(session_id)
    assert json.loads(row["data"]) == {"role": "user"}
    for path in site.gateway.folder.glob("gatehouse.db*"):
        assert session_id.encode() not in path.read_bytes()


def test_redis_keeps_only_the_digest_and_expires_it(make_site, redis):
    site = make_site({"sessions": {"store": redis.url}})
    session_id = value(site.sign_in("alice"))
    second = value(site.sign_in("alice"))
    dump = redis.dump()
    text = repr(dump)
    assert session_id not in text and session_id.removeprefix("SESS_") not in text
    keys = [key for key in dump if store_key(session_id).encode() in key]
    assert len(keys) == 1, dump
    assert 0 < redis.command("PTTL", keys[0]) <= 12 * 3600 * 1000
    # The index of the user's sessions names both, and does not outlive them.
    index = [key for key, (_, content) in dump.items()
             if store_key(session_id) in repr(content) and store_key(second) in repr(content)]
    assert len(index) == 1, dump
    assert redis.command("PTTL", index[0]) > 0
    site.ask("POST", "/logout", [("Cookie", f"session_id={session_id}")])
    assert store_key(session_id) not in repr(redis.dump())
    assert store_key(second) in repr(redis.dump())


def test_redis_drops_expired_sessions_by_itself(make_site, redis):
    site = make_site({"sessions": {"store": redis.url, "lifetime": "1s", "idle_timeout": "1s"}})
    session_id = value(site.sign_in("alice"))
    eventually(lambda: not [key for key in redis.dump() if store_key(session_id).encode() in key], 4, 0.1)


def test_redis_password_and_database_number(suite_folder, make_site):
    server = Redis(pathlib.Path(tempfile.mkdtemp(dir=suite_folder)), password="s3cret").start()
    try:
        site = make_site({"sessions": {"store": server.url.replace("/0", "/2")}})
        cookie = site.sign_in("alice")
        assert ask_as(site, cookie, "101") == 200
        assert b"db2:keys=" in server.command("INFO", "keyspace")
        assert "s3cret" not in site.gateway.log()
    finally:
        server.stop()


@pytest.mark.parametrize("kind, content", [
    ("string", ["SET", b"garbage"]),
    ("empty", ["SET", b""]),
    ("list", ["RPUSH", b"x"]),
    ("hash", ["HSET", b"user_id", b"101\r\nX-User-Id: 1"]),
    ("json", ["SET", b'{"user_id":"102","role":"admin"}']),
])
def test_poisoned_redis_record_is_nobody(make_site, redis, kind, content):
    """Rule 41: what a store holds is untrusted."""
    site = make_site({"sessions": {"store": redis.url}})
    cookie = site.sign_in("alice")
    key = next(key for key in redis.dump() if store_key(value(cookie)).encode() in key)
    redis.command("DEL", key)
    redis.command(content[0], key, *content[1:])
    nonce = site.nonce(forwarded="never")
    status = site.ask("GET", f"/app/?n={nonce}", [("Cookie", cookie)]).status
    assert status in (401, 503)
    site.joined()


@pytest.mark.parametrize("column, poison", [
    ("username", "alice\r\nX-User-Id: 1"),
    ("username", "x" * 600),
    ("user_id", "101\r\nX: y"),
    ("data", "not json"),
    ("data", '{"role":"ad\\u0000min"}'),
    ("data", '{"role":"a\\r\\nX-User-Role: admin"}'),
    ("data", '{"role":["admin"]}'),
    ("data", '{"role":"user","role":"admin"}'),
    ("expires_at", "never"),
])
def test_poisoned_sqlite_record_is_nobody(make_site, column, poison):
    """Rule 41, and rule 6: an identity with control octets is none."""
    site = make_site()
    cookie = site.sign_in("alice")
    try:
        assert site.gateway.change(f"UPDATE sessions SET {column} = ?", poison) == 1
    except Exception as error:
        # A schema that does not take the poison at all is as good an answer.
        assert type(error).__name__ == "IntegrityError", error
        return
    nonce = site.nonce(forwarded="never")
    status = site.ask("GET", f"/app/?n={nonce}", [("Cookie", cookie)]).status
    assert status in (401, 503)
    site.joined()


def test_expired_rows_leave_by_the_timer(make_site):
    site = make_site({"sessions": {"lifetime": "1s", "idle_timeout": "1s", "purge_interval": "1s"}})
    site.sign_in("alice")
    assert len(site.gateway.query("SELECT * FROM sessions")) == 1
    eventually(lambda: site.gateway.query("SELECT * FROM sessions") == [], 6, 0.1)


def test_expired_rows_leave_by_the_command(make_site):
    site = make_site({"sessions": {"lifetime": "1s", "idle_timeout": "1s", "purge_interval": "1h"}})
    site.sign_in("alice")
    live = site.gateway.query("SELECT * FROM sessions")
    site.gateway.do("session", "purge")
    assert site.gateway.query("SELECT * FROM sessions") == live
    time.sleep(1.2)
    assert len(site.gateway.query("SELECT * FROM sessions")) == 1
    site.gateway.do("session", "purge")
    assert site.gateway.query("SELECT * FROM sessions") == []


GOOD = "SESS_" + "A" * 43


@pytest.mark.parametrize("cookie", [
    "session_id=", "session_id", "session_id=x", f"session_id={GOOD}", f"session_id={GOOD}x", f"session_id={GOOD[:-1]}",
    "session_id=SESS_" + "A" * 4000, "session_id=SESS_../../etc/passwd", "session_id=*", "session_id=SESS_*",
    f'session_id="{GOOD}"', "SESSION_ID=REAL", "session_id =REAL", "session_id\t=REAL", "\tsession_id\x0b=REAL", "$Version=1; session-id=REAL",
    "session_id=' OR 1=1 --", "session_id=%53ESS_", "__Host-session_id=REAL", "session_id=REAL\u00e9", "xsession_id=REAL",
])
def test_not_a_session(site, cookie):
    """Rules 13 and 39: a malformed cookie is nobody; names and values are compared octet by octet."""
    real = value(site.credential("alice"))
    nonce = site.nonce(forwarded="never")
    answer = site.ask("GET", f"/session-only/?n={nonce}", [("Cookie", cookie.replace("REAL", real))])
    # Octets that a field value cannot hold are a malformed request.
    assert answer.status in ((400, 401) if "\x0b" in cookie else (401,))


@pytest.mark.parametrize("cookie", [" session_id=REAL", "a=b;session_id=REAL;c=d", "session_id= REAL ", "\tsession_id=\tREAL\t"])
def test_space_around_a_cookie_means_nothing_or_nobody(site, cookie):
    """Whichever it is, it is the same for finding the session and for taking it out of what the upstream gets."""
    real = value(site.credential("alice"))
    nonce = site.nonce("101", "maybe")
    answer = site.ask("GET", f"/session-only/?n={nonce}", [("Cookie", cookie.replace("REAL", real))])
    assert answer.status in (200, 401)
    if answer.status == 200:
        assert real not in site.recorder.one(nonce).raw_head.decode("latin-1")


@pytest.mark.parametrize("lines", [
    ["session_id=REAL; session_id=REAL"], ["session_id=REAL", "session_id=REAL"], ["session_id=x; session_id=REAL"],
    ["session_id=REAL; session_id=x"], ["a=b; session_id=REAL", "session_id="],
])
def test_two_cookies_of_our_name_are_nobody(site, lines):
    """Rule 39: cookie tossing."""
    real = value(site.credential("alice"))
    nonce = site.nonce(forwarded="never")
    answer = site.ask("GET", f"/session-only/?n={nonce}", [("Cookie", line.replace("REAL", real)) for line in lines])
    assert answer.status == 401


def test_login_never_adopts_a_clients_id(site):
    """Rule 38: session fixation."""
    planted = "SESS_" + "B" * 43
    answer = site.login("alice", "secret123", fields=[("Cookie", f"session_id={planted}")])
    assert answer.status == 200
    assert answer.cookie("session_id")[0] != planted
    assert site.gateway.query("SELECT 1 FROM sessions WHERE session_id = ?", store_key(planted)) == []


def test_signing_in_again_ends_the_session_before(site):
    """ASVS 7.2.4: a new session at login, the old one ended."""
    first = site.sign_in("bob")
    again = site.login("bob", "correct horse battery", fields=[("Cookie", first)])
    assert again.status == 200
    assert ask_as(site, first, None) == 401
    assert ask_as(site, f"session_id={again.cookie('session_id')[0]}", "102") == 200


def test_where_a_credential_is_accepted(site):
    session, token = site.credential("alice"), site.credential("alice", "token")
    assert ask_as(site, session, "101", "/session-only/") == 200
    assert ask_as(site, token, "101", "/token-only/") == 200
    assert ask_as(site, token, None, "/session-only/") == 401
    assert ask_as(site, session, None, "/token-only/") == 401


def test_the_role_is_held_to(site):
    assert ask_as(site, site.credential("carol"), "103", "/admin/") == 200
    assert ask_as(site, site.credential("carol", "token"), "103", "/admin/") == 200
    assert ask_as(site, site.credential("alice"), None, "/admin/") == 403
    assert ask_as(site, site.credential("alice", "token"), None, "/admin/") == 403


def test_logout_without_a_session(site):
    answer = site.ask("POST", "/logout")
    assert answer.status == 204


def test_logout_is_a_post(site):
    cookie = site.sign_in("alice")
    assert site.ask("GET", "/logout", [("Cookie", cookie)]).status == 405
    assert ask_as(site, cookie, "101") == 200
    assert site.ask("POST", "/logout", [("Cookie", cookie)]).status == 204


def test_me(site):
    answer = site.ask("GET", "/.gatehouse/me", [("Cookie", site.credential("alice"))])
    assert answer.status == 200
    assert answer.json()["user"] == {"id": "101", "username": "alice", "role": "user"}
    assert site.ask("GET", "/.gatehouse/me").status == 401


def test_my_sessions(store_site):
    """Each sees and ends their own, and nobody else's."""
    site = store_site()
    one, two, other = site.sign_in("alice"), site.sign_in("alice"), site.sign_in("bob")

    def listed(cookie):
        answer = site.ask("GET", "/.gatehouse/sessions", [("Cookie", cookie)])
        assert answer.status == 200 and value(cookie) not in answer.body.decode()
        return {session["handle"]: session["current"] for session in answer.json()["sessions"]}

    handles = {cookie: store_key(value(cookie))[:16] for cookie in (one, two, other)}
    assert listed(one) == {handles[one]: True, handles[two]: False}
    assert listed(other) == {handles[other]: True}
    for foreign in (handles[other], "A" * 16, "*", "%2A", "SESS_"):
        assert site.ask("DELETE", f"/.gatehouse/sessions/{foreign}", [("Cookie", one)]).status == 404
    assert site.ask("DELETE", f"/.gatehouse/sessions/{handles[two]}", [("Cookie", one), ("Origin", "http://evil.test")]).status == 403
    assert site.ask("DELETE", f"/.gatehouse/sessions/{handles[two]}", [("Cookie", one)]).status == 204
    assert (ask_as(site, one, "101"), ask_as(site, two, None), ask_as(site, other, "102")) == (200, 401, 200)
    three = site.sign_in("alice")
    assert site.ask("DELETE", "/.gatehouse/sessions", [("Cookie", three)]).status == 200
    assert (ask_as(site, one, None), ask_as(site, three, "101"), ask_as(site, other, "102")) == (401, 200, 200)
    for method in ("GET", "DELETE"):
        assert site.ask(method, "/.gatehouse/sessions").status == 401
    site.joined()


@pytest.mark.parametrize("issue", ["session", "token"])
def test_the_check_for_another_proxy(site, issue):
    """nginx auth_request and its like: exactly one of each header, and nothing believed of what a client can send."""
    cookie = site.credential("alice", issue)
    spoofed = [("X-User-Id", "999"), ("X-Forwarded-User", "root"), ("X-Original-URL", "/open/"), ("X-Forwarded-Uri", "/open/")]
    answer = site.ask("GET", "/.gatehouse/auth", [("Cookie", cookie), *spoofed])
    assert answer.status == 200 and answer.fields.all("X-User-Id") == ["101"]
    assert answer.fields.all("X-User-Name") == ["alice"] and answer.fields.all("X-User-Role") == ["user"]
    assert site.ask("GET", "/.gatehouse/auth?require_role=admin", [("Cookie", cookie)]).status == 403
    assert site.ask("GET", "/.gatehouse/auth/some/path", spoofed).status == 401


@pytest.mark.parametrize("target", ["/.gatehouse", "/.gatehouse/", "/.gatehouse/x", "/.gatehouse/me/", "/.gatehouse/sessions/", "/.well-known/jwks.json", "/%2egatehouse/x", "//.gatehouse/x"])
def test_what_is_ours_and_not_there(site, target):
    answer = site.ask("GET", target, [("Cookie", site.credential("alice"))])
    assert answer.status == 404


def test_kill_9_and_start_again_keeps_sessions(make_site):
    site = make_site()
    cookie = site.sign_in("alice")
    site.gateway.kill()
    site.gateway.start()
    assert ask_as(site, cookie, "101") == 200
    site.joined()


def test_sessions_hold_across_workers(make_site):
    site = make_site({"workers": 2})
    cookie = site.sign_in("alice")
    for _ in range(24):
        assert ask_as(site, cookie, "101") == 200
    assert site.ask("POST", "/logout", [("Cookie", cookie)]).status == 204
    for _ in range(24):
        assert ask_as(site, cookie, None) == 401
    site.joined()
