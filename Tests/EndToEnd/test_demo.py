"""The first thing that anybody runs: `gatehouse demo`, and the lines that it prints, word for word."""

import json
import re
import subprocess
import time
import urllib.request

import pytest

from harness.gateway import GATEHOUSE, clean_environment
from harness.processes import Process, free_port


@pytest.fixture
def demo(shared_sites):
    folder = shared_sites.new_folder()
    port = free_port()
    process = Process([GATEHOUSE, "demo", "--port", port], folder, "demo", env=clean_environment(), cwd=folder)
    try:
        process.wait_until(lambda: "curl" in process.output() and answers(port), 20)
        time.sleep(0.2)
        yield folder, port, process
        assert process.terminate() == 0
    finally:
        process.kill()


def answers(port):
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/login", timeout=2).status == 200
    except OSError:
        return False


def printed_commands(text):
    """The curl lines, with continued ones joined."""
    joined = text.replace("\\\n", " ")
    return [line.strip().removeprefix("$ ") for line in joined.splitlines() if re.match(r"\s*(\$ )?curl ", line)]


def test_the_printed_lines_work_as_printed(demo):
    folder, port, process = demo
    commands = printed_commands(process.output())
    assert len(commands) >= 4, process.output()
    outputs = []
    for command in commands:
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=20, cwd=folder)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        outputs.append(done.stdout)
    everything = "\n".join(outputs)
    # Both flows ended with alice's profile.
    assert sum("alice" in output and "/profile" in command for command, output in zip(commands, outputs)) >= 2, outputs
    assert "session_id=SESS_" in everything or any("SESS_" in path.read_text(errors="ignore") for path in folder.rglob("*") if path.is_file() and path.suffix not in (".db", ".out", ".err"))
    assert f"http://127.0.0.1:{port}" in process.output() or f"http://localhost:{port}" in process.output()


def test_the_demo_by_hand(demo):
    folder, port, process = demo
    url = f"http://127.0.0.1:{port}"

    def curl(*arguments):
        done = subprocess.run(["curl", "-sS", "-i", "--max-time", "10", *arguments], capture_output=True, text=True)
        head, _, body = done.stdout.partition("\n\n")
        return int(head.split()[1]), head, body

    status, head, body = curl(url + "/login", "-H", "Content-Type: application/json", "-d", '{"username":"alice","password":"secret123"}')
    assert status == 200 and json.loads(body)["user"]["id"] == "101"
    session = re.search(r"session_id=(SESS_[\w-]+)", head)[1]
    status, _, body = curl(url + "/profile", "-H", f"Cookie: session_id={session}")
    assert status == 200 and "alice" in body
    status, head, _ = curl(url + "/login?issue=token", "-H", "Content-Type: application/json", "-d", '{"username":"alice","password":"secret123"}')
    token = re.search(r"token=(ey[\w.-]+)", head)[1]
    status, _, body = curl(url + "/profile", "-H", f"Cookie: token={token}")
    assert status == 200 and "alice" in body
    assert curl(url + "/profile")[0] == 401
    assert session not in process.output() and token not in process.output()


def test_two_demos_do_not_meet(demo, shared_sites):
    """Everything it writes is its own; a second one on another port knows nothing of the first."""
    folder, port, process = demo
    other_folder, other_port = shared_sites.new_folder(), free_port()
    other = Process([GATEHOUSE, "demo", "--port", other_port], other_folder, "demo", env=clean_environment(), cwd=other_folder)
    try:
        other.wait_until(lambda: answers(other_port), 20)
        assert other.terminate() == 0
    finally:
        other.kill()
    assert answers(port)


def test_nothing_is_left_behind(shared_sites):
    folder, temporary, port = shared_sites.new_folder(), shared_sites.new_folder(), free_port()
    process = Process([GATEHOUSE, "demo", "--port", port], folder, "demo", env=clean_environment(TMPDIR=str(temporary)), cwd=folder)
    try:
        process.wait_until(lambda: answers(port), 20)
        assert process.terminate() == 0
    finally:
        process.kill()
    assert list(temporary.iterdir()) == []
    assert sorted(path.name for path in folder.iterdir()) == ["demo.err", "demo.out"]


def test_a_port_that_is_taken(demo):
    folder, port, _ = demo
    done = subprocess.run([str(GATEHOUSE), "demo", "--port", str(port)], capture_output=True, text=True, timeout=20, cwd=folder, env=clean_environment())
    assert done.returncode == 1 and str(port) in done.stdout + done.stderr
