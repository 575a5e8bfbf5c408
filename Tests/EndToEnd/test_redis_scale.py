"""Redis under sentinels and as a cluster, plain and by TLS, with the master killed under load: whoever was signed in stays so,
checks and sign-ins come back by themselves, and what is lost is what Redis lost."""

import base64
import collections
import hashlib
import json
import pathlib
import random
import tempfile
import threading
import time

import pytest

from harness.redis import Redis
from harness.redis_scale import Certificates, Cluster, Sentinel
from harness.processes import free_port
from harness.wire import ProtocolError, eventually, request

USERS = 24
SIGNERS, CHECKERS, LEAVERS = 3, 6, 1
# What Redis may lose is what it acknowledged just before it died.
LAG = 2.0


@pytest.fixture
def deploy(suite_folder):
    made = []

    def start(kind, tls=False, **options):
        folder = pathlib.Path(tempfile.mkdtemp(dir=suite_folder))
        deployment = kind(folder, Certificates(folder) if tls else None, **options)
        made.append(deployment)
        return deployment.start()

    yield start
    for deployment in made:
        deployment.stop()


def settings(url):
    return {
        "sessions": {"store": url, "store_timeout": "500ms"},
        # The hash that the users of these tests have, so that no sign-in makes a new one.
        "passwords": {"algorithm": "bcrypt", "cost": 10},
    }


class Session:
    def __init__(self, cookie, user, when):
        self.cookie = cookie
        self.user = user
        self.signed_in = when
        self.left = None
        self.refused = None

    @property
    def key(self):
        digest = hashlib.sha256(self.cookie.encode()).digest()
        return "gatehouse:session:" + base64.urlsafe_b64encode(digest).decode().rstrip("=")


class Load:
    """Sign-ins, checks and sign-outs at once, and every answer with its time."""

    def __init__(self, site):
        self.site = site
        self.lock = threading.Lock()
        self.sessions = []
        self.answers = []
        self.problems = []
        self.stopping = threading.Event()
        self.users = []
        for number in range(USERS):
            site.gateway.insert_user(2000 + number, f"scale{number}")
            self.users.append((str(2000 + number), f"scale{number}"))
        runs = [self.sign_in] * SIGNERS + [self.check] * CHECKERS + [self.leave] * LEAVERS
        self.threads = [threading.Thread(target=self.repeat, args=(run, random.Random(seed))) for seed, run in enumerate(runs)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)

    def repeat(self, run, chance):
        while not self.stopping.is_set() and len(self.problems) < 10:
            try:
                with self.site.client(timeout=20) as client:
                    for _ in range(20):
                        if not self.stopping.is_set():
                            run(client, chance)
                            time.sleep(0.005)
            except (ProtocolError, OSError) as error:
                self.problems.append(f"{run.__name__}: {type(error).__name__}: {error}")

    def note(self, what, answer, allowed):
        with self.lock:
            self.answers.append((time.monotonic(), what, answer.status))
        if answer.status == 503:
            if "Set-Cookie" in answer.fields:
                self.problems.append(f"{what}: the cookie was touched: {answer}")
            time.sleep(0.02)
        elif answer.status not in allowed:
            self.problems.append(f"{what}: {answer}")

    def sign_in(self, client, chance):
        user, name = chance.choice(self.users)
        body = json.dumps({"username": name, "password": "secret123"}).encode()
        answer = client.ask(request("POST", "/login", [("Content-Type", "application/json")], body))
        self.note("sign-in", answer, {200})
        if answer.status == 200:
            with self.lock:
                self.sessions.append(Session(answer.cookie("session_id")[0], user, time.monotonic()))

    def pick(self, chance, besides=0):
        """A session that should be there, of more than `besides`."""
        with self.lock:
            there = [session for session in self.sessions if session.left is None and session.refused is None]
        return chance.choice(there) if len(there) > besides else None

    def check(self, client, chance, session=None):
        session = session or self.pick(chance)
        if session is None:
            return None
        nonce = self.site.nonce(session.user, "maybe")
        answer = client.ask(request("GET", f"/app/?n={nonce}", [("Cookie", f"session_id={session.cookie}")]))
        self.note("check", answer, {200, 401})
        if answer.status == 200:
            seen = json.loads(answer.body)
            if nonce not in seen["target"] or seen["user"] != session.user:
                self.problems.append(f"another's answer: {answer}")
        elif answer.status == 401 and session.left is None:
            session.refused = time.monotonic()
        return answer.status

    def leave(self, client, chance):
        time.sleep(0.1)
        # The others have to find some to check.
        session = self.pick(chance, 20)
        if session is None:
            return
        # Before it is sent: checks may be answered either way from here on.
        session.left = 0
        answer = client.ask(request("POST", "/logout", [("Cookie", f"session_id={session.cookie}")]))
        self.note("sign-out", answer, {204})
        session.left = time.monotonic() if answer.status == 204 else 0

    def count(self, what, status, since=0.0, until=float("inf")):
        with self.lock:
            return sum(1 for when, kind, code in self.answers if kind == what and code == status and since <= when < until)

    def wait_for(self, what, status, more, within=40.0):
        """Until `more` answers of this kind have come from now on."""
        began = time.monotonic()
        eventually(lambda: self.problems or self.count(what, status, began) >= more, within, 0.05)

    def outage(self, killed):
        """(what: seconds from the kill to the last 503, how many there were)."""
        found = {}
        for what in ("sign-in", "check", "sign-out"):
            times = [when for when, kind, code in self.answers if kind == what and code == 503 and when >= killed]
            found[what] = (round(max(times) - killed, 2) if times else 0.0, len(times))
        return found


