"""Make the peers' environments, each once from a pinned list."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from privgan.errors import UsageError
from tests.benchmarks.methods import HERE, OWN

LISTS = HERE / "environments"
_DONE = "installed"


def python_of(environment: str, work: Path, *, python: str = sys.executable) -> str:
    """The interpreter of an environment, which is made where it is not there yet.

    Args:
        environment: Its name; ``privgan`` is the runner's own.
        work: The benchmark's work folder.
        python: The interpreter that a new environment is made with; dpmm needs Python 3.10 or 3.11.

    Raises:
        UsageError: when its packages cannot be installed.
    """
    if environment == OWN:
        return sys.executable
    folder = work / "environments" / environment
    found = str(folder / "bin" / "python")
    if not (folder / _DONE).exists():
        _make(folder, LISTS / f"{environment}.txt", python, found)
        (folder / _DONE).touch()
    return found


def _make(folder: Path, packages: Path, python: str, found: str) -> None:
    install = [
        found,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
        str(packages),
    ]
    for command in ([python, "-m", "venv", str(folder)], install):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["no message"]
            raise UsageError(f"{packages.name}: the environment cannot be made: {lines[-1]}")
