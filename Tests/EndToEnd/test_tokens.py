"""Tokens: who accepts what, and that no store has to do with it."""

import base64
import hashlib
import json
import os
import time

import pytest

from harness.tokens import b64, make, parts, sign
from harness.wire import eventually


def now():
    return int(time.time())


def claims(**changes):
    base = {"sub": "101", "role": "user", "preferred_username": "alice", "iat": now(), "exp": now() + 600, "jti": "test"}
    return {key: value for key, value in {**base, **changes}.items() if value is not None}


HEADER = {"alg": "HS256", "typ": "JWT"}


def present(site, token, how, forwarded, user=None):
    nonce = site.nonce(user, forwarded)
    field = ("Authorization", f"Bearer {token}") if how == "bearer" else ("Cookie", f"token={token}")
    return site.ask("GET", f"/app/?n={nonce}", [field])


@pytest.mark.parametrize("how", ["bearer", "cookie"])
def test_own_token_is_accepted(site, how):
    token = site.credential("alice", "token").split("=", 1)[1]
    assert present(site, token, how, "once", "101").status == 200


@pytest.mark.parametrize("scheme, status", [("Bearer", 200), ("bearer", 200), ("BEARER", 200), ("Bearer ", 200), ("Token", 401), ("Basic", 401), ("", 401)])
def test_bearer_scheme(site, scheme, status):
    token = site.credential("alice", "token").split("=", 1)[1]
    nonce = site.nonce("101" if status == 200 else None, "once" if status == 200 else "never")
    answer = site.ask("GET", f"/app/?n={nonce}", [("Authorization", f"{scheme} {token}")])
    assert answer.status == status


def kid_of(site):
    return parts(site.credential("alice", "token").split("=", 1)[1])[0].get("kid")


def header(site, **changes):
    base = dict(HEADER)
    if kid_of(site) is not None:
        base["kid"] = kid_of(site)
    return {key: value for key, value in {**base, **changes}.items() if value is not None}


def test_a_token_made_by_the_rules_is_accepted(site):
    """The counterpart of the table below: what is refused there is refused for its one fault."""
    token = make(header(site), claims(), site.gateway.secret)
    assert present(site, token, "bearer", "once", "101").status == 200


@pytest.mark.parametrize("skew, accepted", [(-30, True), (30, True), (-90, False), (-600, False)])
def test_clock_skew_of_exp(site, skew, accepted):
    token = make(header(site), claims(exp=now() + skew), site.gateway.secret)
    answer = present(site, token, "bearer", "once" if accepted else "never", "101" if accepted else None)
    assert answer.status == (200 if accepted else 401)