KINDS = {
    "sentinel": (Sentinel, {}),
    "sentinel-min-replicas": (Sentinel, {"options": ["--min-replicas-to-write", "1", "--min-replicas-max-lag", "2"]}),
    "sentinel-tls": (Sentinel, {"tls": True}),
    "cluster": (Cluster, {}),
    "cluster-tls": (Cluster, {"tls": True}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_master_is_killed_under_load(make_site, deploy, kind):
    form, options = KINDS[kind]
    deployment = deploy(form, **options)
    site = make_site(settings(deployment.url))
    with Load(site) as load:
        load.wait_for("sign-in", 200, 40)
        load.wait_for("check", 200, 200)
        before = len(load.sessions)
        killed = time.monotonic()
        deployment.kill_master()
        # It has been felt, and then sign-ins and checks go well for a while.
        eventually(lambda: load.problems or load.count("check", 503, killed) + load.count("sign-in", 503, killed) > 0, 20, 0.01)

        def calm():
            now = time.monotonic()
            return load.problems or (all(load.count(what, 503, now - 1.5) == 0 for what in ("sign-in", "check"))
                                     and load.count("sign-in", 200, now - 1.5) > 3 and load.count("check", 200, now - 1.5) > 10)

        eventually(calm, 60, 0.1)
        load.wait_for("sign-in", 200, 20)
        load.wait_for("sign-out", 204, 3)
    assert load.problems == []
    outage = load.outage(killed)
    during = sum(1 for session in load.sessions if killed <= session.signed_in < killed + max(outage["sign-in"][0], outage["check"][0]))

    # Every session that was acknowledged, one after the other, with what Redis itself has.
    lost, back = [], []
    with site.client() as client:
        for session in load.sessions:
            if session.left == 0:
                # A sign-out whose outcome nobody was told.
                continue
            status = load.check(client, random, session)
            assert (status == 200) == deployment.holds(session.key), (status, vars(session), killed)
            if session.left is None and status == 401:
                lost.append(session)
            if session.left and status == 200:
                back.append(session)
    assert load.problems == []
    # What was refused meanwhile is gone for good, and was not only hard to reach.
    assert {session for session in load.sessions if session.refused and session.left is None} == set(lost)
    further = deployment.further_failovers()
    if not further:
        for session in lost:
            assert killed - LAG < session.signed_in < killed + 1, "lost, though Redis had it long before"
        for session in back:
            assert killed - LAG < session.left < killed + 1, "back, though Redis had ended it long before"
    answers = collections.Counter((what, status) for _, what, status in load.answers)
    print(f"\n{kind}: sign-ins acknowledged {before} before the kill, {during} during the outage, {len(load.sessions) - before - during} after; "
          f"lost by Redis {len(lost)}, sign-outs undone by it {len(back)}; failovers besides {further}; seconds to the last 503 and their number: {outage}; {dict(answers)}")
    eventually(lambda: site.gateway.probe("/readyz")[0] == 200, 10)
    site.joined()


def test_the_commands_reach_the_sessions_of_a_cluster(make_site, deploy):
    site = make_site(settings(deploy(Cluster).url))
    sessions = [site.sign_in("alice") for _ in range(5)]
    listed = site.gateway.do("session", "list")
    assert listed.count("alice") == 5, listed
    site.gateway.do("session", "revoke", "--user", "alice")
    for cookie in sessions:
        nonce = site.nonce(None, "never")
        assert site.ask("GET", f"/app/?n={nonce}", [("Cookie", cookie)]).status == 401
    site.joined()


def test_tls_is_verified(make_site, suite_folder):
    """A certificate that is not trusted is no Redis: nobody is served, and the log says why."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=suite_folder))
    certificates, stranger = Certificates(folder), Certificates(folder)
    port = free_port()
    server = Redis(folder, options=["--tls-port", port, *certificates.options]).start()
    try:
        site = make_site(settings(f"rediss://127.0.0.1:{port}/0?ca_file={certificates.authority}"))
        cookie = site.sign_in("alice")
        nonce = site.nonce("101")
        assert site.ask("GET", f"/app/?n={nonce}", [("Cookie", cookie)]).status == 200
        site.joined()
        site.gateway.stop()
        for url in (f"rediss://127.0.0.1:{port}/0?ca_file={stranger.authority}", f"rediss://127.0.0.1:{port}/0"):
            site.gateway.settings["sessions"]["store"] = url
            site.gateway.write_config()
            site.gateway.start(until="/livez")
            nonce = site.nonce(None, "never")
            assert site.ask("GET", f"/app/?n={nonce}", [("Cookie", cookie)]).status == 503
            refused = site.gateway.command("session", "list")
            assert refused.returncode == 1 and "its certificate is refused" in refused.stderr, refused
            site.gateway.stop()
        site.gateway.settings["sessions"]["store"] = f"rediss://127.0.0.1:{port}/0?ca_file=missing.crt"
        site.gateway.write_config()
        refused = site.gateway.command("session", "list")
        assert refused.returncode == 78 and f"{site.gateway.folder}/missing.crt" in refused.stderr, refused
        site.gateway.settings["sessions"]["store"] = f"rediss://127.0.0.1:{port}/0?ca_file={certificates.authority}"
        site.gateway.write_config()
        site.gateway.start()
    finally:
        server.stop()
