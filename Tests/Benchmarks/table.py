"""The results as Markdown."""


def ratio(figures, name, other, key="total"):
    return f"{figures[name][key] / figures[other][key]:.2f}" if other in figures and figures[other][key] else ""


def row(*cells):
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def milliseconds(microseconds):
    return f"{microseconds / 1e3:.2f}"


def scenario_table(entry, labels):
    figures = entry["contenders"]
    lines = [f"## {entry['label'][0].upper()}{entry['label'][1:]}", "",
             row("", "CPU µs a request", "user", "system", "× floor", "× nginx", "requests/s", "p50 ms", "p99 ms", "resident MB"),
             row("---", *["---:"] * 9)]
    for name in sorted(figures, key=lambda name: figures[name]["total"]):
        one = figures[name]
        label = f"**{labels[name]}**" if name.startswith("gatehouse") else labels[name]
        lines.append(row(
            label, f"{one['total']:.1f}", f"{one['user']:.1f}", f"{one['system']:.1f}", ratio(figures, name, "floor"),
            ratio(figures, name, "nginx"), f"{one['rate']:,.0f}", milliseconds(one["p50"]), milliseconds(one["p99"]),
            f"{one['resident'] / 2**20:.1f}"))
    return lines + [""]


def memory_table(memory, labels):
    count = next(iter(memory.values()))["connections"]
    settle = next(iter(memory.values()))["settle"]
    lines = ["## Memory and start", "",
             row("", "resident at start, MB", f"KB per idle connection (of {count:,})", f"{settle} s later", "start to ready, ms"),
             row("---", *["---:"] * 4)]
    for name, one in sorted(memory.items(), key=lambda item: item[1]["later"]):
        label = f"**{labels[name]}**" if name.startswith("gatehouse") else labels[name]
        lines.append(row(label, f"{one['resident_at_start'] / 2**20:.1f}", f"{one['at_once'] / 1024:.1f}", f"{one['later'] / 1024:.1f}",
                         f"{one['ready'] * 1e3:.0f}"))
    return lines + [""]


def markdown(results):
    machine = results["machine"]
    lines = [
        "# Gatehouse beside other proxies", "",
        f"{machine['processor']}, Linux {machine['kernel']}; medians of {machine['rounds']} rounds of {machine['seconds']} s in which the "
        f"contenders took turns, on {machine['time'][:10]}. Each contender had one core to itself; wrk, the upstream and Redis shared "
        "another. Every answer was compared with the right one. The *floor* is a relay of ours in C that does nothing but the system "
        "calls. Requests a second depend on what the load's core leaves over, so judge by processor time.", ""]
    lines += [", ".join(f"{version}" for version in machine["versions"].values()) + ".", ""]
    for entry in results["scenarios"].values():
        lines += scenario_table(entry, results["labels"])
    if results["memory"]:
        lines += memory_table(results["memory"], results["labels"])
    return "\n".join(lines)
