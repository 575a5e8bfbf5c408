"""Instructions and heap allocations of the gateway per request, for each of a few scenarios, against the budgets in git.

Both are counted, not timed, so a busy machine changes nothing. A client and an upstream of our own keep one request under way
at a time (lockstep.py); the gateway runs as it is released, with one worker and its access log on. `instructions` come from
valgrind's callgrind, `allocations` from a library that is loaded before the C library (allocations.c), in a second run.

What would disturb the counts, and what is done about it:
- how many requests a loop turn takes: always one. What the gateway saves by taking many at once is not seen here;
- timers, the log's writer, housekeeping: they come by the clock, not by the request. A batch of requests that met one is told
  by its price, so the lowest of several batches counts;
- the seed of Swift's hashes: fixed (SWIFT_DETERMINISTIC_HASHING);
- bodies arriving in pieces: with its head each fits into one segment of the loopback device (65,483 octets);
- threads that meet sooner or later: while allocations are counted the gateway has one core (valgrind runs one thread at a time);
- the compiler and the libraries, which differ between machines: budgets.json names those that it was made with.
"""

import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import callgrind
from gatehouse import BUILDS, ROOT, USER, Installation
from lockstep import Lockstep, Upstream, WrongExchange
from processes import Processes, free_port

HERE = pathlib.Path(__file__).resolve().parent
BUDGETS = HERE / "budgets.json"
TOOLS = ROOT / ".build" / "benchmarks"
CONNECTIONS = 8
WARMUP, BATCHES, REQUESTS = 100, 5, 200
# How far above its budget a scenario may be: instructions as a share, allocations in calls a request.
SHARE, CALLS = 0.03, 0.1
# Of what goes to another thread and comes back: which of the two is first decides whether a queue's array is reused or made anew.
CALLS_OF_THREADS = {"session-sqlite": 1.0}
LONG = b"0123456789abcdef" * 4000
RUNTIME = ("swift_retain|swift_release", "malloc$|calloc$|realloc$|posix_memalign|aligned_alloc|swift_slowAlloc|swift_allocObject",
           "swift_beginAccess", "memcpy|memmove|__mem")

Scenario = collections.namedtuple("Scenario", "store path credential sent answer status")
SCENARIOS = {
    "public": Scenario("sqlite", "/public/hello", None, b"", b"hello\n", 200),
    "jwt": Scenario("sqlite", "/app", "token", b"", b"hello\n", 200),
    "session-sqlite": Scenario("sqlite-asked", "/app", "session", b"", b"hello\n", 200),
    "session-sqlite-cached": Scenario("sqlite", "/app", "session", b"", b"hello\n", 200),
    "refused": Scenario("sqlite", "/app", None, b"", b"", 401),
    "response-64k": Scenario("sqlite", "/public/long", None, b"", LONG, 200),
    "upload-64k": Scenario("sqlite", "/public/upload", None, LONG, b"hello\n", 200),
    "session-memory": Scenario("memory", "/app", "session", b"", b"hello\n", 200),
    "session-redis": Scenario("redis-asked", "/app", "session", b"", b"hello\n", 200),
    "session-redis-cached": Scenario("redis", "/app", "session", b"", b"hello\n", 200),
}
# Where sessions are, and what else is set, section by section.
Store = collections.namedtuple("Store", "address changes", defaults=[{}])
ASKED = {"sessions": {"cache": "off"}}
STORES = {
    "sqlite": Store("sqlite:gatehouse.db"), "sqlite-asked": Store("sqlite:gatehouse.db", ASKED), "memory": Store("memory:"),
    "redis": Store("redis://127.0.0.1:{redis}/0"), "redis-asked": Store("redis://127.0.0.1:{redis}/0", ASKED),
}


