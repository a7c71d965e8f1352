"""Read delimited text: find header and separator; keep every cell as it stands."""

from __future__ import annotations

import codecs
import csv
import io
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from privgan.errors import TableError
from privgan.files.documents import shown
from privgan.naming import parameter
from privgan.sources.arrow_types import check_names
from privgan.sources.encodings import BLOCK, Encoding, encoding_of
from privgan.sources.files import opened
from privgan.sources.options import SourceOptions

SEPARATORS = (",", ";", "\t", "|")
_ASKED = {"\\t": "\t", "tab": "\t"}
_NAMED = {"\t": "tab"}
_STATED = re.compile(r'"?sep=(.)"?\s*\Z', re.I)
_SAMPLE_OF_LINES = 200
_LARGEST_CELL = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Layout of a text file.

    Attributes:
        encoding: Its encoding.
        sep: Its separator.
        why: How the separator was found: asked, stated or recognised.
        names: The columns' names.
        lines: How many lines stand before the first row.
    """

    encoding: Encoding
    sep: str
    why: str
    names: tuple[str, ...]
    lines: int

    @property
    def told(self) -> str:
        """Layout in words."""
        return f"{self.encoding.told}, separator {separator_told(self.sep)} ({self.why})"


def separator_told(sep: str) -> str:
    """Separator in words."""
    return _NAMED.get(sep, repr(sep))


def layout_of(path: Path, encoding: Encoding, asked: str | None) -> Layout:
    """Find the header and the separator.

    A line ``sep=;`` and blank lines before the header are skipped. Comma, semicolon, tab and bar
    are tried. The separator must divide the header and all first lines into equally many fields;
    the one with most fields is taken.

    Args:
        path: The file, which may be packed.
        encoding: Its encoding.
        asked: The separator that the owner names; it wins.

    Raises:
        TableError: when there is no header, or a name is empty or stands twice.
    """
    sep = None if asked is None else _named_separator(asked)
    with opened(path) as stream:
        sample = io.TextIOWrapper(stream, encoding=encoding.name, newline="").read(BLOCK // 4)
    lines = io.StringIO(sample, newline="").readlines()
    start, stated = _before_header(lines)
    if start == len(lines):
        raise TableError(f"{path}: is empty; it needs a header line and rows")
    found, why = _separator(lines[start:], sep, stated)
    try:
        names, used = _header(lines[start:], found)
    except csv.Error as error:
        raise TableError(
            f"{path}: line {start + 1} is no header of a text table; check {parameter('sep')} and"
            " the quoting"
        ) from error
    check_names(str(path), names)
    return Layout(encoding=encoding, sep=found, why=why, names=tuple(names), lines=start + used)


def _named_separator(asked: str) -> str:
    sep = _ASKED.get(asked, asked)
    if len(sep) != 1 or sep in '\r\n"\0':
        raise TableError(
            f"{parameter('sep')} is {shown(asked)}; it must be one character other than a quote,"
            " or \\t"
        )
    return sep


def _before_header(lines: list[str]) -> tuple[int, str | None]:
    """Number of lines before the header, and the separator that one of them states."""
    stated = None
    for index, line in enumerate(lines):
        states = _STATED.match(line) if stated is None else None
        if states:
            stated = states[1]
        elif line.strip("\r\n \ufeff"):
            return index, stated
    return len(lines), stated


def _separator(lines: list[str], asked: str | None, stated: str | None) -> tuple[str, str]:
    if asked is not None:
        return asked, "as asked"
    if stated is not None and stated not in '\r\n"':
        return stated, "stated in its first line"
    dividing = [(_fit(lines, sep), -rank, sep) for rank, sep in enumerate(SEPARATORS)]
    (_, fields), _, best = max(dividing)
    return (best, "recognised") if fields > 1 else (SEPARATORS[0], "by default")


def _fit(lines: list[str], sep: str) -> tuple[bool, int]:
    """Whether a separator divides the header and the first rows equally, and into how many fields.

    It does not fit where rows differ from the header and the header's names are empty or repeat.
    """
    records = _records(lines, sep)
    header = next(records, [])
    counts = {len(record) for record in islice(records, _SAMPLE_OF_LINES) if record}
    equally = counts <= {len(header)} and len(header) > 1
    named = all(header) and len(set(header)) == len(header)
    return equally, len(header) if equally or named else 0


def _records(lines: list[str], sep: str) -> Iterator[list[str]]:
    """First records that can be read; csv limits the length of a cell."""
    with suppress(csv.Error):
        yield from csv.reader(lines[: 10 * _SAMPLE_OF_LINES], delimiter=sep)


def _header(lines: list[str], sep: str) -> tuple[list[str], int]:
    """Column names, and their number of lines: a name may hold a line break."""
    reader = csv.reader(lines, delimiter=sep)
    return next(reader), reader.line_num


def rows_with_lines(path: Path, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """Fields of every row with the number of its last line, to locate a fault."""
    with opened(path) as stream:
        text = io.TextIOWrapper(stream, encoding=layout.encoding.name, newline="")
        for _ in range(layout.lines):
            text.readline()
        before = csv.field_size_limit(_LARGEST_CELL)
        try:
            reader = csv.reader(text, delimiter=layout.sep)
            yield from (
                (layout.lines + reader.line_num, row)
                for row in reader
                if row or len(layout.names) == 1
            )
        finally:
            csv.field_size_limit(before)


_NUMBER = re.compile(r"[-+0-9.,eE ]+\Z")
_PLAIN = {"utf-8", "utf-8-sig", "ascii"}


def read_text(path: Path, options: SourceOptions) -> tuple[pa.Table, str]:
    """Read a text file; separator and encoding are recognised unless they are given.

    Args:
        path: The file; .gz, .bz2, .xz, .zst and .zip are unpacked.
        options: Separator and encoding.

    Returns:
        A table [rows, columns] of text, an empty cell as ``""``; and what was recognised.

    Raises:
        TableError: with the line where a row is too short or too long, the header comes again or a
            quote stays open.
    """
    layout = layout_of(path, encoding_of(path, options.encoding), options.sep)
    last = secrets.token_hex(16)
    with opened(path) as stream:
        table = _parsed(path, layout, _Ended(stream, layout, last))
    if table.num_rows == 0 or table.column(0)[-1].as_py() != last:
        raise _open_quote(path, layout)
    table = table.slice(0, table.num_rows - 1)
    _check_single_header(path, layout, table)
    return table, layout.told


class _Ended(io.RawIOBase):
    """Bytes of a file in UTF-8 with a sentinel row at the end.

    The sentinel is lost where a quote stays open.
    """

    def __init__(self, stream: BinaryIO, layout: Layout, last: str) -> None:
        self._stream = stream
        plain = layout.encoding.name in _PLAIN
        self._decoder = None if plain else codecs.getincrementaldecoder(layout.encoding.name)()
        self._row = layout.sep.join([last] * len(layout.names)).encode() + b"\n"
        self._waiting, self._newest, self._ended = b"", b"\n", False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Read up to ``size`` bytes; pyarrow asks for blocks."""
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


