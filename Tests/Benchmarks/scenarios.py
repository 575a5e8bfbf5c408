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
    # A file of the same that is sent as the body.
    upload: str | None = None
    connections: int = 64
    # Closes each connection after one request.
    reconnects: bool = False
    # How the load comes: "closed", each connection asks again when it is answered, as fast as that goes; "half", at half the
    # rate that the contender was found to reach that way, whatever its answers; "sign-ins", at a fixed rate, first alone and
    # then beside a flood of sign-ins.
    load: str = "closed"
    # How many times longer its turns are, so that opening the connections is a small part of them.
    stretch: int = 1
    # What one should know beside the table.
    note: str = ""

    @property
    def size(self):
        """Octets of the long body, in whichever direction; 0 without."""
        return SIZES.get(self.file or self.upload, 0)


SIZES = {"1k": 1 << 10, "64k": 1 << 16, "1m": 1 << 20}
PLAIN = ("floor", "gatehouse", "nginx", "haproxy", "envoy", "caddy")
FEW = ("floor", "gatehouse", "nginx", "haproxy")

SCENARIOS = [
    Scenario("public", "public route", PLAIN),
    Scenario("jwt", "JWT HS256", ("floor", "gatehouse-jwt", "nginx", "haproxy-jwt", "envoy-jwt"), "/app", True),
    Scenario("session-redis", "session in Redis, a look-up every request",
             ("floor", "gatehouse-redis", "nginx", "nginx-lua-redis", "nginx-auth-request", "caddy-forward-auth"), "/app", True),
    Scenario("session-redis-cached", "session in Redis, kept at hand while Redis tells of changes", ("floor", "gatehouse-redis-cached", "nginx"),
             "/app", True),
    Scenario("session-sqlite", "session in SQLite, a look-up every request", ("floor", "gatehouse-sqlite", "nginx"), "/app", True),
    Scenario("session-sqlite-cached", "session in SQLite, kept at hand", ("floor", "gatehouse-sqlite-cached", "nginx"), "/app", True),
    Scenario("refused", "refused: no credential, 401", ("gatehouse", "nginx-lua-redis", "haproxy-jwt", "envoy-jwt"), "/app", status=401),
    Scenario("1k", "public, response of 1 KB", FEW, "/public/files/1k", file="1k"),
    Scenario("64k", "public, response of 64 KB", FEW, "/public/files/64k", file="64k"),
    Scenario("1m", "public, response of 1 MB", FEW, "/public/files/1m", file="1m", connections=16),
    Scenario("upload-64k", "public, upload of 64 KB", FEW, "/public/upload/64k", upload="64k"),
    Scenario("upload-1m", "public, upload of 1 MB", FEW, "/public/upload/1m", upload="1m", connections=16),
    Scenario("reconnect", "public, a new connection for each request", ("gatehouse", "nginx", "haproxy", "envoy", "caddy"), reconnects=True,
             note="Without the floor: it opens one connection to the upstream for each of a client's, which every proxy here saves."),
    Scenario("connections-16", "public, 16 connections", FEW, connections=16),
    Scenario("connections-512", "public, 512 connections", FEW, connections=512),
    Scenario("connections-4000", "public, 4,000 connections", PLAIN, connections=4000, stretch=4),
    Scenario("two-workers", "public, two workers", ("gatehouse-two", "nginx-two", "haproxy-two", "envoy-two"),
             note="On both cores, which the load and the upstream share: the rate says how well three programs get along, and only the "
                  "processor time is the contender's own."),
    Scenario("half", "public, at half of capacity", PLAIN, load="half",
             note="Each at half the rate that it reaches when it is pressed; the times count from when a request was due."),
    Scenario("sign-ins", "public, while /login is flooded", ("gatehouse",), load="sign-ins",
             note="2,000 requests a second, alone and beside 16 connections that sign in as fast as they are answered, all on the "
                  "gateway's one core. Processor time is that of the whole, sign-ins included."),
]
