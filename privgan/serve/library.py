"""Find and verify the releases below a folder.

The walk follows no link, and ``verify_release`` checks each release.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from io import BufferedReader
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import Protocol

from privgan.errors import UsageError
from privgan.files.json_types import JsonMapping
from privgan.files.safe_open import open_inside
from privgan.release.manifest import CHECKSUM_NAME, MANIFEST_NAME, manifest_mistakes
from privgan.release.signing.trust import Trust
from privgan.release.table_files import allowed_source
from privgan.release.verification.verify import Verification, verify_release

INTERNAL = "internal"
INTERNAL_REPORTS = tuple(f"internal-report.{ending}" for ending in ("html", "pdf", "md", "json"))
_OWN_FILES = (MANIFEST_NAME, CHECKSUM_NAME, "manifest.sig")
_DEEPEST, _MOST_FOLDERS, _MOST_FILES = 5, 20_000, 200


class Check(Protocol):
    """Verify a release."""

    def __call__(
        self, folder: Path, *, now: dt.datetime | None = None, trust: Trust | None = None
    ) -> Verification:
        """Return the verification's result."""
        ...


@dataclass(frozen=True, kw_only=True)
class Held:
    """A release in the folder.

    Attributes:
        id: Its name in addresses, from which no path can be made.
        name: Its path below the library's folder, ``.`` for that folder itself.
        root: The library's folder.
        verification: What the check found.
    """

    id: str
    name: str
    root: Path
    verification: Verification

    def open(self, file: str) -> BufferedReader:
        """Open one of its files; OSError where it is missing, or a link is on the way."""
        return open_inside(self.root, [*PurePosixPath(self.name).parts, *file.split("/")])

    @cached_property
    def manifest(self) -> JsonMapping | None:
        """The manifest, where it has a manifest's form.

        Trust its content only where ``ok``.
        """
        found = self.verification.manifest
        return found if found and not manifest_mistakes(found) else None

    def broken(self, error: Exception) -> Held:
        """The same release, marked as unreadable and not intact."""
        return replace(self, verification=_unreadable(error))

    @property
    def ok(self) -> bool:
        """Whether the release verified."""
        return self.verification.ok

    @property
    def files(self) -> tuple[str, ...]:
        """The files that may be downloaded.

        The manifest, and listed files that a release may hold.
        """
        if not self.ok:
            return ()
        listed = [name for name in self.verification.manifest["files"] if allowed_source(name)]
        return (
            *sorted(listed),
            *(name for name in _OWN_FILES if _is_file(self.root / self.name / name)),
        )


@dataclass(frozen=True, kw_only=True)
class Inside:
    """INTERNAL: a folder of files that stay inside, and its reports.

    Attributes:
        id: Its name in addresses.
        name: Its path below the library's folder.
        root: The library's folder.
        reports: The names of its reports.
    """

    id: str
    name: str
    root: Path
    reports: tuple[str, ...]

    def open(self, file: str) -> BufferedReader:
        """Open one of its reports; OSError where it is missing, or a link is on the way."""
        return open_inside(self.root, [*PurePosixPath(self.name).parts, file])


