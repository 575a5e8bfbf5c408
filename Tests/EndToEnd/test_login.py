"""Signing in: what is taken, what is not, and what the answers give away."""

import json
import re
import threading
import time
import urllib.parse

import pytest

from harness.site import USERS
from harness.wire import eventually, request

FORM = ("Content-Type", "application/x-www-form-urlencoded")
JSON = ("Content-Type", "application/json")


def form(**fields):
    return urllib.parse.urlencode(fields).encode()


def post(site, fields, body, target="/login", source=None, **options):
    return site.ask("POST", target, fields, body, source=source, **options)


def test_json(site):
    answer = site.login("alice", "secret123")
    assert answer.status == 200 and answer.fields["Content-Type"].startswith("application/json")
    assert answer.json()["user"] == {"id": "101", "username": "alice", "role": "user"}


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON", "application/json;charset=UTF-8"])
def test_json_content_types(site, content_type):
    body = json.dumps({"username": "alice", "password": "secret123"}).encode()
    assert post(site, [("Content-Type", content_type)], body).status == 200


@pytest.mark.parametrize("fields", [[], [("Content-Type", "text/plain")], [("Content-Type", "text/json")], [("Content-Type", "application/jsonp")],
                                    [("Content-Type", "multipart/form-data; boundary=x")], [("Content-Type", "application/xml")], [("Content-Type", "")],
                                    [("Content-Type", "application/json, text/plain")], [("Content-Type", "application/x-www-form-urlencoded-not")]])
def test_other_content_types(site, fields):
    """Rule 36: a form of another site can send text/plain without asking."""
    body = json.dumps({"username": "alice", "password": "secret123"}).encode()
    assert post(site, fields, body).status == 415


@pytest.mark.parametrize("name", ["bob", "carol"])
def test_passwords_are_taken_as_they_are(site, name):
    assert site.login(name, USERS[name][1]).status == 200
    assert site.login(name, USERS[name][1] + " ", source="127.20.0.1").status == 401


def test_form_of_a_browser(site):
    answer = post(site, [FORM, ("Accept", "text/html"), ("Sec-Fetch-Mode", "navigate")], form(username="alice", password="secret123"))
    assert answer.status == 303, answer
    assert answer.fields["Location"].startswith("/") and not answer.fields["Location"].startswith("//")
    value, attributes = answer.cookie("session_id")
    site.secrets.add(value)
    assert value.startswith("SESS_") and "httponly" in attributes and attributes["samesite"] == "Lax"


def test_form_with_return_to(site):
    answer = post(site, [FORM, ("Accept", "text/html")], form(username="alice", password="secret123", return_to="/app/x?y=z"))
    assert answer.status == 303 and answer.fields["Location"] == "/app/x?y=z"
    site.secrets.add(answer.cookie("session_id")[0])


REDIRECTS = [
    "//evil.test", "///evil.test", "/\\evil.test", "\\\\evil.test", "\\/evil.test", "http://evil.test", "https://evil.test/", "HTTP://evil.test", "evil.test",
    "javascript:alert(1)", "data:text/html,x", "/\t/evil.test", "/\r\n/evil.test", "/%09/evil.test", "/%5cevil.test", "/%2fevil.test", "/%2Fevil.test", "/x\r\nSet-Cookie: a=b",
    "/@evil.test", "/..//evil.test", "/./\\evil.test", " //evil.test", "\t//evil.test", "/\x00/evil.test", "?//evil.test", "//evil.test/..", "/%0d%0aX:y", "http:evil.test",
    "http:/evil.test", "//[::1]", "/%5C/evil.test", "/;//evil.test\\", "\u2028//evil.test", "//evil%E3%80%82test", "x" * 9000, "/" + "x" * 9000,
]
# A query has no room for the longest.
WAYS = [(where, text) for where in ("form", "query") for text in REDIRECTS if where == "form" or len(text) < 7000]


