"""No request is lost: new processes take over from old ones, and settings change, under load."""

import os
import signal
import sqlite3
import time

from harness.gateway import GATEHOUSE, PROFILE_SERVICE, clean_environment
from harness.hammer import Hammer
from harness.processes import Process, accepts, free_port
from harness.wire import eventually

REQUESTS = 100_000
RESTARTS = 10
RELOADS = 20
# No more than this is waited for, on however busy a machine.
LONGEST = 240


def profiles(folder):
    """The profile service, which knows alice and bob: an upstream that is faster than one in Python."""
    port = free_port()
    process = Process(
        [PROFILE_SERVICE, "--listen", f"127.0.0.1:{port}", "--database", folder / "profiles.db", "--seed"], folder, "profiles",
        env=clean_environment())
    process.wait_until(lambda: accepts(("127.0.0.1", port)))
    with sqlite3.connect(folder / "profiles.db", timeout=10) as connection:
        connection.execute(
            "INSERT INTO profiles SELECT '102', display_name, email, bio FROM profiles WHERE user_id = '101'")
    connection.close()
    return process, f"http://127.0.0.1:{port}"


class Rolling:
    """One gateway after the other at the same addresses."""

    def __init__(self, site):
        self.gateway = site.gateway
        self.processes = [site.gateway.process]
        self.reloads = 0

    @property
    def current(self):
        return self.processes[-1]

    def restart(self):
        name = f"gatehouse-{len(self.processes)}"
        new = Process([GATEHOUSE, "serve", "--config", self.gateway.config], self.gateway.folder, name,
                      env=self.gateway.environment, cwd=self.gateway.folder)
        self.processes.append(new)
        # Both answer at the admin address for a while, so its own words have to say that it listens.
        new.wait_until(lambda: "health and metrics at" in new.output(), 60)
        assert "another process listens at" in new.output()
        self.processes[-2].child.send_signal(signal.SIGTERM)
        self.gateway.process = new

    def reload(self):
        """Settings that differ from the last in routes, limits, upstreams and the log's level."""
        self.reloads += 1
        settings = self.gateway.settings
        settings["limits"] = {"header_count": 60 + self.reloads}
        settings["log"]["level"] = ("info", "debug")[self.reloads % 2]
        settings["upstreams"]["recorder"]["idle_timeout"] = f"{20 + self.reloads}s"
        settings["routes"] = [r for r in settings["routes"] if r["path"] != "/extra"]
        if self.reloads % 2:
            settings["routes"].insert(0, {"path": "/extra", "upstream": "recorder", "access": "public"})
        config = self.gateway.config
        new = config.with_suffix(".new")
        self.gateway.config = new
        self.gateway.write_config()
        self.gateway.config = config
        os.replace(new, config)
        before = self.current.output().count("new settings hold")
        self.current.child.send_signal(signal.SIGHUP)
        self.current.wait_until(lambda: self.current.output().count("new settings hold") > before, 60, "reloaded")


def test_ten_restarts_and_twenty_reloads_lose_no_request(make_site):
    site = make_site(start=False)
    service, url = profiles(site.gateway.folder)
    site.gateway.settings["upstreams"]["recorder"] = {"servers": [url]}
    # One line for each of so many requests would be all that the disk does.
    site.gateway.settings["log"] = {"access": "off", "audit": "off"}
    site.gateway.write_config()
    site.start()
    callers = []
    for name, id in (("alice", "101"), ("bob", "102")):
        for issue in ("session", "token"):
            callers.append((id, b"Cookie: " + site.sign_in(name, issue).encode()))
    rolling = Rolling(site)
    hammer = Hammer(site.gateway.address, b"/profile", callers).start()
    began = time.monotonic()
    try:
        done = 0
        for step in range(RESTARTS + RELOADS):
            # Spread over the requests, and all of them before the last request.
            eventually(lambda: hammer.answered >= REQUESTS * step // (RESTARTS + RELOADS), LONGEST)
            if step % 3 == 2:
                rolling.restart()
                done += 1
            else:
                rolling.reload()
            assert not hammer.failures, hammer.failures[:5]
        eventually(lambda: hammer.answered >= REQUESTS, LONGEST)
    finally:
        hammer.stop()
        seconds = time.monotonic() - began
        ended = [process.child.wait(20) for process in rolling.processes[:-1]]
        service.terminate()
    assert (done, rolling.reloads, ended) == (RESTARTS, RELOADS, [0] * RESTARTS)
    print(f"{hammer.answered} requests, {done} restarts, {rolling.reloads} reloads, {len(hammer.failures)} failures, {seconds:.0f} s")
    assert not hammer.failures, (len(hammer.failures), hammer.failures[:5])
    assert not any("cut off" in process.output() for process in rolling.processes)
