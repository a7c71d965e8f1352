"""How a text file is laid out: what stands before the header, the header, and the separator."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from privgan.documents import shown
from privgan.errors import TableError
from privgan.sources.encodings import BLOCK, Encoding
from privgan.sources.files import opened
from privgan.sources.names import require_names

SEPARATORS = (",", ";", "\t", "|")
_ASKED = {"\\t": "\t", "tab": "\t"}
_NAMED = {"\t": "tab"}
_STATED = re.compile(r'"?sep=(.)"?\s*\Z', re.I)
_SAMPLE_OF_LINES = 200
_LARGEST_CELL = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a text file is laid out.

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
        """In words."""
        return f"{self.encoding.told}, separator {separator_told(self.sep)} ({self.why})"


def separator_told(sep: str) -> str:
    """A separator for a message."""
    return _NAMED.get(sep, repr(sep))


def layout_of(path: Path, encoding: Encoding, asked: str | None) -> Layout:
    """Find the header and the separator.

    A line ``sep=;`` and blank lines before the header are passed over. Among comma, semicolon, tab and bar, that one
    separates which divides the header and all of the first lines into equally many fields, the most of them.

    Args:
        path: The file, which may be packed.
        encoding: Its encoding.
        asked: The separator that the owner names; it wins.

    Raises:
        TableError: when there is no header, or a name is empty or stands twice.
    """
    sep = None if asked is None else _required(asked)
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
        raise TableError(f"{path}: line {start + 1} is no header of a text table; check --sep and the quoting") from error
    require_names(str(path), names)
    return Layout(encoding=encoding, sep=found, why=why, names=tuple(names), lines=start + used)


def _required(asked: str) -> str:
    sep = _ASKED.get(asked, asked)
    if len(sep) != 1 or sep in '\r\n"\0':
        raise TableError(f"--sep is {shown(asked)}; it must be one character other than a quote, or \\t")
    return sep


def _before_header(lines: list[str]) -> tuple[int, str | None]:
    """How many lines stand before the header, and the separator that one of them states."""
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

    It divides nothing where rows differ from the header and the names it would make are empty or repeat.
    """
    records = _records(lines, sep)
    header = next(records, [])
    counts = {len(record) for record in islice(records, _SAMPLE_OF_LINES) if record}
    equally = counts <= {len(header)} and len(header) > 1
    named = all(header) and len(set(header)) == len(header)
    return equally, len(header) if equally or named else 0


def _records(lines: list[str], sep: str) -> Iterator[list[str]]:
    """The first records, as far as they can be read: a cell may be longer than csv allows."""
    with suppress(csv.Error):
        yield from csv.reader(lines[: 10 * _SAMPLE_OF_LINES], delimiter=sep)


def _header(lines: list[str], sep: str) -> tuple[list[str], int]:
    """The names, and how many lines they take: a name may hold a line break."""
    reader = csv.reader(lines, delimiter=sep)
    return next(reader), reader.line_num


def rows_with_lines(path: Path, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """Every row's fields with the number of its last line, one by one; to tell where a fault is."""
    with opened(path) as stream:
        text = io.TextIOWrapper(stream, encoding=layout.encoding.name, newline="")
        for _ in range(layout.lines):
            text.readline()
        before = csv.field_size_limit(_LARGEST_CELL)
        try:
            reader = csv.reader(text, delimiter=layout.sep)
            yield from ((layout.lines + reader.line_num, row) for row in reader if row or len(layout.names) == 1)
        finally:
            csv.field_size_limit(before)
