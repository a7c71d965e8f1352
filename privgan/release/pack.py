"""A release as one zip file: the same bytes for the same release, and read with suspicion."""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from privgan.errors import UsageError, VerificationError
from privgan.limits import LEAST_UNPACKED, MOST_FILES, MOST_RATIO
from privgan.policy.policy import Policy
from privgan.release.bundle import ALLOWED_FILES
from privgan.release.integrity import ALLOWED_FOLDERS, SEALS, shown
from privgan.release.tiling import require_tiled
from privgan.release.trust import Trust
from privgan.release.verify import Verification, verify_release
from privgan.release.writing import new_file

LEAST_LIMIT = LEAST_UNPACKED
_LONGEST_END = (1 << 16) + 98  # A comment, and the records around it.
_RECORD, _SIGN = 22, b"PK\5\6"  # The last bytes of a file without a comment.
_IN_64_BITS = 0xFFFFFFFF  # The size stands in another record.
_LONGEST_ENTRY = 1_000  # Bytes of one file in the directory.
_BEGINNING = (1980, 1, 1, 0, 0, 0)  # The earliest day that a zip file can state.
_MODE = 0o100644 << 16
_CHUNK = 1 << 20
_ENCRYPTED = 0x1
_LARGEST_SIZE = 1 << 30
_NAMES = frozenset(ALLOWED_FILES) | SEALS


def pack_release(folder: Path, target: Path) -> Path:
    """Write a release as a zip file, whole or not at all.

    Args:
        folder: The release.
        target: The file to make.

    Raises:
        VerificationError: The release is not intact.
        UsageError: The file is there already, or cannot be written.
    """
    require_intact(folder)
    with new_file(target) as file:
        write_zip(folder, file)
    return target


def require_intact(folder: Path) -> Verification:
    """What a verification found; VerificationError where anything is wrong."""
    found = verify_release(folder)
    if not found.ok:
        raise VerificationError(f"{folder}: is not intact: {found.problems[0]}")
    return found


def write_zip(folder: Path, file: IO[bytes]) -> None:
    """Write a release's files in the order of their names, without their dates and modes."""
    with zipfile.ZipFile(file, "w") as archive:
        for name in sorted(_NAMES):
            path = folder / name
            if not path.is_file():
                continue
            entry = zipfile.ZipInfo(name, date_time=_BEGINNING)
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, _MODE, 3
            large = path.stat().st_size > _LARGEST_SIZE
            with path.open("rb") as reader, archive.open(entry, "w", force_zip64=large) as writer:
                shutil.copyfileobj(reader, writer, _CHUNK)


def unpack(source: Path, folder: Path) -> None:
    """Write a zip file's entries into an empty folder; nothing that a release may not hold is ever written.

    Args:
        source: The zip file.
        folder: The folder.

    Raises:
        VerificationError: It is no zip file, or holds what no release holds; the message says what.
        UsageError: It cannot be read, or there is no room for what it holds.
    """
    try:
        with source.open("rb") as file:
            _require_short_directory(file)
        with source.open("rb") as file, zipfile.ZipFile(file) as archive:
            entries = _checked(archive, source.stat().st_size)
            require_tiled(file, archive)
            _require_room(folder, sum(entry.file_size for entry in entries))
            for entry in entries:
                path = folder / entry.filename
                path.parent.mkdir(exist_ok=True)
                with archive.open(entry) as reader, path.open("xb") as writer:
                    _copy(reader, writer, entry)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise VerificationError(f"{source.name}: is no whole zip file of a release ({error})") from error
    except OSError as error:
        raise UsageError(f"{source}: cannot be unpacked: {error.strerror or error}") from error


@contextmanager
def unpacked(source: Path) -> Iterator[Path]:
    """The folder of a zip file, for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="privgan-") as folder:
        unpack(source, Path(folder))
        yield Path(folder)


def verify_packed(
    source: Path, *, now: dt.datetime | None = None, trust: Trust | None = None, policy: Policy | None = None
) -> Verification:
    """As verify_release, for a zip file."""
    try:
        with unpacked(source) as folder:
            return verify_release(folder, now=now, trust=trust, policy=policy)
    except VerificationError as error:
        return Verification(ok=False, problems=(str(error),), signed=False, manifest={})


def _require_short_directory(file: IO[bytes]) -> None:
    """Refuse a directory longer than that of any release, before it is read into memory.

    The record at the end of the file is the one that counts: bytes inside it may look like another.
    """
    file.seek(max(0, file.seek(0, 2) - _LONGEST_END))
    end = file.read()
    record = end[-_RECORD:]
    if not record.startswith(_SIGN) or any(record[-2:]):
        if _SIGN in end:
            raise VerificationError("the zip file has a comment, or bytes at its end; a release holds its files and nothing else")
        return
    size, before = int.from_bytes(record[12:16], "little"), end[:-_RECORD]
    if before[-20:].startswith(b"PK\6\7"):
        size = max(size if size < _IN_64_BITS else 0, int.from_bytes(before[-36:-28], "little"))
    if size > MOST_FILES * _LONGEST_ENTRY:
        raise VerificationError("the zip file's directory is longer than that of any release")


def _checked(archive: zipfile.ZipFile, size: int) -> list[zipfile.ZipInfo]:
    """The entries that are files, once nothing is wrong with any entry."""
    entries, names = [], set()
    if archive.comment:
        raise VerificationError("the zip file has a comment; a release holds its files and nothing else")
    for entry in archive.infolist():
        name = entry.orig_filename
        if name in names:
            raise VerificationError(f"{shown(name)}: stands twice in the zip file")
        names.add(name)
        if name.endswith("/") and name[:-1] in ALLOWED_FOLDERS and not entry.file_size:
            continue
        if name not in _NAMES:
            raise VerificationError(f"{shown(name)}: is in the zip file, and no release may hold it")
        if entry.flag_bits & _ENCRYPTED:
            raise VerificationError(f"{name}: is encrypted in the zip file; decrypt it first")
        if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise VerificationError(f"{name}: is compressed in a way that a release is not (deflate or none)")
        if (entry.external_attr >> 28) not in {0, 0o10}:
            raise VerificationError(f"{name}: is a link or a special file; a release holds plain files only")
        entries.append(entry)
    limit = max(LEAST_LIMIT, MOST_RATIO * size)
    if sum(entry.file_size for entry in entries) > limit:
        raise VerificationError(f"the zip file of {size:,} bytes claims to hold more than {limit:,}; no release is so empty")
    return entries


def _copy(reader: IO[bytes], writer: IO[bytes], entry: zipfile.ZipInfo) -> None:
    """At most as many bytes as the entry claims; the reader checks its checksum at the end."""
    left = entry.file_size
    while chunk := reader.read(_CHUNK):
        left -= len(chunk)
        if left < 0:
            raise VerificationError(f"{entry.filename}: holds more than the zip file claims")
        writer.write(chunk)
    if left:
        raise VerificationError(f"{entry.filename}: holds less than the zip file claims")


def _require_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise UsageError(f"{folder}: unpacking needs {needed:,} bytes, {free:,} are free; make room, or set $TMPDIR")
