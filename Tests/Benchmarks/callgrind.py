"""A gateway under valgrind's callgrind, switched on and read while it runs; and what its dumps say."""

import collections
import re
import subprocess


class Callgrind:
    """`line` to start PROGRAM with, and then its control."""

    def __init__(self, folder):
        self.folder = folder
        self.dumps = folder / "dumps"
        self.taken = 0
        self.pid = None

    def line(self, line):
        # Control goes through pipes of this folder, so that runs side by side do not meet.
        return ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--dump-line=no", f"--callgrind-out-file={self.dumps}",
                f"--vgdb-prefix={self.folder}/vgdb", *line]

    def tell(self, *words):
        try:
            done = subprocess.run(["vgdb", f"--vgdb-prefix={self.folder}/vgdb", f"--pid={self.pid}", *words],
                                  capture_output=True, text=True, timeout=60)
        except subprocess.TimeoutExpired:
            raise SystemExit(f"vgdb {' '.join(words)}: no answer from valgrind in 60 s. It wakes a waiting program by ptrace(2), which a "
                             "container may forbid: run it with the capability SYS_PTRACE.") from None
        if done.returncode:
            raise SystemExit(f"vgdb {' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}")

    def begin(self):
        self.tell("instrumentation", "on")

    def forget(self):
        """What was counted so far."""
        self.tell("zero")

    def take(self):
        """The file with what was counted since."""
        self.taken += 1
        self.tell("dump")
        return self.dumps.with_name(f"{self.dumps.name}.{self.taken}")


def instructions(dump):
    """In all."""
    with dump.open() as lines:
        for line in lines:
            if line.startswith(("summary:", "totals:")) and int(line.split()[1]):
                return int(line.split()[1])
    raise SystemExit(f"{dump}: callgrind counted nothing")


class Profile:
    """The functions of a dump: what each cost by itself, and who called whom how often at what cost."""

    COST = re.compile(r"[+\-*\d]\S* (\d+)$")
    NAME = re.compile(r"\((\d+)\)(?: (.*))?$")

    def __init__(self, dump):
        self.names, self.objects = {}, {}
        self.own = collections.Counter()
        self.calls, self.costs = collections.Counter(), collections.Counter()
        function = called = count = None
        place = called_place = ""
        with dump.open() as lines:
            for line in lines:
                key, _, rest = line.rstrip("\n").partition("=")
                if key == "ob":
                    place = called_place = self.object(rest)
                elif key == "cob":
                    called_place = self.object(rest)
                elif key == "fn":
                    function = self.name(rest, place)
                elif key == "cfn":
                    called, called_place = self.name(rest, called_place), place
                elif key == "calls":
                    count = int(rest.split()[0])
                elif function and (cost := self.COST.match(key)):
                    if count is None:
                        self.own[function] += int(cost[1])
                    else:
                        self.calls[function, called] += count
                        self.costs[function, called] += int(cost[1])
                        count = None
        self.demangle()

    def name(self, text, place):
        # "(7) name" the first time, then "(7)".
        number, name = self.NAME.match(text).groups()
        if name:
            self.names[number] = f"{name} of {place}" if name.startswith("0x") else name
        return number

    def object(self, text):
        """The file that functions come from."""
        number, path = self.NAME.match(text).groups()
        if path:
            self.objects[number] = path.rpartition("/")[2]
        return self.objects[number]

    def demangle(self):
        """Names as in the source; functions that then have the same one (clones, levels of a recursion) become one."""
        done = subprocess.run(["swift", "demangle", "--compact", "--simplified"], input="\n".join(self.names.values()),
                              capture_output=True, text=True, check=True)
        names = {number: re.sub(r"'\d+$", "", name) for number, name in zip(self.names, done.stdout.splitlines())}

        def renamed(counter, rename):
            result = collections.Counter()
            for key, value in counter.items():
                result[rename(key)] += value
            return result

        self.own = renamed(self.own, lambda key: names[key])
        self.calls = renamed(self.calls, lambda key: (names[key[0]], names[key[1]]))
        self.costs = renamed(self.costs, lambda key: (names[key[0]], names[key[1]]))

    def inclusive(self):
        """With all that each called; a recursion's own calls are left out."""
        result = collections.Counter(self.own)
        for (caller, called), cost in self.costs.items():
            if caller != called:
                result[caller] += cost
        return result

    def callers(self, pattern):
        """({caller: calls}, {caller: cost}) of the functions whose names begin with `pattern`, those among themselves left out."""
        inner = re.compile(pattern)
        calls, costs = collections.Counter(), collections.Counter()
        for (caller, called), count in self.calls.items():
            if inner.match(called) and not inner.match(caller):
                calls[caller] += count
                costs[caller] += self.costs[caller, called]
        return calls, costs

    def report(self, requests, top, callers_of):
        """Text: per request, the dearest functions by themselves and with what they call, and who calls `callers_of`."""
        lines = [f"{sum(self.own.values()) / requests:,.0f} instructions a request"]
        # A suspended function is left by a jump into whatever runs next, which callgrind takes for a call.
        for title, counter in (("By themselves", self.own),
                               ("With what they call (of functions that wait, also what ran meanwhile)", self.inclusive())):
            lines += ["", title]
            lines += [f"{cost / requests:10,.0f}  {name[:150]}" for name, cost in counter.most_common(top)]
        for pattern in callers_of:
            calls, costs = self.callers(pattern)
            lines += ["", f"Callers of {pattern}: {sum(calls.values()) / requests:.1f} calls, "
                          f"{sum(costs.values()) / requests:,.0f} instructions a request"]
            lines += [f"{count / requests:10.2f}  {costs[caller] / requests:8,.0f}  {caller[:140]}"
                      for caller, count in calls.most_common(top // 2) if count / requests >= 0.05]
        return "\n".join(lines)
