"""Reloads leave nothing behind: no descriptor, no thread, no connection to a store, no listener."""

import os
import socket

import pytest

from harness.postgresql import PostgreSQL
from harness.processes import free_port
from harness.reloads import reload
from harness.site import USERS
from harness.wire import Client, eventually, request

RELOADS = 50
# Of one SQLite file: one that writes, and those that read.
CONNECTIONS = 1 + 4
# So many that no worker is without one.
CLIENTS = 24


@pytest.fixture
def postgresql():
    made = PostgreSQL()
    yield made
    made.remove()


class Redises:
    """The sessions' server, as the gateway's connections show in it."""

    def __init__(self, server):
        self.server = server
        self.settings = {"sessions": {"store": server.url}}

    def connections(self):
        """Redis' numbers of them, without that of our own question."""
        lines = self.server.command("CLIENT", "LIST").decode().splitlines()
        return {line.split()[0] for line in lines if "cmd=client|list" not in line}


class Databases:
    """Users, sessions and failures in one database."""

    def __init__(self, server):
        self.server = server
        self.name = server.new_database()
        self.settings = {"users": {"store": server.url(self.name)}, "sessions": {"store": server.url(self.name)},
                         "passwords": {"algorithm": "bcrypt", "cost": 10}}

    def connections(self):
        return set(self.server.ask(f"SELECT pid FROM pg_stat_activity WHERE datname = '{self.name}' AND usename = 'gate'"))


class Files:
    """Everything in SQLite, whose connections are descriptors."""

    settings = {}

    def connections(self):
        return set()


@pytest.fixture(params=["sqlite", "redis", "postgresql"])
def store(request):
    match request.param:
        case "sqlite": return Files()
        case "redis": return Redises(request.getfixturevalue("redis"))
        case "postgresql": return Databases(request.getfixturevalue("postgresql"))


def users(site):
    """`Site.start` does so by SQLite."""
    if site.gateway.settings["users"]["store"].startswith("sqlite:"):
        return site.start()
    site.gateway.start()
    for name, (id, password, role) in USERS.items():
        site.gateway.do("user", "add", name, "--role", role, "--id", id, "--password-stdin", stdin=password + "\n")
    return site


def descriptors(pid):
    """How many there are of each kind: sockets, event polls, and each file."""
    found = {}
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{number}")
        except FileNotFoundError:
            continue
        kind = target.split(":[")[0]
        found[kind] = found.get(kind, 0) + 1
    return found


def threads(pid):
    names = []
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/comm", encoding="utf-8") as name:
                names.append(name.read().strip())
        except FileNotFoundError:
            continue
    # Swift's own pool of threads comes and goes as it likes; its names end so ("com.apple.root.default-qos.overcommit").
    return sorted(name for name in names if "-qos" not in name)


def held(site, store):
    """What the process has, by kind; it changes for a moment after every reload."""
    pid = site.gateway.process.pid
    return {"descriptors": descriptors(pid), "threads": threads(pid), "connections": len(store.connections())}


def judged(site, found):
    """`found` without SQLite's descriptors, which have bounds of their own.

    SQLite closes no descriptor of a file while any connection of the process has a lock on it: closing one would drop the locks of
    all (sqlite.org/howtocorrupt.html, 2.2). It uses them again instead, so they come to those of the few sets of connections that
    are open at once, since one is opened before the others are closed, and no further: 16 after 400 reloads. A set that is never
    closed would show by 25 times its descriptors here. Those of the log go with the connections, which are opened when needed.
    """
    files = dict(found["descriptors"])
    database = files.pop(str(site.gateway.database), 0)
    log = files.pop(f"{site.gateway.database}-wal", 0)
    assert database <= 4 * CONNECTIONS and log <= CONNECTIONS, found
    return {**found, "descriptors": files}


def use(site, cookie, clients=CLIENTS):
    """Several clients at once, so that each worker has some, and each looks up the session."""
    clients = [Client(site.gateway.address) for _ in range(clients)]
    try:
        for client in clients:
            nonce = site.nonce("101")
            assert client.ask(request("GET", f"/app/?n={nonce}", [("Cookie", cookie)])).status == 200
    finally:
        for client in clients:
            client.close()
    assert site.gateway.probe("/readyz")[0] == 200


def settled(site, store):
    """What is held once it has been the same for longer than anything takes to be closed."""
    last, since = None, 0

    def check():
        nonlocal last, since
        now = held(site, store)
        since = since + 1 if now == last else 0
        last = now
        return since >= 15

    eventually(check, 30, 0.1, "what the gateway holds stays the same")
    return judged(site, last)


def changes(site, taken):
    """One after the other, each laid over the first settings; and whether it is taken. `taken` is an address that cannot be had."""
    here, other = "%s:%d" % site.gateway.address, f"127.0.0.1:{free_port()}"
    return [
        ({"sessions": {"cache": 500}}, True),
        ({"limits": {"header_count": 70}}, True),
        ({"sessions": {"store_timeout": "4s"}}, True),
        ({"listen": [{"address": here}, {"address": other}]}, True),
        # Refused when the stores and one listener are open already.
        ({"sessions": {"cache": 700, "store_timeout": "5s"}, "listen": [{"address": other}, {"address": taken}]}, False),
        ({"upstreams": {"recorder": {"head_timeout": "9s"}}, "passwords": {"threads": 3}}, True),
        ({"sessions": {"cache": "off"}}, True),
        ({"log": {"level": "debug"}, "routes": []}, True),
        ({"sessions": {"store_timeout": "4s", "purge_interval": "7s"}}, True),
        ({}, True),
    ]


def test_fifty_reloads_leave_nothing_behind(make_site, store):
    site = users(make_site({**store.settings, "upstreams": {"recorder": {"idle_timeout": "1s"}}}, start=False))
    first = site.gateway.settings
    cookie = site.sign_in("alice")
    done = 0

    def turn(taken):
        nonlocal done
        for change, holds in changes(site, taken):
            site.gateway.settings = first
            reload(site, change, holds)
            done += 1
            if "routes" not in change:
                use(site, cookie, 4)
        use(site, cookie)

    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = "%s:%d" % other.getsockname()
        turn(taken)
        before = settled(site, store)
        assert before["descriptors"]["socket"] > 0 and before["threads"].count("sqlite-writer") <= 1, before
        while done < RELOADS:
            turn(taken)
        after = settled(site, store)
    assert after == before, (done, before, after)


def test_a_reload_that_leaves_the_stores_alone_leaves_their_connections_alone(make_site, store):
    site = users(make_site(store.settings, start=False))
    cookie = site.sign_in("alice")
    use(site, cookie)
    before = store.connections()
    for change in ({"limits": {"header_count": 70}}, {"log": {"level": "debug"}}, {"upstreams": {"recorder": {"head_timeout": "9s"}}}):
        reload(site, change)
        use(site, cookie)
        assert before <= store.connections()
    reload(site, {"sessions": {"store_timeout": "4s"}})
    use(site, cookie)
    eventually(lambda: not before & store.connections(), 10, what="the connections of before are gone")