def refused_tokens():
    """(what is wrong, the token for this site)."""
    def signed(head=None, body=None, secret=None, digest=hashlib.sha256):
        return lambda s: make(head(s) if callable(head) else head or header(s), body() if callable(body) else body or claims(),
                              secret or s.gateway.secret, digest)

    def own(change):
        return lambda s: change(make(header(s), claims(), s.gateway.secret))

    def swap(token, index, text):
        pieces = token.split(".")
        pieces[index] = text
        return ".".join(pieces)

    yield "another secret", signed(secret=b"x" * 48)
    yield "alg none without signature", lambda s: b64(json.dumps({"alg": "none"}).encode()) + "." + b64(json.dumps(claims()).encode()) + "."
    for alg in ("none", "None", "NONE", "HS384", "HS512", "RS256", "ES256", "hs256", "HS256 ", "", None, 256, ["HS256"]):
        yield f"alg {alg!r}", signed(head=lambda s, a=alg: {**{k: v for k, v in header(s).items() if k != "alg"}, **({} if a is None else {"alg": a})})
    yield "HS384 in truth", signed(head=lambda s: header(s, alg="HS384"), digest=hashlib.sha384)
    yield "HS512 in truth", signed(head=lambda s: header(s, alg="HS512"), digest=hashlib.sha512)
    yield "two algs", signed(head='{"alg":"none","alg":"HS256","typ":"JWT"}')
    yield "crit", signed(head=lambda s: header(s, crit=["exp"]))
    yield "b64", signed(head=lambda s: header(s, b64=False))
    yield "an unknown kid", signed(head=lambda s: header(s, kid="../../../dev/null"))
    yield "kid of another type", signed(head=lambda s: header(s, kid=1))
    yield "embedded jwk", lambda s: make(header(s, jwk={"kty": "oct", "k": b64(b"y" * 48)}), claims(), b"y" * 48)
    yield "header no object", signed(head='["HS256"]')
    yield "header no JSON", signed(head="HS256")
    yield "no exp", signed(body=lambda: claims(exp=None))
    yield "no sub", signed(body=lambda: claims(sub=None))
    for exp in ("soon", "9999999999", True, None, [], -1, 0, "1e400", 1e18):
        if exp is not None:
            yield f"exp {exp!r}", signed(body=lambda e=exp: claims(exp=e))
    yield "exp beyond a Double", signed(body='{"sub":"101","role":"user","iat":1,"exp":1e400,"jti":"x"}')
    yield "exp NaN", signed(body='{"sub":"101","role":"user","iat":1,"exp":NaN,"jti":"x"}')
    yield "exp twice", signed(body=lambda: '{"sub":"101","role":"user","iat":1,"exp":1,"exp":%d,"jti":"x"}' % (now() + 600))
    yield "sub twice", signed(body=lambda: '{"sub":"101","sub":"102","role":"user","iat":1,"exp":%d,"jti":"x"}' % (now() + 600))
    yield "not yet", signed(body=lambda: claims(nbf=now() + 600))
    yield "nbf no number", signed(body=lambda: claims(nbf="0"))
    for sub in ("", 101, None, "1\r\nX-User-Id: 1", "a\u0000", "x" * 600, "\u00e9", ["101"]):
        if sub is not None:
            yield f"sub {str(sub)[:20]!r}", signed(body=lambda v=sub: claims(sub=v))
    for role in (["admin"], "a\r\nb", 1, "x" * 600):
        yield f"role {str(role)[:10]!r}", signed(body=lambda v=role: claims(role=v))
    yield "name with CR LF", signed(body=lambda: claims(preferred_username="a\r\nX: y"))
    yield "deep nesting", signed(body=lambda: json.dumps(claims())[:-1] + ',"x":' + "[" * 500 + "]" * 500 + "}")
    yield "claims no object", signed(body="[]")
    yield "invalid UTF-8", lambda s: (lambda i: i + "." + sign(i, s.gateway.secret))(
        b64(json.dumps(header(s)).encode()) + "." + b64(json.dumps(claims()).encode()[:-1] + b',"x":"\xff"}'))
    yield "truncated by one", own(lambda t: t[:-1])
    yield "truncated by ten", own(lambda t: t[:-10])
    yield "no signature", own(lambda t: t.rpartition(".")[0])
    yield "empty signature", own(lambda t: t.rpartition(".")[0] + ".")
    yield "short signature", own(lambda t: swap(t, 2, b64(base64.urlsafe_b64decode(t.split(".")[2] + "=")[:31])))
    yield "long signature", own(lambda t: t + "AAAA")
    yield "empty header", own(lambda t: swap(t, 0, ""))
    yield "empty claims", own(lambda t: swap(t, 1, ""))
    yield "padding", own(lambda t: t + "=")
    yield "trailing bits", own(lambda t: t[:-1] + chr(ord(t[-1]) + 1) if t[-1] not in "Zz9_" else t[:-1] + "B")
    yield "four parts", own(lambda t: t + ".x")
    yield "two parts", own(lambda t: t.split(".", 1)[1])
    yield "dots", lambda s: "." * 3000
    yield "two dots", lambda s: ".."
    yield "leading dot", own(lambda t: "." + t)
    yield "plain base64", own(lambda t: swap(t, 1, base64.b64encode(b'{"sub":"\xc3\xbf\xc3\xbe>>??"}').decode().rstrip("=")))
    yield "JSON form", lambda s: '{"payload":"x"}'
    yield "other claims under the signature", own(lambda t: swap(t, 1, b64(json.dumps(claims(sub="102")).encode())))
    yield "over-long", signed(body=lambda: claims(x="x" * 20000))
    yield "a session id", lambda s: "SESS_" + "A" * 43
    yield "empty", lambda s: ""
    yield "a word", lambda s: "token"


CASES = list(refused_tokens())


