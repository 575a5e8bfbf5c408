"""Gatehouse, set up as anybody would: a key, a user, a settings file, a sign-in."""

import json
import os
import pathlib
import re
import subprocess
import urllib.request

from processes import clean_environment, free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The folders of what is measured; several are told apart by ":".
BUILDS = [pathlib.Path(folder) for folder in os.environ.get("GATEHOUSE_BUILD", str(ROOT / ".build" / "release")).split(":")]
USER, PASSWORD = "101", "secret123"
COOKIES = {"session": "session_id", "token": "token"}


class Installation:
    """A folder with all that `gatehouse serve` needs, and ports that are free: of what stands in `build`, for one upstream.
    `changes` are laid over the settings, section by section."""

    def __init__(self, folder, build, upstream, store, changes={}):
        self.program = pathlib.Path(build) / "gatehouse"
        if not self.program.exists():
            raise SystemExit(f"no {self.program}: build it first, deploy/build")
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        self.port, self.admin = free_port(), free_port()
        # JSON is YAML.
        self.config = self.folder / "gatehouse.yaml"
        self.config.write_text(json.dumps(self.settings(upstream, store, changes), indent=2) + "\n")
        self.command("key", "generate", "--output", self.folder / "token.secret")
        self.command("user", "add", "alice", "--id", USER, "--role", "user", "--password-stdin", "--config", self.config,
                     stdin=PASSWORD + "\n")

    def settings(self, upstream, store, changes):
        settings = {
            "version": 1,
            "public_url": f"http://127.0.0.1:{self.port}",
            "listen": [{"address": f"127.0.0.1:{self.port}"}],
            "admin": {"address": f"127.0.0.1:{self.admin}"},
            "workers": 1,
            "users": {"store": "sqlite:gatehouse.db"},
            # On a machine whose other core is saturated by the load, Redis may take longer than the 100 ms of the default.
            "sessions": {"store": store, "store_timeout": "3s"},
            "tokens": {"secret_file": "token.secret", "lifetime": "2h"},
            "upstreams": {"profile": {"servers": [f"http://127.0.0.1:{upstream}"], "idle_timeout": "1h", "max_connections": 8000}},
            "routes": [{"path": "/public/", "upstream": "profile", "access": "public"}, {"path": "/", "upstream": "profile"}],
            "limits": {"connections_per_address": 8000, "requests_per_connection": 1_000_000_000},
            "timeouts": {"idle": "1h"},
        }
        for section, value in changes.items():
            settings[section] = settings.get(section, {}) | value if isinstance(value, dict) else value
        return settings

    @property
    def line(self):
        return [self.program, "serve", "--config", self.config]

    def command(self, *arguments, stdin=""):
        done = subprocess.run([self.program, *arguments], input=stdin, text=True, capture_output=True, cwd=self.folder,
                              env=clean_environment(), timeout=60)
        if done.returncode:
            raise SystemExit(f"gatehouse {arguments[0]} {arguments[1]}: {done.returncode}\n{done.stdout}{done.stderr}")

    def sign_in(self, credential):
        """POST /login, for a "session" or a "token"; the cookie as the Cookie field takes it."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/login?issue={credential}",
            json.dumps({"username": "alice", "password": PASSWORD}).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            for cookie in answer.headers.get_all("Set-Cookie"):
                if re.match(rf"{COOKIES[credential]}=[^;]", cookie):
                    return cookie.split(";")[0]
        raise SystemExit(f"a sign-in gave no {COOKIES[credential]}")
