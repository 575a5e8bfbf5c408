"""Programs that are run to their end."""

import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]


class Failed(AssertionError):
    """A program's exit status was not 0."""


def run(*command, timeout=60, check=True, **options):
    """Runs a program; its result has text in stdout and stderr. Raises Failed, with both, when it fails."""
    result = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=timeout, check=False, **options)
    if check and result.returncode != 0:
        raise Failed(
            f"{' '.join(map(str, command))}: exit status {result.returncode}\n{result.stdout[-4000:]}\n{result.stderr[-4000:]}")
    return result
