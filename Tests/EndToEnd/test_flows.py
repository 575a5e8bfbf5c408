"""The two flows of the project's first page, with curl, the real profile service behind the gateway and a users table
that another program filled."""

import base64
import hashlib
import json
import re
import subprocess
import time

import pytest

from harness.gateway import PROFILE_SERVICE, Gateway, clean_environment
from harness.processes import Process, accepts, free_port
from harness.tokens import parts, sign


class Flow:
    """The gateway, the profile service, and curl with a cookie jar."""

    def __init__(self, folder, settings):
        port = free_port()
        self.profile = Process([PROFILE_SERVICE, "--listen", f"127.0.0.1:{port}"], folder, "profile",
                               env=clean_environment(), cwd=folder)
        self.profile.wait_until(lambda: accepts(("127.0.0.1", port)))
        self.folder = folder
        self.gateway = Gateway(folder, {
            "upstreams": {"profile": {"servers": [f"http://127.0.0.1:{port}"]}},
            "routes": [{"path": "/profile", "upstream": "profile", "accept": ["session", "token"]}],
            **settings,
        })
        self.gateway.start()
        self.gateway.insert_user(101, "alice")

    def curl(self, *arguments):
        """(status, headers as text, body)."""
        done = subprocess.run(["curl", "-sS", "-i", "--max-time", "20", *arguments], capture_output=True, text=True, cwd=self.folder)
        assert done.returncode == 0, done.stderr
        head, _, body = done.stdout.partition("\n\n") if "\r\n\r\n" not in done.stdout else done.stdout.partition("\r\n\r\n")
        return int(head.split()[1]), head, body

    def login(self, query=""):
        return self.curl("-X", "POST", self.gateway.url + "/login" + query, "-H", "Content-Type: application/json",
                         "-d", '{"username":"alice","password":"secret123"}')

    def end(self):
        try:
            self.gateway.stop()
            assert self.profile.terminate() == 0
        finally:
            self.gateway.kill()
            self.profile.kill()


@pytest.fixture
def flow(shared_sites):
    made = []

    def make(**settings):
        made.append(Flow(shared_sites.new_folder(), settings))
        return made[-1]

    yield make
    for one in made:
        one.end()


def set_cookie(head, name):
    found = re.findall(rf"(?im)^set-cookie: ({name}=[^\r\n]*)", head)
    assert len(found) == 1, head
    return found[0]


def test_session_flow(flow):
    flow = flow()
    before = time.time()
    status, head, body = flow.login()
    assert status == 200, body
    answer = json.loads(body)
    assert answer["user"] == {"id": "101", "username": "alice", "role": "user"}
    assert "expires_at" in answer

    cookie = set_cookie(head, "session_id")
    session_id, *attributes = cookie.removeprefix("session_id=").split("; ")
    assert re.fullmatch(r"SESS_[A-Za-z0-9_-]{43}", session_id)
    assert {"Path=/", "HttpOnly", "SameSite=Lax"} <= set(attributes)
    age = int(next(a for a in attributes if a.startswith("Max-Age=")).removeprefix("Max-Age="))
    assert 12 * 3600 - 5 <= age <= 12 * 3600
    # Neither Secure nor a __Host- name: public_url is plain http.
    assert "Secure" not in attributes

    (row,) = flow.gateway.query("SELECT * FROM sessions")
    assert row["session_id"] == base64.urlsafe_b64encode(hashlib.sha256(session_id.encode()).digest()).rstrip(b"=").decode()
    assert str(row["user_id"]) == "101"
    assert json.loads(row["data"])["role"] == "user"
    assert before + 12 * 3600 - 5 <= row["expires_at"] / 1000 <= time.time() + 12 * 3600
    everything = json.dumps(flow.gateway.dump(), default=str)
    assert session_id not in everything and session_id.removeprefix("SESS_") not in everything

    status, _, body = flow.curl(flow.gateway.url + "/profile", "-H", f"Cookie: session_id={session_id}")
    assert status == 200, body
    profile = json.loads(body)
    assert "alice" in json.dumps(profile) and "101" in json.dumps(profile)

    status, _, body = flow.curl(flow.gateway.url + "/profile")
    assert status == 401 and json.loads(body)["status"] == 401
    status, _, _ = flow.curl(flow.gateway.url + "/profile", "-H", "Cookie: session_id=SESS_" + "A" * 43)
    assert status == 401

    status, head, _ = flow.curl("-X", "POST", flow.gateway.url + "/logout", "-H", f"Cookie: session_id={session_id}")
    assert status == 204
    assert "Max-Age=0" in set_cookie(head, "session_id") or "1970" in set_cookie(head, "session_id")
    assert flow.gateway.query("SELECT * FROM sessions") == []
    status, _, _ = flow.curl(flow.gateway.url + "/profile", "-H", f"Cookie: session_id={session_id}")
    assert status == 401
    assert session_id not in flow.gateway.log() and "secret123" not in flow.gateway.log()


