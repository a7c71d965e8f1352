"""Pack a release as a reproducible zip file; read zips strictly, byte by byte.

A zip file may hold bytes that its directory does not list. Programs that read from the front unpack
them all the same.
"""

from __future__ import annotations

import datetime as dt
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from privgan.errors import UsageError, VerificationError
from privgan.files.atomic import new_file
from privgan.files.limits import LEAST_UNPACKED, MOST_FILES, MOST_RATIO
from privgan.policy.policy import Policy
from privgan.release.signing.trust import Trust
from privgan.release.table_files import allowed_folder, kind_of
from privgan.release.verification.integrity import SEALS, shown
from privgan.release.verification.verify import Verification, verify_release

_LOCAL, _CENTRAL, _END, _END64, _LOCATOR = 30, 46, 22, 56, 20
_DESCRIPTOR = 0x8  # Flag of sizes behind the content, where readers must guess them.
_MOST16, _MOST32 = 0xFFFF, 0xFFFFFFFF
_CHUNK = 1 << 20
_HIDDEN = (
    "the zip file holds bytes that are no part of a file of the release ({}); ask for one made by"
    " 'privgan pack'"
)


def check_strict_zip(reader: IO[bytes], archive: zipfile.ZipFile) -> None:
    """Check that every byte belongs to an entry: none beside, between or inside them.

    Args:
        reader: The zip file, to be read at any place.
        archive: The same, opened; the names of its entries are plain ASCII.

    Raises:
        VerificationError: saying where.
    """
    entries = sorted(archive.infolist(), key=lambda entry: entry.header_offset)
    for problem in _problems(reader, archive, entries):
        raise VerificationError(_HIDDEN.format(problem))


def _problems(
    reader: IO[bytes], archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]
) -> Iterator[str]:
    place = 0
    for entry in entries:
        name = entry.orig_filename
        if entry.header_offset != place:
            yield f"before {name}"
        if entry.flag_bits & _DESCRIPTOR:
            yield f"after {name}: its sizes"
        if _has_comment(entry):
            yield f"a comment or an extra field of {name}"
        content = _content_of(reader, entry)
        if content is None:
            yield f"the local header of {name} says something else than the directory"
            return
        place = content + entry.compress_size
        if not _fills(reader, content, entry):
            yield f"behind the content of {name}"
    if place != archive.start_dir:
        yield "before the directory"
    directory = sum(_CENTRAL + len(entry.orig_filename) + len(entry.extra) for entry in entries)
    reader.seek(archive.start_dir + directory)
    if not _is_end(
        reader.read(_END64 + _LOCATOR + _END + 1), len(entries), directory, archive.start_dir
    ):
        yield "around its end"


