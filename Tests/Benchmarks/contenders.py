"""Who is measured, and how each is set up. The peers' own settings are the files in peers/, with @NAMES@ to be filled in."""

import base64
import dataclasses
import hashlib
import hmac
import json
import os
import pathlib
import re
import socket
import time
from collections.abc import Callable

from gatehouse import ROOT, USER, Installation
from processes import Process, Processes, free_port
from scenarios import SIZES

HERE = pathlib.Path(__file__).resolve().parent
TOOLS = ROOT / ".build" / "benchmarks"


def filled(file, /, **values):
    """The text of peers/FILE with each @KEY@ replaced."""
    text = (HERE / "peers" / file).read_text()
    for key, value in values.items():
        text = text.replace(f"@{key.upper()}@", str(value))
    left = re.search(r"@[A-Z]+@", text)
    assert left is None, f"{file}: nothing fills in {left[0]}"
    return text


def base64url(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


@dataclasses.dataclass
class Contender:
    """A set of processes that serves `port`. Their costs are added up."""

    name: str
    label: str
    port: int
    processes: list[Process]
    # The Cookie field of somebody signed in, for a check of this kind; empty: this one checks nothing.
    cookie: str = ""
    # From the start of the process to the first connection that it takes.
    ready_seconds: float = 0.0
    resident_at_start: int = 0
    # What the upstream is told about the client, who says that it is 999.
    user_forwarded: str = ""

    def processor_time(self):
        times = [process.processor_time() for process in self.processes]
        return sum(user for user, _ in times), sum(system for _, system in times)

    def resident(self):
        return sum(process.resident() for process in self.processes)

    def check(self):
        for process in self.processes:
            process.check()


class Setting:
    """The folder, the cores, the upstream and the Redis that all contenders share."""

    def __init__(self, folder, processes: Processes, measured_core, load_core):
        self.folder = pathlib.Path(folder)
        self.processes = processes
        self.measured_core, self.load_core = measured_core, load_core
        self.secret = base64url(os.urandom(36))
        self.upstream = free_port()
        (self.folder / "files").mkdir()
        for name, size in SIZES.items():
            (self.folder / "files" / name).write_bytes(b"0123456789abcdef" * (size // 16))
        config = self.write("upstream.conf", filled("upstream-nginx.conf", port=self.upstream, folder=self.folder))
        processes.start(["nginx", "-p", self.folder, "-c", config], "upstream", load_core, self.upstream)
        self.redis = None

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def redis_port(self):
        """Starts Redis on first use, on the load's core."""
        if self.redis is None:
            self.redis = free_port()
            self.processes.start(["redis-server", "--port", self.redis, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
                                 "redis", self.load_core, self.redis)
        return self.redis

    def token(self):
        """A token with the members of Gatehouse's own, for the peers that verify one."""
        now = int(time.time())
        header = {"alg": "HS256", "typ": "JWT"}
        claims = {"sub": USER, "preferred_username": "alice", "role": "user", "iat": now, "exp": now + 7200,
                  "jti": base64url(os.urandom(16))}
        text = ".".join(base64url(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
        return f"{text}.{base64url(hmac.digest(self.secret.encode(), text.encode(), hashlib.sha256))}"

    def run(self, line, name, port, quiet=False, workers=1):
        """On the measured core; with two workers on both, side by side with the load."""
        core = self.measured_core if workers == 1 else f"{self.measured_core},{self.load_core}"
        return self.processes.start(line, name, core, port, quiet)


def started(setting, name, label, port, line, *others, quiet=False, cookie="", user_forwarded="", workers=1):
    """Starts a contender's main process, `others` standing already."""
    begun = time.monotonic()
    process = setting.run(line, name, port, quiet, workers)
    return Contender(name, label, port, [process, *others], cookie, time.monotonic() - begun, process.resident(), user_forwarded)


def floor(setting):
    port = free_port()
    return started(setting, "floor", "floor (relay in C)", port, [TOOLS / "floor", port, setting.upstream], user_forwarded="999")


def nginx_line(setting, name, port, upstreams="", check="", locations="", workers=1):
    processes = "master_process off;" if workers == 1 else f"worker_processes {workers};"
    config = setting.write(f"{name}.conf", filled("nginx.conf", port=port, upstream=setting.upstream, name=name, folder=setting.folder,
                                                  upstreams=upstreams, check=check, locations=locations, processes=processes))
    return ["nginx", "-p", setting.folder, "-c", config]


def nginx(setting, name="nginx", label="nginx", workers=1):
    port = free_port()
    return started(setting, name, label, port, nginx_line(setting, name, port, workers=workers), workers=workers)


def lua_check(setting):
    """Keeps a session in Redis and returns (the check, the cookie)."""
    id = "SESS_" + base64url(os.urandom(32))
    record = json.dumps({"user_id": USER, "username": "alice", "role": "user", "expires_at": int(time.time()) + 7200})
    redis_command(setting.redis_port(), "SET", f"bench:{id}", record)
    script = setting.write("check-redis.lua", filled("check-redis.lua", redis=setting.redis))
    return f"access_by_lua_file {script};", f"session_id={id}"


def redis_command(port, *words):
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        parts = [word.encode() for word in words]
        connection.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
        answer = connection.recv(4096)
        assert answer.startswith(b"+OK"), answer


def nginx_lua_redis(setting):
    port, (check, cookie) = free_port(), lua_check(setting)
    line = nginx_line(setting, "nginx-lua-redis", port, check=check)
    return started(setting, "nginx-lua-redis", "nginx + Lua + Redis GET", port, line, cookie=cookie)


def auth_service(setting, name):
    """What answers nginx's auth_request and Caddy's forward_auth: nginx with Lua and Redis, on the measured core and counted."""
    port, (check, cookie) = free_port(), lua_check(setting)
    # nginx's own `return` would come before the check, so the answer is made in the content phase.
    locations = 'location = /auth { %s content_by_lua_block { ngx.header["X-User-Id"] = ngx.var.user } }' % check
    process = setting.run(nginx_line(setting, name, port, locations=locations), name, port)
    return port, cookie, process


def nginx_auth_request(setting):
    port = free_port()
    auth, cookie, process = auth_service(setting, "nginx-auth-service")
    line = nginx_line(
        setting, "nginx-auth-request", port,
        upstreams=f"upstream auth {{ server 127.0.0.1:{auth}; keepalive 8000; keepalive_requests 1000000000; keepalive_timeout 1h; }}",
        check="auth_request /auth; auth_request_set $user $upstream_http_x_user_id;",
        locations='location = /auth { internal; proxy_pass http://auth/auth; proxy_pass_request_body off; proxy_set_header '
                  'Content-Length ""; proxy_set_header Connection ""; }')
    return started(setting, "nginx-auth-request", "nginx auth_request + service", port, line, process, cookie=cookie)


def caddy_line(setting, name, port, check="", removed=("X-User-Id", "X-User-Name", "X-User-Role")):
    config = setting.write(f"{name}.caddy", filled("Caddyfile", port=port, upstream=setting.upstream, check=check,
                                                   removed="\n        ".join(f"header_up -{field}" for field in removed)))
    return ["caddy", "run", "--adapter", "caddyfile", "--config", config]


def caddy(setting):
    port = free_port()
    return started(setting, "caddy", "Caddy", port, caddy_line(setting, "caddy", port))


def caddy_forward_auth(setting):
    port = free_port()
    auth, cookie, process = auth_service(setting, "caddy-auth-service")
    # In a `route` things happen in the order that they are written: the client's own header goes before the right one comes.
    check = f"""route {{
        request_header -X-User-Id
        forward_auth 127.0.0.1:{auth} {{
            uri /auth
            copy_headers X-User-Id
        }}
    }}"""
    line = caddy_line(setting, "caddy-forward-auth", port, check, ("X-User-Name", "X-User-Role"))
    return started(setting, "caddy-forward-auth", "Caddy forward_auth + service", port, line, process, cookie=cookie)


def haproxy_line(setting, name, port, check="", workers=1):
    config = setting.write(f"{name}.cfg", filled("haproxy.cfg", port=port, upstream=setting.upstream, check=check, threads=workers))
    return ["haproxy", "-db", "-f", config]


def haproxy(setting, name="haproxy", label="HAProxy", workers=1):
    port = free_port()
    return started(setting, name, label, port, haproxy_line(setting, name, port, workers=workers), quiet=True, workers=workers)


def haproxy_jwt(setting):
    port = free_port()
    line = haproxy_line(setting, "haproxy-jwt", port, filled("check-haproxy-jwt.cfg", secret=setting.secret))
    return started(setting, "haproxy-jwt", "HAProxy jwt_verify", port, line, quiet=True, cookie=f"token={setting.token()}")


def envoy_line(setting, name, port, check="", removed=("X-User-Id", "X-User-Name", "X-User-Role"), workers=1):
    """Envoy: as many threads as Gatehouse has workers; connections to the upstream kept, without a bound that is met; removes the
    client's X-User-*, sets X-Request-Id and X-Forwarded-* by itself, one line a request to /dev/null; its statistics stay on, as
    Gatehouse's do. With a check: tokens once verified are kept (jwt_cache_config), the claim becomes the header."""
    program = next(TOOLS.glob("envoy/lib/python*/site-packages/envoy/_bin/envoy"), None)
    if program is None:
        return None
    config = setting.write(f"{name}.json", filled("envoy.json", port=port, admin=free_port(), upstream=setting.upstream, check=check,
                                                  removed=", ".join(json.dumps(field) for field in removed)))
    return [program, "--config-path", config, "--concurrency", workers, "--log-level", "error", "--use-dynamic-base-id"]


def envoy(setting, name="envoy", label="Envoy", workers=1):
    port = free_port()
    line = envoy_line(setting, name, port, workers=workers)
    return line and started(setting, name, label, port, line, workers=workers)


def envoy_jwt(setting):
    port = free_port()
    # The header from the claim replaces the client's own; the router would remove both, so only the others are removed there.
    check = filled("check-envoy-jwt.json", key=base64url(setting.secret.encode()))
    line = envoy_line(setting, "envoy-jwt", port, check, ("X-User-Name", "X-User-Role"))
    return line and started(setting, "envoy-jwt", "Envoy jwt_authn", port, line, cookie=f"token={setting.token()}")


@dataclasses.dataclass(frozen=True)
class Gatehouse:
    """One way to run it. `changes` are laid over Installation.settings, section by section."""

    label: str
    store: str = "sqlite:gatehouse.db"
    # What its requests carry when they are signed in: "session" or "token".
    credential: str | None = None
    workers: int = 1
    changes: dict = dataclasses.field(default_factory=dict)

    def start(self, setting, name, build, suffix=""):
        """What stands in the folder `build`."""
        # A "{redis}" in the store's address is the port of one that is started for it.
        store = self.store.format(redis=setting.redis_port()) if "{redis}" in self.store else self.store
        installation = Installation(setting.folder / name, build, setting.upstream, store, {"workers": self.workers} | self.changes)
        # Its access log is standard output.
        contender = started(setting, name, self.label + suffix, installation.port, installation.line, quiet=True, workers=self.workers)
        if self.credential:
            contender.cookie = installation.sign_in(self.credential)
        return contender


GATEHOUSES = {
    "gatehouse": Gatehouse("Gatehouse"),
    "gatehouse-jwt": Gatehouse("Gatehouse, token", credential="token"),
    "gatehouse-redis": Gatehouse("Gatehouse, session in Redis, asked", "redis://127.0.0.1:{redis}/0", "session",
                                 changes={"sessions": {"cache": "off"}}),
    "gatehouse-redis-cached": Gatehouse("Gatehouse, session in Redis, kept", "redis://127.0.0.1:{redis}/0", "session"),
    "gatehouse-sqlite": Gatehouse("Gatehouse, session in SQLite, asked", credential="session", changes={"sessions": {"cache": "off"}}),
    "gatehouse-sqlite-cached": Gatehouse("Gatehouse, session in SQLite, kept", credential="session"),
    "gatehouse-two": Gatehouse("Gatehouse", workers=2),
}

PEERS: dict[str, Callable[[Setting], Contender | None]] = {
    "floor": floor,
    "nginx": nginx,
    "nginx-lua-redis": nginx_lua_redis,
    "nginx-auth-request": nginx_auth_request,
    "nginx-two": lambda setting: nginx(setting, "nginx-two", workers=2),
    "haproxy": haproxy,
    "haproxy-jwt": haproxy_jwt,
    "haproxy-two": lambda setting: haproxy(setting, "haproxy-two", workers=2),
    "envoy": envoy,
    "envoy-jwt": envoy_jwt,
    "envoy-two": lambda setting: envoy(setting, "envoy-two", workers=2),
    "caddy": caddy,
    "caddy-forward-auth": caddy_forward_auth,
}
