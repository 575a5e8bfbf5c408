"""Processor time per request as horizontal bars, one group a scenario: SVG written by hand, readable on light and dark pages."""

from xml.sax.saxutils import escape

WIDTH, NAMES, BAR, GAP, HEAD, TOP = 860, 250, 20, 6, 34, 74
STYLE = """
  text { font: 13px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2430; }
  .page { fill: #ffffff; } .title { font-size: 18px; font-weight: 600; } .group { font-size: 14px; font-weight: 600; }
  .small { font-size: 12px; fill: #5b6270; } .name { text-anchor: end; } .ours { font-weight: 700; }
  .user { fill: #8f9bb3; } .system { fill: #c9d0dd; } .ours-user { fill: #1d6f5c; } .ours-system { fill: #6fbfa8; }
  .floor { stroke: #c2410c; stroke-width: 1.5; stroke-dasharray: 4 3; }
"""


def bars(entry, labels, top, scale):
    """The elements of one group, and where the next may begin."""
    figures = entry["contenders"]
    parts = [f'<text class="group" x="16" y="{top + 14}">{escape(entry["label"])}</text>']
    y = first = top + HEAD - 8
    for name in sorted(figures, key=lambda name: figures[name]["total"]):
        one = figures[name]
        ours = name.startswith("gatehouse")
        user, system = one["user"] * scale, one["system"] * scale
        middle = y + BAR - 6
        beside = f" · {one['total'] / figures['floor']['total']:.2f} × floor" if "floor" in figures and name != "floor" else ""
        parts += [
            f'<text class="name{" ours" if ours else ""}" x="{NAMES - 10}" y="{middle}">{escape(labels[name])}</text>',
            f'<rect class="{"ours-" if ours else ""}user" x="{NAMES}" y="{y}" width="{user:.1f}" height="{BAR}"/>',
            f'<rect class="{"ours-" if ours else ""}system" x="{NAMES + user:.1f}" y="{y}" width="{system:.1f}" height="{BAR}"/>',
            f'<text class="small" x="{NAMES + user + system + 8:.1f}" y="{middle}">{one["total"]:.1f}{beside}</text>']
        y += BAR + GAP
    if "floor" in figures:
        x = NAMES + figures["floor"]["total"] * scale
        parts.append(f'<line class="floor" x1="{x:.1f}" y1="{first - 3}" x2="{x:.1f}" y2="{y - GAP + 3}"/>')
    return parts, y + 14


def processor_time(results):
    # Bodies of a megabyte cost so much more that they would flatten all other bars: each group has its own scale.
    parts, top = [], TOP
    for entry in results["scenarios"].values():
        widest = max(one["total"] for one in entry["contenders"].values())
        group, top = bars(entry, results["labels"], top, (WIDTH - NAMES - 150) / widest)
        parts += group
    machine = results["machine"]
    note = f"{machine['processor']}, Linux {machine['kernel']}, {machine['time'][:10]}; medians of {machine['rounds']} rounds"
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}" role="img">',
        "<title>Processor time per request, less is better</title>", f"<style>{STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{top}"/>',
        '<text class="title" x="16" y="30">Processor time per request, in µs: less is better</text>',
        f'<text class="small" x="16" y="52">dark: user, light: system; dashed: the floor, system calls alone. {escape(note)}</text>',
        *parts, "</svg>", ""])
