"""Write files and folders atomically: whole and durable, or not at all.

A file in progress lies beside its target under a hidden name, locked by its process. After a crash
the lock is gone. The next process that writes beside it removes the leftover. A folder about to be
recorded gets a second hidden name with its owner's name. Other processes leave it alone, since a
ledger may name it already.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import glob
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from privgan.errors import PolicyFailedError, ReleaseExistsError, UsageError


def sync_folder(folder: Path) -> None:
    """Make new names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_text(path: Path, text: str) -> None:
    """Replace a file's text as a whole, durably.

    A reader sees the old text or the new one, never a part.
    """
    target = path.resolve()
    pending = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with pending.open("x", encoding="utf-8", newline="\n") as file:
            os.chmod(pending, target.stat().st_mode & 0o777)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(pending, target)
    finally:
        pending.unlink(missing_ok=True)
    sync_folder(target.parent)


@contextmanager
def owner_only() -> Iterator[None]:
    """Create files with mode 0600 and folders with 0700 while the block lasts."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def held_alone(folder: Path) -> Iterator[None]:
    """Lock a folder while the block lasts; the lock of a killed process ends.

    Raises:
        UsageError: when another process holds it.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be opened: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            text = "another process works in it; choose another folder, or wait until it ends"
            raise UsageError(f"{folder}: {text}") from error
        yield
    finally:
        os.close(descriptor)


_MARK = ".privgan-partial-"
_BOOKED = ".privgan-booked-"
# A name of the longest allowed length leaves no room for the mark.
_KEPT = 40


@dataclass(frozen=True, kw_only=True)
class Booking:
    """How a folder is recorded before it gets its name.

    Attributes:
        owner: Whose folder it is, in letters and digits; part of its hidden name from then on.
        record: Records the folder; called when it is whole.
    """

    owner: str
    record: Callable[[Path], object]


@contextmanager
def new_folder(
    target: Path,
    *,
    exists: type[UsageError] = ReleaseExistsError,
    book: Booking | None = None,
) -> Iterator[Path]:
    """Yield a folder to fill; it gets its name when the block ends without an error.

    On an error it is removed.

    Args:
        target: The folder's name to be.
        exists: What is raised when something of that name is there.
        book: Records the folder before it gets its name. From just before the record on it stays,
            under a hidden name, whatever comes between; ``adopt_leftover`` takes it up. A refusal
            by the policy books nothing.

    Raises:
        UsageError: It cannot be written, or the disk is full.
    """
    _check_free(target, exists)
    partial, booked = _beside(target), False
    try:
        _prepare(target.parent)
        partial.mkdir()
        with _locked(partial):
            yield partial
            _check_free(
                target, exists
            )  # Rename would quietly replace an empty folder made in the meantime.
            if book is not None:
                partial = partial.rename(_to_book(target, book.owner))
                sync_folder(target.parent)
                booked = True
                book.record(partial)
            partial.rename(target)
        sync_folder(target.parent)
    except PolicyFailedError:
        booked = False
        raise
    except OSError as error:
        raise as_usage_error(error, target, exists) from error
    finally:
        if not booked:
            shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def new_file(target: Path, *, mode: int = 0o644) -> Iterator[BinaryIO]:
    """Yield a file to fill, as ``new_folder`` does.

    Args:
        target: The file's name to be.
        mode: Its mode, less what the process's mask takes away.
    """
    _check_free(target, UsageError)
    partial = _beside(target)
    try:
        _prepare(target.parent)
        handle = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(handle, "w+b") as file, _locked(partial):
            yield file
            file.flush()
            os.fsync(file.fileno())
            _check_free(target, UsageError)
            partial.rename(target)
        sync_folder(target.parent)
    except OSError as error:
        raise as_usage_error(error, target, UsageError) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()


def write_new_file(target: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a new file; UsageError where it exists or cannot be written."""
    with new_file(target, mode=mode) as file:
        file.write(content)


def replace_file(target: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file in place of an existing one."""
    partial = _beside(target)
    try:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        raise as_usage_error(error, target, UsageError) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()


def remove_leftovers(folder: Path, *, owner: str = "") -> int:
    """Remove partial files of killed processes in a folder.

    Files of living processes are locked, and stay.

    Args:
        folder: The folder.
        owner: Whose folders go even where they were about to be recorded; empty for nobody's.

    Returns:
        The number of files removed.
    """
    left = [*folder.glob(f".*{_MARK}*"), *(folder.glob(f".*{_BOOKED}{owner}-*") if owner else ())]
    removed = 0
    for path in sorted(left):
        with contextlib.suppress(OSError), _locked(path):
            removed += _remove(path)
    return removed


def adopt_leftover(target: Path, owner: str, wanted: Callable[[Path], bool]) -> bool:
    """Rename a killed process' finished folder to its target, where it is the wanted one.

    Other folders of the same owner are removed.

    Args:
        target: The folder's name to be.
        owner: Whose folders are looked at.
        wanted: Whether a folder that was left is whole and recorded, and is what is asked for.

    Returns:
        Whether there was one.
    """
    adopted = False
    for path in sorted(target.parent.glob(f"{glob.escape(_hidden(target, _BOOKED))}{owner}-*")):
        with contextlib.suppress(OSError), _locked(path):
            if not adopted and path.is_dir() and wanted(path):
                _check_free(target, ReleaseExistsError)
                path.rename(target)
                sync_folder(target.parent)
                adopted = True
            else:
                _remove(path)
    return adopted


def as_usage_error(
    error: OSError, target: Path, exists: type[UsageError] = UsageError
) -> UsageError:
    """Convert an operating-system error to words that say what to do."""
    if error.errno in {errno.ENOTEMPTY, errno.EEXIST}:
        return exists(f"{target} is there already; choose another name, nothing is overwritten")
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return UsageError(
            f"{target}: no room left on the disk; make room, or name a folder elsewhere"
        )
    if error.errno == errno.EROFS:
        return UsageError(f"{target}: the disk is read-only; name a folder on another one")
    if error.errno == errno.ENAMETOOLONG:
        return UsageError(
            f"{str(target)[:80]}…: the name is too long for this disk; choose a shorter one"
        )
    return UsageError(f"{target}: cannot be written: {error.strerror or error}")


def _beside(target: Path) -> Path:
    return target.parent / f"{_hidden(target, _MARK)}{secrets.token_hex(8)}"


def _hidden(target: Path, mark: str) -> str:
    return f".{target.name[:_KEPT]}{mark}"


def _to_book(target: Path, owner: str) -> Path:
    """The hidden name of a whole folder that is about to be recorded.

    Only its owner names or removes it.
    """
    return target.parent / f"{_hidden(target, _BOOKED)}{owner}-{secrets.token_hex(8)}"


def _remove(path: Path) -> int:
    """Remove a file or folder; returns the number of files."""
    files = 1 if not path.is_dir() else sum(1 for part in path.rglob("*") if not part.is_dir())
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    return files


def _check_free(target: Path, exists: type[UsageError]) -> None:
    if "\0" in str(target):
        raise UsageError(f"{ascii(str(target))[:80]}: is no name that a file can have")
    if os.path.lexists(target):
        raise exists(f"{target} is there already; choose another name, nothing is overwritten")


def _prepare(folder: Path) -> None:
    """Make the parent folder, and remove leftovers there."""
    if os.path.lexists(folder) and not folder.is_dir():
        raise UsageError(f"{folder}: is no folder; choose another")
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Lock a file or folder; OSError where another process holds it, or it is a link."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)
