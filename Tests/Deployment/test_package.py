"""deploy/package: the life of Debian's package in a Debian that has nothing else."""

import os
import signal

import pytest

from harness.client import Client
from harness.commands import run
from harness.machine import free_port, pack

@pytest.fixture(scope="module")
def root(debian, tmp_path_factory):
    root = debian.copy(tmp_path_factory.mktemp("debian") / "root")
    root.run("apt-get", "update", "--quiet", timeout=120)
    return root


def as_gatehouse(root, *command, **options):
    return root.run("gatehouse", *command, user="gatehouse", **options)


def sign_in(root, folder):
    """Serves as the system user, and returns the answer to bob."""
    port, admin = free_port(), free_port()
    where = {
        "GATEHOUSE_LISTEN__0__ADDRESS": f"127.0.0.1:{port}", "GATEHOUSE_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "GATEHOUSE_ADMIN__ADDRESS": f"127.0.0.1:{admin}"}
    with open(folder / "log", "wb") as log:
        process = root.start("gatehouse", "serve", user="gatehouse", env=where, log=log)
    try:
        Client(admin).wait("/readyz", seconds=30)
        as_gatehouse(root, "health", env=where)
        answer = run(
            "curl", "--silent", "--fail", "--header", "Content-Type: application/json", "--data",
            '{"username":"bob","password":"correct horse battery"}', f"http://127.0.0.1:{port}/login?issue=token").stdout
        # The gateway's own process, the first in its namespace's children: unshare passes nothing on.
        children = run("pgrep", "--parent", str(process.pid)).stdout.split()
        os.kill(int(children[0]), signal.SIGTERM)
        assert process.wait(30) == 0, (folder / "log").read_text()
        return answer
    finally:
        process.kill()
        process.wait()


def test_the_life_of_a_package(packages, root, folder):
    first, second = packages

    root.install(first)
    assert root.status("gatehouse") == "installed"
    assert root.run("gatehouse", "version").stdout.startswith("gatehouse 0.1")
    assert root.stat("/var/lib/gatehouse") == ["750", "gatehouse", "gatehouse"]
    assert root.stat("/etc/gatehouse/token.secret") == ["640", "root", "gatehouse"]
    password = root.run("getent", "passwd", "gatehouse").stdout.strip().split(":")
    assert int(password[2]) < 1000 and password[6] == "/usr/sbin/nologin"
    assert "no problems" in as_gatehouse(root, "config", "check").stdout
    secret = (root / "etc/gatehouse/token.secret").read_text()

    # Root adds the first user, and the gateway can still write to the database.
    root.run("gatehouse", "user", "add", "bob", "--password-stdin", input="correct horse battery")
    assert {root.stat(f"/var/lib/gatehouse/{path.name}")[1] for path in (root / "var/lib/gatehouse").iterdir()} == {"gatehouse"}
    assert '"username":"bob"' in sign_in(root, folder)

    with open(root / "etc/gatehouse/gatehouse.yaml", "a") as settings:
        settings.write("# Changed by hand.\n")
    root.install(second)
    assert root.run("dpkg-query", "-W", "-f", "${Version}", "gatehouse").stdout == "99.0.0"
    assert (root / "etc/gatehouse/gatehouse.yaml").read_text().endswith("# Changed by hand.\n")
    assert (root / "etc/gatehouse/token.secret").read_text() == secret
    assert '"username":"bob"' in sign_in(root, folder)

    root.run("apt-get", "remove", "--yes", "--quiet", "gatehouse", timeout=120)
    assert root.status("gatehouse") == "config-files"
    assert not (root / "usr/bin/gatehouse").exists()
    assert (root / "etc/gatehouse/gatehouse.yaml").exists() and (root / "var/lib/gatehouse/gatehouse.db").exists()
    root.install(second)
    assert (root / "etc/gatehouse/token.secret").read_text() == secret
    assert '"username":"bob"' in sign_in(root, folder)

    root.run("apt-get", "purge", "--yes", "--quiet", "gatehouse", timeout=120)
    assert root.status("gatehouse") in ("not-installed", "unknown")
    left = root.run("find", "/etc", "/var/lib", "/usr", "-name", "*gatehouse*", "-not", "-path", "/var/lib/dpkg/*").stdout
    assert left == ""
    root.install(first)
    assert (root / "etc/gatehouse/token.secret").read_text() != secret
    root.run("apt-get", "purge", "--yes", "--quiet", "gatehouse", timeout=120)


def test_lintian_finds_nothing(packages):
    """No error and no warning; the one override says why in deploy/package."""
    found = run("lintian", "--fail-on", "error,warning", "--allow-root", packages[0], timeout=120, check=False)
    assert (found.returncode, found.stdout.strip()) == (0, "")


def test_two_packages_of_one_commit_are_the_same(packages, folder):
    again = pack(folder)
    with open(packages[0], "rb") as first, open(again, "rb") as second:
        assert first.read() == second.read()


@pytest.mark.parametrize("shell, path", [
    ("bash", "usr/share/bash-completion/completions/gatehouse"), ("zsh", "usr/share/zsh/vendor-completions/_gatehouse"),
    ("fish", "usr/share/fish/vendor_completions.d/gatehouse.fish")])
def test_the_completions_are_what_the_shell_can_read(packages, folder, shell, path):
    run("dpkg-deb", "--extract", packages[0], folder)
    # -n: parse, do not run.
    run(shell, "-n", folder / path)
    assert "passwd" in (folder / path).read_text()
