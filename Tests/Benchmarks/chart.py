"""Charts of horizontal bars, one group a scenario: SVG written by hand, readable on light and dark pages."""

from xml.sax.saxutils import escape

from table import is_ours, milliseconds

WIDTH, NAMES, BAR, GAP, HEAD, TOP = 860, 250, 20, 6, 34, 74
STYLE = """
  text { font: 13px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2430; }
  .page { fill: #ffffff; } .title { font-size: 18px; font-weight: 600; } .group { font-size: 14px; font-weight: 600; }
  .small { font-size: 12px; fill: #5b6270; stroke: #ffffff; stroke-width: 3px; paint-order: stroke; } .name { text-anchor: end; } .ours { font-weight: 700; }
  .dark { fill: #8f9bb3; } .light { fill: #c9d0dd; } .ours-dark { fill: #1d6f5c; } .ours-light { fill: #6fbfa8; }
  .floor { stroke: #c2410c; stroke-width: 1.5; stroke-dasharray: 4 3; }
"""


def group(title, bars, top, line=None):
    """The elements of one group, and where the next may begin. `bars`: (label, is ours, [dark, light part], text beside), in the
    order that they stand in; `line`: the length at which a dashed line stands. Each group has its own scale, or bodies of a
    megabyte would flatten all the others."""
    widest = max(sum(parts) for _, _, parts, _ in bars) or 1
    scale = (WIDTH - NAMES - 180) / widest
    found = [f'<text class="group" x="16" y="{top + 14}">{escape(title)}</text>']
    # Drawn last, above the dashed line.
    figures = []
    y = first = top + HEAD - 8
    for label, ours, parts, beside in bars:
        middle, x = y + BAR - 6, float(NAMES)
        found.append(f'<text class="name{" ours" if ours else ""}" x="{NAMES - 10}" y="{middle}">{escape(label)}</text>')
        for shade, part in zip(("dark", "light"), parts):
            found.append(f'<rect class="{"ours-" if ours else ""}{shade}" x="{x:.1f}" y="{y}" width="{part * scale:.1f}" height="{BAR}"/>')
            x += part * scale
        figures.append(f'<text class="small" x="{x + 8:.1f}" y="{middle}">{escape(beside)}</text>')
        y += BAR + GAP
    if line is not None:
        x = NAMES + line * scale
        found.append(f'<line class="floor" x1="{x:.1f}" y1="{first - 3}" x2="{x:.1f}" y2="{y - GAP + 3}"/>')
    return found + figures, y + 14


def page(results, title, explained, groups):
    """`groups`: (title, bars, line) each."""
    parts, top = [], TOP
    for heading, bars, line in groups:
        some, top = group(heading, bars, top, line)
        parts += some
    machine = results["machine"]
    note = f"{machine['processor']}, Linux {machine['kernel']}, {machine['time'][:10]}"
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}" role="img">',
        f"<title>{escape(title)}</title>", f"<style>{STYLE}</style>", f'<rect class="page" width="{WIDTH}" height="{top}"/>',
        f'<text class="title" x="16" y="30">{escape(title)}</text>',
        f'<text class="small" x="16" y="52">{escape(f"{explained}; {note}")}</text>', *parts, "</svg>", ""])


def rounds(results):
    count = results["machine"]["rounds"]
    return "one round" if count == 1 else f"medians of {count} rounds"


def processor_time(results):
    def bars(figures):
        floor = figures.get("floor")
        for name in sorted(figures, key=lambda name: figures[name]["total"]):
            one = figures[name]
            beside = f" · {one['total'] / floor['total']:.2f} × floor" if floor and name != "floor" else ""
            yield results["labels"][name], is_ours(name), (one["user"], one["system"]), f"{one['total']:.1f}{beside}"

    groups = [(entry["label"], list(bars(entry["contenders"])), entry["contenders"].get("floor", {}).get("total"))
              for entry in results["scenarios"].values() if entry["load"] != "sign-ins"]
    return page(results, "Processor time per request, in µs: less is better",
                f"dark: user, light: system; dashed: the floor; {rounds(results)}", groups)


def answer_times(results):
    def bar(label, ours, p50, p99):
        return label, ours, (p50, p99 - p50), f"p50 {milliseconds(p50)} · p99 {milliseconds(p99)}"

    def bars(figures):
        for name in sorted(figures, key=lambda name: figures[name]["p99"]):
            one = figures[name]
            yield bar(results["labels"][name], is_ours(name), one["p50"], one["p99"])
            if "quiet_p99" in one:
                yield bar("without sign-ins", False, one["quiet_p50"], one["quiet_p99"])

    groups = [(entry["label"], list(bars(entry["contenders"])), None) for entry in results["scenarios"].values()]
    return page(results, "Time to the answer, in ms: less is better",
                f"dark: half are faster (p50), whole: 99 of 100 are (p99); {rounds(results)}", groups)


def memory(results):
    figures = results["memory"]

    def bars(key, text):
        for name in sorted(figures, key=lambda name: figures[name][key]):
            yield results["labels"][name], is_ours(name), (figures[name][key],), text(figures[name][key])

    def kilobytes(octets):
        return f"{octets / 1024:.1f} KB"

    groups = [("An idle connection before its first request", list(bars("silent", kilobytes)), None),
              ("An idle connection after its first request", list(bars("later", kilobytes)), None),
              ("Resident at start", list(bars("resident_at_start", lambda octets: f"{octets / 2**20:.1f} MB")), None),
              ("Start to ready", list(bars("ready", lambda seconds: f"{seconds * 1e3:.0f} ms")), None)]
    return page(results, "Memory and start: less is better", "of processes that have just begun", groups)


def charts(results):
    """{file name: SVG}, of what was measured."""
    found = {"processor-time.svg": processor_time(results), "answer-times.svg": answer_times(results)} if results["scenarios"] else {}
    return found | ({"memory.svg": memory(results)} if results["memory"] else {})