def text_batches(path: Path, options: SourceOptions) -> Iterator[tuple[pa.Table, str]]:
    """Read a text file piece by piece, by the rules of ``read_text``.

    A file may be larger than the memory. What is wrong with its end is told when it is reached.

    Args:
        path: The file; .gz, .bz2, .xz, .zst and .zip are unpacked.
        options: Separator and encoding.

    Returns:
        Tables [rows, columns] of text, each with what was recognised.
    """
    layout = layout_of(path, encoding_of(path, options.encoding), options.sep)
    last = secrets.token_hex(16)
    with opened(path) as stream:
        waiting: pa.Table | None = None
        for table in _pieces(path, layout, _Ended(stream, layout, last)):
            if waiting is not None:
                _check_single_header(path, layout, waiting)
                yield waiting, layout.told
            waiting = table
        if waiting is None or waiting.column(0)[-1].as_py() != last:
            raise _open_quote(path, layout)
        waiting = waiting.slice(0, waiting.num_rows - 1)
        _check_single_header(path, layout, waiting)
        yield waiting, layout.told


def _pieces(path: Path, layout: Layout, stream: Any) -> Iterator[pa.Table]:
    with _parser_errors(path, layout):
        for batch in arrow_csv.open_csv(pa.PythonFile(stream, mode="r"), **_csv_options(layout)):
            if batch.num_rows:
                yield pa.Table.from_batches([batch])


def _parsed(path: Path, layout: Layout, stream: Any) -> pa.Table:
    with _parser_errors(path, layout):
        return arrow_csv.read_csv(pa.PythonFile(stream, mode="r"), **_csv_options(layout))


def _csv_options(layout: Layout) -> dict[str, Any]:
    """Every cell as text, as it stands."""
    names = list(layout.names)
    return {
        "read_options": arrow_csv.ReadOptions(
            column_names=names, skip_rows=layout.lines, block_size=BLOCK
        ),
        "parse_options": arrow_csv.ParseOptions(
            delimiter=layout.sep, newlines_in_values=True, ignore_empty_lines=len(names) > 1
        ),
        "convert_options": arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
        ),
    }


@contextmanager
def _parser_errors(path: Path, layout: Layout) -> Iterator[None]:
    """Translate the parser's errors, whose messages may quote a row."""
    try:
        yield
    except pa.ArrowInvalid as error:
        raise TableError(_fault(path, layout, "straddling" in str(error))) from None


def _open_quote(path: Path, layout: Layout) -> TableError:
    return TableError(
        f"{path}: line {_last_line(path, layout)}: a quotation mark is opened and never closed;"
        " check the quoting"
    )


def _fault(path: Path, layout: Layout, long: bool) -> str:
    columns, advice = (
        len(layout.names),
        f"check {parameter('sep', separator_told(layout.sep))} and the quoting",
    )
    line = 0
    for line, row in rows_with_lines(path, layout):
        if len(row) != columns:
            how = "fewer" if len(row) < columns else "more"
            return (
                f"{path}: line {line} has {how} fields than the header's {columns} columns;"
                f" {advice}"
            )
    if long:
        return f"{path}: holds a row of more than {BLOCK:,} bytes; leave such a column out"
    return (
        f"{path}: line {line}: a quotation mark is opened and never closed, or not doubled inside a"
        f" cell; {advice}"
    )


def _last_line(path: Path, layout: Layout) -> int:
    """First line of the last row: the line after the row before it."""
    line = before = layout.lines
    for number, _row in rows_with_lines(path, layout):
        before, line = line, number
    return before + 1


def _check_single_header(path: Path, layout: Layout, table: pa.Table) -> None:
    """Check that the header is not repeated, as in two files joined into one.

    Names that are all numbers may be a row.
    """
    names = list(layout.names)
    if all(_NUMBER.match(name) for name in names):
        return
    alike = pc.equal(table.column(0), names[0])
    if len(names) == 1 or not pc.any(alike).as_py():
        return
    if any(list(row.values()) == names for row in table.filter(alike).to_pylist()):
        line = _line_of(path, layout, lambda row: row == names)
        raise TableError(
            f"{path}: line {line} repeats the header; leave one header line, and one table a file"
        )


def _line_of(path: Path, layout: Layout, found: Callable[[list[str]], bool]) -> int:
    return next(line for line, row in rows_with_lines(path, layout) if found(row))
