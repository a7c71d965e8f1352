"""Make and read the ledger's MAC key, an owner-only file made together with the ledger."""

from __future__ import annotations

import fcntl
import hmac
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from privgan.errors import NoLedgerError, UsageError
from privgan.files.atomic import sync_folder
from privgan.ledger.anchor import Anchor
from privgan.ledger.store import fingerprint
from privgan.naming import call, parameter


@dataclass(frozen=True, kw_only=True)
class LedgerParts:
    """Finds and makes the ledger that a key belongs to.

    Attributes:
        url: Where it is, for messages.
        exists: Whether it is there.
        make: Makes it for a key, wholly or not at all.
        keeps: The fingerprint that it keeps of its key, None where it keeps none; refuses what is
            no whole ledger.
        anchor: Where its newest entry is kept, outside it.
    """

    url: str
    exists: Callable[[], bool]
    make: Callable[[bytes], None]
    keeps: Callable[[], str | None]
    anchor: Anchor


def obtain_key(path: Path, parts: LedgerParts, *, create: bool) -> tuple[bytes, bool]:
    """Read a ledger's key; make both where neither exists.

    The new key waits in its own file, which is also the lock, until the ledger is whole. The next
    opening repairs a crash in between. Of several processes, one makes the ledger.

    Args:
        path: The key's file.
        parts: The ledger.
        create: Whether to make what is not there.

    Returns:
        The key, and whether the ledger was made now.

    Raises:
        UsageError: when one of the two is there without the other, or they do not belong together.
    """
    created_now = not path.exists() and _make_missing(path, parts, create=create)
    if not path.exists():
        raise UsageError(
            f"{path}: the ledger's key is missing; restore it there, a new one is never made for"
            f" {parts.url}"
        )
    key = _read(path)
    if not parts.exists():
        raise UsageError(
            f"{parts.url}: the ledger is gone but its key is there; restore it, never start afresh"
            " silently"
        )
    kept = parts.keeps()
    if kept is not None and not _belongs(key, kept):
        raise UsageError(f"{path}: is not the key of the ledger {parts.url}; restore the right one")
    return key, created_now


def _make_missing(path: Path, parts: LedgerParts, *, create: bool) -> bool:
    """Make or finish a ledger and its key; returns whether the ledger was made now."""
    pending = path.with_name(path.name + ".new")
    there = parts.exists()
    if not there and not create:
        raise NoLedgerError(
            f"{parts.url}: there is no ledger; name another with {parameter('ledger')}, or make"
            f" one with {call('PrivacyLedger.open')}"
        )
    return (not there or pending.exists()) and _make_both(path, pending, parts)


def _make_both(path: Path, pending: Path, parts: LedgerParts) -> bool:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(pending) as handle:
        if path.exists():
            pending.unlink()
            return False
        if parts.exists():
            _finish(pending, path, parts)
            return False
        key = os.urandom(32)
        os.fchmod(handle, 0o600)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{key.hex()}\n{parts.anchor.mark}\n".encode(), 0)
        os.fsync(handle)
        parts.make(key)
        parts.anchor.begin(key)
        os.replace(pending, path)
        sync_folder(path.parent)
        return True


def _finish(pending: Path, path: Path, parts: LedgerParts) -> None:
    """Repair a crash after the ledger was made and before its key was renamed."""
    kept = parts.keeps()
    try:
        key = _read(pending)
    except UsageError:
        key = b""
    if key and kept is not None and _belongs(key, kept):
        parts.anchor.begin(key)
        os.replace(pending, path)
    else:
        pending.unlink()


@contextmanager
def _locked(pending: Path) -> Iterator[int]:
    """Lock the waiting key's file.

    It may have become the key, or vanished, while this process waited.
    """
    while True:
        handle = os.open(pending, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if _is_still(pending, handle):
                yield handle
                return
        finally:
            os.close(handle)


def _is_still(pending: Path, handle: int) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), pending.stat())
    except FileNotFoundError:
        return False


def _read(path: Path) -> bytes:
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip().partition("\n")[0])
    except ValueError:
        key = b""
    if len(key) != 32:
        raise UsageError(
            f"{path}: is not a ledger's key (64 hexadecimal digits in its first line); restore it"
        )
    return key


def _belongs(key: bytes, kept: str) -> bool:
    return hmac.compare_digest(fingerprint(key), kept)
