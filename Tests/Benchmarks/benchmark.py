"""Measures Gatehouse beside other proxies and beside the floor. `run` calls this; `run --help` says how."""

import argparse
import json
import os
import pathlib
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time

import chart
import table
from contenders import GATEHOUSES, PEERS, Setting
from gatehouse import BUILDS, ROOT
from measure import WrongAnswer, compare, idle_connections
from processes import Processes
from scenarios import PLAIN, SCENARIOS

CONTENDERS = [*GATEHOUSES, *PEERS]
RESULTS = pathlib.Path(__file__).resolve().parent / "results"


def build(text):
    """(label, folder)"""
    label, sign, folder = text.rpartition("=")
    folder = pathlib.Path(folder).resolve()
    if not (folder / "gatehouse").exists():
        raise argparse.ArgumentTypeError(f"there is no {folder / 'gatehouse'}")
    return (label if sign else folder.name), folder


def arguments():
    parser = argparse.ArgumentParser(prog="Tests/Benchmarks/run", description=__doc__)
    names = [scenario.name for scenario in SCENARIOS] + ["memory"]
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"of {', '.join(names)}; none: all")
    parser.add_argument("--rounds", type=int, default=5, help="how often each contender has its turn; figures are medians (5)")
    parser.add_argument("--seconds", type=int, default=3, help="how long a turn lasts (3)")
    parser.add_argument("--only", action="append", default=[], metavar="CONTENDER", help=f"of {', '.join(CONTENDERS)}; may be repeated")
    parser.add_argument("--build", action="append", type=build, metavar="[LABEL=]FOLDER",
                        help="a release build to measure; of several, each after the first is compared with it (GATEHOUSE_BUILD, "
                             "told apart by \":\", or .build/release)")
    parser.add_argument("--idle", type=int, default=2000, help="idle connections of the memory figures (2000)")
    parser.add_argument("--cores", default="1,0", metavar="MEASURED,LOAD", help="where contenders, and load and upstream, run (1,0)")
    parser.add_argument("--results", type=pathlib.Path, default=RESULTS, help="the folder for results.json, .md, .txt and the charts")
    chosen = parser.parse_args()
    chosen.builds = chosen.build or [(f"build {number}", folder.resolve()) for number, folder in enumerate(BUILDS, 1)]
    if len({label for label, _ in chosen.builds}) < len(chosen.builds):
        parser.error("builds of the same name: --build LABEL=FOLDER tells them apart")
    for name in chosen.scenarios:
        if name not in names:
            parser.error(f"no scenario {name}; there are {', '.join(names)}")
    for name in chosen.only:
        if name not in CONTENDERS:
            parser.error(f"no contender {name}; there are {', '.join(CONTENDERS)}")
    if chosen.rounds < 1 or chosen.seconds < 1 or chosen.idle < 1:
        parser.error("rounds, seconds and idle are at least 1")
    try:
        measured, load = map(int, chosen.cores.split(","))
    except ValueError:
        parser.error("--cores takes two numbers: MEASURED,LOAD")
    if measured == load or not {measured, load} <= os.sched_getaffinity(0):
        parser.error(f"--cores: two different ones of {sorted(os.sched_getaffinity(0))}")
    chosen.measured, chosen.load = measured, load
    return chosen


def first_line(*line):
    done = subprocess.run(line, capture_output=True, text=True)
    return (done.stdout + done.stderr).strip().splitlines()[0]


def machine(builds):
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return {"processor": model[1] if model else platform.machine(), "kernel": platform.release(), "cores": os.cpu_count(),
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "load_before": os.getloadavg()[0],
            "builds": [f"{label} ({os.path.relpath(folder, ROOT)})" for label, folder in builds],
            "versions": {"gatehouse": first_line(builds[0][1] / "gatehouse", "version"), "nginx": first_line("nginx", "-v"),
                         "haproxy": first_line("haproxy", "-v"), "caddy": "Caddy " + first_line("caddy", "version"),
                         "redis": first_line("redis-server", "--version")}}


def say(text):
    print(text, file=sys.stderr, flush=True)


class Run:
    def __init__(self, chosen, setting):
        self.chosen, self.setting = chosen, setting
        self.standing = {}
        self.faults = []

    def contenders(self, name):
        """Started on first use: one of a peer, none where this machine does not have it; of Gatehouse, one for each build."""
        if name not in self.standing:
            if name in PEERS:
                self.standing[name] = [contender for contender in [PEERS[name](self.setting)] if contender]
            else:
                self.standing[name] = list(self.builds(name))
            if not self.standing[name]:
                say(f"{name} is not installed here: left out")
        return self.standing[name]

    def builds(self, name):
        several = len(self.chosen.builds) > 1
        for number, (label, folder) in enumerate(self.chosen.builds):
            suffix = f" ({label})" if several else ""
            yield GATEHOUSES[name].start(self.setting, name if number == 0 else f"{name}@{label}", folder, suffix)

    def those(self, names):
        return [contender for name in names if not self.chosen.only or name in self.chosen.only for contender in self.contenders(name)]

    def wants(self, name):
        return not self.chosen.scenarios or name in self.chosen.scenarios

    def memory(self):
        """Of fresh processes, so that nothing is left from the load; hence before everything else."""
        found = {}
        for contender in self.those(PLAIN):
            try:
                figures = idle_connections(contender, self.chosen.idle, 5)
            except WrongAnswer as fault:
                say(f"  A wrong answer, so no figures: {fault}")
                self.faults.append(f"memory: {fault}")
                continue
            found[contender.name] = figures | {"resident_at_start": contender.resident_at_start, "ready": contender.ready_seconds}
            say(f"  memory {contender.name}: {contender.resident_at_start >> 10} KB at start, {figures['silent']:.0f} octets a connection "
                f"and {figures['later']:.0f} after a request, ready in {contender.ready_seconds * 1e3:.0f} ms")
        return found

    def all(self):
        memory = self.memory() if self.wants("memory") else {}
        scenarios = {}
        for scenario in SCENARIOS:
            if self.wants(scenario.name) and (contenders := self.those(scenario.contenders)):
                figures, faults = compare(self.setting, scenario, contenders, self.chosen.rounds, self.chosen.seconds, say)
                self.faults += faults
                if figures:
                    scenarios[scenario.name] = {"label": scenario.label, "note": scenario.note, "load": scenario.load,
                                                "contenders": figures}
        labels = {contender.name: contender.label for some in self.standing.values() for contender in some}
        return {"scenarios": scenarios, "memory": memory, "labels": labels, "faults": self.faults}


def main():
    chosen = arguments()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    facts = machine(chosen.builds) | {"rounds": chosen.rounds, "seconds": chosen.seconds}
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as folder, Processes(folder) as processes:
        results = {"machine": facts} | Run(chosen, Setting(folder, processes, chosen.measured, chosen.load)).all()
    chosen.results.mkdir(parents=True, exist_ok=True)
    (chosen.results / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (chosen.results / "results.md").write_text(table.markdown(results))
    (chosen.results / "results.txt").write_text(table.text(results))
    for name, drawing in chart.charts(results).items():
        (chosen.results / name).write_text(drawing)
    print(table.text(results))
    return 1 if results["faults"] else 0


if __name__ == "__main__":
    sys.exit(main())