@pytest.mark.parametrize("how", ["bearer", "cookie"])
@pytest.mark.parametrize("token", [case[1] for case in CASES], ids=[case[0] for case in CASES])
def test_refused(site, token, how):
    """Rules 47 to 52."""
    text = token(site)
    if how == "cookie" and any(c in text for c in ';", \\'):
        text = text.replace('"', "").replace(",", "")
    answer = present(site, text, how, "never")
    assert answer.status == 401, answer
    assert answer.fields.get("Cache-Control") == "no-store"
    if how == "bearer":
        assert answer.fields.get("WWW-Authenticate", "Bearer").startswith("Bearer")


def test_a_token_longer_than_a_head_is_refused(site):
    nonce = site.nonce(forwarded="never")
    answer = site.ask("GET", f"/app/?n={nonce}", [("Authorization", "Bearer " + "A" * 60000)])
    assert answer.status in (401, 431)


def test_two_bearers_are_nobody(site):
    token = site.credential("alice", "token").split("=", 1)[1]
    nonce = site.nonce(forwarded="never")
    answer = site.ask("GET", f"/app/?n={nonce}", [("Authorization", f"Bearer {token}")] * 2)
    assert answer.status in (400, 401)


@pytest.mark.parametrize("cookie_user, bearer", [("alice", "bob"), ("bob", "alice")])
def test_cookie_and_bearer_together_are_one_person_or_nobody(site, cookie_user, bearer):
    """Two credentials of two people: whoever is let in, the upstream must have been told what the answer was for."""
    token = site.credential(bearer, "token").split("=", 1)[1]
    nonce = site.nonce(forwarded="never")
    answer = site.ask("GET", f"/app/?n={nonce}", [("Authorization", f"Bearer {token}"), ("Cookie", site.credential(cookie_user))])
    if answer.status == 200:
        seen = site.recorder.one(nonce)
        site.ledger.entries[nonce].user = seen.user
        site.ledger.expect(nonce, "once")
        assert seen.fields.all("X-User-Id") in (["101"], ["102"])
        assert {"101": "alice", "102": "bob"}[seen.user] == seen.fields["X-User-Name"]
    else:
        assert answer.status in (400, 401)


def test_nothing_is_written_and_no_store_is_asked(make_site, redis):
    site = make_site({"sessions": {"store": redis.url}})
    site.sign_in("alice", "token")  # once: the hash of the password is renewed, the address becomes known
    # What the workers ask each their own connection for news with, at the start; it goes by itself.
    eventually(lambda: redis.dump() == {}, 5)
    database, keys = site.gateway.dump(), redis.dump()
    commands = redis.command("INFO", "commandstats")
    cookie = site.sign_in("alice", "token")
    for _ in range(5):
        nonce = site.nonce("101")
        assert site.ask("GET", f"/profile?n={nonce}", [("Cookie", cookie)]).status == 200
    assert site.gateway.dump() == database
    assert redis.dump() == keys == {}

    def counted(text, name):
        line = next((line for line in text.decode().splitlines() if line.startswith(f"cmdstat_{name}:")), ":calls=0,")
        return int(line.split("calls=")[1].split(",")[0])

    after = redis.command("INFO", "commandstats")
    for name in ("get", "set", "hgetall", "hset", "evalsha", "eval", "zadd", "sadd", "pexpireat"):
        assert counted(after, name) == counted(commands, name), name

    # Now without any store: Redis stopped, the users' database gone.
    redis.stop()
    for path in site.gateway.folder.glob("gatehouse.db*"):
        os.rename(path, path.with_name("away-" + path.name))
    try:
        for _ in range(3):
            nonce = site.nonce("101")
            assert site.ask("GET", f"/profile?n={nonce}", [("Cookie", cookie)]).status == 200
        nonce = site.nonce("101")
        assert site.ask("GET", f"/profile?n={nonce}", [("Authorization", "Bearer " + cookie.split("=", 1)[1])]).status == 200
    finally:
        for path in site.gateway.folder.glob("away-*"):
            os.rename(path, path.with_name(path.name.removeprefix("away-")))
    site.joined()


def test_tokens_survive_a_restart(make_site):
    site = make_site()
    cookie = site.sign_in("alice", "token")
    site.gateway.stop()
    site.gateway.start()
    nonce = site.nonce("101")
    assert site.ask("GET", f"/app/?n={nonce}", [("Cookie", cookie)]).status == 200
