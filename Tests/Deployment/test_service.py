"""The package and its unit where systemd runs: as process 1 of a container that has nothing but Debian."""

import json
import os
import pathlib
import re
import time

import pytest

from harness.commands import ROOT, Failed, run

# What systemd itself needs for the sandbox that the unit asks for, and no more: not every machine could give all of --privileged.
CAPABILITIES = (
    "AUDIT_CONTROL", "AUDIT_WRITE", "DAC_READ_SEARCH", "IPC_LOCK", "LEASE", "MKNOD", "NET_ADMIN", "SETPCAP", "SYS_ADMIN", "SYS_BOOT",
    "SYS_CHROOT", "SYS_NICE", "SYS_PTRACE", "SYSLOG")
IMAGE = "gatehouse-test-systemd"
DOCKERFILE = """
FROM debian:bookworm-slim
RUN apt-get update -q && apt-get install -q -y --no-install-recommends systemd dbus curl procps
"""


class Machine:
    def __init__(self):
        self.name = f"gatehouse-test-{os.getpid()}-systemd"

    def start(self):
        run("docker", "build", "--quiet", "--network=host", "--tag", IMAGE, "-", input=DOCKERFILE, timeout=300)
        # Where the machine's groups are version 1, systemd wants to make its own below the container's.
        groups = [] if pathlib.Path("/sys/fs/cgroup/cgroup.controllers").exists() else ["--volume", "/sys/fs/cgroup:/sys/fs/cgroup"]
        run(
            "docker", "run", "--detach", "--name", self.name, *(f"--cap-add={name}" for name in CAPABILITIES),
            # As on a machine; engines commonly let everybody listen at every port.
            "--sysctl", "net.ipv4.ip_unprivileged_port_start=1024", "--security-opt", "seccomp=unconfined",
            "--security-opt", "apparmor=unconfined", *groups, "--env", "container=docker", "--tmpfs", "/run", "--tmpfs", "/tmp", IMAGE,
            # As on a real machine, mounts made for a service's credentials are seen by that service.
            "sh", "-c", "mount --make-rshared / && exec /lib/systemd/systemd --unit=multi-user.target")
        self.wait(lambda: self.run("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded"))
        return self

    def run(self, *command, **options):
        return run("docker", "exec", "--interactive", self.name, *command, **options)

    def stop(self):
        run("docker", "rm", "--force", "--volumes", self.name, check=False)
        run("docker", "image", "rm", IMAGE, check=False)

    def install(self, package):
        run("docker", "cp", package, f"{self.name}:/package.deb")
        self.run(
            "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "--yes", "--quiet", "--no-install-recommends",
            "/package.deb", timeout=200)

    def write(self, path, text):
        self.run("sh", "-c", f"mkdir -p $(dirname {path}) && cat >{path}", input=text)

    def show(self, name):
        return self.run("systemctl", "show", "gatehouse.service", f"--property={name}", "--value").stdout.strip()

    def wait(self, holds, seconds=60):
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, self.journal()
            time.sleep(0.1)

    def is_ready(self):
        return self.run("gatehouse", "health", check=False).returncode == 0

    def journal(self):
        return self.run("journalctl", "--no-pager", "--lines=30", "--unit=gatehouse.service", check=False).stdout

    def sign_in(self, path="/login?issue=token", port=8080):
        shown = self.run(
            "curl", "--silent", "--show-error", "--write-out", "\n%{http_code}", "--header", "Content-Type: application/json",
            "--data", '{"username":"bob","password":"correct horse battery"}', f"http://127.0.0.1:{port}{path}").stdout
        body, _, status = shown.rpartition("\n")
        return int(status), json.loads(body)


@pytest.fixture(scope="module")
def machine(engine, packages):
    machine = Machine()
    try:
        try:
            machine.start()
        except (AssertionError, Failed) as error:
            pytest.skip(f"systemd does not start in a container here: {error}")
        machine.install(packages[0])
        machine.run("gatehouse", "user", "add", "bob", "--password-stdin", input="correct horse battery")
        yield machine
    finally:
        machine.stop()


@pytest.fixture
def service(machine):
    """The gateway, started anew."""
    machine.run("systemctl", "reset-failed", "gatehouse.service", check=False)
    machine.run("systemctl", "restart", "gatehouse.service")
    machine.wait(machine.is_ready)
    return machine


def test_it_does_not_start_by_itself_when_it_is_installed(machine):
    assert machine.run("systemctl", "is-enabled", "gatehouse.service", check=False).stdout.strip() == "disabled"


def test_both_ways_of_signing_in_work_under_the_hardened_unit(service):
    for path in ("/login", "/login?issue=token"):
        status, answer = service.sign_in(path)
        assert (status, answer["user"]["username"]) == (200, "bob")
    names = service.run("gatehouse", "session", "list", "--json").stdout
    assert [session["username"] for session in json.loads(names)][:1] == ["bob"]


def test_the_process_is_as_confined_as_the_unit_says(service):
    process = service.show("MainPID")
    status = dict(
        line.split(":", 1) for line in service.run("cat", f"/proc/{process}/status").stdout.splitlines() if ":" in line)
    user = service.run("id", "--user", "gatehouse").stdout.strip()
    assert status["Uid"].split() == [user] * 4
    assert status["CapEff"].strip() == status["CapBnd"].strip() == "0" * 16
    assert status["NoNewPrivs"].strip() == "1" and status["Seccomp"].strip() == "2"
    mounts = service.run("cat", f"/proc/{process}/mounts").stdout.splitlines()
    options = {line.split()[1]: line.split()[3].split(",") for line in mounts}
    assert "ro" in options["/"] and "rw" in options["/var/lib/gatehouse"]


