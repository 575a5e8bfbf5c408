"""A PostgreSQL server of our own, in a temporary folder, on a free port; asked by psql, without any of the code under test."""

import glob
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

from .gateway import clean_environment
from .processes import Process, free_port


def programs():
    """The folder of initdb and postgres, newest version first."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda path: int(path.split("/")[-3]))
    assert found, "there is no PostgreSQL server here: install Debian's postgresql"
    return pathlib.Path(found[-1]).parent


class PostgreSQL:
    """Owned by `admin`; the databases that it makes belong to the role `gate`, whose password is `secret`."""

    def __init__(self):
        self.programs = programs()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gatehouse-postgresql-"))
        self.drop = []
        if os.geteuid() == 0:
            # postgres refuses to be root.
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self.drop = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        self.port = free_port()
        self.process = None
        self.count = 0
        subprocess.run([*self.drop, self.programs / "initdb", "-D", self.folder / "data", "-U", "admin", "--auth-local=trust",
                        "--auth-host=scram-sha-256", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"],
                       check=True, capture_output=True, cwd="/", env=clean_environment())
        try:
            self.start()
            self.ask("CREATE ROLE gate LOGIN PASSWORD 'secret'")
        except BaseException:
            self.remove()
            raise

    def start(self):
        self.process = Process([*self.drop, self.programs / "postgres", "-D", self.folder / "data", "-p", self.port,
                                "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.folder}",
                                "-c", "max_connections=200", "-c", "shared_buffers=32MB"],
                               self.folder, "server", env=clean_environment(), cwd="/")
        self.process.wait_until(self.answers, 30)
        return self

    def answers(self):
        return self.psql("SELECT 1").returncode == 0

    def stop(self, how=signal.SIGINT):
        """SIGINT cuts connections and ends in order; SIGQUIT ends as a crash does."""
        if self.process is None:
            return
        process, self.process = self.process, None
        if process.running:
            process.child.send_signal(how)
        process.child.wait(30)

    def remove(self):
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def psql(self, sql, database="postgres"):
        return subprocess.run([self.programs / "psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-h", self.folder,
                               "-p", str(self.port), "-U", "admin", "-d", database, "-c", sql],
                              capture_output=True, text=True, timeout=60, env=clean_environment())

    def ask(self, sql, database="postgres"):
        """The lines of the answer, columns separated by |."""
        done = self.psql(sql, database)
        assert done.returncode == 0, f"{sql}: {done.stderr}"
        return done.stdout.splitlines()

    def new_database(self):
        self.count += 1
        name = f"test{self.count}"
        self.ask(f"CREATE DATABASE {name} OWNER gate")
        return name

    def url(self, database, user="gate", password="secret"):
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"
