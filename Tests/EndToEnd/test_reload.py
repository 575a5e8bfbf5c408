"""New settings while running: taken up whole, or not at all."""

import os
import re
import socket
import threading

import pytest

from harness.gateway import merged
from harness.processes import accepts, free_port
from harness.reloads import reload
from harness.wire import Client, eventually, request


def open_route(path, **more):
    return {"path": path, "upstream": "recorder", "access": "public", **more}


def get(site, target, fields=(), **options):
    return site.ask("GET", target, fields, **options).status


def reloads(site, result):
    found = re.search(rb'gatehouse_reloads_total\{result="%s"\} (\d+)' % result, site.gateway.probe("/metrics")[1])
    return int(found[1])


def test_routes_limits_and_names_change_on_a_connection_that_stays(make_site):
    site = make_site()
    with site.client() as client:
        assert client.ask(request("GET", "/new/x")).status == 404
        many = [(f"X-Many-{index}", "1") for index in range(40)]
        assert client.ask(request("GET", f"/open/?n={site.nonce()}", many)).status == 200
        reload(site, {"routes": [open_route("/new/")], "limits": {"header_count": 20}, "sessions": {"cookie": "other"}})
        assert client.ask(request("GET", f"/new/x?n={site.nonce()}")).status == 200
        assert client.ask(request("GET", "/open/")).status == 404
        assert client.ask(request("GET", "/new/x", many)).status == 431
    assert site.login("alice", "secret123", remember=False).cookie("other")
    metrics = site.gateway.probe("/metrics")[1]
    # What was counted before is still there, under the names of before.
    assert re.search(rb'gatehouse_requests_total\{route="/open/",code="200"[^}]*\} 1', metrics), metrics
    assert (reloads(site, b"ok"), reloads(site, b"refused")) == (1, 0)


def test_bad_settings_are_refused_with_every_problem_and_the_old_ones_go_on(make_site):
    site = make_site()
    good = dict(site.gateway.settings)
    before = len(site.gateway.log())
    reload(site, {"routes": [open_route("/new/", upstream="nobody"), {"path": "relative"}], "limits": {"bodies": 3}}, taken=False)
    said = site.gateway.log()[before:]
    checked = site.gateway.command("config", "check")
    assert checked.returncode == 78
    problems = checked.stderr.strip().splitlines()
    assert len(problems) >= 3 and all(problem in said for problem in problems), said
    assert get(site, f"/open/?n={site.nonce()}") == 200 and get(site, "/new/") == 404
    # What only opening it shows is refused as well: a folder is no database.
    site.gateway.settings = good
    reload(site, {"users": {"store": f"sqlite:{site.gateway.folder}"}}, taken=False)
    assert get(site, f"/open/?n={site.nonce()}") == 200
    assert (reloads(site, b"ok"), reloads(site, b"refused")) == (0, 2)
    site.gateway.settings = good
    reload(site, {})
    assert reloads(site, b"ok") == 1


def test_listeners_come_and_go(make_site):
    site = make_site()
    first, second = site.gateway.address, ("127.0.0.1", free_port())
    text = "%s:%d"
    reload(site, {"listen": [{"address": text % first}, {"address": text % second}]})
    with Client(second) as client, Client(first) as kept:
        assert client.ask(request("GET", f"/open/?n={site.nonce()}")).status == 200
        assert kept.ask(request("GET", f"/open/?n={site.nonce()}")).status == 200
        reload(site, {"listen": [{"address": text % first}]})
        # Who came by the listener that goes has one more answer.
        last = client.ask(request("GET", f"/open/?n={site.nonce()}"))
        assert (last.status, last.fields.get("Connection")) == (200, "close")
        assert kept.ask(request("GET", f"/open/?n={site.nonce()}")).fields.get("Connection") is None
    eventually(lambda: not accepts(second), 5)
    # The admin listener moves too.
    site.gateway.admin = ("127.0.0.1", free_port())
    reload(site, {"admin": {"address": text % site.gateway.admin}})
    assert site.gateway.probe("/readyz")[0] == 200


def test_an_address_that_cannot_be_had_changes_nothing(make_site):
    site = make_site()
    here = "%s:%d" % site.gateway.address
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = "%s:%d" % other.getsockname()
        reload(site, {"listen": [{"address": here}, {"address": taken}], "routes": [open_route("/new/")]}, taken=False)
        assert taken in site.gateway.log() and "in use" in site.gateway.log()
    # At each worker.
    for _ in range(20):
        assert get(site, f"/open/?n={site.nonce()}") == 200 and get(site, "/new/") == 404


