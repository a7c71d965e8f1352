"""A file's form, by its name and, where that does not tell, by its first bytes."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from privgan.sources.files import opened, unpacked_suffix
from privgan.sources.options import DATABASE, SHEET, TEXT
from privgan.sources.spreadsheets import SUFFIXES


class Form(Enum):
    """The forms of files."""

    TEXT = "delimited text"
    SHEET = "a spreadsheet"
    PARQUET = "Parquet"
    ARROW = "Feather"
    JSON = "JSON"
    DUCKDB = "a DuckDB file"
    SQLITE = "a SQLite file"

    @property
    def nature(self) -> str:
        """Which options it heeds."""
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
    """The form of a file; delimited text where nothing else is recognised."""
    named = _SUFFIXES.get(unpacked_suffix(path))
    if named is not None:
        return named
    with opened(path) as stream:
        head = stream.read(16)
    if head[8:12] == b"DUCK":
        return Form.DUCKDB
    return next((form for start, form in _STARTS.items() if head.startswith(start)), Form.TEXT)
