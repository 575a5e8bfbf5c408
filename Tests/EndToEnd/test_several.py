"""Two gateways that share their stores and the token secret: who is known at one is known at the other."""

import pytest

from harness.gateway import Gateway
from harness.postgresql import PostgreSQL
from harness.site import USERS
from harness.wire import Client, request


def in_redis(make_site, redis):
    """Sessions alone; the users are in a file that both gateways read."""
    return make_site({"sessions": {"store": redis.url}})


def in_postgresql(make_site, server):
    """Users and sessions in one database."""
    store = server.url(server.new_database())
    site = make_site({"users": {"store": store}, "sessions": {"store": store}, "passwords": {"algorithm": "bcrypt", "cost": 10}},
                     start=False)
    site.gateway.start()
    for name, (id, password, role) in USERS.items():
        site.gateway.do("user", "add", name, "--role", role, "--id", id, "--password-stdin", stdin=password + "\n")
    return site


@pytest.fixture
def postgresql():
    made = PostgreSQL()
    yield made
    made.remove()


@pytest.fixture(params=["redis", "postgresql"])
def site(request, make_site):
    make = {"redis": in_redis, "postgresql": in_postgresql}[request.param]
    return make(make_site, request.getfixturevalue(request.param))


@pytest.fixture
def second(site):
    """Another gateway with the same stores and the same secret."""
    one = site.gateway
    two = Gateway(one.folder, name="second")
    # Each has made a secret of its own in the folder, which the first has read already.
    (one.folder / "token.secret").write_bytes(one.secret)
    two.settings = dict(one.settings, listen=[{"address": "%s:%d" % two.address}], admin={"address": "%s:%d" % two.admin})
    two.write_config()
    two.start()
    yield two
    two.stop()


def ask(gateway, method, target, fields):
    with Client(gateway.address) as client:
        return client.ask(request(method, target, fields), method).status


def test_sessions_are_honoured_and_ended_by_both(site, second):
    gateways = (site.gateway, second)
    session = [("Cookie", site.sign_in("alice"))]
    token = [("Cookie", site.sign_in("bob", "token"))]
    for gateway in gateways:
        assert ask(gateway, "GET", f"/app/?n={site.nonce('101')}", session) == 200
        assert ask(gateway, "GET", f"/app/?n={site.nonce('102')}", token) == 200
    # Ended at the second, it is unknown to the first at once; a token ends by itself alone.
    origin = [("Origin", site.gateway.settings["public_url"])]
    assert ask(second, "POST", "/logout", session + origin) in (204, 303)
    for gateway in gateways:
        assert ask(gateway, "GET", "/app/", session) == 401
        assert ask(gateway, "GET", f"/app/?n={site.nonce('102')}", token) == 200
    # And by the command, at both.
    other = [("Cookie", site.sign_in("alice"))]
    for gateway in gateways:
        assert ask(gateway, "GET", f"/app/?n={site.nonce('101')}", other) == 200
    second.do("session", "revoke", "--user", "alice")
    assert [ask(gateway, "GET", "/app/", other) for gateway in gateways] == [401, 401]


def test_a_token_that_the_second_issued_is_honoured_by_the_first(site, second):
    with Client(second.address) as client:
        body = b'{"username": "alice", "password": "secret123"}'
        answer = client.ask(request("POST", "/login?issue=token", [("Content-Type", "application/json")], body), "POST")
    assert answer.status == 200
    token = answer.cookie("token")[0]
    site.secrets.add(token)
    for gateway in (site.gateway, second):
        assert ask(gateway, "GET", f"/app/?n={site.nonce('101')}", [("Cookie", f"token={token}")]) == 200