def _has_comment(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry has a comment, or an extra field beside its sizes."""
    sizes = entry.file_size, entry.compress_size, entry.header_offset
    return bool(entry.comment) or not _only_sizes(entry.extra, sizes)


def _content_of(reader: IO[bytes], entry: zipfile.ZipInfo) -> int | None:
    """The start of an entry's content; None where local header and directory differ."""
    reader.seek(entry.header_offset)
    head = reader.read(_LOCAL)
    if len(head) < _LOCAL:
        return None
    _, *stated, compressed, size, name, extra = struct.unpack("<4s5HLLLHH", head)
    year, month, day, hour, minute, second = entry.date_time
    clock, date = hour << 11 | minute << 5 | second // 2, (year - 1980) << 9 | month << 5 | day
    if stated[1:] != [entry.flag_bits, entry.compress_type, clock, date, entry.CRC]:
        return None
    if reader.read(name) != entry.orig_filename.encode():
        return None
    sizes = reader.read(extra)
    real = (entry.compress_size, entry.file_size)
    if (compressed, size) != real and not ((compressed, size) == (_MOST32, _MOST32) and sizes):
        return None
    return reader.tell() if _only_sizes(sizes, real[::-1]) else None


def _only_sizes(extra: bytes, known: tuple[int, ...]) -> bool:
    """Whether an extra field is empty, or repeats known sizes in 64 bits."""
    if not extra:
        return True
    count = (len(extra) - 4) // 8
    values = struct.pack(f"<{count}Q", *known[:count]) if 0 < count <= len(known) else b""
    return extra in {
        struct.pack("<HH", 1, len(values)) + values,
        struct.pack("<HHQ", 1, 8, known[-1]),
    }


def _fills(reader: IO[bytes], place: int, entry: zipfile.ZipInfo) -> bool:
    """Whether the content fills its entry exactly.

    Bytes behind the end of a compressed stream would stand unread.
    """
    if entry.compress_type != zipfile.ZIP_DEFLATED:
        return entry.compress_size == entry.file_size
    reader.seek(place)
    stream, left, made = zlib.decompressobj(-zlib.MAX_WBITS), entry.compress_size, 0
    while left and not stream.eof:
        chunk = reader.read(min(left, _CHUNK))
        left -= len(chunk)
        made += _inflated_size(stream, chunk, entry.file_size - made)
        if not chunk or made > entry.file_size:
            return False
    return stream.eof and not left and not stream.unused_data and made == entry.file_size


def _inflated_size(stream: Any, chunk: bytes, most: int) -> int:
    """Inflate a chunk and count its bytes, stopping above ``most``."""
    made, full = 0, True
    # A full block may leave output inside the stream after its last input byte.
    while (chunk or full) and not stream.eof and made <= most:
        out = stream.decompress(chunk, _CHUNK)
        chunk, made, full = stream.unconsumed_tail, made + len(out), len(out) == _CHUNK
    return made


def _is_end(found: bytes, count: int, length: int, start: int) -> bool:
    """Whether these are the records behind a directory, up to the file's last byte."""
    plain = struct.pack(
        "<4s4H2LH",
        b"PK\5\6",
        0,
        0,
        min(count, _MOST16),
        min(count, _MOST16),
        min(length, _MOST32),
        min(start, _MOST32),
        0,
    )
    if found == plain:
        return True
    large = struct.pack("<2L4Q", 0, 0, count, count, length, start)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, start + length, 1)
    record = struct.pack("<4sQ", b"PK\6\6", _END64 - 12)
    return found[:12] == record and found[16:] == large + locator + plain


LEAST_LIMIT = LEAST_UNPACKED
_LONGEST_END = (1 << 16) + 98  # A comment, and the records around it.
_RECORD, _SIGN = 22, b"PK\5\6"  # The last bytes of a file without a comment.
_IN_64_BITS = 0xFFFFFFFF  # The size stands in another record.
_LONGEST_ENTRY = 1_000  # Bytes of one file in the directory.
_BEGINNING = (1980, 1, 1, 0, 0, 0)  # The earliest day that a zip file can state.
_MODE = 0o100644 << 16
_ENCRYPTED = 0x1
_LARGEST_SIZE = 1 << 30


def pack_release(folder: Path, target: Path) -> Path:
    """Write a release as a zip file, whole or not at all.

    Args:
        folder: The release.
        target: The file to make.

    Raises:
        VerificationError: The release is not intact.
        UsageError: The file is there already, or cannot be written.
    """
    check_intact(folder)
    with new_file(target) as file:
        write_zip(folder, file)
    return target


def check_intact(folder: Path) -> Verification:
    """Verify a release; VerificationError where anything is wrong."""
    found = verify_release(folder)
    if not found.ok:
        raise VerificationError(f"{folder}: is not intact: {found.problems[0]}")
    return found


def write_zip(folder: Path, file: IO[bytes]) -> None:
    """Write a release's files in name order, without dates and modes."""
    with zipfile.ZipFile(file, "w") as archive:
        inside = (path.relative_to(folder).as_posix() for path in folder.rglob("*"))
        for name in sorted(name for name in inside if name in SEALS or kind_of(name)):
            path = folder / name
            if not path.is_file():
                continue
            entry = zipfile.ZipInfo(name, date_time=_BEGINNING)
            entry.compress_type, entry.external_attr, entry.create_system = (
                zipfile.ZIP_DEFLATED,
                _MODE,
                3,
            )
            large = path.stat().st_size > _LARGEST_SIZE
            with path.open("rb") as reader, archive.open(entry, "w", force_zip64=large) as writer:
                shutil.copyfileobj(reader, writer, _CHUNK)


