"""Recognise the form of files on disk, decompress them, and detect changes during reading."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any, BinaryIO

from privgan.errors import TableError
from privgan.sources.options import DATABASE, SHEET, TEXT
from privgan.sources.spreadsheets import SUFFIXES


class Form(Enum):
    """Form of a file."""

    TEXT = "delimited text"
    SHEET = "a spreadsheet"
    PARQUET = "Parquet"
    ARROW = "Feather"
    JSON = "JSON"
    DUCKDB = "a DuckDB file"
    SQLITE = "a SQLite file"

    @property
    def nature(self) -> str:
        """Nature of the source, which decides its options."""
        if self is Form.SHEET:
            return SHEET
        return DATABASE if self in {Form.DUCKDB, Form.SQLITE} else TEXT


_SUFFIXES = {
    **dict.fromkeys((".parquet", ".pq"), Form.PARQUET),
    **dict.fromkeys((".feather", ".arrow", ".arrows", ".ipc"), Form.ARROW),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), Form.JSON),
    **dict.fromkeys((".duckdb", ".ddb"), Form.DUCKDB),
    **dict.fromkeys((".sqlite", ".sqlite3"), Form.SQLITE),
    **dict.fromkeys(SUFFIXES, Form.SHEET),
}
_STARTS = {
    b"PAR1": Form.PARQUET,
    b"ARROW1\0\0": Form.ARROW,
    b"FEA1": Form.ARROW,
    b"SQLite format 3\0": Form.SQLITE,
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": Form.SHEET,
}


def form_of(path: Path) -> Form:
    """Form of a file; delimited text where nothing else is recognised."""
    named = _SUFFIXES.get(unpacked_suffix(path))
    if named is not None:
        return named
    with opened(path) as stream:
        head = stream.read(16)
    if head[8:12] == b"DUCK":
        return Form.DUCKDB
    return next((form for start, form in _STARTS.items() if head.startswith(start)), Form.TEXT)


PACKED = {".gz", ".bz2", ".xz", ".zst", ".zip"}
DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)


def unpacked_suffix(path: Path) -> str:
    """Suffix without compression, in small letters: ``.csv`` of ``t.csv.gz``."""
    inner = Path(path.stem) if path.suffix.lower() in PACKED else path
    return inner.suffix.lower()


@contextmanager
def check_unchanged(path: Path) -> Iterator[None]:
    """Check that no other program writes a file while it is read.

    Raises:
        TableError: when the file's size, time or place on the disk is not what it was.
    """
    before = _state(path)
    yield
    if _state(path) != before:
        raise TableError(
            f"{path}: changed while it was read; let the program that writes it finish, and try"
            " again"
        )


def _state(path: Path) -> tuple[int, int, int]:
    try:
        stat = path.stat()
    except OSError as error:
        raise TableError(f"{path}: cannot be read: {error.strerror}") from error
    return stat.st_size, stat.st_mtime_ns, stat.st_ino


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file's bytes, decompressed where its name ends in .gz, .bz2, .xz, .zst or .zip.

    Raises:
        TableError: when it cannot be opened, or is damaged.
    """
    open_it: Callable[[Path], Any] = _OPENERS.get(path.suffix.lower(), lambda path: path.open("rb"))
    try:
        with open_it(path) as stream:
            yield stream
    except DAMAGED as error:
        reason = getattr(error, "strerror", None) or f"is not a whole {path.suffix} file"
        raise TableError(f"{path}: cannot be read: {reason}") from error


@contextmanager
def _zip_member(path: Path) -> Iterator[BinaryIO]:
    with zipfile.ZipFile(path) as archive:
        members = [
            item
            for item in archive.infolist()
            if not item.is_dir() and not item.filename.startswith("__MACOSX")
        ]
        if len(members) != 1:
            raise TableError(
                f"{path}: holds {len(members)} files; pack one table a file, or unpack them into a"
                " folder"
            )
        if members[0].flag_bits & 1:
            raise TableError(f"{path}: is encrypted; unpack it first")
        with archive.open(members[0]) as stream:
            yield stream  # type: ignore[misc]


@contextmanager
def _zstandard(path: Path) -> Iterator[BinaryIO]:
    import pyarrow as pa

    with pa.input_stream(str(path), compression="zstd") as stream:
        yield stream


_OPENERS: dict[str, Callable[[Path], Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
    ".zst": _zstandard,
    ".zip": _zip_member,
}
