"""Processes of a run: started pinned to a core, measured through /proc, and ended by their ids, whatever happens."""

import os
import pathlib
import signal
import socket
import subprocess
import time

TICK = os.sysconf("SC_CLK_TCK")
_given = set()


def free_port():
    """A port of 127.0.0.1 that nobody listens at, and that this run has not given away yet."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        # Below the range that the kernel takes client ports from, a listener started later would still find it free.
        if port not in _given:
            _given.add(port)
            return port


def clean_environment():
    """Without the settings of whoever runs this: a GATEHOUSE_… of theirs would change what is measured."""
    names = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH")
    return {name: os.environ[name] for name in names if name in os.environ}


class Process:
    """A program that runs until it is ended, on one core or on any; its output goes to FOLDER/NAME.log, or for `quiet` to
    /dev/null."""

    def __init__(self, line, folder, name, core=None, quiet=False, environment=()):
        self.name = name
        self.log = pathlib.Path(folder) / f"{name}.log"
        pinned = [] if core is None else ["taskset", "-c", core]
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                [str(word) for word in [*pinned, *line]], cwd=folder, env=clean_environment() | dict(environment),
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL if quiet else log, stderr=log)

    @property
    def pid(self):
        return self.child.pid

    def check(self):
        if self.child.poll() is not None:
            raise SystemExit(f"{self.name} ended with {self.child.returncode}:\n{self.log.read_text(errors='replace')[-3000:]}")

    def family(self):
        """Its process id and those of its children; no program here has grandchildren."""
        children = [path.read_text().split() for path in pathlib.Path(f"/proc/{self.pid}/task").glob("*/children")]
        return [self.pid, *(int(pid) for some in children for pid in some)]

    def processor_time(self):
        """(user, system) seconds so far, of all its threads (proc(5): fields 14 and 15, counted from behind the name)."""
        fields = [pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split() for pid in self.family()]
        return sum(int(one[11]) for one in fields) / TICK, sum(int(one[12]) for one in fields) / TICK

    def resident(self):
        """Octets of memory that are resident."""
        pages = sum(int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.family())
        return pages * os.sysconf("SC_PAGE_SIZE")

    def end(self, within=10.0):
        if self.child.poll() is not None:
            return
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(within)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


class Processes:
    """All that a run started. Leaving the `with` block ends them, last first."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.running = []

    def __enter__(self):
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda number, _: (_ for _ in ()).throw(SystemExit(128 + number)))
        return self

    def __exit__(self, *_):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        while self.running:
            self.running.pop().end()

    def start(self, line, name, core, port, quiet=False, environment=(), within=20.0):
        """Returns when 127.0.0.1:PORT takes connections."""
        process = Process(line, self.folder, name, core, quiet, environment)
        self.running.append(process)
        wait_for_port(port, process, within)
        return process

    def end(self, process):
        self.running.remove(process)
        process.end()


def wait_for_port(port, process, within):
    deadline = time.monotonic() + within
    while True:
        process.check()
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise SystemExit(f"{process.name} does not listen at {port}:\n{process.log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.002)
