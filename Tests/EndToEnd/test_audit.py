"""The audit log: one JSON line for each event that matters to whoever watches over the accounts, and never a secret in it."""

import json
import os
import re

import pytest

from harness.wire import eventually

MEMBERS = ["audit", "time", "event", "outcome", "reason", "user_id", "username", "role", "client", "request_id", "trace_id", "route",
           "session", "token", "ended", "actor"]


def lines(text):
    """The audit lines of a text, each of which has every member, in order."""
    found = []
    for line in text.splitlines():
        if line.startswith('{"audit"'):
            record = json.loads(line)
            assert list(record) == MEMBERS, line
            assert record["audit"] == 1
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record["time"])
            found.append(record)
    return found


def select(records, **members):
    return [record for record in records if all(record[name] == value for name, value in members.items())]


@pytest.fixture
def audited(make_site):
    """A site whose audit log is a file, and a function that waits for its one line with some members."""
    site = make_site(lambda folder: {"log": {"audit": str(folder / "audit.log")}})
    path = site.gateway.folder / "audit.log"

    def one(**members):
        eventually(lambda: select(lines(path.read_text()), **members), what=f"an audit line with {members}")
        found = select(lines(path.read_text()), **members)
        assert len(found) == 1, found
        return found[0]

    site.audit_path = path
    site.one = one
    return site


def test_sign_in_and_out(audited):
    answer = audited.login("carol", "tr0ub4dor&3 \u00e9\u00df")
    line = audited.one(event="sign_in", username="carol")
    assert (line["outcome"], line["reason"], line["user_id"], line["role"], line["client"]) == ("ok", None, "103", "admin", "127.0.0.1")
    assert line["request_id"] == answer.fields["X-Request-Id"] == line["trace_id"]
    cookie = "session_id=" + answer.cookie("session_id")[0]
    handle = audited.ask("GET", "/.gatehouse/sessions", [("Cookie", cookie)]).json()["sessions"][0]["handle"]
    assert line["session"] == handle and line["token"] is None and line["actor"] is None and line["route"] is None

    out = audited.ask("POST", "/logout", [("Cookie", cookie)])
    line = audited.one(event="sign_out")
    assert (line["outcome"], line["user_id"], line["username"], line["session"]) == ("ok", "103", "carol", handle)
    assert line["request_id"] == out.fields["X-Request-Id"]
    # Nobody is signed out twice.
    audited.ask("POST", "/logout", [("Cookie", cookie)])
    audited.one(event="sign_out")


def test_a_token_is_named_by_its_id(audited):
    import base64
    cookie = audited.sign_in("alice", "token")
    payload = cookie.split(".")[1]
    jti = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["jti"]
    assert audited.one(event="sign_in", username="alice")["token"] == jti
    audited.ask("POST", "/logout", [("Cookie", cookie)])
    line = audited.one(event="sign_out")
    assert (line["token"], line["reason"], line["user_id"]) == (jti, "cookie_cleared", "101")


def test_failures(audited):
    """Who failed is named only when there is such a user: people type passwords into the field for the name."""
    audited.gateway.insert_user(900, "gone", disabled=1)
    for name, password, reason, user in [("alice", "not-the-password", "wrong_password", "101"), ("gone", "secret123", "disabled", "900"),
                                         ("my-typed-password", "x", "unknown_user", None), ("bad\nname", "x", "unknown_user", None)]:
        answer = audited.login(name, password)
        assert answer.status == 401
        line = audited.one(request_id=answer.fields["X-Request-Id"])
        assert (line["event"], line["outcome"], line["reason"], line["user_id"]) == ("sign_in", "failed", reason, user)
        assert line["username"] == (name if user else None)
    text = audited.audit_path.read_text()
    assert "my-typed-password" not in text and "not-the-password" not in text


def test_throttled(make_site):
    site = make_site(lambda folder: {"log": {"audit": str(folder / "audit.log")}, "login": {"throttle": {"per_pair": 1}}})
    _, name = site.new_user()
    statuses = [site.login(name, "wrong").status for _ in range(6)]
    assert 429 in statuses
    path = site.gateway.folder / "audit.log"

    def throttled():
        return select(lines(path.read_text()), event="sign_in", outcome="throttled")

    eventually(lambda: len(throttled()) == statuses.count(429))
    assert {line["reason"] for line in throttled()} == {"too_many_failures"}


def test_a_refusal_by_role(audited):
    answer = audited.ask("GET", "/admin/x", [("Cookie", audited.sign_in("alice"))])
    assert answer.status == 403
    line = audited.one(event="access_refused")
    assert (line["outcome"], line["reason"], line["route"], line["user_id"], line["role"]) == ("refused", "role_not_allowed", "/admin/", "101", "user")
    assert line["request_id"] == answer.fields["X-Request-Id"] and line["session"]


def test_a_refusal_for_another_proxy(audited):
    answer = audited.ask("GET", "/.gatehouse/auth?require_role=admin", [("Cookie", audited.sign_in("alice", "token"))])
    assert answer.status == 403
    line = audited.one(event="access_refused")
    assert (line["reason"], line["route"], line["user_id"], line["session"]) == ("role_not_allowed", None, "101", None) and line["token"]


