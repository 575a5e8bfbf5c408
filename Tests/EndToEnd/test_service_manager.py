"""What a service manager does and hears: sockets handed over (sd_listen_fds(3)), and word of how the gateway is (sd_notify(3))."""

import re
import signal
import socket
import time

import pytest

from harness.gateway import GATEHOUSE
from harness.processes import Process, accepts, free_port
from harness.reloads import reload
from harness.wire import Client, request

# Puts the sockets at the descriptors from 3 on and becomes the gateway, so that LISTEN_PID names it, or one more than it.
HAND_OVER = """
import fcntl, os, sys
away = [fcntl.fcntl(int(number), fcntl.F_DUPFD_CLOEXEC, 100) for number in sys.argv[1].split(",")]
for place, descriptor in enumerate(away):
    os.dup2(descriptor, 3 + place, inheritable=True)
os.environ["LISTEN_PID"] = str(os.getpid() + int(sys.argv[2]))
os.execv(sys.argv[3], sys.argv[3:])
"""


def hand_over(gateway, sockets, off=0):
    """Starts the gateway with `sockets`."""
    numbers = [sock.fileno() for sock in sockets]
    line = ["python3", "-c", HAND_OVER, ",".join(map(str, numbers)), off, GATEHOUSE, "serve", "--config", gateway.config]
    environment = {**gateway.environment, "LISTEN_FDS": str(len(sockets))}
    gateway.process = Process(line, gateway.folder, gateway.name, env=environment, cwd=gateway.folder, pass_fds=numbers)
    return gateway.process


def started(gateway, sockets):
    hand_over(gateway, sockets).wait_until(lambda: gateway.probe("/readyz")[0] == 200, 20)


@pytest.fixture
def listen():
    """Makes listening sockets, as a service manager has them."""
    made = []

    def make(address):
        sock = socket.socket()
        made.append(sock)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind(address)
        sock.listen(128)
        return sock

    yield make
    for sock in made:
        sock.close()


def get(site):
    return site.ask("GET", f"/open/?n={site.nonce()}").status


@pytest.mark.parametrize("workers, sockets", [(4, 1), (3, 2), (1, 3)])
def test_each_handed_over_socket_is_served(make_site, listen, workers, sockets):
    """More workers than sockets, and more sockets than workers: the kernel spreads clients over the sockets, so one that nobody
    serves would leave some of them waiting."""
    site = make_site({"workers": workers}, start=False)
    started(site.gateway, [listen(site.gateway.address) for _ in range(sockets)])
    assert [get(site) for _ in range(40)] == [200] * 40
    assert "another process listens" not in site.gateway.log()


def test_clients_wait_while_the_gateway_is_replaced(make_site, listen):
    site = make_site(start=False)
    handed = listen(site.gateway.address)
    started(site.gateway, [handed])
    assert get(site) == 200
    site.gateway.stop()
    with Client(site.gateway.address) as client:
        client.send(request("GET", f"/open/?n={site.nonce()}"))
        started(site.gateway, [handed])
        assert client.response().status == 200


def test_an_address_that_goes_and_comes_back_has_its_socket_again(make_site, listen):
    site = make_site(start=False)
    here = site.gateway.address
    other = ("127.0.0.1", free_port())
    started(site.gateway, [listen(here)])
    reload(site, {"listen": [{"address": "%s:%d" % other}]})
    with Client(other) as client:
        assert client.ask(request("GET", f"/open/?n={site.nonce()}")).status == 200
    with Client(here) as client:
        client.send(request("GET", f"/open/?n={site.nonce()}"))
        reload(site, {"listen": [{"address": "%s:%d" % here}]})
        assert client.response().status == 200
    assert [get(site) for _ in range(20)] == [200] * 20


def test_a_socket_that_no_setting_names_is_said(make_site, listen):
    site = make_site(start=False)
    stranger = ("127.0.0.1", free_port())
    started(site.gateway, [listen(site.gateway.address), listen(stranger)])
    assert "handed over %s:%d, which neither listen nor admin names" % stranger in site.gateway.log()
    assert get(site) == 200


def test_sockets_for_another_process_are_not_taken(make_site):
    site = make_site(start=False)
    with socket.create_server(site.gateway.address) as mine:
        process = hand_over(site.gateway, [mine], off=1)
        assert process.child.wait(20) != 0
        assert "%s:%d: Address already in use" % site.gateway.address in process.output()
    site.gateway.process = None
    assert not accepts(site.gateway.address)


class Manager:
    """Hears what sd_notify says; at a path, or in the abstract namespace."""

    def __init__(self, name):
        self.name = name
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + name[1:] if name.startswith("@") else name)
        self.socket.settimeout(20)

    def hears(self):
        """The variables of the next message that is more than a line for people."""
        while True:
            said = dict(line.split("=", 1) for line in self.socket.recv(4096).decode().splitlines())
            if set(said) != {"STATUS"}:
                return said

    def hears_status(self):
        while True:
            found = re.fullmatch(r"STATUS=(.*)", self.socket.recv(4096).decode())
            if found:
                return found[1]


@pytest.fixture(params=["path", "abstract"])
def manager(request, suite_folder):
    name = f"@gatehouse-{free_port()}" if request.param == "abstract" else str(suite_folder / f"notify-{free_port()}")
    made = Manager(name)
    yield made
    made.socket.close()


def test_the_manager_is_told_of_every_state(make_site, manager):
    site = make_site(start=False)
    gateway = site.gateway
    gateway.environment = {**gateway.environment, "NOTIFY_SOCKET": manager.name}
    gateway.process = Process([GATEHOUSE, "serve", "--config", gateway.config], gateway.folder, gateway.name,
                              env=gateway.environment, cwd=gateway.folder)
    assert manager.hears() == {"READY": "1"}
    # Said when it is so.
    assert get(site) == 200 and gateway.probe("/readyz")[0] == 200

    for changes, taken in (({"limits": {"header_count": 50}}, True), ({"limits": {"bodies": 3}}, False)):
        before = time.monotonic_ns() // 1_000
        reload(site, changes, taken)
        said = manager.hears()
        assert said.keys() == {"RELOADING", "MONOTONIC_USEC"} and said["RELOADING"] == "1"
        assert before <= int(said["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1_000
        assert manager.hears() == {"READY": "1"}
    gateway.process.child.send_signal(signal.SIGTERM)
    assert manager.hears() == {"STOPPING": "1"}
    assert gateway.process.child.wait(20) == 0
    gateway.process = None


def test_a_refusal_is_in_the_status(make_site, manager):
    site = make_site(start=False)
    site.gateway.environment = {**site.gateway.environment, "NOTIFY_SOCKET": manager.name}
    site.gateway.start()
    reload(site, {"limits": {"bodies": 3}}, taken=False)
    assert manager.hears_status() == "the new settings are refused; the old ones go on"
    site.gateway.settings["limits"] = {}
    reload(site, {})
    assert manager.hears_status() == "serving"


def test_without_a_manager_nothing_is_said(make_site, suite_folder):
    """A name that nobody listens at, or none, stops nothing."""
    site = make_site(start=False)
    site.gateway.environment = {**site.gateway.environment, "NOTIFY_SOCKET": str(suite_folder / "nobody")}
    site.gateway.start()
    assert get(site) == 200
