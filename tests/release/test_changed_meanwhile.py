"""A file that is swapped while a release is checked is a finding."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from privgan.files.safe_open import ChangedError, open_listed, read_listed
from privgan.release import ALLOWED_FILES, verify_release
from privgan.release.manifest import Manifest
from privgan.release.verification import verify
from privgan.release.verification.agreement import meaning_problems
from privgan.release.verification.apart import verify_apart
from privgan.release.verification.integrity import SEALS
from privgan.release.verification.released import Released
from tests.release.changes import refiled

NAMES = sorted({*ALLOWED_FILES, *SEALS})
Swap = Callable[[Path], Any]


@pytest.fixture(autouse=True)
def no_hang() -> Iterator[None]:
    """A pipe that is waited for would wait for ever."""

    def late(*_: Any) -> None:
        raise AssertionError("the check hangs")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def pipe(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def unix_socket(path: Path) -> None:
    path.unlink(missing_ok=True)
    here = os.getcwd()
    os.chdir(path.parent)  # A socket's path is short.
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)
    os.chdir(here)


def device(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to("/dev/zero")


def link(path: Path) -> None:
    """A link to the very content that is listed."""
    target = path.parent.parent / f"moved {path.name}"
    if path.exists():
        path.rename(target)
    path.symlink_to(target)


def other(path: Path) -> None:
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:-1] + b"?")


def in_place(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"?")


def removed(path: Path) -> None:
    path.unlink()


SPECIAL: dict[str, Swap] = {"pipe": pipe, "socket": unix_socket, "device": device, "link": link}
SWAPS = SPECIAL | {"other content": other, "written in place": in_place, "removed": removed}


@pytest.mark.parametrize("kind", SPECIAL)
def test_what_is_no_plain_file_is_refused_at_once(signed: Path, kind: str) -> None:
    for name in NAMES:
        path = signed / name
        kept = path.read_bytes() if path.exists() else None
        SPECIAL[kind](path)
        problems = "\n".join(verify_release(signed).problems)
        assert f"'{name}': is a link or a special file" in problems
        path.unlink()
        if kept is not None:
            path.write_bytes(kept)


def test_a_pipe_is_refused_in_a_process_apart_too(release: Path) -> None:
    pipe(release / "synthetic.parquet")
    assert "special file" in "\n".join(verify_apart(release).problems)


def before(
    monkeypatch: pytest.MonkeyPatch, step: str, swap: Callable[[], Any], after: Callable[[], Any]
) -> None:
    """Swap before a step of the check, and undo it after."""
    whole = getattr(verify, step)

    def swapped(*arguments: Any, **options: Any) -> list[str]:
        swap()
        found = list(whole(*arguments, **options))
        after()
        return found

    monkeypatch.setattr(verify, step, swapped)


@pytest.mark.parametrize("step", ["file_problems", "meaning_problems"])
@pytest.mark.parametrize("kind", SWAPS)
def test_a_swap_after_the_hashes_is_found(
    release: Path, monkeypatch: pytest.MonkeyPatch, kind: str, step: str
) -> None:
    assert verify_release(release).ok
    name = {"pipe": "synthetic.parquet", "socket": "synthetic.csv"}.get(kind, "model/model.json")
    before(monkeypatch, step, lambda: SWAPS[kind](release / name), lambda: None)
    problems = verify_release(release).problems
    assert f"'{name}': was changed while it was checked" in "\n".join(problems)


@pytest.mark.parametrize("name", ["synthetic.parquet", "schema.yaml", "report.html"])
def test_a_swap_that_is_undone_is_found(
    release: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The hashes are those of one file, and another's content would be looked at."""
    path, aside = release / name, release.parent / "aside"

    def swap() -> None:
        path.rename(aside)
        path.write_bytes(aside.read_bytes())

    before(monkeypatch, "file_problems", swap, lambda: aside.replace(path))
    assert f"'{name}': was changed while it was checked" in "\n".join(
        verify_release(release).problems
    )


@pytest.mark.slow
def test_what_was_found_of_another_table_is_not_remembered(
    release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second check of a release may trust the first one's comparison of its tables."""
    path = release / "synthetic.csv"
    plain = path.read_bytes()
    refiled("synthetic.csv", lambda content: content.replace(b"x", b"y", 1))(release)
    lie = path.read_bytes()
    before(
        monkeypatch,
        "meaning_problems",
        lambda: path.write_bytes(plain),
        lambda: path.write_bytes(lie),
    )
    assert not verify_release(release).ok
    monkeypatch.setattr(verify, "meaning_problems", meaning_problems)
    assert "differs from synthetic.parquet" in "\n".join(verify_release(release).problems)


def test_files_are_read_with_the_hash_that_is_listed(release: Path) -> None:
    manifest = verify_release(release).manifest
    released = Released(release, Manifest.from_json(manifest))
    assert released.content("schema.yaml") == (release / "schema.yaml").read_bytes()
    with released.opened("synthetic.csv") as reader:
        assert reader.read() == (release / "synthetic.csv").read_bytes()
    (release / "schema.yaml").write_bytes(b"x")
    with pytest.raises(ChangedError, match="was changed while it was checked"):
        released.content("schema.yaml")
    pipe(release / "synthetic.csv")
    with pytest.raises(OSError, match="no regular file"), released.opened("synthetic.csv"):
        pass
    link(release / "report.html")
    with pytest.raises(OSError):  # noqa: PT011 - Each system names it in its own words.
        read_listed(release / "report.html", 9, "0" * 64)
    with pytest.raises(ChangedError), open_listed(release / "schema.yaml", "0" * 64):
        pass
