"""The commands, as a person at a terminal meets them."""

import base64
import hashlib
import json
import os
import stat
import subprocess
import time

import pytest

from harness.gateway import GATEHOUSE, PROFILE_SERVICE, ROOT, clean_environment


def run(*arguments, cwd=None, stdin="", env=None):
    return subprocess.run([str(GATEHOUSE), *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=30, cwd=cwd, env=env or clean_environment())


COMMANDS = [
    ("serve",), ("demo",), ("config",), ("config", "check"), ("config", "print"), ("config", "schema"), ("explain",), ("user",), ("user", "add"), ("user", "list"), ("user", "passwd"),
    ("user", "disable"), ("user", "enable"), ("user", "remove"), ("session",), ("session", "list"), ("session", "revoke"), ("session", "purge"), ("key",), ("key", "generate"),
    ("health",), ("version",),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help(command):
    done = run(*command, "--help")
    assert done.returncode == 0 and not done.stderr
    assert "USAGE" in done.stdout and "gatehouse " + " ".join(command) in done.stdout
    # More than a list of options: what it is for.
    assert "OVERVIEW" in done.stdout or len(done.stdout.splitlines()) > 5


def test_help_of_all():
    done = run("--help")
    assert done.returncode == 0
    for word in ("serve", "demo", "config", "explain", "user", "session", "key", "health", "version"):
        assert word in done.stdout


@pytest.mark.parametrize("arguments", [("nonsense",), ("serve", "--nonsense"), ("user", "add"), ("user", "nonsense"), ("explain", "GET"), ("demo", "--port", "x"), ("session", "revoke"),
                                       ("config", "check", "one", "two", "three")])
def test_usage(arguments, tmp_path):
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert done.stderr and "sage" in done.stderr


def test_version():
    done = run("version")
    assert done.returncode == 0 and any(character.isdigit() for character in done.stdout)


def test_profile_service_help():
    done = subprocess.run([str(PROFILE_SERVICE), "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and "--listen" in done.stdout


BAD = """version: 1
public_url: http://127.0.0.1:8080
listen:
  - address: 127.0.0.1
sesions:
  lifetime: 12h
sessions:
  lifetime: 12 hours
upstreams:
  profile: { servers: [http://127.0.0.1:9001] }
routes:
  - { path: /profile, upstream: profil }
  - { path: relative, upstream: profile }
"""


def test_config_check_tells_all_problems_at_once(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text(BAD)
    for command in (("config", "check", "--config", path), ("serve", "--config", path)):
        done = run(*command, cwd=tmp_path)
        assert done.returncode == 78, (done.returncode, done.stdout, done.stderr)
        text = done.stdout + done.stderr
        for line, word in ((4, "listen[0].address"), (5, "sessions"), (8, "sessions.lifetime"), (12, "routes[0].upstream"), (13, "routes[1].path")):
            assert any(f":{line}:" in problem and word in problem for problem in text.splitlines()), (line, word, text)


@pytest.mark.parametrize("text", ["", "{", "version: 2\n", "version: 1\n", "[]", "version: 1\nversion: 1\n", "\x00", "a: &a [*a, *a]\n", "version: 1\npublic_url: !!python/object x\n"])
def test_config_check_of_nonsense(tmp_path, text):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    done = run("config", "check", "--config", path, cwd=tmp_path)
    assert done.returncode == 78 and "bad.yaml" in done.stdout + done.stderr


def test_config_of_nothing(tmp_path):
    assert run("config", "check", "--config", tmp_path / "none.yaml", cwd=tmp_path).returncode == 78


def test_config_check_of_a_good_one(site):
    done = site.gateway.command("config", "check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_example_is_good(tmp_path):
    """The annotated example of the repository, with the secret that it names."""
    example = ROOT / "config" / "gatehouse.yaml"
    (tmp_path / "gatehouse.yaml").write_text(example.read_text())
    secret = run("key", "generate", cwd=tmp_path).stdout
    (tmp_path / "token.secret").write_text(secret)
    (tmp_path / "token.secret").chmod(0o600)
    done = run("config", "check", "--config", tmp_path / "gatehouse.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_config_print_is_a_config(site, tmp_path):
    printed = site.gateway.do("config", "print")
    assert "lifetime" in printed and "idle_timeout" in printed
    assert site.gateway.secret.hex() not in printed
    path = tmp_path / "printed.yaml"
    path.write_text(printed)
    done = run("config", "check", "--config", path, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_config_schema():
    schema = json.loads(run("config", "schema").stdout)
    assert "json-schema.org" in schema["$schema"] and "sessions" in schema["properties"]


def test_the_environment_overrides(site):
    env = clean_environment(GATEHOUSE_SESSIONS__LIFETIME="7h")
    assert "7h" in site.gateway.do("config", "print", env=env)
    done = site.gateway.command("config", "check", env=clean_environment(GATEHOUSE_SESSIONS__LIFETME="7h"))
    assert done.returncode == 78 and "GATEHOUSE_SESSIONS__LIFETME" in done.stdout + done.stderr


def test_secrets_are_not_printed(make_site):
    site = make_site({"tokens": {"secret_file": None, "secret": "plain-secret-of-at-least-32-octets!!"}, "sessions": {"store": "redis://:red1s-pass@127.0.0.1:1/0"}}, start=False)
    done = site.gateway.command("config", "print")
    assert "plain-secret" not in done.stdout + done.stderr and "red1s-pass" not in done.stdout + done.stderr


@pytest.mark.parametrize("method, target, user, words", [
    ("GET", "/open/x", None, ["/open/", "public"]), ("GET", "/app/x", None, ["/app/", "sign"]), ("GET", "/app/x", "alice", ["/app/", "X-User-Id", "101", "alice"]),
    ("GET", "/admin/x", "alice", ["/admin/", "role", "admin"]), ("GET", "/nowhere", None, ["404"]), ("GET", "/open/%2e%2e/x", None, ["400"]),
])
def test_explain(site, method, target, user, words):
    done = site.gateway.command("explain", method, site.gateway.url + target, *(["--as", user] if user else []))
    assert done.returncode in (0, 1), done.stderr
    for word in words:
        assert word.lower() in done.stdout.lower() + done.stderr.lower(), (word, done.stdout, done.stderr)


def test_users(make_site):
    site = make_site()
    gateway = site.gateway
    gateway.do("user", "add", "erin", "--role", "editor", "--password-stdin", stdin="first password\n")
    (row,) = gateway.query("SELECT * FROM users WHERE username = 'erin'")
    assert row["role"] == "editor" and row["disabled"] == 0 and row["password_hash"].startswith("$argon2id$")
    listed = gateway.do("user", "list")
    for word in ("erin", "alice", "editor", "101"):
        assert word in listed
    assert "$argon2" not in listed and "$2a$" not in listed

    session = site.login("erin", "first password")
    assert session.status == 200
    gateway.do("user", "passwd", "erin", "--password-stdin", stdin="second password\n")
    assert site.login("erin", "first password").status == 401
    assert site.login("erin", "second password").status == 200

    gateway.do("user", "disable", "erin")
    assert site.login("erin", "second password").status == 401
    assert gateway.query("SELECT * FROM sessions WHERE user_id = ?", row["id"]) == []
    gateway.do("user", "enable", "erin")
    assert site.login("erin", "second password").status == 200
    gateway.do("user", "remove", "erin")
    assert site.login("erin", "second password").status == 401
    assert gateway.query("SELECT * FROM sessions WHERE user_id = ?", row["id"]) == []
    assert "erin" not in gateway.do("user", "list")


@pytest.mark.parametrize("arguments, stdin", [
    (("add", "alice", "--role", "user"), "another password\n"), (("add", "x", "--role", "user", "--id", "101"), "another password\n"), (("add", "x", "--role", "user"), ""),
    (("add", "x", "--role", "user"), "\n"), (("add", "x\ny", "--role", "user"), "another password\n"), (("add", "", "--role", "user"), "another password\n"),
    (("add", "x" * 2000, "--role", "user"), "another password\n"), (("add", "x", "--role", "a\r\nb"), "another password\n"), (("passwd", "nobody"), "another password\n"),
    (("passwd", "alice"), ""), (("add", "x", "--role", "user"), "x" * 5000 + "\n"),
])
def test_users_that_cannot_be(site, arguments, stdin):
    before = site.gateway.query("SELECT id, username FROM users")
    done = site.gateway.command("user", *arguments, "--password-stdin", stdin=stdin)
    assert done.returncode in (1, 2) and done.stderr, (done.returncode, done.stdout)
    assert site.gateway.query("SELECT id, username FROM users") == before


@pytest.mark.parametrize("command", ["disable", "enable", "remove"])
def test_users_that_are_not(site, command):
    done = site.gateway.command("user", command, "nobody")
    assert done.returncode == 1 and "nobody" in done.stderr


def test_a_password_is_no_argument(site):
    done = site.gateway.command("user", "add", "x", "--role", "user", "--password", "secret")
    assert done.returncode == 2
    done = site.gateway.command("user", "add", "x", "secret", "--role", "user")
    assert done.returncode == 2


def handle(cookie):
    session_id = cookie.split("=", 1)[1]
    return base64.urlsafe_b64encode(hashlib.sha256(session_id.encode()).digest()).decode()[:16]


@pytest.mark.parametrize("store", ["sqlite", "redis"])
def test_sessions(make_site, redis, store):
    site = make_site({"sessions": {"store": redis.url}} if store == "redis" else {})
    one, two, other = site.sign_in("alice"), site.sign_in("alice"), site.sign_in("bob")

    def status(cookie):
        nonce = site.nonce({one: "101", two: "101", other: "102"}[cookie], "maybe")
        return site.ask("GET", f"/app/?n={nonce}", [("Cookie", cookie)]).status

    listed = site.gateway.do("session", "list")
    assert all(handle(cookie) in listed for cookie in (one, two, other))
    assert one.split("=")[1] not in listed and "alice" in listed
    site.gateway.do("session", "revoke", handle(one))
    assert (status(one), status(two), status(other)) == (401, 200, 200)
    assert site.gateway.command("session", "revoke", "AAAAAAAAAAAAAAAA").returncode == 1
    site.gateway.do("session", "revoke", "--user", "alice")
    assert (status(two), status(other)) == (401, 200)
    site.joined()


def test_key_generate(tmp_path):
    first, second = run("key", "generate", cwd=tmp_path).stdout, run("key", "generate", cwd=tmp_path).stdout
    assert first != second and len(first.strip()) >= 32
    assert not first.strip().startswith("{") and first.strip().isprintable()


def test_key_generate_into_a_file(tmp_path):
    """Never over another file, and for its owner's eyes only."""
    path = tmp_path / "token.secret"
    done = run("key", "generate", "--output", path, cwd=tmp_path)
    assert done.returncode == 0 and stat.S_IMODE(os.stat(path).st_mode) == 0o600
    secret = path.read_text()
    assert run("key", "generate", "--output", path, cwd=tmp_path).returncode == 1
    assert path.read_text() == secret


@pytest.mark.parametrize("content, word", [(b"short", "32"), (b"-----BEGIN PUBLIC KEY-----\n" + b"A" * 64 + b"\n-----END PUBLIC KEY-----\n", "PEM"), (b'{"kty":"oct","k":"' + b"A" * 64 + b'"}', "JSON"), (b"", "")])
def test_a_secret_that_is_none(make_site, content, word):
    """Rule 53."""
    site = make_site(start=False)
    (site.gateway.folder / "token.secret").write_bytes(content)
    for command in (("config", "check"), ("serve",)):
        done = site.gateway.command(*command, timeout=20)
        assert done.returncode == 78 and word in done.stdout + done.stderr


@pytest.mark.parametrize("alone", [False, True], ids=["keys", "secret_file"])
def test_rotation_of_keys(make_site, alone):
    """Rule 54: the first key signs, all verify; a key that is gone verifies nothing. Also from the one secret that stood alone."""
    def settings(folder):
        for name in ("old", "new"):
            (folder / f"{name}.secret").write_bytes(os.urandom(40))
            (folder / f"{name}.secret").chmod(0o600)
        if alone:
            return {"tokens": {"secret_file": str(folder / "old.secret")}}
        return {"tokens": {"secret_file": None, "keys": [{"kid": "old", "secret_file": str(folder / "old.secret")}]}}

    site = make_site(settings)
    old = site.sign_in("alice", "token")
    keys = {name: {"kid": name, "secret_file": str(site.gateway.folder / f"{name}.secret")} for name in ("old", "new")}
    for order, accepted in ((["new", "old"], True), (["new"], False)):
        site.gateway.stop()
        site.gateway.settings["tokens"] = {"keys": [keys[name] for name in order]}
        site.gateway.write_config()
        site.gateway.start()
        nonce = site.nonce("101" if accepted else None, "once" if accepted else "never")
        assert site.ask("GET", f"/app/?n={nonce}", [("Cookie", old)]).status == (200 if accepted else 401)
        fresh = site.sign_in("alice", "token")
        assert json.loads(base64.urlsafe_b64decode(fresh.split("=")[1].split(".")[0] + "=="))["kid"] == "new"
        assert site.ask("GET", f"/app/?n={site.nonce('101')}", [("Cookie", fresh)]).status == 200
    site.joined()


def test_commands_work_beside_the_running_gateway(site):
    """Every command that reads or writes the stores does so while the gateway serves."""
    began = time.monotonic()
    for command in (("user", "list"), ("session", "list"), ("session", "purge"), ("config", "check")):
        site.gateway.do(*command)
    assert time.monotonic() - began < 10


def test_serve_without_a_file(tmp_path):
    """The default file is not there: said so, with the command that helps."""
    done = run("serve", cwd=tmp_path)
    assert done.returncode == 78 and "gatehouse.yaml" in done.stderr + done.stdout
