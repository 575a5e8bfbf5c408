"""One contender under one scenario: the load, the count of right answers, and what it cost."""

import http.client
import json
import pathlib
import socket
import statistics
import subprocess
import time

from contenders import TOOLS
from gatehouse import PASSWORD, USER
from processes import clean_environment

HERE = pathlib.Path(__file__).resolve().parent
CLAIMED = "999"
SIGN_IN_RATE, SIGN_IN_CONNECTIONS = 2000, 16


class WrongAnswer(Exception):
    pass


class NoAnswer(WrongAnswer):
    """Nothing went wrong, but nothing was answered in the time either."""


def right_body(setting, scenario, contender):
    """The file that holds what every answer must be; None for a refusal, whose text is each one's own."""
    if scenario.status != 200:
        return None
    if scenario.file:
        return setting.folder / "files" / scenario.file
    checked = contender.cookie and scenario.signed_in
    path = setting.folder / f"right-{scenario.name}-{contender.name}"
    # The upstream compares an upload with the file, octet by octet.
    path.write_text(f"user={USER if checked else contender.user_forwarded}{' whole' if scenario.upload else ''}\n")
    return path


def request_headers(scenario, contender):
    # Everybody pretends to be somebody: a proxy that lets it through gives itself away in the body.
    headers = {"X-User-Id": CLAIMED, "User-Agent": "bench", "Accept": "*/*"}
    if scenario.signed_in and contender.cookie:
        headers["Cookie"] = contender.cookie
    if scenario.reconnects:
        headers["Connection"] = "close"
    return headers


def wrk_line(setting, contender, connections, seconds):
    return ["taskset", "-c", str(setting.load_core), "wrk", "--threads", "1", "--connections", str(connections),
            "--duration", f"{seconds}s", "--timeout", "10s", "--latency", "--script", str(HERE / "load.lua"),
            f"http://127.0.0.1:{contender.port}/"]


def wrk_environment(path, headers, statuses, body=None, upload=None):
    told = {"BENCH_PATH": path, "BENCH_STATUS": " ".join(map(str, statuses)),
            "BENCH_HEADERS": "\n".join(f"{name}: {value}" for name, value in headers.items())}
    return clean_environment() | told | ({"BENCH_BODY": str(body)} if body else {}) | ({"BENCH_UPLOAD": str(upload)} if upload else {})


def wrk_figures(what, status, output, errors):
    """What load.lua printed. Raises WrongAnswer unless every single answer was right."""
    lines = [line for line in output.splitlines() if line.startswith("result ")]
    if status or len(lines) != 1:
        raise WrongAnswer(f"{what}: wrk failed with {status}: {output}{errors}")
    figures = json.loads(lines[0].removeprefix("result "))
    if not any(figures[key] for key in ("requests", "wrong", "failed", "timeouts")):
        raise NoAnswer(f"{what}: no answer within {figures['duration'] / 1e6:.1f} s")
    # wrk counts a request when its answer is complete; the two counts can only differ by a fault of this script.
    if figures["wrong"] or figures["failed"] or figures["timeouts"] or not figures["right"] == figures["requests"] > 0:
        raise WrongAnswer(f"{what}: {json.dumps(figures)}")
    return figures


def closed_load(setting, scenario, contender, seconds):
    """As fast as it goes; times and duration in microseconds."""
    upload = scenario.upload and setting.folder / "files" / scenario.upload
    environment = wrk_environment(scenario.path, request_headers(scenario, contender), [scenario.status],
                                  right_body(setting, scenario, contender), upload)
    done = subprocess.run(wrk_line(setting, contender, scenario.connections, seconds), env=environment, capture_output=True, text=True,
                          timeout=seconds + 60)
    return wrk_figures(f"{scenario.name}, {contender.name}", done.returncode, done.stdout, done.stderr)