class Library:
    """A folder of releases, and of runs with a release inside.

    Args:
        root: The folder.
        internal: Whether the internal reports of the runs may be seen.
        trust: Whose signatures are believed; where it holds a key, a release that none of them
            signed is not intact.
        check: What checks a release; in this process where none is given.

    Raises:
        UsageError: There is no such folder.
    """

    def __init__(
        self,
        root: Path,
        *,
        internal: bool = False,
        trust: Trust | None = None,
        check: Check | None = None,
    ) -> None:
        if not root.is_dir():
            raise UsageError(f"{root}: there is no such folder; name a folder of releases")
        self.root, self.internal, self._trust = root.resolve(), internal, trust
        self._check, self._at_work = check or verify_release, dict[Path, Lock]()
        self._checked: dict[Path, tuple[object, Held]] = {}
        self._lock = Lock()

    def releases(self) -> tuple[Held, ...]:
        """All releases, the newest first."""
        found = [
            self._held(folder) for folder in self._folders() if _is_file(folder / MANIFEST_NAME)
        ]
        return tuple(sorted(found, key=_newest_first, reverse=True))

    def release(self, identity: str) -> Held | None:
        """One release by its name in addresses."""
        folders = (folder for folder in self._folders() if _is_file(folder / MANIFEST_NAME))
        found = next((folder for folder in folders if self._id(folder) == identity), None)
        return None if found is None else self._held(found)  # No other release is waited for.

    def insides(self) -> tuple[Inside, ...]:
        """INTERNAL: the folders with internal reports.

        None unless the library was made to show them.
        """
        if not self.internal:
            return ()
        found = []
        for folder in self._folders():
            inner = folder / INTERNAL
            reports = tuple(
                name
                for name in INTERNAL_REPORTS
                if not inner.is_symlink() and _is_file(inner / name)
            )
            if reports:
                found.append(
                    Inside(
                        id=self._id(inner), name=self._name(inner), root=self.root, reports=reports
                    )
                )
        return tuple(found)

    def _folders(self) -> Iterator[Path]:
        """All folders to search.

        Hidden and internal folders, links and content of a release are left out.
        """
        waiting, seen = [(self.root, 0)], 0
        while waiting and seen < _MOST_FOLDERS:
            folder, depth = waiting.pop()
            seen += 1
            yield folder
            if depth < _DEEPEST and not _is_file(folder / MANIFEST_NAME):
                waiting += [(inner, depth + 1) for inner in _inner_folders(folder)]

    def _held(self, folder: Path) -> Held:
        """A release with its check's result.

        The check runs again when a file changed, and each day, since releases expire.
        """
        now = dt.datetime.now(dt.UTC)
        state = (now.date(), _state(folder))
        with self._lock:
            known = self._checked.get(folder)
            own = self._at_work.setdefault(folder, Lock())
        if known and known[0] == state:
            return known[1]
        # One check of a release at a time; the lock of all is not held meanwhile.
        with own:
            return self._checked_now(folder, state, now)

    def _checked_now(self, folder: Path, state: object, now: dt.datetime) -> Held:
        with self._lock:
            known = self._checked.get(folder)
        if known and known[0] == state:
            return known[1]
        try:
            found = self._check(folder, now=now, trust=self._trust)
        except (
            Exception
        ) as error:  # A hostile release may break its check; the other releases are still shown.
            found = _unreadable(error)
        held = Held(
            id=self._id(folder), name=self._name(folder), root=self.root, verification=found
        )
        with self._lock:
            self._checked[folder] = (state, held)
        return held

    def _name(self, folder: Path) -> str:
        return folder.relative_to(self.root).as_posix()

    def _id(self, folder: Path) -> str:
        return hashlib.sha256(os.fsencode(self._name(folder))).hexdigest()[:16]


def _unreadable(error: Exception) -> Verification:
    reason = error.strerror if isinstance(error, OSError) else type(error).__name__
    return Verification(
        ok=False, problems=(f"cannot be read: {reason}",), signed=False, manifest={}
    )


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _inner_folders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            inner = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    return [
        folder / name
        for name in sorted(inner, reverse=True)
        if name != INTERNAL and not name.startswith(".")
    ]


def _state(folder: Path) -> object:
    """A value that changes whenever a file of a release does."""
    found = []
    for where, _, names in os.walk(folder, followlinks=False):
        found += [(where, name, _stamp(os.path.join(where, name))) for name in [".", *names]]
        if len(found) > _MOST_FILES:  # More than any release has.
            break
    return tuple(found)


def _stamp(path: str) -> tuple[int, ...]:
    try:
        entry = os.lstat(path)
    except OSError:
        return ()
    return entry.st_mode, entry.st_ino, entry.st_size, entry.st_mtime_ns, entry.st_ctime_ns


def _newest_first(held: Held) -> tuple[str, str]:
    created = held.verification.manifest.get("created", "")
    return (created if isinstance(created, str) else "", held.name)