class Bench:
    """Gateways, one for each store, between one client and one upstream."""

    def __init__(self, folder, processes, build):
        self.folder, self.processes, self.build = pathlib.Path(folder), processes, build
        self.upstream = Upstream()

    def start(self, name, store, line, core, environment):
        """A gateway named NAME; its installation and process. `line` makes the command from the gateway's own."""
        redis = None
        if "{redis}" in STORES[store].address:
            redis = free_port()
            self.processes.start(["redis-server", "--port", redis, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
                                 f"{name}-redis", None, redis)
        installation = Installation(self.folder / name, self.build, self.upstream.port, STORES[store].address.format(redis=redis),
                                    STORES[store].changes)
        process = self.processes.start(line(installation.line), f"{name}-gatehouse", core, installation.port, True,
                                       environment | {"SWIFT_DETERMINISTIC_HASHING": "1"}, 90)
        return installation, process

    def ask(self, scenario, cookie, lockstep, times):
        """`times` requests, every answer compared."""
        length = f"Content-Length: {len(scenario.sent)}\r\n" if scenario.sent else ""
        request = (f"{'POST' if scenario.sent else 'GET'} {scenario.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: budgets\r\n"
                   f"Accept: */*\r\n{length}X-User-Id: 999\r\n{cookie}\r\n").encode() + scenario.sent
        self.upstream.answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(scenario.answer) + scenario.answer
        told = b"\r\nX-User-Id: " + USER.encode() + b"\r\n" if cookie else None
        for _ in range(times):
            self.upstream.request = b""
            answer = lockstep.exchange(request)
            head, _, body = answer.partition(b"\r\n\r\n")
            forwarded, _, content = self.upstream.request.partition(b"\r\n\r\n")
            right = head.startswith(b"HTTP/1.1 %d " % scenario.status) and content == scenario.sent
            if scenario.status == 200:
                right = right and body == scenario.answer and forwarded.lower().count(b"x-user-id") == bool(told)
                right = right and (told is None or told.lower() in forwarded.lower())
            else:
                right = right and not forwarded
            if not right:
                raise WrongExchange(f"{scenario.path}: answered {answer[:300]!r}, forwarded {forwarded[:500]!r}")

    def measured(self, installation, names, count):
        """{name: what `count` makes of the requests that it is given to run} over one gateway."""
        cookies = {credential: f"Cookie: {installation.sign_in(credential)}\r\n"
                   for credential in sorted({SCENARIOS[name].credential for name in names} - {None})}
        found = {}
        for name in names:
            scenario = SCENARIOS[name]
            cookie = cookies.get(scenario.credential, "")
            with Lockstep(self.upstream, installation.port, CONNECTIONS) as lockstep:
                found[name] = count(lambda times: self.ask(scenario, cookie, lockstep, times))
        return found

    def instructions(self, store, names):
        """{name: [instructions a request, of each batch], and the last dump}."""
        folder = self.folder / f"callgrind-{store}"
        folder.mkdir()
        tool = callgrind.Callgrind(folder)
        # valgrind 3.19 cannot read what Swift 6.3 writes as debug information.
        program = folder / "gatehouse"
        subprocess.run(["strip", "-g", self.build / "gatehouse", "-o", program], check=True)
        installation, process = self.start(f"instructions-{store}", store, lambda line: tool.line([program, *line[1:]]), None, {})
        tool.pid = process.pid
        began = []

        def count(ask):
            if not began:
                tool.begin()
                began.append(True)
            ask(WARMUP)
            prices = []
            for _ in range(BATCHES):
                tool.forget()
                ask(REQUESTS)
                dump = tool.take()
                prices.append(callgrind.instructions(dump) / REQUESTS)
            return prices, dump

        found = self.measured(installation, names, count)
        self.processes.end(process)
        return found

    def allocations(self, store, names):
        """{name: [allocations a request, of each batch]}."""
        counter = self.folder / f"allocations-{store}.count"
        counter.write_bytes(bytes(8))
        installation, process = self.start(f"allocations-{store}", store, lambda line: line, max(os.sched_getaffinity(0)),
                                           {"LD_PRELOAD": str(TOOLS / "allocations.so"), "ALLOCATIONS": str(counter)})

        def so_far():
            return int.from_bytes(counter.read_bytes(), sys.byteorder)

        def count(ask):
            ask(WARMUP)
            prices = []
            for _ in range(BATCHES):
                before = so_far()
                ask(REQUESTS)
                prices.append((so_far() - before) / REQUESTS)
            return prices

        found = self.measured(installation, names, count)
        self.processes.end(process)
        return found


def measure(bench, names, say):
    """{name: {"instructions": …, "allocations": …}}"""
    found = {}
    for store in STORES:
        those = [name for name in names if SCENARIOS[name].store == store]
        if not those:
            continue
        instructions, allocations = bench.instructions(store, those), bench.allocations(store, those)
        for name in those:
            prices, calls = instructions[name][0], allocations[name]
            found[name] = {"instructions": round(min(prices)), "allocations": round(min(calls), 2)}
            say(f"{name:21} {found[name]['instructions']:8,} instructions (batches up to {max(prices) / min(prices) - 1:.1%} more), "
                f"{found[name]['allocations']:6.2f} allocations (up to {max(calls):.2f})")
    return found


def first_line(*line):
    return subprocess.run(line, capture_output=True, text=True, check=True).stdout.splitlines()[0].strip()


def made_with():
    """What the counts depend on besides the source."""
    flags = set(pathlib.Path("/proc/cpuinfo").read_text().partition("flags")[2].partition("\n")[0].split())
    versions = {name: first_line("pkg-config", "--modversion", name) for name in ("libcrypto", "hiredis", "sqlite3")}
    return {"swift": first_line("swift", "--version"), "libc": first_line("ldd", "--version"), **versions,
            "valgrind": first_line("valgrind", "--version"),
            # Those by which the C library and OpenSSL choose their routines, as far as valgrind knows them.
            "processor": " ".join(sorted(flags & {"sse4_2", "avx", "avx2", "bmi2", "aes", "pclmulqdq", "rdrand"}))}


def compare(found, kept):
    """Lines about what is above its budget, and about what is far below."""
    above, below = [], []
    for name, counts in found.items():
        budget = kept["budgets"].get(name)
        if budget is None:
            above.append(f"{name}: has no budget yet")
            continue
        for key, allowed in (("instructions", budget["instructions"] * SHARE), ("allocations", CALLS_OF_THREADS.get(name, CALLS))):
            change = counts[key] - budget[key]
            share = f" ({change / budget[key]:+.1%})" if budget[key] else ""
            if abs(change) > allowed:
                (above if change > 0 else below).append(f"{name}: {counts[key]:,} {key} a request, budget {budget[key]:,}{share}")
    return above, below


def check(found, say):
    if not BUDGETS.exists():
        say(f"There is no {BUDGETS.name}. Make it: Tests/Benchmarks/budgets --update")
        return 1
    kept = json.loads(BUDGETS.read_text())
    above, below = compare(found, kept)
    here = made_with()
    other = [f"  {key}: {kept['made_with'].get(key)}; here {here[key]}" for key in here if kept["made_with"].get(key) != here[key]]
    for line in below:
        say(f"Below its budget: {line}")
    if below:
        say("Keep the gain: Tests/Benchmarks/budgets --update")
    for line in above:
        say(f"Above its budget: {line}")
    if other and (above or below):
        say("The budgets were made with something else, and the difference may come from there:\n" + "\n".join(other) +
            "\nTo know, count the commit before yours on this machine.")
    if above:
        say("What costs so much: Tests/Benchmarks/budgets --profile SCENARIO\n"
            "If it is worth its price, set new budgets and say why in the commit: Tests/Benchmarks/budgets --update [SCENARIO…]")
        return 1
    say(f"Within budget: {', '.join(found)}.")
    return 0


def update(found, say):
    kept = json.loads(BUDGETS.read_text()) if BUDGETS.exists() else {"budgets": {}}
    budgets = {name: found.get(name, kept["budgets"].get(name)) for name in SCENARIOS}
    text = json.dumps({"made_with": made_with(), "budgets": {name: one for name, one in budgets.items() if one}}, indent=2)
    BUDGETS.write_text(text + "\n")
    say(f"Written to {BUDGETS.relative_to(ROOT)}.")
    return 0


def arguments():
    parser = argparse.ArgumentParser(prog="Tests/Benchmarks/budgets", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"of {', '.join(SCENARIOS)}; none: all")
    wish = parser.add_mutually_exclusive_group()
    wish.add_argument("--check", action="store_true", help="fail when a count is above its budget")
    wish.add_argument("--update", action="store_true", help="make the counts the new budgets")
    wish.add_argument("--profile", action="store_true", help="print which functions cost what, instead of counting allocations")
    parser.add_argument("--top", type=int, default=40, help="how many functions a profile names (40)")
    parser.add_argument("--callers", action="append", metavar="PATTERN",
                        help="whose callers a profile lists: a regular expression from a name's beginning (retain, malloc and the like)")
    parser.add_argument("--build", type=pathlib.Path, default=BUILDS[0], help="the folder of the release build")
    chosen = parser.parse_args()
    for name in chosen.scenarios:
        if name not in SCENARIOS:
            parser.error(f"no scenario {name}; there are {', '.join(SCENARIOS)}")
    if chosen.profile and not chosen.scenarios:
        parser.error("--profile wants a scenario")
    return chosen


def main():
    chosen = arguments()
    names = chosen.scenarios or list(SCENARIOS)
    with tempfile.TemporaryDirectory(prefix="gatehouse-budgets-") as folder, Processes(folder) as processes:
        bench = Bench(folder, processes, chosen.build)
        try:
            if chosen.profile:
                for name in names:
                    _, dump = bench.instructions(SCENARIOS[name].store, [name])[name]
                    print(f"{name}: {callgrind.Profile(dump).report(REQUESTS, chosen.top, chosen.callers or RUNTIME)}")
                return 0
            found = measure(bench, names, print)
        except WrongExchange as fault:
            print(f"A wrong answer, so no counts: {fault}", file=sys.stderr)
            return 1
    return check(found, print) if chosen.check else update(found, print) if chosen.update else 0


if __name__ == "__main__":
    sys.exit(main())