def test_sessions_that_their_user_ends(audited):
    first, second, third = (audited.sign_in("bob") for _ in range(3))
    listed = audited.ask("GET", "/.gatehouse/sessions", [("Cookie", first)]).json()["sessions"]
    other = next(session["handle"] for session in listed if not session["current"])
    assert audited.ask("DELETE", f"/.gatehouse/sessions/{other}", [("Cookie", first)]).status == 204
    line = audited.one(event="session_revoked", session=other)
    assert (line["reason"], line["user_id"], line["ended"]) == ("by_user", "102", None)
    assert audited.ask("DELETE", "/.gatehouse/sessions", [("Cookie", first)]).json() == {"ended": 1}
    line = audited.one(event="session_revoked", ended=1)
    assert (line["reason"], line["user_id"], line["session"]) == ("by_user", "102", None)
    # A sign-in takes the place of the session whose cookie it comes with.
    handle = next(session["handle"] for session in listed if session["current"])
    audited.login("bob", "correct horse battery", fields=[("Cookie", first)])
    assert audited.one(event="session_revoked", reason="replaced")["session"] == handle


@pytest.mark.parametrize("method, target, event", [("POST", "/login", "sign_in"), ("POST", "/logout", "sign_out"), ("DELETE", "/.gatehouse/sessions", "session_revoked")])
def test_what_a_page_of_another_site_wants(audited, method, target, event):
    answer = audited.ask(method, target, [("Origin", "http://evil.example"), ("Content-Type", "application/json")], b"{}" if method == "POST" else None)
    assert answer.status == 403
    line = audited.one(event=event, outcome="refused")
    assert line["reason"] == "cross_site" and line["client"] == "127.0.0.1"


def test_a_store_that_is_down(make_site, redis):
    site = make_site(lambda folder: {"log": {"audit": str(folder / "audit.log")}, "sessions": {"store": redis.url, "store_timeout": "200ms"}})
    redis.stop()
    assert site.login("alice", "secret123").status == 503
    path = site.gateway.folder / "audit.log"
    eventually(lambda: select(lines(path.read_text()), event="sign_in", outcome="unavailable", reason="store_down"))


def test_commands(audited):
    """Each command's line is in the gateway's own file, and says who ran it."""
    do = audited.gateway.do
    # Those that the fixture added by commands.
    assert audited.one(event="user_added", username="bob")["user_id"] == "102"
    do("user", "add", "dora", "--id", "500", "--password-stdin", stdin="some pass word\n")
    added = audited.one(event="user_added", username="dora")
    assert (added["user_id"], added["role"], added["reason"], added["client"], added["request_id"]) == ("500", "user", "by_operator", None, None)
    assert added["actor"]["uid"] == os.getuid() and set(added["actor"]) == {"uid", "login"}
    assert audited.login("dora", "some pass word").status == 200
    do("user", "passwd", "dora", "--password-stdin", stdin="another pass word\n")
    audited.one(event="password_changed", username="dora")
    assert audited.one(event="session_revoked", username="dora")["ended"] == 1
    do("user", "disable", "dora")
    audited.one(event="user_disabled", user_id="500")
    do("user", "enable", "dora")
    audited.one(event="user_enabled", user_id="500")
    audited.login("dora", "another pass word")
    (session,) = json.loads(do("session", "list", "--user", "dora", "--json"))
    do("session", "revoke", session["session"])
    line = audited.one(event="session_revoked", session=session["session"])
    assert (line["username"], line["reason"], line["ended"]) == ("dora", "by_operator", None)
    do("user", "remove", "dora")
    audited.one(event="user_removed", user_id="500")
    assert oct(audited.audit_path.stat().st_mode & 0o777) == "0o600"
    text = audited.audit_path.read_text()
    assert "pass word" not in text and "$2" not in text and "argon2" not in text


def test_rotation(audited):
    """Renamed, the file keeps what it has, and the next line begins a new one; no signal is needed."""
    audited.sign_in("alice")
    audited.one(event="sign_in", username="alice")
    kept = audited.audit_path.rename(audited.audit_path.with_suffix(".1")).read_text()
    audited.sign_in("bob")
    eventually(audited.audit_path.exists)
    audited.one(event="sign_in", username="bob")
    assert [line["username"] for line in lines(audited.audit_path.read_text())] == ["bob"]
    assert audited.audit_path.with_suffix(".1").read_text() == kept
    assert oct(audited.audit_path.stat().st_mode & 0o777) == "0o600"
    # As long as there can be no new one, lines go on into the old.
    audited.audit_path.rename(audited.audit_path.with_suffix(".2"))
    audited.audit_path.mkdir()
    audited.sign_in("carol")
    eventually(lambda: select(lines(audited.audit_path.with_suffix(".2").read_text()), username="carol"))
    eventually(lambda: "the audit log cannot be opened" in audited.gateway.log())