def unpack(source: Path, folder: Path) -> None:
    """Unpack a zip file's entries into an empty folder.

    Files that a release may not hold are never written.

    Args:
        source: The zip file.
        folder: The folder.

    Raises:
        VerificationError: It is no zip file, or holds what no release holds; the message says what.
        UsageError: It cannot be read, or there is no room for what it holds.
    """
    try:
        with source.open("rb") as file:
            _check_short_directory(file)
        with source.open("rb") as file, zipfile.ZipFile(file) as archive:
            entries = _checked(archive, source.stat().st_size)
            check_strict_zip(file, archive)
            _check_room(folder, sum(entry.file_size for entry in entries))
            for entry in entries:
                path = folder / entry.filename
                path.parent.mkdir(exist_ok=True)
                with archive.open(entry) as reader, path.open("xb") as writer:
                    _copy(reader, writer, entry)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise VerificationError(
            f"{source.name}: is no whole zip file of a release ({error})"
        ) from error
    except OSError as error:
        raise UsageError(f"{source}: cannot be unpacked: {error.strerror or error}") from error


@contextmanager
def unpacked(source: Path) -> Iterator[Path]:
    """Unpack a zip file while the block lasts."""
    with tempfile.TemporaryDirectory(prefix="privgan-") as folder:
        unpack(source, Path(folder))
        yield Path(folder)


def verify_packed(
    source: Path,
    *,
    now: dt.datetime | None = None,
    trust: Trust | None = None,
    policy: Policy | None = None,
) -> Verification:
    """Verify a release in a zip file, as ``verify_release``."""
    try:
        with unpacked(source) as folder:
            return verify_release(folder, now=now, trust=trust, policy=policy)
    except VerificationError as error:
        return Verification(ok=False, problems=(str(error),), signed=False, manifest={})


def _check_short_directory(file: IO[bytes]) -> None:
    """Check the directory's length before it is read into memory.

    Only the record at the file's end counts: bytes inside it may look like another.
    """
    file.seek(max(0, file.seek(0, 2) - _LONGEST_END))
    end = file.read()
    record = end[-_RECORD:]
    if not record.startswith(_SIGN) or any(record[-2:]):
        if _SIGN in end:
            raise VerificationError(
                "the zip file has a comment, or bytes at its end; a release holds its files and"
                " nothing else"
            )
        return
    size, before = int.from_bytes(record[12:16], "little"), end[:-_RECORD]
    if before[-20:].startswith(b"PK\6\7"):
        size = max(size if size < _IN_64_BITS else 0, int.from_bytes(before[-36:-28], "little"))
    if size > MOST_FILES * _LONGEST_ENTRY:
        raise VerificationError("the zip file's directory is longer than that of any release")


def _checked(archive: zipfile.ZipFile, size: int) -> list[zipfile.ZipInfo]:
    """The entries that are files, after every entry was checked."""
    entries, names = [], set()
    if archive.comment:
        raise VerificationError(
            "the zip file has a comment; a release holds its files and nothing else"
        )
    for entry in archive.infolist():
        name = entry.orig_filename
        if name in names:
            raise VerificationError(f"{shown(name)}: stands twice in the zip file")
        names.add(name)
        if name.endswith("/") and allowed_folder(name[:-1]) and not entry.file_size:
            continue
        _check_entry(entry)
        entries.append(entry)
    limit = max(LEAST_LIMIT, MOST_RATIO * size)
    if sum(entry.file_size for entry in entries) > limit:
        raise VerificationError(
            f"the zip file of {size:,} bytes claims to hold more than {limit:,}; no release is so"
            " empty"
        )
    return entries


def _check_entry(entry: zipfile.ZipInfo) -> None:
    """Check that an entry is a plain file that a release may hold."""
    name = entry.orig_filename
    if name not in SEALS and kind_of(name) is None:
        raise VerificationError(f"{shown(name)}: is in the zip file, and no release may hold it")
    if entry.flag_bits & _ENCRYPTED:
        raise VerificationError(f"{name}: is encrypted in the zip file; decrypt it first")
    if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise VerificationError(
            f"{name}: is compressed in a way that a release is not (deflate or none)"
        )
    if (entry.external_attr >> 28) not in {0, 0o10}:
        raise VerificationError(
            f"{name}: is a link or a special file; a release holds plain files only"
        )


def _copy(reader: IO[bytes], writer: IO[bytes], entry: zipfile.ZipInfo) -> None:
    """Copy at most as many bytes as the entry states; the reader checks the checksum."""
    left = entry.file_size
    while chunk := reader.read(_CHUNK):
        left -= len(chunk)
        if left < 0:
            raise VerificationError(f"{entry.filename}: holds more than the zip file claims")
        writer.write(chunk)
    if left:
        raise VerificationError(f"{entry.filename}: holds less than the zip file claims")


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise UsageError(
            f"{folder}: unpacking needs {needed:,} bytes, {free:,} are free; make room, or set"
            " $TMPDIR"
        )
