"""Delimited text: every cell as the text that stands in the file."""

from __future__ import annotations

import codecs
import io
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from privgan.errors import TableError
from privgan.sources.encodings import BLOCK, encoding_of
from privgan.sources.files import opened
from privgan.sources.layout import Layout, layout_of, rows_with_lines, separator_told
from privgan.sources.options import SourceOptions

_NUMBER = re.compile(r"[-+0-9.,eE ]+\Z")
_PLAIN = {"utf-8", "utf-8-sig", "ascii"}


def read_text(path: Path, options: SourceOptions) -> tuple[pa.Table, str]:
    """Read a text file, whose separator and encoding are recognised unless the owner names them.

    Args:
        path: The file; .gz, .bz2, .xz, .zst and .zip are unpacked.
        options: Separator and encoding.

    Returns:
        A table [rows, columns] of text, an empty cell as ``""``; and what was recognised.

    Raises:
        TableError: with the line where a row is too short or too long, the header comes again or a quote stays open.
    """
    layout = layout_of(path, encoding_of(path, options.encoding), options.sep)
    last = secrets.token_hex(16)
    with opened(path) as stream:
        table = _parsed(path, layout, _Ended(stream, layout, last))
    if table.num_rows == 0 or table.column(0)[-1].as_py() != last:
        raise TableError(
            f"{path}: line {_last_line(path, layout)}: a quotation mark is opened and never closed; check the quoting"
        )
    table = table.slice(0, table.num_rows - 1)
    _refuse_second_header(path, layout, table)
    return table, layout.told


class _Ended(io.RawIOBase):
    """A file's bytes in UTF-8, with one more row at the end: it is lost where a quote stays open."""

    def __init__(self, stream: BinaryIO, layout: Layout, last: str) -> None:
        self._stream = stream
        plain = layout.encoding.name in _PLAIN
        self._decoder = None if plain else codecs.getincrementaldecoder(layout.encoding.name)()
        self._row = layout.sep.join([last] * len(layout.names)).encode() + b"\n"
        self._waiting, self._newest, self._ended = b"", b"\n", False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """As any file's; pyarrow asks for blocks."""
        while not self._ended and (size < 0 or len(self._waiting) < size):
            self._waiting += self._more()
        size = len(self._waiting) if size < 0 else size
        part, self._waiting = self._waiting[:size], self._waiting[size:]
        return part

    def _more(self) -> bytes:
        block = self._stream.read(BLOCK)
        data = self._decoder.decode(block, final=not block).encode() if self._decoder else block
        self._newest = data[-1:] or self._newest
        if block:
            return data
        self._ended = True
        return data + (b"" if self._newest in b"\r\n" else b"\n") + self._row


def _parsed(path: Path, layout: Layout, stream: Any) -> pa.Table:
    names = list(layout.names)
    try:
        return arrow_csv.read_csv(
            pa.PythonFile(stream, mode="r"),
            read_options=arrow_csv.ReadOptions(column_names=names, skip_rows=layout.lines, block_size=BLOCK),
            parse_options=arrow_csv.ParseOptions(
                delimiter=layout.sep, newlines_in_values=True, ignore_empty_lines=len(names) > 1
            ),
            convert_options=arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        )
    except pa.ArrowInvalid as error:
        # Its message may quote a row.
        raise TableError(_fault(path, layout, "straddling" in str(error))) from None


def _fault(path: Path, layout: Layout, long: bool) -> str:
    columns, advice = len(layout.names), f"check --sep {separator_told(layout.sep)} and the quoting"
    line = 0
    for line, row in rows_with_lines(path, layout):
        if len(row) != columns:
            how = "fewer" if len(row) < columns else "more"
            return f"{path}: line {line} has {how} fields than the header's {columns} columns; {advice}"
    if long:
        return f"{path}: holds a row of more than {BLOCK:,} bytes; leave such a column out"
    return f"{path}: line {line}: a quotation mark is opened and never closed, or not doubled inside a cell; {advice}"


def _last_line(path: Path, layout: Layout) -> int:
    """Where the last row begins, by the line after the row before it."""
    line = before = layout.lines
    for number, _row in rows_with_lines(path, layout):
        before, line = line, number
    return before + 1


def _refuse_second_header(path: Path, layout: Layout, table: pa.Table) -> None:
    """Two files put one after the other, or a header that was written twice; names that are all numbers may be a row."""
    names = list(layout.names)
    if all(_NUMBER.match(name) for name in names):
        return
    alike = pc.equal(table.column(0), names[0])
    if len(names) == 1 or not pc.any(alike).as_py():
        return
    if any(list(row.values()) == names for row in table.filter(alike).to_pylist()):
        line = _line_of(path, layout, lambda row: row == names)
        raise TableError(f"{path}: line {line} repeats the header; leave one header line, and one table a file")


def _line_of(path: Path, layout: Layout, found: Callable[[list[str]], bool]) -> int:
    return next(line for line, row in rows_with_lines(path, layout) if found(row))