@pytest.mark.parametrize("where, return_to", WAYS)
def test_open_redirect(site, where, return_to):
    """Rule 37: only a path of this site."""
    fields = [FORM, ("Accept", "text/html")]
    if where == "form":
        answer = post(site, fields, form(username="alice", password="secret123", return_to=return_to))
    else:
        query = "/login?" + urllib.parse.urlencode({"return_to": return_to})
        answer = post(site, fields, form(username="alice", password="secret123"), query)
    assert answer.status in (303, 400, 413), answer
    if answer.status == 303:
        location = answer.fields["Location"]
        # What a browser makes of it: joined to the site, with its white space and backslashes folded.
        for seen in (location, urllib.parse.unquote(location)):
            folded = "".join(c for c in seen if c not in "\t\r\n").strip().replace("\\", "/")
            target = urllib.parse.urljoin("http://gate.test/login", folded)
            assert urllib.parse.urlsplit(target).netloc == "gate.test" and not folded.startswith("//"), location
        assert len(answer.fields.all("Set-Cookie")) <= 2
        site.secrets.add(answer.cookie("session_id")[0])


def normal(answer):
    """What of an answer could tell two refusals apart."""
    body = {key: value for key, value in answer.json().items() if key not in ("request_id", "instance")}
    names = sorted(name.lower() for name, _ in answer.fields.pairs)
    return answer.status, answer.reason, body, names, len(answer.fields.get("Content-Length", ""))


def test_refusals_look_the_same(make_site):
    """Rule 32, ASVS 6.3.8: unknown, wrong, disabled."""
    site = make_site()
    site.gateway.insert_user(110, "dora", disabled=1)
    wrong = site.login("alice", "wrong password")
    unknown = site.login("nobody", "wrong password")
    disabled = site.login("dora", "secret123")
    odd = site.login("x' OR '1'='1", "y")
    assert wrong.status == 401
    assert normal(wrong) == normal(unknown) == normal(disabled) == normal(odd)
    assert wrong.cookie("session_id") is None


def test_unknown_costs_what_wrong_costs(make_site):
    """Rule 32: one hash of the same kind and cost for each, counted; times would say it only of a quiet machine."""
    site = make_site()
    site.login("bob", USERS["bob"][1])
    own = site.gateway.query("SELECT password_hash FROM users WHERE username = 'bob'")[0]["password_hash"]
    _, known = site.new_user(own)
    _, disabled = site.new_user(own)
    site.gateway.do("user", "disable", disabled)

    def hashes():
        text = site.gateway.probe("/metrics")[1].decode()
        return int(re.search(r"^gatehouse_hash_duration_seconds_count (\d+)$", text, re.M)[1])

    for number, name in enumerate((known, "nobody", disabled) * 2):
        before = hashes()
        assert site.login(name, "wrong password", source=f"127.40.{number}.1").status == 401
        eventually(lambda: hashes() == before + 1, 5)


def test_a_hash_is_renewed_silently(make_site):
    site = make_site()
    assert site.gateway.query("SELECT password_hash FROM users WHERE id = 101")[0]["password_hash"].startswith("$2a$10$")
    assert site.login("alice", "secret123").status == 200
    renewed = site.gateway.query("SELECT password_hash FROM users WHERE id = 101")[0]["password_hash"]
    assert renewed.startswith("$argon2id$")
    assert site.login("alice", "secret123").status == 200
    assert site.gateway.query("SELECT password_hash FROM users WHERE id = 101")[0]["password_hash"] == renewed
    assert site.login("alice", "secret124").status == 401


@pytest.mark.parametrize("hash", ["", "plain", "$2a$31$N9qo8uLOickgx2ZMRZoMyeKWT6UX71K1EEV7o303G.XbrNDbTE38G", "$argon2id$v=19$m=4294967295,t=4294967295,p=255$AAAA$AAAA", "$2a$10$short",
                                  "$1$abc$def", "$2a$10$" + "\u00e9" * 53, "x" * 100_000, "*", "!"])
def test_a_hash_is_input(make_site, hash):
    """Rule 34: whatever stands in the table, the answer is that of a wrong password, soon."""
    site = make_site()
    site.gateway.insert_user(120, "mallory", hash)
    began = time.monotonic()
    assert site.login("mallory", "secret123").status in (401, 503)
    assert time.monotonic() - began < 5
    assert site.login("alice", "secret123").status == 200


