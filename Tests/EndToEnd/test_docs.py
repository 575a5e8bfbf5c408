"""The documentation: what is made by a program is up to date, and what is named is there."""

import re
import subprocess

import pytest

from harness.gateway import GATEHOUSE, ROOT, clean_environment
from harness.pages import block

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


def test_the_file_of_the_first_page_is_good(tmp_path):
    (tmp_path / "gatehouse.yaml").write_text(block("README.md", "yaml"), encoding="utf-8")
    for arguments in (("key", "generate", "--output", "token.secret"), ("config", "check"),
                      ("user", "add", "alice", "--role", "user", "--password-stdin"),
                      ("explain", "GET", "http://127.0.0.1:8080/admin/", "--as", "alice")):
        done = subprocess.run([GATEHOUSE, *arguments], capture_output=True, text=True, env=clean_environment(), cwd=tmp_path,
                              input="correct horse battery\n")
        assert done.returncode == 0, done
    assert "admin" in done.stdout, done


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_is_there(page):
    text = re.sub(r"(?ms)^```.*?^```$", "", page.read_text(encoding="utf-8"))
    named = {(page.parent / link.split("#")[0]).resolve() for link in re.findall(r"\]\((?!https?:)([^)#][^)]*)\)", text)}
    named |= {ROOT / path for path in re.findall(r"`((?:Sources|Tests|config|deploy)/[A-Za-z0-9_./+-]+)`", text)}
    assert [str(path) for path in sorted(named) if not path.exists()] == []
    tests = {name for path in (ROOT / "Tests" / "EndToEnd").glob("test_*.py") for name in re.findall(r"(?m)^def (test_\w+)", path.read_text())}
    assert set(re.findall(r"`(test_\w+)`", text)) - tests == set()


def test_metrics_of_the_failure_table_exist():
    named = set(re.findall(r"\b(?:gatehouse|process)_[a-z_]+", (ROOT / "deploy" / "operations.md").read_text(encoding="utf-8")))
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "Sources" / "Gateway" / "Telemetry").glob("*.swift"))
    assert len(named) > 8 and {name for name in named if f'"{name}"' not in sources} == set()


def test_the_threat_model_has_every_rule_that_is_named():
    page = (ROOT / "deploy" / "threat-model.md").read_text(encoding="utf-8")
    explained = {int(number) for cell in re.findall(r"(?m)^\| ([0-9 ]+) \|", page) for number in cell.split()}
    named = {}
    for path in [*(ROOT / "Sources").rglob("*.swift"), *(ROOT / "Tests").rglob("*.swift"), *(ROOT / "Tests").rglob("*.py")]:
        for text in re.findall(r"\b[Rr]ules? ((?:[0-9]+(?:, | and | to )?)+)", path.read_text(encoding="utf-8")):
            for first, last in re.findall(r"([0-9]+)(?: to ([0-9]+))?", text):
                for number in range(int(first), int(last or first) + 1):
                    named.setdefault(number, path.name)
    assert len(named) > 40
    assert {number: name for number, name in named.items() if number not in explained} == {}


def test_the_boxes_of_the_threat_model_are_files():
    picture = (ROOT / "deploy" / "threat-model.md").read_text(encoding="utf-8").split("```")[1]
    boxes = set(re.findall(r"\b(?:[A-Z][a-z]+){2,}\b", picture))
    files = {path.stem.split("+")[0] for path in (ROOT / "Sources").rglob("*.swift")}
    assert len(boxes) > 12 and boxes - files == set()
