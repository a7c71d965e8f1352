"""What has to survive a loss of power, and whom new files belong to."""

from __future__ import annotations

import fcntl
import os
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