@pytest.mark.parametrize("body, statuses", [
    (b"", (400,)), (b"{", (400,)), (b"[]", (400,)), (b"null", (400,)), (b'"x"', (400,)), (b"{}", (400,)), (b'{"username":"alice"}', (400,)), (b'{"password":"secret123"}', (400,)),
    (b'{"username":"alice","password":1}', (400,)), (b'{"username":null,"password":"secret123"}', (400,)), (b'{"username":["alice"],"password":"secret123"}', (400,)),
    (b'{"username":"alice","password":"secret123","password":"x"}', (400,)), (b'{"username":"bob","username":"alice","password":"secret123"}', (400,)),
    (b'{"username":"alice","password":"secret123"}x', (400,)), (b'{"username":"alice","password":"secret123"', (400,)), (b"{'username':'alice','password':'secret123'}", (400,)),
    (b'{"username":"alice","password":"\xff"}', (400,)), (b'{"username":"alice","password":"\\ud800"}', (400, 401)), (b"[" * 5000, (400,)),
    (b'{"username":"","password":"secret123"}', (400, 401)), (b'{"username":"alice","password":""}', (400, 401)),
    (b'\xef\xbb\xbf{"username":"alice","password":"secret123"}', (400,)),
])
def test_malformed_json(site, body, statuses):
    answer = post(site, [JSON], body, source="127.20.0.2")
    assert answer.status in statuses, answer
    assert "Set-Cookie" not in answer.fields


@pytest.mark.parametrize("body", [b"", b"username=alice", b"password=secret123", b"username=alice&password=secret123&password=x", b"username=bob&username=alice&password=secret123",
                                  b"username=alice&password=%zz", b"=&=&=", b"&" * 5000, b"username=alice&password=%ff"])
def test_malformed_form(site, body):
    answer = post(site, [FORM], body, source="127.20.0.3")
    assert answer.status in (400, 401), answer
    assert "Set-Cookie" not in answer.fields


@pytest.mark.parametrize("username", ["Alice", "ALICE", "alice ", " alice", "alice\u0000", "al\u0131ce", "ali\u0441e", "\uff41lice", "alice\n", "alice\u200b", "a" * 600])
def test_user_names_are_compared_as_they_are(site, username):
    """Rule 6. Whether case or surrounding space is folded is the canonical name's business; it must come out as alice or as nobody."""
    answer = site.login(username, "secret123", source="127.20.0.4")
    assert answer.status in (200, 400, 401)
    if answer.status == 200:
        assert answer.json()["user"] == {"id": "101", "username": "alice", "role": "user"}
        assert username.strip().lower() == "alice"


@pytest.mark.parametrize("password", ["secret123\u0000", "secret123\u0000x", "\u0000", "secret123" + "x" * 64, "x" * 72, "x" * 73, "x" * 1000, "x" * 1025, "x" * 8000, "\u00e9" * 40])
def test_odd_passwords(site, password):
    """Rule 30: nothing is cut off, at NUL or at 72 octets."""
    _, name = site.new_user()
    answer = site.login(name, password)
    assert answer.status in (400, 401), answer
    assert site.login(name, "secret123").status == 200


def test_a_long_password_is_taken_whole(make_site):
    """ASVS 6.2.9; with argon2id there is no limit of 72 octets."""
    site = make_site()
    password = "correct horse " * 10
    site.gateway.do("user", "add", "erin", "--role", "user", "--password-stdin", stdin=password + "\n")
    assert site.login("erin", password).status == 200
    assert site.login("erin", password[:72]).status == 401
    assert site.login("erin", password + "x").status == 401


def test_bcrypt_refuses_more_than_72_octets(make_site):
    """Rule 30: where a bcrypt hash is made, what it would not hash is refused."""
    site = make_site({"passwords": {"algorithm": "bcrypt", "cost": 10}})
    done = site.gateway.command("user", "add", "frank", "--role", "user", "--password-stdin", stdin="x" * 73 + "\n")
    assert done.returncode == 1 and "72" in done.stderr
    done = site.gateway.command("user", "add", "frank", "--role", "user", "--password-stdin", stdin="x\0y" + "\n")
    assert done.returncode == 1
    site.gateway.do("user", "add", "frank", "--role", "user", "--password-stdin", stdin="x" * 72 + "\n")
    assert site.login("frank", "x" * 72).status == 200
    assert site.login("frank", "x" * 73).status in (400, 401)
    assert site.login("frank", "x" * 71).status == 401
    assert site.gateway.query("SELECT password_hash FROM users WHERE username = 'frank'")[0]["password_hash"].startswith("$2")