@pytest.mark.parametrize("settings, query", [({"login": {"issues": "token"}}, ""), ({}, "?issue=token")])
def test_token_flow(flow, settings, query):
    flow = flow(**settings)
    # The first sign-in may store a stronger hash of the password and that this address has signed in; neither is a trace of a token.
    assert flow.login(query)[0] == 200
    before = flow.gateway.dump()
    status, head, body = flow.login(query)
    assert status == 200, body
    assert json.loads(body)["user"]["id"] == "101"

    cookie = set_cookie(head, "token")
    token, *attributes = cookie.removeprefix("token=").split("; ")
    assert {"Path=/", "HttpOnly", "SameSite=Lax"} <= set(attributes)
    header, claims, _ = parts(token)
    assert header["alg"] == "HS256"
    assert claims["sub"] == "101" and claims["role"] == "user"
    assert claims["exp"] - claims["iat"] == 15 * 60
    assert claims["jti"]
    signing_input, _, signature = token.rpartition(".")
    assert signature == sign(signing_input, flow.gateway.secret)
    assert flow.gateway.dump() == before

    for credential in (f"Cookie: token={token}", f"Authorization: Bearer {token}"):
        status, _, body = flow.curl(flow.gateway.url + "/profile", "-H", credential)
        assert status == 200 and "alice" in body
    assert flow.gateway.dump() == before

    forged = token[:-2] + ("AA" if token[-2:] != "AA" else "BB")
    assert flow.curl(flow.gateway.url + "/profile", "-H", f"Cookie: token={forged}")[0] == 401
    assert flow.curl(flow.gateway.url + "/profile", "-H", f"Authorization: Bearer {forged}")[0] == 401
    assert token not in flow.gateway.log()


def test_https_cookies_are_secure_and_host_prefixed(make_site):
    site = make_site({"public_url": "https://gate.test"})
    origin = [("Origin", "https://gate.test")]
    answer = site.login("alice", "secret123", fields=origin)
    assert answer.status == 200, answer
    value, attributes = answer.cookie("__Host-session_id")
    assert value.startswith("SESS_") and "secure" in attributes and attributes["path"] == "/" and "domain" not in attributes
    site.secrets.add(value)
    nonce = site.nonce("101")
    assert site.ask("GET", f"/app/?n={nonce}", [("Cookie", f"__Host-session_id={value}")]).status == 200
    # The name without the prefix is somebody else's cookie.
    refused = site.nonce(forwarded="never")
    assert site.ask("GET", f"/app/?n={refused}", [("Cookie", f"session_id={value}")]).status == 401
    token, attributes = site.login("alice", "secret123", "token", fields=origin).cookie("__Host-token")
    assert "secure" in attributes
    site.secrets.add(token)


def test_profile_service_alone(flow, shared_sites):
    folder = shared_sites.new_folder()
    port = free_port()
    process = Process([PROFILE_SERVICE, "--listen", f"127.0.0.1:{port}"], folder, "profile", env=clean_environment(), cwd=folder)
    try:
        process.wait_until(lambda: accepts(("127.0.0.1", port)))
        url = f"http://127.0.0.1:{port}/profile"

        def status(*fields):
            done = subprocess.run(["curl", "-sS", "-o", "body", "-w", "%{http_code}", *fields, url], capture_output=True, text=True, cwd=folder)
            return int(done.stdout)

        assert status("-H", "X-User-Id: 101") == 200
        json.loads((folder / "body").read_text())
        assert status("-H", "X-User-Id: 99999999") == 404
        assert status() == 400
        assert process.terminate() == 0
    finally:
        process.kill()