def test_a_removed_key_opens_nothing_any_more(make_site):
    site = make_site()
    token = site.sign_in("alice", "token")
    with site.client() as client:
        fields = [("Cookie", token)]
        assert client.ask(request("GET", f"/app/?n={site.nonce('101')}", fields)).status == 200
        # The same file, with another secret in it.
        (site.gateway.folder / "token.secret").write_bytes(os.urandom(48))
        reload(site)
        assert client.ask(request("GET", "/app/", fields)).status == 401
        new = [("Cookie", site.sign_in("alice", "token"))]
        assert client.ask(request("GET", f"/app/?n={site.nonce('101')}", new)).status == 200


def test_sessions_in_memory_survive(make_site):
    site = make_site({"sessions": {"store": "memory:"}})
    fields = [("Cookie", site.sign_in("alice"))]
    reload(site, {"limits": {"header_count": 50}, "sessions": {"store_timeout": "2s", "idle_timeout": "20m"}})
    assert get(site, f"/app/?n={site.nonce('101')}", fields) == 200


def test_a_request_in_flight_ends_by_the_settings_that_it_began_with(make_site):
    site = make_site()
    nonce = site.nonce()
    release = threading.Event()
    site.recorder.script(nonce, lambda exchange: (exchange.read_body(), release.wait(10), exchange.answer(200, body=b"finished")))
    with site.client() as client:
        client.send(request("GET", f"/open/?n={nonce}"))
        eventually(lambda: site.recorder.seen(nonce))
        reload(site, {"routes": [open_route("/new/")], "upstreams": {"recorder": {"head_timeout": "1s"}}})
        assert get(site, "/open/") == 404
        release.set()
        answer = client.response()
        assert (answer.status, answer.body) == (200, b"finished")
        # And it has its line, under the route of then.
        assert site.gateway.access_line(answer.fields["X-Request-Id"])["route"] == "/open/"
        assert client.ask(request("GET", f"/new/?n={site.nonce()}")).status == 200


def test_log_level_and_access_log_follow(make_site):
    site = make_site()
    first = site.ask("GET", f"/open/?n={site.nonce()}")
    # Handed over by the old settings' handler, which the reload must not take away before.
    reload(site, {"log": {"level": "debug", "access": "off"}})
    site.gateway.access_line(first.fields["X-Request-Id"])
    before = len(site.gateway.access_lines())
    assert get(site, f"/open/?n={site.nonce()}") == 200
    reload(site, {"log": {"access": "json"}})
    answer = site.ask("GET", f"/open/?n={site.nonce()}")
    site.gateway.access_line(answer.fields["X-Request-Id"])
    assert len(site.gateway.access_lines()) == before + 1


def test_debug_shows_what_info_does_not(make_site):
    site = make_site({"sessions": {"purge_interval": "1s"}})

    def end_a_session():
        site.sign_in("alice")
        site.gateway.change("UPDATE sessions SET expires_at = 1")
        eventually(lambda: not site.gateway.query("SELECT 1 FROM sessions"), 20)

    end_a_session()
    reload(site, {"log": {"level": "debug"}})
    end_a_session()
    eventually(lambda: "deleted 1 ended sessions" in site.gateway.log())
    assert site.gateway.log().count("ended sessions") == 1


def test_what_needs_a_restart_is_named(make_site):
    site = make_site()
    reload(site, {"workers": 3})
    eventually(lambda: "workers is taken up at the next start" in site.gateway.log())


@pytest.mark.parametrize("how", ["written", "link"])
def test_watch(make_site, how):
    """As Kubernetes does it, a file of a ConfigMap is a link to a link, and that one is changed."""
    site = make_site(start=False)
    gateway = site.gateway
    for version in ("one", "two"):
        (gateway.folder / version).mkdir()
    data = gateway.folder / "data"
    data.symlink_to("one")
    real = gateway.config
    if how == "link":
        gateway.config = gateway.folder / "one" / real.name
        gateway.write_config()
        real.unlink()
        real.symlink_to(f"data/{real.name}")
        gateway.config = real
    gateway.arguments = ["--watch"]
    site.start()
    assert get(site, "/new/") == 404
    gateway.settings = merged(gateway.settings, {"routes": [open_route("/new/")]})
    if how == "link":
        gateway.config = gateway.folder / "two" / real.name
        gateway.write_config()
        gateway.config = real
        (gateway.folder / "next").symlink_to("two")
        os.replace(gateway.folder / "next", data)
    else:
        gateway.write_config()
    eventually(lambda: "new settings hold" in gateway.log(), 20)
    assert get(site, f"/new/x?n={site.nonce()}") == 200
    # A secret file that the settings name is watched too.
    done = gateway.log().count("new settings hold")
    (gateway.folder / "token.secret").write_bytes(os.urandom(48))
    eventually(lambda: gateway.log().count("new settings hold") > done, 20)
