"""What is asked of the contenders."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    label: str
    contenders: tuple[str, ...]
    path: str = "/public/hello"
    # Whether requests carry the contender's cookie.
    signed_in: bool = False
    status: int = 200
    # A file of the upstream whose content is the right body; None: the upstream's "user=…".
    file: str | None = None
    connections: int = 64


PLAIN = ("floor", "gatehouse", "nginx", "haproxy", "envoy", "caddy")
FEW = ("floor", "gatehouse", "nginx", "haproxy")

SCENARIOS = [
    Scenario("public", "public route", PLAIN),
    Scenario("jwt", "JWT HS256", ("floor", "gatehouse-jwt", "nginx", "haproxy-jwt", "envoy-jwt"), "/app", True),
    Scenario("session-redis", "session in Redis, a look-up every request",
             ("floor", "gatehouse-redis", "nginx", "nginx-lua-redis", "nginx-auth-request", "caddy-forward-auth"), "/app", True),
    Scenario("session-sqlite", "session in SQLite", ("floor", "gatehouse-sqlite", "nginx"), "/app", True),
    Scenario("refused", "refused: no credential, 401", ("gatehouse", "nginx-lua-redis", "haproxy-jwt", "envoy-jwt"), "/app", status=401),
    Scenario("1k", "public, response of 1 KB", FEW, "/public/files/1k", file="1k"),
    Scenario("64k", "public, response of 64 KB", FEW, "/public/files/64k", file="64k"),
    Scenario("1m", "public, response of 1 MB", FEW, "/public/files/1m", file="1m", connections=16),
    Scenario("connections-16", "public, 16 connections", FEW, connections=16),
    Scenario("connections-512", "public, 512 connections", FEW, connections=512),
]
