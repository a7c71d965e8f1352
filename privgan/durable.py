"""What has to survive a loss of power, and whom new files belong to."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from privgan.errors import UsageError


def sync_folder(folder: Path) -> None:
    """Make new names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_text(path: Path, text: str) -> None:
    """Replace a file's text as a whole, durably; a reader sees the old text or the new one, never a part."""
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
    """Make new files 0600 and new folders 0700, from their first byte, while the block lasts."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def held_alone(folder: Path) -> Iterator[None]:
    """Hold a folder alone while the block lasts; a killed process holds it no more.

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
