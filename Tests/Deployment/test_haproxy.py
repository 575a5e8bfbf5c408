"""deploy/compose.haproxy.yaml: two gateways that share what they know, behind one proxy."""

import json
import threading
import time

import pytest

from harness.client import Client
from harness.commands import run

COMPOSE = "compose.haproxy.yaml"
GATEWAYS = ("gateway-1", "gateway-2")


@pytest.fixture
def client(compose):
    # Both, so that each test starts with two.
    client = Client(compose.port).wait()
    for gateway in GATEWAYS:
        compose.execute(gateway, "gatehouse", "health")
    return client


def records(compose, gateway, path):
    """The access lines of one gateway for `path`."""
    lines = (json.loads(line) for line in compose.logs(gateway).stdout.splitlines() if line.startswith("{"))
    return [line for line in lines if line.get("path") == path]


@pytest.mark.parametrize("path", ["/login", "/login?issue=token"])
def test_what_one_gateway_hands_out_the_other_honours(compose, client, path):
    assert client.sign_in(path).status == 200
    before = [len(records(compose, gateway, "/profile")) for gateway in GATEWAYS]
    for _ in range(20):
        assert client.get("/profile").status == 200
    after = [len(records(compose, gateway, "/profile")) for gateway in GATEWAYS]
    assert sum(after) - sum(before) == 20 and all(now > then for now, then in zip(after, before))


def test_a_sign_out_at_one_holds_at_both(client):
    assert client.sign_in().status == 200
    cookie = f"session_id={client.cookies['session_id']}"
    for _ in range(6):
        assert client.get("/profile", headers={"Cookie": cookie}).status == 200
    assert client.request("POST", "/logout").status == 204
    for _ in range(6):
        assert client.get("/profile", headers={"Cookie": cookie}).status == 401


def test_the_client_is_known_by_its_own_address_whatever_it_says(compose, client):
    for _ in range(6):
        said = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}
        assert client.get("/public/hello?spoof", headers=said).status == 200
    for gateway in GATEWAYS:
        clients = {line["client"] for line in records(compose, gateway, "/public/hello")}
        # Of the network between this machine and HAProxy: neither what was said, nor HAProxy itself.
        assert clients == {"10.213.80.1"}


def test_a_gateway_that_is_stopped_loses_no_request(compose, client):
    assert client.sign_in().status == 200
    seen = []
    # One client after the other, on new connections: HAProxy's own connections to the gateways live on.
    halt = threading.Event()

    def ask():
        mine = Client(compose.port)
        mine.cookies = dict(client.cookies)
        while not halt.is_set() and len(seen) < 5_000:
            seen.append(mine.get("/profile").status)
            time.sleep(0.005)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        compose("stop", "gateway-1", timeout=60)
        first = len(seen)
        for _ in range(20):
            assert client.get("/profile").status == 200
        compose("start", "gateway-1")
        wait_for_both(compose)
        compose("stop", "gateway-2", timeout=60)
    finally:
        halt.set()
        asking.join(30)
        compose("start", *GATEWAYS)
        wait_for_both(compose)
    assert first > 0 and len(seen) > first
    assert set(seen) == {200}


def wait_for_both(compose):
    """Until HAProxy has found both ready: they take turns."""
    client = Client(compose.port).wait()
    deadline = time.monotonic() + 60
    while True:
        path = f"/public/{time.monotonic_ns()}"
        for _ in range(4):
            client.get(path)
        if all(records(compose, gateway, path) for gateway in GATEWAYS):
            return
        assert time.monotonic() < deadline, "HAProxy does not use both gateways"
        time.sleep(0.5)


def test_a_gateway_whose_stores_are_gone_is_taken_out(compose, client):
    """HAProxy asks /readyz, so a gateway that lives but cannot check anybody gets no requests."""
    check = run("docker", "exec", compose.container("haproxy"), "cat", "/usr/local/etc/haproxy/haproxy.cfg").stdout
    assert "http-check send meth GET uri /readyz" in check
    network = next(
        name for name in json.loads(run("docker", "inspect", compose.container("redis")).stdout)[0]["NetworkSettings"]["Networks"])
    alone = compose.container("gateway-2")
    assert client.sign_in().status == 200
    run("docker", "network", "disconnect", network, alone)
    try:
        assert run("docker", "exec", alone, "gatehouse", "health", check=False).returncode == 1
        served = []
        deadline = time.monotonic() + 60
        while served[-10:] != [200] * 10:
            assert time.monotonic() < deadline, "requests still come to the gateway without stores"
            served.append(client.get("/profile").status)
            time.sleep(0.05)
        # Closed until then: nobody passed unchecked, nobody was signed out.
        assert set(served) <= {200, 503}
    finally:
        run("docker", "network", "connect", network, alone)
        wait_for_both(compose)
