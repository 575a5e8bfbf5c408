"""A Debian in a folder."""

import os
import pathlib
import shutil
import subprocess

from .commands import run


class Root:
    def __init__(self, path):
        self.path = path

    def bootstrap(self):
        run("debootstrap", "--variant=minbase", "bookworm", self.path, timeout=400)
        # It names its own mirror, and not where the security updates are: beside it.
        sources = self.path / "etc/apt/sources.list"
        archive = sources.read_text()
        sources.write_text(archive + archive.replace("/debian bookworm ", "/debian-security bookworm-security "))

    def copy(self, path):
        run("cp", "--archive", self.path, path, timeout=120)
        shutil.copy("/etc/resolv.conf", path / "etc/resolv.conf")
        return Root(path)

    def _command(self, command, user):
        """In namespaces of its own, so that no mount and no process is left behind."""
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"] if user else []
        return ["unshare", "--mount", "--pid", "--fork", "--kill-child", f"--mount-proc={self.path}/proc",
                "chroot", self.path, *become, *command]

    @staticmethod
    def _environment(extra):
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", **(extra or {})}

    def run(self, *command, user=None, env=None, **options):
        return run(*self._command(command, user), env=self._environment(env), **options)

    def start(self, *command, user=None, env=None, log=None):
        return subprocess.Popen(
            self._command(command, user), env=self._environment(env), stdout=log, stderr=subprocess.STDOUT, cwd="/")

    def install(self, package):
        """As an administrator would, from a file; what it depends on comes from the archive."""
        name = pathlib.Path(package).name
        shutil.copy(package, self.path / name)
        self.run("apt-get", "install", "--yes", "--quiet", "--no-install-recommends", f"/{name}", timeout=200)
        os.unlink(self.path / name)

    def status(self, package):
        found = self.run("dpkg-query", "-W", "-f", "${db:Status-Status}", package, check=False)
        return found.stdout if found.returncode == 0 else "unknown"

    def stat(self, path):
        """Mode, owner and group."""
        return self.run("stat", "-c", "%a %U %G", path).stdout.split()

    def __truediv__(self, path):
        return self.path / path.lstrip("/")
