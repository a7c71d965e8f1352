"""A release is written as a whole or not at all.

Kills at every step, full and read-only disks, impossible names.
"""

from __future__ import annotations

import errno
import functools
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from privgan.errors import ReleaseExistsError, UsageError
from privgan.files import atomic
from privgan.files.atomic import new_file, new_folder, remove_leftovers, write_new_file
from privgan.release import verify_release, write_release
from privgan.release.bundle import WriteOptions
from privgan.release.pack import pack_release
from privgan.release.signing.keys import SigningKey, create_keys
from tests.release.changes import NOW


def killed_at(number: int, job: Callable[[], Any]) -> bool:
    """Run a job in a child that is killed before its n-th write reaches the disk.

    Returns whether it was.
    """
    child = os.fork()
    if child == 0:  # pragma: no cover
        calls, plain = iter(range(1_000)), os.fsync

        def fsync(descriptor: int) -> None:
            if next(calls) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            plain(descriptor)

        os.fsync = fsync  # type: ignore[assignment]
        try:
            job()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def test_a_kill_at_any_write_leaves_no_release_and_the_next_one_cleans_up(
    tmp_path: Path, contents: Any, facts: Any, verdict: Any, signer: SigningKey
) -> None:
    files, left = contents(tmp_path), 0
    for number in range(30):
        target = tmp_path / f"release{number}"
        options = WriteOptions(key=signer, now=NOW)
        job = functools.partial(write_release, target, files, facts, verdict(), options)
        killed = killed_at(number, job)
        if not target.exists():
            left += 1
            assert killed
            assert (
                len(list(tmp_path.glob(".*.privgan-partial-*"))) == 1
            )  # The one before was removed by this one.
        else:
            assert verify_release(target, now=NOW).problems == ()
            if not killed:
                break
    else:
        raise AssertionError("the release was never finished")
    assert left >= 9  # The files and the folders that they lie in.
    assert not list(tmp_path.glob(".*"))


def test_what_a_living_process_is_writing_stays(tmp_path: Path) -> None:
    with new_folder(tmp_path / "slow") as partial:
        (partial / "file").write_text("x")
        write_new_file(tmp_path / "quick", b"x")
        assert remove_leftovers(tmp_path) == 0
        assert (partial / "file").exists()
    assert (tmp_path / "slow" / "file").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["quick", "slow"]


def test_only_our_own_leftovers_are_removed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "mine").write_text("x")
    (tmp_path / ".x.privgan-partial-0123456789abcdef").symlink_to("elsewhere")
    (tmp_path / ".vim.partial-1").write_text("x")
    (tmp_path / ".r.privgan-partial-0123456789abcde0").mkdir()
    (tmp_path / ".r.privgan-partial-0123456789abcde0" / "synthetic.csv").write_text("x")
    assert remove_leftovers(tmp_path) == 1
    assert (tmp_path / "elsewhere" / "mine").exists()
    assert (tmp_path / ".vim.partial-1").exists()
    assert not (tmp_path / ".r.privgan-partial-0123456789abcde0").exists()


def test_an_error_inside_leaves_nothing(tmp_path: Path) -> None:
    for make in (new_folder, new_file):
        with pytest.raises(KeyError), make(tmp_path / "x"):
            raise KeyError
        assert list(tmp_path.iterdir()) == []


def test_what_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(ReleaseExistsError), new_folder(tmp_path / "x"):
        (tmp_path / "x").mkdir()
    with pytest.raises(UsageError, match="is there already"), new_file(tmp_path / "y"):
        (tmp_path / "y").write_text("mine")
    assert (tmp_path / "y").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x", "y"]


ERRORS = {
    errno.EROFS: "the disk is read-only",
    errno.ENOSPC: "no room left",
    errno.EDQUOT: "no room left",
    errno.EACCES: "Permission denied",
    errno.ENAMETOOLONG: "name is too long",
    errno.EIO: "Input/output error",
}


@pytest.mark.parametrize("code", ERRORS)
@pytest.mark.parametrize("place", ["mkdir", "fsync", "rename"])
def test_a_disk_that_refuses_is_told_and_nothing_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, place: str, facts: Any, verdict: Any
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(code, os.strerror(code))

    target = tmp_path / "release"
    with monkeypatch.context() as patch:
        patch.setattr(
            *{"mkdir": (Path, "mkdir"), "fsync": (os, "fsync"), "rename": (Path, "rename")}[place],
            refuse,
        )
        with pytest.raises(UsageError, match=ERRORS[code]) as error:
            write_release(target, {"synthetic.csv": b"a"}, facts, verdict())
    assert error.value.exit_code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["x" * 256, "é" * 200, "nul\0l"])
def test_names_that_cannot_be_are_told(tmp_path: Path, name: str, facts: Any, verdict: Any) -> None:
    with pytest.raises(UsageError, match=r"too long|no name that a file can have"):
        write_release(tmp_path / name, {"synthetic.csv": b"a"}, facts, verdict())
    with pytest.raises(UsageError):
        verify_release(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_name_as_long_as_the_disk_allows_is_written(
    tmp_path: Path, facts: Any, verdict: Any
) -> None:
    assert write_release(tmp_path / ("x" * 255), {"synthetic.csv": b"a"}, facts, verdict()).is_dir()


def test_a_folder_under_a_file_is_told(tmp_path: Path, facts: Any, verdict: Any) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="is no folder"):
        write_release(tmp_path / "file" / "release", {"synthetic.csv": b"a"}, facts, verdict())


@pytest.fixture
def disk() -> Iterator[Callable[[str], Path]]:
    """Mounts small disks of memory, where this process may."""
    mounted: list[str] = []

    def mount(options: str) -> Path:
        folder = tempfile.mkdtemp(prefix="privgan-disk-")
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder],
            capture_output=True,
            check=False,
        )
        if done.returncode:
            os.rmdir(folder)
            pytest.skip("this process may not mount a disk")
        mounted.append(folder)
        return Path(folder)

    try:
        yield mount
    finally:
        for folder in mounted:
            subprocess.run(["umount", folder], check=True)
            os.rmdir(folder)


def test_a_real_read_only_disk(
    disk: Callable[[str], Path], release: Path, facts: Any, verdict: Any
) -> None:
    folder = disk("ro,size=1m")
    for job in (
        lambda: write_release(folder / "release", {"synthetic.csv": b"a"}, facts, verdict()),
        lambda: write_new_file(folder / "x", b"x"),
        lambda: create_keys(folder / "keys", "acme"),
    ):
        with pytest.raises(UsageError, match=r"read-only|Read-only"):
            job()


def test_a_real_full_disk(
    disk: Callable[[str], Path], facts: Any, verdict: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = disk("size=256k")
    files: dict[str, bytes | Path] = {"synthetic.csv": b"a,b\n" + b"1,x\n" * 100_000}
    with pytest.raises(UsageError, match="make room"):
        write_release(folder / "release", files, facts, verdict())
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1 << 40})())
    with pytest.raises(UsageError, match="no room left"):
        write_release(folder / "release", files, facts, verdict())
    assert list(folder.iterdir()) == []


def test_a_zip_that_does_not_fit_is_not_left(
    release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    monkeypatch.setattr("privgan.release.pack.check_intact", lambda _: None)
    with pytest.raises(UsageError, match="no room left"):
        pack_release(release, release.parent / "release.zip")
    assert {path.name for path in release.parent.iterdir()} == {"release"}
