"""Processes that the tests start, and end by their own handle."""

import os
import random
import signal
import socket
import subprocess
import time


def free_port(host="127.0.0.1"):
    """A port that nobody listens on now, from below the range that the kernel takes for outgoing connections: there, any client
    of any test could take it before its server does."""
    while True:
        port = random.randrange(10_000, 32_000)
        with socket.socket() as sock:
            try:
                sock.bind((host, port))
            except OSError:
                continue
            return port


def accepts(address):
    try:
        socket.create_connection(address, 0.5).close()
        return True
    except OSError:
        return False


class Process:
    """A child with its output in files."""

    def __init__(self, arguments, folder, name, env=None, cwd=None, pass_fds=()):
        self.name = name
        self.stdout_path = folder / f"{name}.out"
        self.stderr_path = folder / f"{name}.err"
        with open(self.stdout_path, "ab") as out, open(self.stderr_path, "ab") as err:
            self.child = subprocess.Popen(
                [str(argument) for argument in arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env, cwd=cwd,
                pass_fds=pass_fds)

    @property
    def pid(self):
        return self.child.pid

    @property
    def running(self):
        return self.child.poll() is None

    def output(self):
        return self.stdout_path.read_text(errors="replace") + self.stderr_path.read_text(errors="replace")

    def wait_until(self, check, within=15.0, what="ready"):
        deadline = time.monotonic() + within
        while not check():
            if not self.running:
                raise AssertionError(f"{self.name} ended with {self.child.returncode} before it was {what}:\n{self.output()[-4000:]}")
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.name} not {what} within {within} s:\n{self.output()[-4000:]}")
            time.sleep(0.02)

    def terminate(self, within=15.0):
        """SIGTERM; the exit status."""
        if self.running:
            self.child.send_signal(signal.SIGTERM)
        try:
            return self.child.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} ignored SIGTERM for {within} s:\n{self.output()[-4000:]}") from None

    def kill(self):
        if self.running:
            self.child.kill()
        return self.child.wait(10)

    def resident_kib(self):
        """VmRSS in KiB."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1])
        raise AssertionError(f"{self.name} has no VmRSS")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))
