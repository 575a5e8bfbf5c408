"""Many clients of many users at once, good, bad and vanishing, and every request accounted for: the one checker that finds
smuggling, swapped identities, doubles and losses in one stroke."""

import collections
import json
import random
import threading
import time

import pytest

from harness.recorder import raw
from harness.wire import ProtocolError, chunked, request

CLIENTS = 64
USERS = 16
SECONDS = 8


class Load:
    def __init__(self, site, users, upstream_closes):
        self.site = site
        self.users = users
        self.upstream_closes = upstream_closes
        self.problems = []
        self.counts = collections.Counter()
        self.end = time.monotonic() + SECONDS

    def nonce(self, user, repeatable=True):
        """While the upstream closes connections at random, a request may be lost, and one that is safe to repeat may come twice."""
        if self.upstream_closes:
            return self.site.nonce(user, "perhaps again" if repeatable else "maybe")
        return self.site.nonce(user)

    def expect(self, condition, what, answer):
        if not condition:
            self.problems.append(f"{what}: {answer}")

    def check(self, what, answer, nonce, user):
        self.counts[what, answer.status] += 1
        if self.upstream_closes and answer.status == 502:
            return
        self.expect(answer.status == 200, what, answer)
        if answer.status == 200:
            seen = json.loads(answer.body)
            self.expect((nonce in seen["target"], seen["user"]) == (True, user), what + " got another's answer", answer)

    def client(self, seed):
        chance = random.Random(seed)
        while time.monotonic() < self.end and len(self.problems) < 10:
            try:
                with self.site.client() as client:
                    for _ in range(chance.randrange(1, 30)):
                        if time.monotonic() > self.end:
                            break
                        if not chance.choice(self.ACTIONS)(self, client, chance):
                            break
            except (ProtocolError, OSError) as error:
                # The connection is cut where the upstream died in mid-response; anywhere else it is a fault.
                if not self.upstream_closes:
                    self.problems.append(f"{type(error).__name__}: {error}")

    def someone(self, chance):
        user, session, token = chance.choice(self.users)
        return user, chance.choice([("Cookie", session), ("Cookie", token), ("Authorization", "Bearer " + token.split("=", 1)[1])])

    def get(self, client, chance):
        user, credential = self.someone(chance)
        nonce = self.nonce(user)
        answer = client.ask(request("GET", f"/app/{chance.randrange(10)}?n={nonce}", [credential, ("X_User_Id", "999"), ("X-User-Id", "998")]))
        self.check("get", answer, nonce, user)
        return True

    def public(self, client, chance):
        nonce = self.nonce(None)
        self.check("public", client.ask(request("GET", f"/open/?n={nonce}", [("X-User-Id", "999")])), nonce, None)
        return True

    def post(self, client, chance):
        user, credential = self.someone(chance)
        nonce = self.nonce(user, repeatable=False)
        body = chance.randbytes(chance.choice([0, 1, 100, 5000, 70000]))
        if chance.random() < 0.5:
            data = request("POST", f"/app/?n={nonce}", [credential], body)
        else:
            data = request("POST", f"/app/?n={nonce}", [credential, ("Transfer-Encoding", "chunked")]) + chunked(body[:50], body[50:])
        answer = client.ask(data)
        self.check("post", answer, nonce, user)
        return answer.fields.get("Connection", "").lower() != "close"

    def pipeline(self, client, chance):
        """Several people on one connection."""
        sent, data = [], b""
        for _ in range(chance.randrange(2, 8)):
            user, credential = self.someone(chance) if chance.random() < 0.8 else (None, None)
            nonce = self.nonce(user)
            data += request("GET", f"/{'app' if user else 'open'}/?n={nonce}", [credential] if credential else [])
            sent.append((nonce, user))
        client.send(data)
        for nonce, user in sent:
            self.check("pipeline", client.response(), nonce, user)
        return True

    def refused(self, client, chance):
        nonce = self.site.nonce(None, "never")
        credential = chance.choice([("Cookie", "session_id=SESS_" + "x" * 43), ("Cookie", "token=a.b.c"), ("Authorization", "Bearer x"), ("X-User-Id", "101")])
        answer = client.ask(request("GET", f"/app/?n={nonce}", [credential]))
        self.counts["refused", answer.status] += 1
        self.expect(answer.status == 401, "refused", answer)
        return True

    def malformed(self, client, chance):
        nonce, smuggled = self.site.nonce(None, "never"), self.site.nonce(None, "never")
        client.send_some(request("POST", f"/open/?n={nonce}", [("Content-Length", "4"), ("Transfer-Encoding", "chunked")]) + b"0\r\n\r\n" + request("GET", f"/open/?n={smuggled}"))
        answer = client.response()
        self.counts["malformed", answer.status] += 1
        self.expect(answer.status == 400, "malformed", answer)
        return False

    def vanish(self, client, chance):
        user, credential = self.someone(chance)
        nonce = self.site.nonce(user, "perhaps again")
        data = request("GET", f"/app/?n={nonce}", [credential]) if chance.random() < 0.5 else request("POST", f"/app/?n={nonce}", [credential], b"x" * 3000)
        client.send(data[: chance.randrange(1, len(data) + 1)])
        if chance.random() < 0.3:
            time.sleep(chance.random() * 0.01)
        client.reset()
        self.counts["vanish", 0] += 1
        return False

    def cut(self, client, chance):
        """The upstream dies in mid-response."""
        user, credential = self.someone(chance)
        nonce = self.nonce(user)
        self.site.recorder.script(nonce, raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc"))
        client.send(request("GET", f"/app/?n={nonce}", [credential]))
        try:
            answer = client.response()
            self.expect(answer.status == 502, "cut", answer)
        except ProtocolError:
            pass
        self.counts["cut", 0] += 1
        return False

    ACTIONS = [get] * 6 + [public] * 2 + [post] * 4 + [pipeline] * 2 + [refused, malformed, vanish, cut]

    def run(self):
        threads = [threading.Thread(target=self.client, args=(seed,)) for seed in range(CLIENTS)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            time.sleep(0.3)
            if self.upstream_closes:
                self.site.recorder.close_idle()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("upstream_closes", [False, True], ids=["steady", "closing"])
def test_everybody_at_once(make_site, redis, upstream_closes):
    site = make_site({"sessions": {"store": redis.url}} if upstream_closes else {})
    users = []
    for number in range(USERS):
        site.gateway.insert_user(1000 + number, f"user{number}")
        name = f"user{number}"
        session, token = (site.login(name, "secret123", issue) for issue in ("session", "token"))
        assert (session.status, token.status) == (200, 200)
        users.append((str(1000 + number), f"session_id={session.cookie('session_id')[0]}", f"token={token.cookie('token')[0]}"))
    load = Load(site, users, upstream_closes)
    load.run()
    assert load.problems == []
    done = {what: sum(count for (name, _), count in load.counts.items() if name == what) for what in {name for name, _ in load.counts}}
    assert set(done) == {"get", "public", "post", "pipeline", "refused", "malformed", "vanish", "cut"}, done
    assert sum(done.values()) > 500, done
    if upstream_closes:
        # Losing a few to a dying upstream is honest; losing many would be none.
        failed = sum(count for (_, status), count in load.counts.items() if status == 502)
        assert failed < sum(done.values()) / 10, load.counts
    # What a vanished client had sent may still be on its way.
    time.sleep(0.5)
    site.joined()
    assert site.gateway.probe("/livez")[0] == 200
