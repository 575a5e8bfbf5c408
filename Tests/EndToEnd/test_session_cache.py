"""Sessions that workers keep at hand: fast while nothing happens to them, refused everywhere within 100 ms of their end."""

import os
import re
import signal
import threading
import time

import pytest

from harness.wire import eventually, request

REACH = 0.1  # seconds for which a store's word counts


def ask(site, cookie, user, target="/app/"):
    nonce = site.nonce(user, "never" if user is None else "once")
    return site.ask("GET", f"{target}?n={nonce}", [("Cookie", cookie)])


def gets(redis):
    """Look-ups of a session that Redis has answered."""
    found = re.search(rb"cmdstat_get:calls=(\d+)", redis.command("INFO", "commandstats"))
    return int(found[1]) if found else 0


@pytest.fixture
def two(make_site, redis):
    """Two gateways over one Redis, two workers each."""
    settings = {"sessions": {"store": redis.url, "store_timeout": "2s"}, "workers": 2}
    return make_site(settings, name="first"), make_site(settings, name="second")


class Load:
    """Clients that ask without a pause, each on one connection; what they were answered, and when they asked."""

    def __init__(self, sites, cookie, clients=2):
        self.answers = []
        self.ending = False
        self.threads = [threading.Thread(target=self.run, args=(site, cookie)) for site in sites for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def run(self, site, cookie):
        with site.client() as client:
            while not self.ending:
                asked = time.monotonic()
                self.answers.append((asked, self.ask(site, client, cookie)))

    @staticmethod
    def ask(site, client, cookie):
        nonce = site.nonce("101", "maybe")
        answer = client.ask(request("GET", f"/app/?n={nonce}", [("Cookie", cookie)]), "GET")
        site.ledger.expect(nonce, "once" if answer.status == 200 else "never")
        return answer.status

    @classmethod
    def once(cls, site, cookie):
        with site.client() as client:
            return cls.ask(site, client, cookie)

    def go_on_after(self, moment):
        """Ends once there are answers to enough requests that were sent after the store's word had to be taken up."""
        eventually(lambda: len([asked for asked, _ in list(self.answers) if asked > moment + REACH]) > 100, 20)
        return self.end()

    def end(self):
        self.ending = True
        for thread in self.threads:
            thread.join(10)
        assert not any(thread.is_alive() for thread in self.threads)
        return self.answers


def test_redis_is_not_asked_while_nothing_happens(two, redis):
    first, _ = two
    cookie = first.sign_in("alice")
    load = Load([first], cookie, clients=4)
    eventually(lambda: len(load.answers) > 200, 10)
    before, done = gets(redis), len(load.answers)
    eventually(lambda: len(load.answers) > done + 1000, 20)
    looked_up = gets(redis) - before
    assert {status for _, status in load.end()} == {200}
    assert looked_up < 200, f"{looked_up} look-ups for 1,000 requests"
    # Whoever scrapes sees it too.
    hits = re.search(rb'gatehouse_cache_lookups_total\{cache="sessions",result="hit"\} (\d+)', first.gateway.probe("/metrics")[1])
    assert int(hits[1]) > 500


def test_without_a_cache_every_request_asks(make_site, redis):
    site = make_site({"sessions": {"store": redis.url, "cache": "off"}})
    cookie = site.sign_in("alice")
    before = gets(redis)
    for _ in range(20):
        assert ask(site, cookie, "101").status == 200
    assert gets(redis) - before == 20


@pytest.mark.parametrize("way", ["logout", "others", "command", "redis"])
def test_what_is_ended_at_one_gateway_is_refused_at_all(two, redis, way):
    first, second = two
    cookie, other = second.sign_in("alice"), second.sign_in("alice")
    load = Load([first, second], cookie)
    eventually(lambda: len(load.answers) > 200, 10)
    if way == "logout":
        assert first.ask("POST", "/logout", [("Cookie", cookie)]).status == 204
    elif way == "others":
        assert first.ask("DELETE", "/.gatehouse/sessions", [("Cookie", other)]).status in (200, 204)
    elif way == "command":
        first.gateway.do("session", "revoke", "--user", "alice")
    else:
        redis.command("FLUSHALL")
    ended = time.monotonic()
    answers = load.go_on_after(ended)
    late = [status for asked, status in answers if asked > ended + REACH]
    assert late and set(late) == {401}, f"{late.count(200)} of {len(late)} got through"


def test_a_break_of_either_connection_lets_nothing_through_and_nobody_out(two, redis):
    first, second = two
    cookie = first.sign_in("alice")
    load = Load([first, second], cookie)
    eventually(lambda: len(load.answers) > 100, 10)
    for kind in ("pubsub", "normal") * 5:
        redis.command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
        done = len(load.answers)
        eventually(lambda: len(load.answers) > done + 50, 10)
    # The last cut may have met this very command: 503, and it is tried again.
    eventually(lambda: first.ask("POST", "/logout", [("Cookie", cookie)]).status == 204, 10)
    ended = time.monotonic()
    answers = load.go_on_after(ended)
    # A look-up that was under way when its connection was cut cannot be answered: 503, and never "signed out".
    assert {status for asked, status in answers if asked < ended} <= {200, 401, 503}
    assert 401 not in {status for asked, status in answers if asked < ended - 1}
    assert {status for asked, status in answers if asked > ended + REACH} <= {401, 503}


def test_a_silent_redis_is_believed_no_longer_than_its_word_reaches(make_site, redis):
    site = make_site({"sessions": {"store": redis.url, "store_timeout": "200ms"}})
    cookie = site.sign_in("alice")
    load = Load([site], cookie)
    eventually(lambda: len(load.answers) > 200, 10)
    os.kill(redis.process.pid, signal.SIGSTOP)
    silent = time.monotonic()
    try:
        eventually(lambda: time.monotonic() > silent + 0.5, 5)
    finally:
        answers = load.end()
        os.kill(redis.process.pid, signal.SIGCONT)
    late = {status for asked, status in answers if asked > silent + REACH}
    assert late == {503}
    eventually(lambda: Load.once(site, cookie) == 200, 5)


def test_sqlite_tells_of_what_a_command_ends(make_site):
    site = make_site({"workers": 2})
    cookie = site.sign_in("alice")
    load = Load([site], cookie)
    eventually(lambda: len(load.answers) > 200, 10)
    # Another process, with a connection of its own to the file.
    site.gateway.do("session", "revoke", "--user", "alice")
    ended = time.monotonic()
    answers = load.go_on_after(ended)
    assert 200 in {status for _, status in answers}
    assert {status for asked, status in answers if asked > ended + REACH} == {401}


def test_sqlite_sign_out_is_at_once(make_site):
    site = make_site({"workers": 2})
    for _ in range(20):
        cookie = site.sign_in("alice")
        for _ in range(10):
            assert ask(site, cookie, "101").status == 200
        assert site.ask("POST", "/logout", [("Cookie", cookie)]).status == 204
        for _ in range(10):
            assert ask(site, cookie, None).status == 401
    site.joined()
