"""A gateway with users, routes and a recording upstream behind it: what most tests talk to."""

import json
import random

from .gateway import BCRYPT_SECRET123, Gateway, merged
from .ledger import Ledger
from .recorder import Recorder
from .wire import Client, eventually, request

USERS = {
    # name: (id, password, role)
    "alice": ("101", "secret123", "user"),
    "bob": ("102", "correct horse battery", "user"),
    "carol": ("103", "tr0ub4dor&3 \u00e9\u00df", "admin"),
}


def routes():
    return [
        {"path": "/profile", "upstream": "recorder", "accept": ["session", "token"]},
        {"path": "/app/", "upstream": "recorder", "accept": ["session", "token"]},
        {"path": "/session-only/", "upstream": "recorder", "accept": ["session"]},
        {"path": "/token-only/", "upstream": "recorder", "accept": ["token"]},
        {"path": "/admin/", "upstream": "recorder", "require": {"role": ["admin"]}},
        {"path": "/open/", "upstream": "recorder", "access": "public"},
        {"path": "/exact", "upstream": "recorder", "access": "public"},
        {"host": "admin.example.com", "path": "/", "upstream": "recorder", "require": {"role": ["admin"]}},
    ]


class Site:
    def __init__(self, folder, settings=None, name="gatehouse"):
        self.recorder = Recorder()
        self.ledger = Ledger(self.recorder)
        base = {"upstreams": {"recorder": {"servers": [self.recorder.url]}}, "routes": routes()}
        self.gateway = Gateway(folder, merged(base, settings or {}), name)
        # What must never stand in a log: passwords, session ids, tokens.
        self.secrets = {password for _, password, _ in USERS.values()}
        self.credentials = {}

    def start(self):
        self.gateway.start()
        present = {row["username"] for row in self.gateway.query("SELECT username FROM users")}
        for name, (id, password, role) in USERS.items():
            if name in present:
                continue
            if name == "alice":
                self.gateway.insert_user(int(id), name)
            else:
                self.gateway.do("user", "add", name, "--role", role, "--id", id, "--password-stdin", stdin=password + "\n")
        return self

    def stop(self):
        """Ends everything, and says what is wrong with how it went."""
        problems = []
        try:
            self.gateway.stop()
        except AssertionError as error:
            problems.append(str(error))
        self.recorder.stop()
        problems += self.ledger.join()
        log = self.gateway.log()
        problems += [f"a secret stands in the log: {secret[:12]}…" for secret in self.secrets if secret in log]
        assert not problems, "\n".join(problems)

    def abandon(self):
        self.gateway.kill()
        self.recorder.stop()

    def client(self, **options):
        return Client(self.gateway.address, **options)

    def ask(self, method, target, fields=(), body=None, source=None, **options):
        """One request on a connection of its own."""
        with self.client(source=source) as client:
            return client.ask(request(method, target, fields, body, **options), method)

    def nonce(self, user=None, forwarded="once"):
        return self.ledger.nonce(user, forwarded)

    def login(self, username, password, issue=None, source=None, fields=(), remember=True):
        """POST /login with JSON; the response."""
        body = json.dumps({"username": username, "password": password}).encode()
        target = "/login" + (f"?issue={issue}" if issue else "")
        answer = self.ask("POST", target, [("Content-Type", "application/json"), *fields], body, source=source)
        if remember and answer.status == 200:
            for name in ("session_id", "token"):
                cookie = answer.cookie(name)
                if cookie and cookie[0]:
                    self.secrets.add(cookie[0])
        return answer

    def sign_in(self, name, issue="session"):
        """A fresh credential of one of USERS: the value for a Cookie field."""
        answer = self.login(name, USERS[name][1], issue)
        assert answer.status == 200, answer
        cookie = "session_id" if issue == "session" else "token"
        return f"{cookie}={answer.cookie(cookie)[0]}"

    def new_user(self, password_hash=BCRYPT_SECRET123):
        """(id, name) of somebody new, whose password is secret123: for tests that mistype, which is counted against a name."""
        id = random.randrange(10_000, 2**40)
        self.gateway.insert_user(id, f"user{id}", password_hash)
        return str(id), f"user{id}"

    def credential(self, name, issue="session"):
        """A credential shared by tests that do not end it."""
        if (name, issue) not in self.credentials:
            self.credentials[name, issue] = self.sign_in(name, issue)
        return self.credentials[name, issue]

    def joined(self):
        """Asserts that both sides agree; waits a moment for what is still on its way."""
        unjudged = list(self.ledger.unjudged)
        try:
            eventually(lambda: all(self.recorder.seen(e.nonce) for e in unjudged if e.forwarded in ("once", "retried")), 2)
        except AssertionError:
            pass
        problems = self.ledger.join()
        assert not problems, "\n".join(problems)