def rated_load(setting, scenario, contender, rate, seconds):
    """At `rate` requests a second."""
    headers = {"Host": f"127.0.0.1:{contender.port}"} | request_headers(scenario, contender)
    request = setting.folder / f"request-{scenario.name}-{contender.name}"
    lines = [f"GET {scenario.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    request.write_bytes("\r\n".join(lines).encode())
    done = subprocess.run(
        ["taskset", "-c", str(setting.load_core), TOOLS / "rated", str(contender.port), str(int(rate)), str(seconds),
         str(scenario.connections), request, right_body(setting, scenario, contender)],
        env=clean_environment(), capture_output=True, text=True, timeout=seconds + 60)
    figures = json.loads(done.stdout) if done.returncode == 0 else {}
    if not figures or figures["wrong"] or figures["missing"] or not figures["right"] == figures["requests"] > 0:
        raise WrongAnswer(f"{scenario.name}, {contender.name}: {done.returncode} {done.stdout}{done.stderr}")
    return figures


def costs_of(contender, run):
    """What `run` gives, with the processor time that the contender took for each request: in microseconds."""
    contender.check()
    before = contender.processor_time()
    figures = run()
    after = contender.processor_time()
    user, system = ((later - earlier) * 1e6 / figures["requests"] for earlier, later in zip(before, after))
    return {"rate": figures["requests"] * 1e6 / figures["duration"], "user": user, "system": system, "total": user + system,
            "p50": figures["p50"], "p99": figures["p99"], "resident": contender.resident(), "requests": figures["requests"]}


def closed_round(setting, scenario, contender, seconds):
    figures = costs_of(contender, lambda: closed_load(setting, scenario, contender, seconds))
    return figures | ({"octets_per_second": scenario.size * 1e6 / figures["total"]} if scenario.size else {})


def half_round(setting, scenario, contender, seconds):
    """Capacity is found in each round anew, just before, so that both see the same machine."""
    found = closed_load(setting, scenario, contender, max(1, seconds // 2))
    capacity = found["requests"] * 1e6 / found["duration"]
    return costs_of(contender, lambda: rated_load(setting, scenario, contender, capacity / 2, seconds)) | {"capacity": capacity}


def sign_in_round(setting, scenario, contender, seconds):
    """Quiet first, then beside the flood; a sign-in may be let in, or be told to come later."""
    def calm():
        return rated_load(setting, scenario, contender, SIGN_IN_RATE, seconds)

    quiet = calm()
    credentials = setting.folder / "credentials.json"
    credentials.write_text(json.dumps({"username": "alice", "password": PASSWORD}))
    environment = wrk_environment("/login", {"Content-Type": "application/json"}, [200, 429, 503], upload=credentials)
    flood = subprocess.Popen(wrk_line(setting, contender, SIGN_IN_CONNECTIONS, seconds + 2), env=environment, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        time.sleep(0.5)
        figures = costs_of(contender, calm)
        output, errors = flood.communicate(timeout=60)
    finally:
        flood.kill()
        flood.wait()
    signed_in = wrk_figures(f"{scenario.name}, {contender.name}, /login", flood.returncode, output, errors)
    return figures | {"quiet_p50": quiet["p50"], "quiet_p99": quiet["p99"],
                      "sign_ins": signed_in["requests"] * 1e6 / signed_in["duration"]}


ROUNDS = {"closed": closed_round, "half": half_round, "sign-ins": sign_in_round}


def medians(rounds):
    return {key: statistics.median(round[key] for round in rounds) for key in rounds[0]}


def compare(setting, scenario, contenders, rounds, seconds, say):
    """({name: {"rounds": […], medians…}}, [fault]); the contenders take turns, each round beginning with another one. One that gave
    a wrong answer is out of the scenario, with a fault in place of its figures."""
    found = {contender.name: [] for contender in contenders}
    faults = []

    def turn(contender, run):
        if contender.name in found:
            try:
                return run()
            except WrongAnswer as fault:
                say(f"  A wrong answer, so no figures: {fault}")
                faults.append(str(fault))
                del found[contender.name]
        return None

    def warm_up(contender):
        try:
            closed_load(setting, scenario, contender, scenario.stretch)
        except NoAnswer as fault:
            say(f"  Too short to warm up: {fault}")

    for contender in contenders:
        turn(contender, lambda: warm_up(contender))
    for number in range(rounds):
        for place in range(len(contenders)):
            contender = contenders[(number + place) % len(contenders)]
            figures = turn(contender, lambda: ROUNDS[scenario.load](setting, scenario, contender, seconds * scenario.stretch))
            if figures:
                found[contender.name].append(figures)
                say(f"  {scenario.name} {number + 1}/{rounds} {contender.name}: {figures['total']:.1f} µs, {figures['rate']:.0f}/s, "
                    f"p99 {figures['p99'] / 1e3:.2f} ms")
    return {name: medians(list) | {"rounds": list} for name, list in found.items()}, faults


def idle_connections(contender, count, settle):
    """Octets of memory for each of `count` connections: only open, when each has asked once, and `settle` seconds after that."""
    # What is built up once, by the first requests, is not a connection's.
    for _ in range(50):
        with connect(contender) as connection:
            ask(contender, connection)
    time.sleep(0.5)
    before = contender.resident()
    held = []
    try:
        for _ in range(count):
            held.append(connect(contender))
        # A proxy accepts in its own time.
        time.sleep(0.5)
        silent = contender.resident()
        for connection in held:
            ask(contender, connection)
        at_once = contender.resident()
        time.sleep(settle)
        later = contender.resident()
        for connection in held:
            connection.setblocking(False)
            try:
                ended = connection.recv(1)
            except BlockingIOError:
                continue
            raise WrongAnswer(f"{contender.name} ended an idle connection ({ended!r})")
    finally:
        for connection in held:
            connection.close()
    return {"connections": count, "silent": (silent - before) / count, "at_once": (at_once - before) / count,
            "later": (later - before) / count, "settle": settle}


def connect(contender):
    return socket.create_connection(("127.0.0.1", contender.port), 10)


def ask(contender, connection):
    """One request, answered rightly."""
    connection.sendall(f"GET /public/hello HTTP/1.1\r\nHost: 127.0.0.1:{contender.port}\r\nX-User-Id: {CLAIMED}\r\n\r\n".encode())
    answer = http.client.HTTPResponse(connection, method="GET")
    answer.begin()
    body = answer.read()
    if answer.status != 200 or body != f"user={contender.user_forwarded}\n".encode():
        raise WrongAnswer(f"{contender.name}: {answer.status} {body[:200]!r}")
