"""Keep the ledger's anchor: its newest entry's number and MAC, in a file beside the key.

A ledger that was cut, emptied or restored from an older copy lacks its anchor's entry. An anchor
that lags behind is valid. A process may be killed between committing an entry and the anchor.
Colleagues write to a shared ledger from other machines. No row is read for an entry before the
anchor names it.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from privgan.errors import UsageError
from privgan.files.atomic import sync_folder

_MARK = "anchored"
_POLL = 0.002


@dataclass(frozen=True, kw_only=True)
class Head:
    """The ledger's newest entry by number and MAC; number 0 and no MAC before the first."""

    sequence: int
    mac: str

    def __str__(self) -> str:
        """The head as people compare it with a colleague's."""
        return f"entry {self.sequence} (MAC {self.mac[:12]}…)" if self.sequence else "no entry yet"


EMPTY = Head(sequence=0, mac="")


class Anchor:
    """The anchor of one ledger on this machine.

    Args:
        key_path: The key's file; the anchor lies beside it, and its lock is the key's file itself.
        place: What the mark in the key's file says of where the anchor is. A key that is given to
            a colleague carries the mark of another place, so that the colleague starts an anchor.
    """

    def __init__(self, key_path: Path, place: str) -> None:
        self._key_path = key_path
        self.path = key_path.with_name(key_path.name.removesuffix(".key") + ".head")
        self._new = self.path.with_name(self.path.name + ".new")
        self.mark = f"{_MARK} {place}"

    def read(self, key: bytes) -> Head | None:
        """The head that the anchor names; None where there is none.

        Raises:
            UsageError: It cannot be read, or it is not under this key.
        """
        try:
            written = json.loads(self.path.read_text(encoding="ascii"))
            head = Head(sequence=int(written["sequence"]), mac=str(written["mac"]))
            if hmac.compare_digest(str(written["check"]), _check(key, head)):
                return head
        except FileNotFoundError:
            return None
        except OSError as error:
            text = f"the ledger's anchor cannot be read: {error.strerror or error}"
            raise UsageError(f"{self.path}: {text}") from None
        except (ValueError, KeyError, TypeError):
            pass
        raise UsageError(f"{self.path}: is damaged, or is the anchor of another ledger")

    def is_promised(self) -> bool:
        """Whether the key's file says that there is an anchor here."""
        try:
            return self.mark in marks_of(self._key_path.read_text(encoding="ascii"))
        except (OSError, ValueError) as error:
            text = f"the ledger's key cannot be read: {error}"
            raise UsageError(f"{self._key_path}: {text}; restore it") from None

    def begin(self, key: bytes) -> None:
        """Start the anchor of a new ledger that has no entry yet."""
        if not self.path.exists():
            self._write(key, EMPTY)

    @contextmanager
    def held(self, timeout: float) -> Iterator[None]:
        """Lock the anchor against all other processes of this machine.

        Raises:
            UsageError: when another process held it for the whole time, or the key is gone.
        """
        deadline = time.monotonic() + timeout
        while True:
            handle = self._open()
            try:
                _lock_until(handle, deadline, timeout)
                if _is_still(self._key_path, handle):
                    yield
                    return
            finally:
                os.close(handle)

    def prepare(self, key: bytes, head: Head) -> None:
        """Write the next anchor aside, so that a full disk shows before a charge."""
        try:
            self._write_new(key, head)
        except OSError as error:
            text = f"the ledger's anchor cannot be written: {error.strerror or error}"
            raise UsageError(f"{self.path}: {text}; nothing was charged") from None

    def discard(self) -> None:
        """Remove a prepared anchor that was not used."""
        with suppress(OSError):
            self._new.unlink()

    def move(self, key: bytes, head: Head) -> None:
        """Set the anchor to another entry, durably; the old one stays until then."""
        try:
            self._write(key, head)
            if not self.is_promised():
                self._promise()
        except OSError as error:
            text = f"the ledger's anchor cannot be written: {error.strerror or error}"
            told = "what was recorded stays, but no row was read for it"
            raise UsageError(f"{self.path}: {text}; {told}") from None

    def _open(self) -> int:
        try:
            return os.open(self._key_path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            text = f"the ledger's key cannot be used: {error.strerror or error}"
            raise UsageError(f"{self._key_path}: {text}; nothing was charged") from None

    def _write(self, key: bytes, head: Head) -> None:
        self._write_new(key, head, durably=True)
        os.replace(self._new, self.path)
        sync_folder(self.path.parent)

    def _write_new(self, key: bytes, head: Head, *, durably: bool = False) -> None:
        figures = {"sequence": head.sequence, "mac": head.mac, "check": _check(key, head)}
        content = (json.dumps(figures) + "\n").encode()
        handle = os.open(self._new, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(handle, len(content))
            os.pwrite(handle, content, 0)
            if durably:
                os.fsync(handle)
        finally:
            os.close(handle)

    def _promise(self) -> None:
        """Note in the key's file, where it is writable, that an anchor exists here.

        The line is appended; the key itself stays as it is.
        """
        try:
            handle = os.open(self._key_path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        except OSError:
            return
        try:
            os.write(handle, f"\n{self.mark}\n".encode())
            os.fsync(handle)
        finally:
            os.close(handle)


def marks_of(text: str) -> tuple[str, ...]:
    """The marks in a key's file, after the key itself."""
    return tuple(line for line in text.splitlines()[1:] if line.startswith(_MARK))


def _check(key: bytes, head: Head) -> str:
    text = f"privgan ledger anchor:{head.sequence}:{head.mac}"
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _lock_until(handle: int, deadline: float, timeout: float) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                text = f"another process has held the ledger for {timeout:g} s"
                raise UsageError(
                    f"{text}; wait until it ends, then try again; nothing was charged"
                ) from None
            time.sleep(_POLL)
        else:
            return


def _is_still(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
