"""The results as tables: Markdown to keep, text to look at."""

import dataclasses


@dataclasses.dataclass
class Table:
    title: str
    columns: list[str]
    rows: list[list[str]] = dataclasses.field(default_factory=list)
    note: str = ""
    # The rows that are ours.
    ours: set[int] = dataclasses.field(default_factory=set)

    def add(self, cells, is_ours=False):
        if is_ours:
            self.ours.add(len(self.rows))
        self.rows.append(cells)

    def markdown(self):
        def line(cells):
            return "| " + " | ".join(cells) + " |"

        rows = [[f"**{row[0]}**", *row[1:]] if number in self.ours else row for number, row in enumerate(self.rows)]
        return "\n".join([f"## {self.title}", "", *([self.note, ""] if self.note else []), line(["", *self.columns]),
                          line(["---", *["---:"] * len(self.columns)]), *map(line, rows), ""])

    def text(self):
        lines = [["", *self.columns], *self.rows]
        widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
        shown = ["  ".join(cell.rjust(width) if place else cell.ljust(width)
                           for place, (cell, width) in enumerate(zip(line, widths))).rstrip() for line in lines]
        return "\n".join([self.title, *([f"({self.note})"] if self.note else []), *shown, ""])


def is_ours(name):
    return name.startswith("gatehouse")


def ratio(one, other):
    return f"{one / other:.2f}" if other else ""


def milliseconds(microseconds):
    return f"{microseconds / 1e3:.2f}" if microseconds < 1e5 else f"{microseconds / 1e3:.0f}"


def megabytes(octets):
    return f"{octets / 2**20:.1f}"


def scenario_table(entry, labels):
    """The cheapest first. "Gatehouse ÷ this": the first build's processor time as a share of this one's; below 1 it is cheaper."""
    figures = entry["contenders"]
    first = next((one for name, one in figures.items() if is_ours(name)), None)
    floor = figures.get("floor")
    # (heading, text of one contender's figures), where all have such a figure.
    columns = [
        ("CPU µs a request", lambda one: f"{one['total']:.1f}"), ("user", lambda one: f"{one['user']:.1f}"),
        ("system", lambda one: f"{one['system']:.1f}"),
        ("× floor", lambda one: ratio(one["total"], floor["total"]) if floor else ""),
        ("Gatehouse ÷ this", lambda one: ratio(first["total"], one["total"]) if first else ""),
        ("MB a CPU second", lambda one: f"{one['octets_per_second'] / 1e6:,.0f}"), ("requests/s", lambda one: f"{one['rate']:,.0f}"),
        ("capacity/s", lambda one: f"{one['capacity']:,.0f}"), ("sign-ins/s", lambda one: f"{one['sign_ins']:.0f}"),
        ("p50 ms, quiet", lambda one: milliseconds(one["quiet_p50"])), ("p99 ms, quiet", lambda one: milliseconds(one["quiet_p99"])),
        ("p50 ms", lambda one: milliseconds(one["p50"])), ("p99 ms", lambda one: milliseconds(one["p99"])),
        ("p99 ÷ quiet", lambda one: ratio(one["p99"], one["quiet_p99"])), ("resident MB", lambda one: megabytes(one["resident"]))]
    needs = {"MB a CPU second": "octets_per_second", "capacity/s": "capacity", "sign-ins/s": "sign_ins", "p50 ms, quiet": "quiet_p50",
             "p99 ms, quiet": "quiet_p99", "p99 ÷ quiet": "quiet_p99"}
    some = next(iter(figures.values()))
    shown = [(heading, text) for heading, text in columns if needs.get(heading, "total") in some]
    table = Table(entry["label"][0].upper() + entry["label"][1:], [heading for heading, _ in shown], note=entry["note"])
    for name in sorted(figures, key=lambda name: figures[name]["total"]):
        table.add([labels[name], *(text(figures[name]) for _, text in shown)], is_ours(name))
    return table


def memory_table(memory, labels):
    some = next(iter(memory.values()))
    table = Table("Memory and start", ["MB at start", "KB per connection, silent", "after a request", f"{some['settle']} s later",
                                       "ms to ready"], note=f"Idle connections: {some['connections']:,} at the same time.")
    for name, one in sorted(memory.items(), key=lambda item: item[1]["later"]):
        table.add([labels[name], megabytes(one["resident_at_start"]), *(f"{one[key] / 1024:.1f}" for key in ("silent", "at_once", "later")),
                   f"{one['ready'] * 1e3:.0f}"], is_ours(name))
    return table


def build_table(results):
    """What a change did: each later build's medians as shares of the first one's; below 1 it is better."""
    table = Table("Builds compared", ["CPU µs before", "after", "after ÷ before", "user after ÷ before", "p99 after ÷ before",
                                      "lowest round after ÷ before"],
                  note=f"Before is {results['machine']['builds'][0]}. The builds took turns in the same rounds. When the last column "
                       "disagrees with the ratio of medians, take more rounds.")
    for entry in results["scenarios"].values():
        figures = entry["contenders"]
        for name, after in figures.items():
            before = figures.get(name.partition("@")[0])
            if "@" not in name or before is None:
                continue
            lowest = [min(round["total"] for round in one["rounds"]) for one in (after, before)]
            table.add([f"{entry['label']}: {name.partition('@')[2]}", f"{before['total']:.1f}", f"{after['total']:.1f}",
                       ratio(after["total"], before["total"]), ratio(after["user"], before["user"]), ratio(after["p99"], before["p99"]),
                       ratio(*lowest)], True)
    return table


def tables(results):
    found = [build_table(results)] if len(results["machine"]["builds"]) > 1 else []
    found += [scenario_table(entry, results["labels"]) for entry in results["scenarios"].values()]
    return found + ([memory_table(results["memory"], results["labels"])] if results["memory"] else [])


def preface(results):
    machine = results["machine"]
    return [
        f"{machine['processor']}, Linux {machine['kernel']}; medians of {machine['rounds']} rounds of {machine['seconds']} s in which the "
        f"contenders took turns, on {machine['time'][:10]}. Each contender had one core to itself, unless its table says otherwise; the "
        "load, the upstream and Redis shared another. Every answer was compared with the right one. The *floor* is a relay of ours in C "
        "that does nothing but the system calls. Requests a second depend on what the load's core leaves over, so judge by processor "
        "time.", "", ", ".join(machine["versions"].values()) + ".", "",
        *(line for fault in results["faults"] for line in (f"A wrong answer, so no figures of this one: {fault}", ""))]


def markdown(results):
    return "\n".join(["# Gatehouse beside other proxies", "", *preface(results), *(table.markdown() for table in tables(results))])


def text(results):
    return "\n".join([*preface(results), *(table.text() for table in tables(results))])
