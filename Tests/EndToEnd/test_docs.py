"""The documentation: what is made by a program is up to date, and what is named is there."""

import re
import subprocess

import pytest

from harness.gateway import GATEHOUSE, ROOT, clean_environment

PAGES = sorted(page for folder in (".", "config", "deploy") for page in (ROOT / folder).glob("*.md"))


def test_the_page_of_settings_is_the_schema():
    schema = subprocess.run([GATEHOUSE, "config", "schema"], capture_output=True, text=True, check=True, env=clean_environment()).stdout
    made = subprocess.run([ROOT / "config" / "make-settings-page"], input=schema, capture_output=True, text=True, check=True).stdout
    shown = (ROOT / "config" / "settings.md").read_text(encoding="utf-8")
    assert made == shown, "make it anew: gatehouse config schema | config/make-settings-page > config/settings.md"


def test_every_variable_on_the_page_is_known(tmp_path):
    variables = re.findall(r"`(GATEHOUSE_[A-Z0-9_]+)` \|$", (ROOT / "config" / "settings.md").read_text(encoding="utf-8"), re.M)
    assert len(variables) > 60
    (tmp_path / "gatehouse.yaml").write_text("version: 1\n")

    def complaints(names):
        environment = clean_environment(**{name: "\x7f" for name in names})
        done = subprocess.run([GATEHOUSE, "config", "check"], capture_output=True, text=True, env=environment, cwd=tmp_path)
        assert done.returncode == 78, done
        return re.findall(r".*(?:there is no key|is no index|no single value|is a single value|not available).*", done.stdout + done.stderr)

    assert complaints(variables) == []
    assert len(complaints([name + "_X" for name in variables])) > 40


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_is_there(page):
    text = re.sub(r"(?ms)^```.*?^```$", "", page.read_text(encoding="utf-8"))
    named = {(page.parent / link.split("#")[0]).resolve() for link in re.findall(r"\]\((?!https?:)([^)#][^)]*)\)", text)}
    named |= {ROOT / path for path in re.findall(r"`((?:Sources|Tests|config|deploy)/[A-Za-z0-9_./+-]+)`", text)}
    assert [str(path) for path in sorted(named) if not path.exists()] == []
    tests = {name for path in (ROOT / "Tests" / "EndToEnd").glob("test_*.py") for name in re.findall(r"(?m)^def (test_\w+)", path.read_text())}
    assert set(re.findall(r"`(test_\w+)`", text)) - tests == set()