CROSS_SITE = [
    [("Origin", "http://evil.test")], [("Origin", "null")], [("Origin", "https://gate.test.evil.test")], [("Origin", "http://OURS.evil.test")], [("Sec-Fetch-Site", "cross-site")],
    [("Sec-Fetch-Site", "same-site")], [("Origin", "http://evil.test"), ("Sec-Fetch-Site", "same-origin")], [("Origin", "OURS"), ("Sec-Fetch-Site", "cross-site")],
    [("Origin", "OURS"), ("Origin", "http://evil.test")], [("Origin", "")], [("Origin", "http://evil.test"), ("X-Forwarded-Host", "evil.test")],
]


@pytest.mark.parametrize("fields", CROSS_SITE)
@pytest.mark.parametrize("kind", ["json", "form"])
def test_cross_site_login(site, fields, kind):
    """Rule 36: login CSRF."""
    fields = [(name, value.replace("OURS", site.gateway.url)) for name, value in fields]
    body = json.dumps({"username": "alice", "password": "secret123"}).encode() if kind == "json" else form(username="alice", password="secret123")
    answer = post(site, [JSON if kind == "json" else FORM, *fields], body)
    assert answer.status in ((400, 403) if len(fields) > 1 and fields[1][0] == "Origin" else (403,)), answer
    assert "Set-Cookie" not in answer.fields


@pytest.mark.parametrize("fields", CROSS_SITE)
def test_cross_site_logout(site, fields):
    fields = [(name, value.replace("OURS", site.gateway.url)) for name, value in fields]
    cookie = site.credential("alice")
    assert site.ask("POST", "/logout", [("Cookie", cookie), *fields], b"").status in (400, 403)
    assert site.ask("GET", f"/app/?n={site.nonce('101')}", [("Cookie", cookie)]).status == 200


@pytest.mark.parametrize("fields", [[], [("Origin", "OURS")], [("Sec-Fetch-Site", "same-origin")], [("Origin", "OURS"), ("Sec-Fetch-Site", "same-origin")], [("Sec-Fetch-Site", "none")]])
def test_same_site_login(site, fields):
    fields = [(name, value.replace("OURS", site.gateway.url)) for name, value in fields]
    assert site.login("alice", "secret123", fields=fields).status == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods(site, method):
    answer = site.ask(method, "/login", body=b"" if method != "DELETE" else None)
    assert answer.status == 405 and "POST" in answer.fields["Allow"]


@pytest.mark.parametrize("issue", ["both", "", "Session", "x", "session&issue=token"])
def test_other_issues(site, issue):
    assert site.login("alice", "secret123", issue).status in (400, 200)


def test_what_is_not_allowed_is_not_issued(make_site):
    site = make_site({"login": {"allow": ["session"]}})
    answer = site.login("alice", "secret123", "token")
    assert answer.status in (400, 403) and "Set-Cookie" not in answer.fields


def until_throttled(site, name, sources, most=60):
    """Tries a wrong password until it is refused to try; how many tries that took, and the refusal."""
    for count in range(most):
        answer = site.login(name, "wrong", source=sources(count))
        if answer.status == 429:
            assert int(answer.fields["Retry-After"]) > 0
            assert answer.json()["status"] == 429
            return count, answer
        assert answer.status == 401, answer
    raise AssertionError(f"{most} wrong passwords for {name} and no end")


def test_guessing_one_password_is_throttled(make_site):
    """Rule 35, and the count survives a restart."""
    site = make_site()
    count, _ = until_throttled(site, "alice", lambda _: "127.30.0.1")
    assert count >= 3, "a person who mistypes twice is locked out"
    site.gateway.kill()
    site.gateway.start()
    # The right password has to wait as well, else the answer would tell that it was right.
    again, _ = until_throttled(site, "alice", lambda _: "127.30.0.1", most=2)
    assert site.login("alice", "secret123", source="127.30.0.1").status == 429
    # Others sign in from there, and the owner from where she is known.
    assert site.login("bob", USERS["bob"][1], source="127.30.0.1").status == 200


