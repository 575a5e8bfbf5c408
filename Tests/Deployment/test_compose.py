"""deploy/compose.yaml: everything that one command starts."""

import json

import pytest

from harness.client import Client
from harness.commands import run

COMPOSE = "compose.yaml"


@pytest.fixture
def client(compose):
    return Client(compose.port).wait()


def inspect(name):
    return json.loads(run("docker", "inspect", name).stdout)[0]


@pytest.mark.parametrize("path, cookie", [("/login", "session_id"), ("/login?issue=token", "token")])
def test_both_flows_through_the_published_port(client, path, cookie):
    assert client.get("/profile").status == 401
    answer = client.sign_in(path)
    assert answer.status == 200
    assert answer.json["user"] == {"id": "101", "username": "alice", "role": "user"}
    assert set(client.cookies) == {cookie}
    answer = client.get("/profile")
    assert answer.status == 200
    # What the gateway told the profile service, and what that has in its table.
    assert (answer.json["user_id"], answer.json["username"], answer.json["role"]) == ("101", "alice", "user")
    assert answer.json["display_name"]
    assert client.request("POST", "/logout").status == 204
    assert client.cookies == {}
    assert client.get("/profile").status == 401


def test_a_wrong_password_is_refused(client):
    assert client.sign_in(password="secret124").status == 401
    assert client.cookies == {}


def test_a_browser_is_led_to_the_sign_in_page(client):
    answer = client.get("/profile", headers={"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"})
    assert answer.status == 303
    page = client.get(answer.headers["Location"])
    assert page.status == 200 and b"<form" in page.body


def test_the_gateway_runs_with_as_little_as_it_needs(compose):
    for service in ("gateway", "profile"):
        container = inspect(compose.container(service))
        assert container["Config"]["User"] == "10001:10001"
        assert container["HostConfig"]["ReadonlyRootfs"]
        assert container["HostConfig"]["CapDrop"] == ["ALL"]
        assert "no-new-privileges:true" in container["HostConfig"]["SecurityOpt"]
    processes = compose.execute("gateway", "sh", "-c", "grep -e Uid -e Gid -e CapEff -e NoNewPrivs /proc/1/status").stdout
    assert processes.split() == [
        "Uid:", *["10001"] * 4, "Gid:", *["10001"] * 4, "CapEff:", "0" * 16, "NoNewPrivs:", "1"]
    written = compose.execute("gateway", "sh", "-c", "echo >/usr/bin/gatehouse || echo >/etc/x || echo >/tmp/x", check=False)
    assert written.returncode != 0 and written.stderr.count("Read-only file system") == 3


def test_only_the_gateway_is_published_and_only_here(compose):
    for service in ("gateway", "profile", "redis", "postgres"):
        ports = inspect(compose.container(service))["NetworkSettings"]["Ports"]
        published = {port: bindings for port, bindings in ports.items() if bindings}
        expected = {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(compose.port)}]} if service == "gateway" else {}
        assert published == expected


def test_what_believes_the_gateway_or_holds_its_data_cannot_be_reached_past_it(compose):
    """The profile service shares no network with the stores, and neither has a way out."""
    networks = {}
    for service in ("gateway", "profile", "redis", "postgres"):
        networks[service] = set(inspect(compose.container(service))["NetworkSettings"]["Networks"])
    assert not networks["profile"] & (networks["redis"] | networks["postgres"])
    assert networks["redis"] == networks["postgres"] and networks["redis"] < networks["gateway"]
    for network in networks["profile"] | networks["redis"]:
        assert inspect(network)["Internal"]


def test_secrets_are_seen_by_those_who_need_them(compose):
    modes = compose.execute("gateway", "stat", "-c", "%a %u", "/var/lib/gatehouse/token.secret", "/run/gatehouse/postgresql.password")
    assert modes.stdout.split() == ["600", "10001"] * 2
    assert compose.execute("postgres", "ls", "/run/gatehouse").stdout.split() == ["postgresql.password"]
    assert "/var/lib/gatehouse" not in str(inspect(compose.container("postgres"))["Mounts"])


def test_the_health_check_follows_the_stores(compose, client):
    assert inspect("gatehouse:0.1")["Config"]["Healthcheck"]["Test"] == [
        "CMD", "gatehouse", "health", "--config", "/etc/gatehouse/gatehouse.yaml"]
    assert compose.execute("gateway", "gatehouse", "health").stdout == "ready\n"
    assert client.sign_in().status == 200
    compose("stop", "redis")
    try:
        assert compose.execute("gateway", "gatehouse", "health", check=False).returncode == 1
        # Closed, and the cookie is left alone.
        assert client.get("/profile").status == 503 and client.cookies
    finally:
        compose("start", "redis")
    client.wait("/profile", 200)
    assert compose.execute("gateway", "gatehouse", "health").stdout == "ready\n"


def test_everything_is_still_there_after_down_and_up(compose, client):
    assert client.sign_in().status == 200
    token = Client(compose.port)
    assert token.sign_in("/login?issue=token").status == 200
    run_in_gateway = ["gateway", "gatehouse", "user"]
    compose.execute(*run_in_gateway, "add", "bob", "--password-stdin", input="correct horse battery")
    try:
        compose.execute(*run_in_gateway, "remove", "alice")
        compose.down()
        compose.up()
        client.wait()
        # Removed with her sessions, and the demo does not bring her back where there are other users.
        assert [user["username"] for user in json.loads(compose.execute(*run_in_gateway, "list", "--json").stdout)] == ["bob"]
        assert client.get("/profile").status == 401
        # The secret is the same: her token is good until it ends by itself.
        assert token.get("/profile").status == 200
    finally:
        compose.execute(*run_in_gateway, "add", "alice", "--id", "101", "--password-stdin", input="secret123", check=False)
        compose.execute(*run_in_gateway, "remove", "bob")


def test_the_images_hold_the_programs_and_little_else(compose):
    for image, program in (("gatehouse:0.1", "gatehouse"), ("gatehouse-profile-service:0.1", "profile-service")):
        # Debian itself is 75 MB, or 120 MB without what its slim image leaves out.
        assert inspect(image)["Size"] < 300e6
        command = f"ldd /usr/bin/{program}; command -v swift gcc python3"
        shown = run("docker", "run", "--rm", "--network=none", "--entrypoint=/bin/sh", image, "-c", command, check=False).stdout
        assert "libc.so.6 =>" in shown and "not found" not in shown
        assert "/swift" not in shown and "gcc\n" not in shown and "python3" not in shown
    assert run("docker", "run", "--rm", "--network=none", "gatehouse:0.1", "version").stdout.startswith("gatehouse 0.1")


def test_the_container_stops_in_order(compose):
    """SIGTERM reaches the gateway, which is process 1, and ends it with status 0."""
    compose("stop", "gateway", timeout=60)
    state = inspect(compose("ps", "--all", "--quiet", "gateway").stdout.split()[0])["State"]
    try:
        assert state["ExitCode"] == 0
    finally:
        compose("start", "gateway")
        Client(compose.port).wait()
