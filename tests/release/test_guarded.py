"""A check in a separate process answers or ends there; crashes and hangs stay inside."""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from privgan.errors import UsageError, VerificationError
from privgan.files.safe_open import read_regular
from privgan.release.verification import sandbox
from privgan.release.verification.sandbox import GuardedError, run_guarded


def twice(value: Any) -> Any:
    print("noise on the terminal")  # noqa: T201
    os.write(1, b"noise below Python\n")
    return [value, value]


def refuse(name: str) -> None:
    raise UsageError(f"{name}: is not what it should be")


def divide() -> float:
    return 1 / 0


def crash() -> None:
    ctypes.string_at(0)


def hang() -> None:
    while True:
        time.sleep(1)


def spin() -> None:
    while True:
        pass


def grow(megabytes: int) -> int:
    return len(bytearray(megabytes << 20))


def talk() -> str:
    return "x" * (80 << 20)


def deep() -> Any:
    value: Any = 1
    for _ in range(900):
        value = [value]
    return value


def modules() -> list[str]:
    return sorted(sys.modules)


def test_values_come_back_as_json_gives_them(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_guarded(twice, {"a": [1, 2.5, None, "ü"]}) == [{"a": [1, 2.5, None, "ü"]}] * 2
    assert run_guarded(twice, Path("x/y")) == ["x/y", "x/y"]
    assert capfd.readouterr() == ("", "")


def test_what_ends_the_process_is_a_finding() -> None:
    with pytest.raises(VerificationError, match=r"^file: is not what it should be$"):
        run_guarded(refuse, "file")
    for function, told in (
        (divide, "ZeroDivisionError"),
        (crash, "signal 11"),
        (talk, "ended with"),
    ):
        with pytest.raises(GuardedError, match=told):
            run_guarded(function)


def test_time_and_memory_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "_BUSY", 1.0)
    for function in (hang, spin):
        begun = time.monotonic()
        with pytest.raises(GuardedError, match="in 1 seconds"):
            run_guarded(function, seconds=1)
        assert time.monotonic() - begun < 10
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert run_guarded(grow, 50, megabytes=200) == 50 << 20
    if sys.platform == "linux":
        with pytest.raises(GuardedError, match="200 MB"):
            run_guarded(grow, 4000, megabytes=200)
        assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss - before < 400_000


def test_a_folder_that_one_stands_in_is_not_imported_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit(9)")
    (tmp_path / "pyarrow.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    assert run_guarded(twice, 1) == [1, 1]


def test_the_process_starts_with_little() -> None:
    loaded = set(run_guarded(modules))
    assert not loaded & {"numpy", "pandas", "torch", "dp_accounting", "jsonschema", "pyarrow"}


def test_the_child_that_reads_tables_imports_no_library_that_it_does_not_use() -> None:
    """Each verification starts one: dp-accounting alone takes a second of processor."""
    code = "import privgan.release.verification.table, sys; print(*sorted(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = set(found.stdout.split())
    assert "pandas" in modules
    heavy = {"dp_accounting", "jinja2", "opacus", "scipy.stats", "sklearn", "sqlalchemy", "torch"}
    assert not heavy & modules


def test_a_small_file_takes_little_memory_whatever_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(b"few")
    assert read_regular(tmp_path / "small", 1 << 60) == b"few"
    with pytest.raises(ValueError, match="more than 2 bytes"):
        read_regular(tmp_path / "small", 2)
