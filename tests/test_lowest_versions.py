"""The lowest versions that pyproject.toml allows, in a fresh environment: the tests pass there."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT: dict[str, Any] = PYPROJECT["project"]
# Linters and stubs: no test runs them.
LEFT_OUT = {"mypy", "pandas-stubs", "ruff", "types-pyyaml"}
FLOORS_ARE_FOR = (3, 11)  # Later versions of Python have no wheels of libraries that old.
INSTALL_SECONDS, TEST_SECONDS = 1_800, 3_000
# They test privgan's own rules and books, by libraries that the other folders use as well.
OWN = ("benchmarks", "pages", "pipeline", "planning", "release", "sabotage")


def lowest() -> list[str]:
    """Each requirement at its floor."""
    declared = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
    wanted = {canonicalize_name(r.name): r for r in map(Requirement, declared)}
    return [
        f"{name}{'[' + ','.join(r.extras) + ']' if r.extras else ''}=={floor.version}"
        for name, r in wanted.items()
        if name not in LEFT_OUT
        for floor in r.specifier
        if floor.operator == ">="
    ]


def fixed(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(library): version for library, version in pairs}


def test_the_lock_fixes_every_requirement_within_its_range() -> None:
    lock = fixed("requirements.lock")
    declared = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
    for requirement in map(Requirement, declared):
        version = lock[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{requirement} is locked at {version}"
    assert fixed("constraints.txt") == {"torch": lock["torch"]}


def test_every_floor_is_fixed() -> None:
    found = lowest()
    assert len(found) > 30
    assert "opendp==0.14" in found
    assert "psycopg[binary]==3.1.4" in found


def _run(*command: str, seconds: int, **more: Any) -> subprocess.CompletedProcess[str]:
    quiet: Any = {"capture_output": True, "text": True, "check": False}
    return subprocess.run(command, timeout=seconds, **quiet, **more)


def _check_index(python: str) -> None:
    """Skip where pip finds no package index; fail where the servers are asked for."""
    probe = (python, "-m", "pip", "install", "--dry-run", "--no-deps", "packaging==23.0")
    found = _run(*probe, seconds=300)
    if found.returncode == 0:
        return
    if os.environ.get("PRIVGAN_REQUIRE_SERVERS") == "1":
        pytest.fail("pip finds no package index, and PRIVGAN_REQUIRE_SERVERS=1 asks for one")
    pytest.skip("pip finds no package index")


@pytest.mark.slow
@pytest.mark.skipif(sys.version_info[:2] != FLOORS_ARE_FOR, reason="floors are for Python 3.11")
def test_the_fast_tests_pass_with_the_lowest_versions(
    tmp_path: Path,
    pytestconfig: pytest.Config,
) -> None:
    """Only wheels are installed: a floor that would have to be built is no floor."""
    made = _run(sys.executable, "-m", "venv", str(tmp_path / "env"), seconds=300)
    assert made.returncode == 0, made.stderr
    python = str(tmp_path / "env" / "bin" / "python")
    _check_index(python)
    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    done = _run(*pip, "--only-binary", ":all:", *lowest(), seconds=INSTALL_SECONDS)
    assert done.returncode == 0, done.stderr[-3_000:]
    done = _run(*pip, "--no-deps", "--editable", str(ROOT), seconds=INSTALL_SECONDS)
    assert done.returncode == 0, done.stderr[-3_000:]
    done = _run(python, "-m", "pip", "check", seconds=300)
    assert done.returncode == 0, done.stdout
    fast = (python, "-m", "pytest", "-m", "not slow", "-n", "2", "--dist", "loadfile")
    fast += tuple(f"--ignore=tests/{folder}" for folder in OWN)
    quiet = ("-p", "no:cacheprovider", "-W", "ignore", "--tb", "short")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = _run(*fast, *quiet, seconds=TEST_SECONDS, cwd=ROOT, env=environment)
    assert done.returncode == 0, done.stdout[-6_000:]
    told = f"lowest versions: {done.stdout.strip().splitlines()[-1]}"
    pytestconfig.get_terminal_writer().line(f"\n{told}")
