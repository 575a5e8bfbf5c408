"""One contender under one scenario: the load, the count of right answers, and what it cost."""

import http.client
import json
import os
import pathlib
import socket
import statistics
import subprocess
import time

from gatehouse import USER
from processes import clean_environment

HERE = pathlib.Path(__file__).resolve().parent
CLAIMED = "999"


class WrongAnswer(Exception):
    pass


def right_body(setting, scenario, contender):
    """The file that holds what every answer must be; None for a refusal, whose text is each one's own."""
    if scenario.status != 200:
        return None
    if scenario.file:
        return setting.folder / "files" / scenario.file
    checked = contender.cookie and scenario.signed_in
    path = setting.folder / f"right-{scenario.name}-{contender.name}"
    path.write_text(f"user={USER if checked else contender.user_forwarded}\n")
    return path


def request_headers(scenario, contender):
    # Everybody pretends to be somebody: a proxy that lets it through gives itself away in the body.
    headers = {"X-User-Id": CLAIMED, "User-Agent": "bench", "Accept": "*/*"}
    if scenario.signed_in and contender.cookie:
        headers["Cookie"] = contender.cookie
    return headers


def load(setting, scenario, contender, seconds):
    """One run of wrk; its figures. Raises WrongAnswer unless every single answer was right."""
    environment = clean_environment() | {
        "BENCH_PATH": scenario.path, "BENCH_STATUS": str(scenario.status),
        "BENCH_HEADERS": "\n".join(f"{name}: {value}" for name, value in request_headers(scenario, contender).items())}
    body = right_body(setting, scenario, contender)
    if body:
        environment["BENCH_BODY"] = str(body)
    done = subprocess.run(
        ["taskset", "-c", str(setting.load_core), "wrk", "--threads", "1", "--connections", str(scenario.connections),
         "--duration", f"{seconds}s", "--timeout", "10s", "--latency", "--script", HERE / "load.lua",
         f"http://127.0.0.1:{contender.port}/"],
        env=environment, capture_output=True, text=True, timeout=seconds + 60)
    lines = [line for line in done.stdout.splitlines() if line.startswith("result ")]
    if done.returncode or len(lines) != 1:
        raise WrongAnswer(f"{scenario.name}, {contender.name}: wrk failed with {done.returncode}: {done.stdout}{done.stderr}")
    figures = json.loads(lines[0].removeprefix("result "))
    # wrk counts a request when its answer is complete; the two counts can only differ by a fault of this script.
    if figures["wrong"] or figures["failed"] or figures["timeouts"] or not figures["right"] == figures["requests"] > 0:
        raise WrongAnswer(f"{scenario.name}, {contender.name}: {json.dumps(figures)}")
    return figures


def round_of(setting, scenario, contender, seconds):
    """The figures of one round: rates in requests a second, costs in microseconds of processor time a request, times in µs."""
    contender.check()
    before = contender.processor_time()
    figures = load(setting, scenario, contender, seconds)
    after = contender.processor_time()
    user, system = ((later - earlier) * 1e6 / figures["requests"] for earlier, later in zip(before, after))
    return {"rate": figures["requests"] * 1e6 / figures["duration"], "user": user, "system": system, "total": user + system,
            "p50": figures["p50"], "p99": figures["p99"], "resident": contender.resident(), "requests": figures["requests"]}


def medians(rounds):
    return {key: statistics.median(round[key] for round in rounds) for key in rounds[0]}


def compare(setting, scenario, contenders, rounds, seconds, say):
    """{name: {"rounds": […], medians…}}; the contenders take turns, each round beginning with another one."""
    for contender in contenders:
        load(setting, scenario, contender, 1)
    found = {contender.name: [] for contender in contenders}
    for number in range(rounds):
        for place in range(len(contenders)):
            contender = contenders[(number + place) % len(contenders)]
            figures = round_of(setting, scenario, contender, seconds)
            found[contender.name].append(figures)
            say(f"  {scenario.name} {number + 1}/{rounds} {contender.name}: {figures['total']:.1f} µs, {figures['rate']:.0f}/s")
    return {name: medians(list) | {"rounds": list} for name, list in found.items()}


def idle_connections(contender, count, settle):
    """Octets of memory for each of `count` connections that asked once and then stay open: at once, and `settle` seconds later."""
    # What is built up once, by the first requests, is not a connection's.
    for _ in range(50):
        ask_once(contender).close()
    time.sleep(0.5)
    before = contender.resident()
    held = []
    try:
        for _ in range(count):
            held.append(ask_once(contender))
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
    return {"connections": count, "at_once": (at_once - before) / count, "later": (later - before) / count, "settle": settle}


def ask_once(contender):
    """A connection with one request made and answered rightly."""
    connection = socket.create_connection(("127.0.0.1", contender.port), 10)
    connection.sendall(f"GET /public/hello HTTP/1.1\r\nHost: 127.0.0.1:{contender.port}\r\nX-User-Id: {CLAIMED}\r\n\r\n".encode())
    answer = http.client.HTTPResponse(connection, method="GET")
    answer.begin()
    body = answer.read()
    if answer.status != 200 or body != f"user={contender.user_forwarded}\n".encode():
        raise WrongAnswer(f"{contender.name}: {answer.status} {body[:200]!r}")
    return connection