def test_a_gateway_that_is_killed_comes_back(service):
    process = service.show("MainPID")
    service.run("kill", "-KILL", process)
    service.wait(lambda: service.show("MainPID") not in ("0", process) and service.is_ready())
    assert service.sign_in()[0] == 200


def test_bad_settings_are_not_tried_again(service):
    drop_in = "/run/systemd/system/gatehouse.service.d/bad.conf"
    service.write(drop_in, "[Service]\nEnvironment=GATEHOUSE_WORKERS=none\n")
    service.run("systemctl", "daemon-reload")
    try:
        service.run("systemctl", "restart", "gatehouse.service", check=False)
        service.wait(lambda: service.show("ActiveState") == "failed")
        assert service.show("ExecMainStatus") == "78" and service.show("NRestarts") == "0"
    finally:
        service.run("rm", drop_in)
        service.run("systemctl", "daemon-reload")


def test_a_reload_takes_new_settings_up_and_refuses_bad_ones(service):
    """Both without another process, and with a client that never finds it gone."""
    settings = service.run("cat", "/etc/gatehouse/gatehouse.yaml").stdout
    process = service.show("MainPID")
    try:
        service.write("/etc/gatehouse/gatehouse.yaml", settings.replace("address: 127.0.0.1:8080", "address: 127.0.0.1:8081"))
        service.run("systemctl", "reload", "gatehouse.service")
        service.wait(lambda: "listening at 127.0.0.1:8081" in service.journal())
        assert service.sign_in(port=8081)[0] == 200
        service.write("/etc/gatehouse/gatehouse.yaml", settings.replace("listen:", "lisen:"))
        service.run("systemctl", "reload", "gatehouse.service")
        service.wait(lambda: "lisen" in service.journal())
        assert service.sign_in(port=8081)[0] == 200
        assert service.show("MainPID") == process and service.show("ActiveState") == "active"
    finally:
        service.write("/etc/gatehouse/gatehouse.yaml", settings)


def test_systemd_listens_where_the_gateway_has_no_right_to(service):
    """The drop-in of deploy/systemd.md, as it stands there, for the socket unit of the package."""
    page = (ROOT / "deploy/systemd.md").read_text()
    drop_in = next(text for text in re.findall(r"(?s)```ini\n(.*?)```", page) if "ListenStream=127.0.0.1:80\n" in text)
    folder = "/run/systemd/system/gatehouse.service.d"
    service.write(f"{folder}/listen.conf", "[Service]\nEnvironment=GATEHOUSE_LISTEN__0__ADDRESS=127.0.0.1:80\n")
    try:
        service.run("systemctl", "daemon-reload")
        service.run("systemctl", "restart", "gatehouse.service", check=False)
        service.wait(lambda: "bind" in service.journal() and service.show("ActiveState") != "active")
        service.run("systemctl", "stop", "gatehouse.service")
        service.write("/run/systemd/system/gatehouse.socket.d/listen.conf", drop_in)
        service.run("systemctl", "daemon-reload")
        service.run("systemctl", "start", "gatehouse.socket")
        # The first request starts it, and waits until it is there.
        assert service.sign_in(port=80)[0] == 200
        process = service.show("MainPID")
        service.run("systemctl", "restart", "gatehouse.service")
        assert service.sign_in(port=80)[0] == 200 and service.show("MainPID") != process
    finally:
        service.run("systemctl", "stop", "gatehouse.socket", "gatehouse.service", check=False)
        service.run("rm", "-rf", folder, "/run/systemd/system/gatehouse.socket.d")
        service.run("systemctl", "daemon-reload")


def test_credentials_keep_the_secret_from_the_user_of_the_service(service):
    """The file is root's alone: without the credential it cannot be read, with it all is well."""
    service.run("chmod", "600", "/etc/gatehouse/token.secret")
    drop_in = "/etc/systemd/system/gatehouse.service.d/credentials.conf"
    try:
        service.run("systemctl", "restart", "gatehouse.service", check=False)
        service.wait(lambda: service.show("ActiveState") == "failed")
        assert service.show("ExecMainStatus") == "78"
        service.run("install", "-D", "/usr/share/doc/gatehouse/examples/credentials.conf", drop_in)
        service.run("systemctl", "daemon-reload")
        service.run("systemctl", "restart", "gatehouse.service")
        service.wait(service.is_ready)
        assert service.sign_in("/login?issue=token")[0] == 200
        assert "/run/credentials/gatehouse.service/token.secret" in service.run(
            "cat", f"/proc/{service.show('MainPID')}/environ").stdout
    finally:
        service.run("rm", "-rf", "/etc/systemd/system/gatehouse.service.d")
        service.run("chmod", "640", "/etc/gatehouse/token.secret")
        service.run("systemctl", "daemon-reload")


def test_stopping_is_no_failure(service):
    service.run("systemctl", "stop", "gatehouse.service")
    assert (service.show("ActiveState"), service.show("Result"), service.show("ExecMainStatus")) == ("inactive", "success", "0")


def test_an_upgrade_replaces_a_gateway_that_runs_and_a_removal_stops_it(service, packages):
    process = service.show("MainPID")
    service.install(packages[1])
    service.wait(lambda: service.show("MainPID") not in ("0", process) and service.is_ready())
    assert service.sign_in()[0] == 200
    service.run("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "remove", "--yes", "--quiet", "gatehouse", timeout=120)
    assert service.run("pgrep", "--exact", "gatehouse", check=False).returncode == 1
    service.install(packages[0])