def test_guessing_one_password_from_many_addresses_is_throttled(make_site):
    site = make_site()
    assert site.login("alice", "secret123").status == 200
    until_throttled(site, "alice", lambda count: f"127.31.{count}.1")
    assert site.login("alice", "wrong", source="127.31.200.1").status == 429
    # No lock by strangers: from an address that she has signed in from, the owner still can.
    assert site.login("alice", "secret123").status == 200


def test_guessing_many_from_one_address_is_throttled(make_site):
    site = make_site()
    for count in range(80):
        answer = site.login(f"somebody{count}", "wrong", source="127.32.0.1")
        if answer.status == 429:
            break
        assert answer.status == 401
    assert answer.status == 429 and count >= 10
    assert site.login("alice", "secret123", source="127.32.0.2").status == 200


def test_an_unknown_account_is_throttled_the_same(make_site):
    """Else the throttle would tell who exists."""
    site = make_site()
    assert until_throttled(site, "alice", lambda _: "127.33.0.1")[0] == until_throttled(site, "nobody", lambda _: "127.33.0.2")[0]


def test_throttling_ends_by_itself(make_site):
    site = make_site()
    _, answer = until_throttled(site, "alice", lambda _: "127.34.0.1")
    time.sleep(int(answer.fields["Retry-After"]) + 0.3)
    assert site.login("alice", "secret123", source="127.34.0.1").status == 200


def test_mistyping_now_and_then_costs_nothing(make_site):
    site = make_site()
    for _ in range(5):
        for _ in range(2):
            assert site.login("alice", "wrong").status == 401
        assert site.login("alice", "secret123").status == 200


def test_many_tries_at_once_are_many_tries(make_site):
    """Counted before the password is looked at: a burst gets no more guesses than a row does."""
    site = make_site()
    row, _ = until_throttled(site, "alice", lambda _: "127.35.0.1")
    statuses = []
    threads = [threading.Thread(target=lambda: statuses.append(site.login("bob", "wrong", source="127.35.0.2").status)) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses.count(401) <= row + 1 and set(statuses) <= {401, 429, 503}, statuses


def test_a_login_flood_is_bounded_and_holds_up_nobody(make_site):
    """Rule 34: the queue of hashes is bounded; beyond it 503 with Retry-After, and everybody else goes on."""
    site = make_site({"passwords": {"threads": 1, "queue": 2}})
    cookie = site.credential("alice")
    answers = []

    def flood(number):
        answers.append(site.login(f"user{number}", "wrong", source=f"127.36.{number}.1"))

    threads = [threading.Thread(target=flood, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    began = time.monotonic()
    for _ in range(10):
        assert site.ask("GET", f"/app/?n={site.nonce('101')}", [("Cookie", cookie)]).status == 200
    assert time.monotonic() - began < 3
    for thread in threads:
        thread.join()
    statuses = {answer.status for answer in answers}
    assert statuses <= {401, 503} and 503 in statuses
    assert all("Retry-After" in answer.fields for answer in answers if answer.status == 503)
    site.joined()


def test_login_on_a_kept_connection(site):
    """An endpoint of our own reads its body to the end (rule 18)."""
    body = json.dumps({"username": "alice", "password": "secret123"}).encode()
    after = site.nonce()
    with site.client() as client:
        client.send(request("POST", "/login", [JSON], body) + request("GET", f"/open/?n={after}"))
        answer = client.response()
        assert answer.status == 200
        site.secrets.add(answer.cookie("session_id")[0])
        assert client.response().json()["target"].endswith(after)


def test_login_path_is_a_setting(make_site):
    site = make_site({"login": {"path": "/sign-in"}})
    body = json.dumps({"username": "alice", "password": "secret123"}).encode()
    answer = post(site, [JSON], body, "/sign-in")
    assert answer.status == 200
    site.secrets.add(answer.cookie("session_id")[0])
    assert post(site, [JSON], body, "/login").status == 404
    page = site.ask("GET", "/app/", [("Accept", "text/html"), ("Sec-Fetch-Mode", "navigate")])
    assert page.status == 303 and page.fields["Location"].startswith("/sign-in?return_to=")
