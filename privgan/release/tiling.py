"""Whether a zip file is its entries, their directory and nothing else, so that every way of reading it finds the same files.

A zip file may hold bytes that its directory does not speak of; programs that read from the front unpack them all the same.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

from privgan.errors import VerificationError

_LOCAL, _CENTRAL, _END, _END64, _LOCATOR = 30, 46, 22, 56, 20
_DESCRIPTOR = 0x8  # Sizes that stand behind the content, where only a guess finds them.
_MOST16, _MOST32 = 0xFFFF, 0xFFFFFFFF
_CHUNK = 1 << 20
_HIDDEN = "the zip file holds bytes that are no part of a file of the release ({}); ask for one made by 'privgan pack'"


def require_tiled(reader: IO[bytes], archive: zipfile.ZipFile) -> None:
    """Refuse bytes beside, between and inside the entries that belong to no file.

    Args:
        reader: The zip file, to be read at any place.
        archive: The same, opened; the names of its entries are plain ASCII.

    Raises:
        VerificationError: saying where.
    """
    entries = sorted(archive.infolist(), key=lambda entry: entry.header_offset)
    for problem in _problems(reader, archive, entries):
        raise VerificationError(_HIDDEN.format(problem))


def _problems(reader: IO[bytes], archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> Iterator[str]:
    place = 0
    for entry in entries:
        name = entry.orig_filename
        if entry.header_offset != place:
            yield f"before {name}"
        if entry.flag_bits & _DESCRIPTOR:
            yield f"after {name}: its sizes"
        if entry.comment or not _only_sizes(entry.extra, (entry.file_size, entry.compress_size, entry.header_offset)):
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
    if not _is_end(reader.read(_END64 + _LOCATOR + _END + 1), len(entries), directory, archive.start_dir):
        yield "around its end"


def _content_of(reader: IO[bytes], entry: zipfile.ZipInfo) -> int | None:
    """Where an entry's content begins; None where its local header is not that of the directory."""
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
    """Whether an extra field is none, or says in 64 bits what is known already."""
    if not extra:
        return True
    count = (len(extra) - 4) // 8
    values = struct.pack(f"<{count}Q", *known[:count]) if 0 < count <= len(known) else b""
    return extra in {struct.pack("<HH", 1, len(values)) + values, struct.pack("<HHQ", 1, 8, known[-1])}


def _fills(reader: IO[bytes], place: int, entry: zipfile.ZipInfo) -> bool:
    """Whether the content needs all of its bytes: behind the end of a compressed stream others could stand unread."""
    if entry.compress_type != zipfile.ZIP_DEFLATED:
        return entry.compress_size == entry.file_size
    reader.seek(place)
    stream, left, made = zlib.decompressobj(-zlib.MAX_WBITS), entry.compress_size, 0
    while left and not stream.eof:
        chunk = reader.read(min(left, _CHUNK))
        left -= len(chunk)
        if not chunk:
            return False
        full = True
        while (chunk or full) and not stream.eof:  # More may come after the last byte was taken.
            out = stream.decompress(chunk, _CHUNK)
            chunk, made, full = stream.unconsumed_tail, made + len(out), len(out) == _CHUNK
            if made > entry.file_size:
                return False
    return stream.eof and not left and not stream.unused_data and made == entry.file_size


def _is_end(found: bytes, count: int, length: int, start: int) -> bool:
    """Whether these are the records behind a directory of so many entries and bytes, up to the last byte of the file."""
    plain = struct.pack(
        "<4s4H2LH", b"PK\5\6", 0, 0, min(count, _MOST16), min(count, _MOST16), min(length, _MOST32), min(start, _MOST32), 0
    )
    if found == plain:
        return True
    large = struct.pack("<2L4Q", 0, 0, count, count, length, start)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, start + length, 1)
    record = struct.pack("<4sQ", b"PK\6\6", _END64 - 12)
    return found[:12] == record and found[16:] == large + locator + plain
