"""deploy/man: each command and option that the program has, and nothing that it has not."""

import json
import re

import pytest

from harness.commands import ROOT, run

PAGE = ROOT / "deploy/man/gatehouse.1"
GATEHOUSE = ROOT / ".build/release/gatehouse"


@pytest.fixture(scope="module")
def text():
    """The page as it is read, without line breaks and hyphenation."""
    shown = run("mandoc", "-T", "utf8", "-O", "width=1000", PAGE).stdout
    return re.sub(r"\s+", " ", re.sub(r".\x08", "", shown))


def commands():
    """Each command's words, and the names of its options, as the program itself describes them."""
    described = json.loads(run(GATEHOUSE, "--experimental-dump-help").stdout)

    def walk(command, words):
        names = []
        for argument in command.get("arguments", []):
            if argument.get("shouldDisplay", True):
                for name in argument.get("names", []):
                    names.append(("-" if name["kind"] == "short" else "--") + name["name"])
        yield words, names
        for inner in command.get("subcommands", []):
            yield from walk(inner, [*words, inner["commandName"]])

    return list(walk(described["command"], []))


@pytest.mark.parametrize("words, options", commands() if GATEHOUSE.exists() else [], ids=lambda value: " ".join(value) or "none")
def test_each_command_and_option_is_in_the_page(text, words, options):
    if words and words != ["config"]:
        assert re.search(rf"(^| |\|){re.escape(' '.join(words))}( |$)", text), words
    for option in options:
        assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text), f"{' '.join(words)} {option}"


def test_each_command_has_a_description_of_its_own(text):
    """In the lists under DESCRIPTION, not only in the SYNOPSIS."""
    description = text[text.index(" DESCRIPTION "):]
    assert len(commands()) > 20
    leaves = [words for words, _ in commands() if not any(other[:-1] == words for other, _ in commands() if other)]
    for words in leaves:
        assert f"{' '.join(words)} " in description, words


def test_the_page_names_no_option_that_is_not_there(text):
    known = {option for _, options in commands() for option in options} | {"--help"}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) <= known


def test_the_exit_statuses_are_those_of_the_help(text):
    status = text[text.index(" EXIT STATUS "):text.index(" SIGNALS ")]
    for number in re.findall(r"\b\d+\b", re.search(r"Exit status: (.*)", run(GATEHOUSE, "--help").stdout).group(1)):
        assert f" {number} " in status


def test_both_formatters_are_content():
    assert run("mandoc", "-T", "lint", "-W", "warning", PAGE).stdout == ""
    formatted = run("man", "--local-file", "--warnings", "--encoding=UTF-8", PAGE, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"})
    assert formatted.stderr == "" and "gatehouse" in formatted.stdout
