"""The life of the process: workers, draining, restarts."""

import os
import signal
import socket
import subprocess
import threading
import time

import pytest

from harness.gateway import GATEHOUSE, clean_environment
from harness.processes import Process, accepts
from harness.wire import Closed, eventually, request


def held(site, seconds=10):
    """A request in flight, and the event that lets the upstream answer it."""
    nonce = site.nonce()
    release = threading.Event()
    site.recorder.script(nonce, lambda exchange: (exchange.read_body(), release.wait(seconds), exchange.answer(200, body=b"finished")))
    client = site.client()
    client.send(request("GET", f"/open/?n={nonce}"))
    eventually(lambda: site.recorder.seen(nonce))
    return client, release


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_what_is_in_flight_is_finished(make_site, how):
    site = make_site()
    client, release = held(site)
    idle = site.client()
    assert idle.ask(request("GET", f"/open/?n={site.nonce()}")).status == 200
    process = site.gateway.process
    process.child.send_signal(how)
    eventually(lambda: not accepts(site.gateway.address), 5, what="no new connections")
    assert process.running
    # Who has no request under way has one more answer, and not a connection that is closed just as it asks.
    last = idle.ask(request("GET", f"/open/?n={site.nonce()}"))
    assert (last.status, last.fields.get("Connection")) == (200, "close")
    assert idle.is_closed()
    release.set()
    answer = client.response()
    assert (answer.status, answer.body) == (200, b"finished")
    assert answer.fields.get("Connection", "").lower() == "close"
    assert client.is_closed()
    assert process.child.wait(5) == 0
    site.gateway.process = None
    client.close()
    idle.close()
    site.joined()


def test_a_connection_without_a_request_is_kept_for_drain_idle(make_site):
    site = make_site({"timeouts": {"drain": "30s", "drain_idle": "1s"}})
    silent, idle = site.client(), site.client()
    assert idle.ask(request("GET", f"/open/?n={site.nonce()}")).status == 200
    process = site.gateway.process
    began = time.monotonic()
    process.child.send_signal(signal.SIGTERM)
    assert idle.is_closed(10) and silent.is_closed(10)
    assert time.monotonic() - began > 0.8
    idle.close()
    silent.close()
    assert process.child.wait(8) == 0
    assert "cut off" not in site.gateway.log()
    site.gateway.process = None


def test_draining_is_bounded(make_site):
    site = make_site({"timeouts": {"drain": "1s"}})
    client, release = held(site)
    began = time.monotonic()
    process = site.gateway.process
    process.child.send_signal(signal.SIGTERM)
    assert process.child.wait(8) == 0
    assert 0.7 < time.monotonic() - began < 4
    site.gateway.process = None
    with pytest.raises((Closed, ConnectionError)):
        client.response()
    release.set()
    client.close()


def test_a_second_signal_ends_it_at_once_or_later_but_ends_it(make_site):
    site = make_site({"timeouts": {"drain": "2s"}})
    client, release = held(site)
    process = site.gateway.process
    process.child.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    process.child.send_signal(signal.SIGTERM)
    process.child.wait(8)
    site.gateway.process = None
    release.set()
    client.close()


def test_not_ready_while_draining(make_site):
    site = make_site()
    client, release = held(site)
    process = site.gateway.process
    process.child.send_signal(signal.SIGTERM)
    eventually(lambda: site.gateway.probe("/readyz")[0] in (503, 0), 3)
    release.set()
    assert client.response().status == 200
    assert process.child.wait(5) == 0
    site.gateway.process = None
    client.close()


def worker_threads(process):
    """Threads by name."""
    names = []
    for task in os.listdir(f"/proc/{process.pid}/task"):
        with open(f"/proc/{process.pid}/task/{task}/comm", encoding="utf-8") as comm:
            names.append(comm.read().strip())
    return names


def listening_sockets(address):
    """How many sockets listen on this port."""
    count = 0
    with open("/proc/net/tcp", encoding="ascii") as table:
        for line in table:
            parts = line.split()
            if parts[3] == "0A" and int(parts[1].split(":")[1], 16) == address[1]:
                count += 1
    return count


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_each_worker_has_its_own_listening_socket(make_site, workers):
    site = make_site({"workers": workers})
    assert listening_sockets(site.gateway.address) == workers
    for _ in range(20):
        assert site.ask("GET", f"/open/?n={site.nonce()}").status == 200
    site.joined()


def test_both_workers_serve(make_site):
    """Each has upstream connections of its own, so many short client connections bring at least two."""
    site = make_site({"workers": 2})
    connections = set()
    for _ in range(40):
        nonce = site.nonce()
        assert site.ask("GET", f"/open/?n={nonce}").status == 200
        connections.add(site.recorder.one(nonce).connection)
    assert len(connections) >= 2, connections


def test_kill_9_and_start_again_at_once(make_site):
    """Nothing that a crash leaves behind hinders the next start; and sessions are kept."""
    site = make_site()
    cookie = site.sign_in("alice")
    for _ in range(3):
        site.gateway.kill()
        began = time.monotonic()
        site.gateway.start()
        assert time.monotonic() - began < 3
        assert site.ask("GET", f"/app/?n={site.nonce('101')}", [("Cookie", cookie)]).status == 200
    assert site.gateway.query("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    site.joined()


def test_an_address_that_is_taken(make_site, suite_folder):
    """A second gateway on the same port must not share it by SO_REUSEPORT: it would get half of the clients."""
    taken = socket.create_server(("127.0.0.1", 0))
    site = make_site(start=False)
    site.gateway.settings["listen"] = [{"address": "127.0.0.1:%d" % taken.getsockname()[1]}]
    site.gateway.settings["public_url"] = "http://127.0.0.1:%d" % taken.getsockname()[1]
    site.gateway.write_config()
    process = Process([GATEHOUSE, "serve", "--config", site.gateway.config], site.gateway.folder, "second", env=clean_environment(), cwd=site.gateway.folder)
    try:
        assert process.child.wait(15) == 1
        assert str(taken.getsockname()[1]) in process.output()
    finally:
        process.kill()
        taken.close()


def test_a_broken_output_does_not_stop_it(make_site):
    """A reader of the log that goes away must not take the gateway with it (SIGPIPE, full pipe)."""
    site = make_site(start=False)
    child = subprocess.Popen([str(GATEHOUSE), "serve", "--config", str(site.gateway.config)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             env=clean_environment(), cwd=site.gateway.folder)
    try:
        eventually(lambda: site.gateway.probe("/readyz")[0] == 200, 15)
        child.stdout.close()
        child.stderr.close()
        for _ in range(50):
            assert site.ask("GET", f"/open/?n={site.nonce()}").status == 200
        time.sleep(0.5)
        assert child.poll() is None
        child.send_signal(signal.SIGTERM)
        assert child.wait(10) == 0
    finally:
        child.kill()
        child.wait()
    site.joined()
