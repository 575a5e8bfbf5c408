"""deploy/systemd: what the unit says, checked by systemd's own tools without a running systemd."""

import re

from harness.commands import ROOT, run

UNITS = ROOT / "deploy/systemd"


def test_the_score_is_the_one_that_the_page_names():
    shown = run("systemd-analyze", "security", "--offline=true", UNITS / "gatehouse.service", "--no-pager", check=False).stdout
    score = re.search(r"Overall exposure level for gatehouse.service: ([0-9.]+)", shown).group(1)
    assert float(score) < 2
    assert f"exposure level {score}" in (ROOT / "deploy/systemd.md").read_text()


def test_the_units_are_well_formed(folder):
    """With a program where the unit names one, there is nothing left to complain about."""
    for name in ("gatehouse.service", "gatehouse.socket"):
        text = (UNITS / name).read_text().replace("/usr/bin/gatehouse serve", "/bin/true serve")
        (folder / name).write_text(re.sub(r"Documentation=.*\n", "", text))
    shown = run("systemd-analyze", "verify", "--man=no", folder / "gatehouse.service", folder / "gatehouse.socket", check=False)
    assert [line for line in shown.stderr.splitlines() if "gatehouse" in line] == []


def test_a_wrong_unit_is_complained_about(folder):
    wrong = folder / "gatehouse.service"
    wrong.write_text((UNITS / "gatehouse.service").read_text().replace("ProtectSystem=strict", "ProtectSystem=perhaps"))
    assert "perhaps" in run("systemd-analyze", "verify", "--man=no", wrong, check=False).stderr
