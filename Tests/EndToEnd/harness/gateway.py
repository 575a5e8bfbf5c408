"""The gateway under test: its settings, its process, its commands, its log, and what it keeps in SQLite."""

import copy
import json
import os
import pathlib
import secrets
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request

from .processes import Process, free_port

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("GATEHOUSE_BUILD", ROOT / ".build" / "release"))
GATEHOUSE = BUILD / "gatehouse"
PROFILE_SERVICE = BUILD / "profile-service"

# "secret123" as crypt(3) of another program wrote it: bcrypt, cost 10.
BCRYPT_SECRET123 = "$2a$10$N9qo8uLOickgx2ZMRZoMyeKWT6UX71K1EEV7o303G.XbrNDbTE38G"


def clean_environment(**extra):
    """No setting of the person who runs the tests reaches the gateway."""
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH") if name in os.environ}
    return {**keep, **extra}


def merged(base, changes):
    """`changes` laid over `base`, mapping by mapping; None takes a key out."""
    result = copy.deepcopy(base)
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


class Gateway:
    def __init__(self, folder, settings=None, name="gatehouse"):
        """`settings` is laid over the smallest useful file. Paths are absolute; ports are free ones."""
        if not GATEHOUSE.exists():
            raise AssertionError(f"no {GATEHOUSE}: build first, `deploy/build`")
        self.folder = folder
        self.name = name
        self.address = ("127.0.0.1", free_port())
        self.admin = ("127.0.0.1", free_port())
        self.secret = secrets.token_bytes(48)
        (folder / "token.secret").write_bytes(self.secret)
        (folder / "token.secret").chmod(0o600)
        self.database = folder / "gatehouse.db"
        base = {
            "version": 1,
            "public_url": self.url,
            "listen": [{"address": "%s:%d" % self.address}],
            "admin": {"address": "%s:%d" % self.admin},
            "workers": 2,
            "users": {"store": f"sqlite:{self.database}"},
            # On a busy machine a look into a store may take longer than the 100 ms that the default allows.
            "sessions": {"store": f"sqlite:{self.database}", "store_timeout": "3s"},
            "tokens": {"secret_file": str(folder / "token.secret")},
        }
        self.settings = merged(base, settings or {})
        self.config = folder / f"{name}.yaml"
        self.write_config()
        self.process = None
        # Further ones for `serve`.
        self.arguments = []
        self.environment = clean_environment()

    @property
    def url(self):
        return "http://%s:%d" % self.address

    def write_config(self):
        # JSON is YAML; one value a line keeps the line numbers of messages useful.
        self.config.write_text(json.dumps(self.settings, indent=2) + "\n")

    def start(self, within=20.0, until="/readyz"):
        """Returns when the admin listener answers 200 to `until`."""
        self.process = Process([GATEHOUSE, "serve", "--config", self.config, *self.arguments], self.folder, self.name,
                               env=self.environment, cwd=self.folder)
        self.process.wait_until(lambda: self.probe(until)[0] == 200, within)
        return self

    def stop(self, within=20.0):
        """SIGTERM; asserts a clean end."""
        if self.process is None:
            return
        process, self.process = self.process, None
        if not process.running:
            raise AssertionError(f"{self.name} had ended by itself with {process.child.returncode}:\n{self.log()[-6000:]}")
        status = process.terminate(within)
        assert status == 0, f"{self.name} ended with {status} after SIGTERM:\n{self.log()[-6000:]}"

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process = None

    def probe(self, path):
        """(status, body) of the admin listener; (0, b"") when it does not answer."""
        try:
            with urllib.request.urlopen("http://%s:%d%s" % (*self.admin, path), timeout=5) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except OSError:
            return 0, b""

    def command(self, *arguments, stdin="", config=True, env=None, timeout=60):
        """Runs `gatehouse ARGUMENTS [--config FILE]`."""
        line = [str(GATEHOUSE), *map(str, arguments)] + (["--config", str(self.config)] if config else [])
        return subprocess.run(line, input=stdin, capture_output=True, text=True, timeout=timeout, cwd=self.folder,
                              env=env or self.environment)

    def do(self, *arguments, **options):
        """A command that has to succeed; its standard output."""
        done = self.command(*arguments, **options)
        assert done.returncode == 0, f"gatehouse {' '.join(map(str, arguments))}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def log(self):
        paths = (self.folder / f"{self.name}.out", self.folder / f"{self.name}.err")
        return "".join(path.read_text(errors="replace") for path in paths if path.exists())

    def access_lines(self):
        """The access records so far: every line of the log that is a JSON object with a request id and a status."""
        found = []
        for line in self.log().splitlines():
            if line.startswith("{"):
                try:
                    record = json.loads(line)
                except ValueError:
                    continue
                if "request_id" in record and "status" in record:
                    found.append(record)
        return found

    def access_line(self, request_id, within=5.0):
        """The one access record with this id; they are written in batches, so it may take a moment."""
        deadline = time.monotonic() + within
        while True:
            found = [record for record in self.access_lines() if record["request_id"] == request_id]
            if found or time.monotonic() > deadline:
                assert len(found) == 1, f"{len(found)} access lines for {request_id}:\n{self.log()[-3000:]}"
                return found[0]
            time.sleep(0.05)

    def query(self, text, *values):
        """Rows of the database, as dictionaries."""
        with sqlite3.connect(self.database, timeout=10) as connection:
            connection.row_factory = sqlite3.Row
            rows = [dict(row) for row in connection.execute(text, values)]
        connection.close()
        return rows

    def change(self, text, *values):
        with sqlite3.connect(self.database, timeout=10) as connection:
            count = connection.execute(text, values).rowcount
        connection.close()
        return count

    def insert_user(self, id, username, password_hash=BCRYPT_SECRET123, role="user", disabled=0):
        """A row written by somebody else's program, as a users table that was there before the gateway."""
        values = {"id": id, "username": username, "password_hash": password_hash, "role": role, "disabled": disabled}
        for column in self.query("PRAGMA table_info(users)"):
            if column["name"] not in values and column["notnull"] and column["dflt_value"] is None:
                values[column["name"]] = int(time.time() * 1000)
        names = ", ".join(values)
        self.change(f"INSERT INTO users ({names}) VALUES ({', '.join('?' * len(values))})", *values.values())

    def dump(self):
        """Every row of every table, to compare before and after."""
        tables = [row["name"] for row in self.query("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return {table: self.query(f"SELECT * FROM {table}") for table in tables}