def test_a_command_that_cannot_tell_changes_nothing(audited):
    gateway = audited.gateway
    environment = {**gateway.environment, "GATEHOUSE_LOG__AUDIT": str(gateway.folder / "nowhere" / "audit.log")}
    done = gateway.command("user", "disable", "bob", env=environment)
    assert done.returncode == 78 and "audit log cannot be opened" in done.stderr and "nowhere/audit.log" in done.stderr
    assert audited.login("bob", "correct horse battery").status == 200


def test_a_gateway_that_cannot_tell_does_not_start(make_site):
    site = make_site(lambda folder: {"log": {"audit": str(folder / "nowhere" / "audit.log")}}, start=False)
    done = site.gateway.command("serve", timeout=20)
    assert done.returncode == 78 and "nowhere/audit.log: No such file or directory" in done.stderr and "log.audit" in done.stderr, done.stderr


@pytest.mark.parametrize("word", ["sdtout", "syslog", "audit.log", "/var/log/"])
def test_a_word_that_is_no_place(make_site, word):
    site = make_site({"log": {"audit": word}}, start=False)
    done = site.gateway.command("config", "check")
    assert done.returncode == 78 and "log.audit" in done.stdout + done.stderr and "stdout, stderr, off" in done.stdout + done.stderr


@pytest.mark.parametrize("place, suffix", [("stdout", "out"), ("stderr", "err")])
def test_streams(make_site, place, suffix):
    """By default they stand between the access lines, and can be told from them by their first member."""
    site = make_site({} if place == "stdout" else {"log": {"audit": place}})
    site.sign_in("alice")
    done = site.gateway.command("user", "disable", "bob")
    assert [line["event"] for line in lines(done.stderr)] == ["user_disabled", "session_revoked"] and not lines(done.stdout)
    site.gateway.stop()
    streams = {name: (site.gateway.folder / f"gatehouse.{name}").read_text() for name in ("out", "err")}
    assert [line["event"] for line in lines(streams.pop(suffix))] == ["sign_in"]
    assert [lines(text) for text in streams.values()] == [[]]
    assert all("audit" not in record for record in site.gateway.access_lines())


def test_off(make_site):
    site = make_site({"log": {"audit": "off"}})
    site.sign_in("alice")
    done = site.gateway.command("user", "disable", "bob")
    site.gateway.stop()
    assert not lines(site.gateway.log()) and not lines(done.stderr) and site.gateway.access_lines()


def test_no_secret(audited):
    """What signs somebody in stands nowhere in the log, whole or in part."""
    session, token = audited.sign_in("alice"), audited.sign_in("bob", "token")
    audited.login("alice", "wrong-pass-word")
    for cookie in (session, token):
        audited.ask("GET", "/admin/", [("Cookie", cookie)])
        audited.ask("POST", "/logout", [("Cookie", cookie)])
    audited.one(event="sign_out", user_id="102")
    text = audited.audit_path.read_text()
    for secret in ["secret123", "correct horse", "wrong-pass", session.split("=")[1][:12], *[part[-12:] for part in token.split(".")]]:
        assert secret not in text


TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize("fields, goes_on", [
    ([("traceparent", f"00-{TRACE}-b7ad6b7169203331-01"), ("tracestate", "a=1")], True),
    ([("traceparent", f"cc-{TRACE}-b7ad6b7169203331-01-more"), ("tracestate", "a=1")], True),
    ([("traceparent", f"ff-{TRACE}-b7ad6b7169203331-01"), ("tracestate", "a=1")], False),
    ([("traceparent", f"00-{'0' * 32}-b7ad6b7169203331-01"), ("tracestate", "a=1")], False),
    ([("traceparent", f"00-{TRACE}-{'0' * 16}-01"), ("tracestate", "a=1")], False),
    ([("traceparent", f"00-{TRACE}-b7ad6b7169203331-01"), ("traceparent", f"00-{TRACE}-b7ad6b7169203331-01"), ("tracestate", "a=1")], False),
    ([("tracestate", "a=1")], False), ([], False),
])
def test_trace(site, fields, goes_on):
    """W3C Trace Context: the upstream, the access line and the audit line name one trace, the client's where it named one."""
    nonce = site.nonce("101")
    site.ask("GET", f"/app/?n={nonce}", [("Cookie", site.credential("alice")), *fields])
    seen = site.recorder.one(nonce)
    sent = seen.fields.all("traceparent")
    assert len(sent) == 1
    trace = sent[0].split("-")[1]
    assert (trace == TRACE) == goes_on and (not goes_on or sent[0] == fields[0][1])
    assert seen.fields.all("tracestate") == (["a=1"] if goes_on else [])
    assert site.gateway.access_line(seen.request_id)["trace_id"] == trace

    answer = site.ask("GET", "/admin/", [("Cookie", site.credential("alice")), *fields])
    identifier = answer.fields["X-Request-Id"]
    found = lambda: select(lines(site.gateway.log()), request_id=identifier)
    eventually(found)
    assert [line["trace_id"] for line in found()] == [TRACE if goes_on else identifier]
