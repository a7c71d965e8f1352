"""Gather rows of Python values, batch by batch, into one Arrow table.

Each column gets one type, or is text.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from numbers import Complex, Real
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from privgan.errors import TableError
from privgan.files.documents import shown
from privgan.files.json_types import JsonDict

BATCH = 50_000
NO_FIT = (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError)
_KEPT = {
    bool,
    int,
    float,
    Decimal,
    str,
    bytes,
    dt.date,
    dt.datetime,
    dt.time,
    dt.timedelta,
    list,
    dict,
}
_EXACT = 2**53


class Gatherer:
    """Collect rows.

    Args:
        names: The columns' names; more may come with later rows of ``add_mappings``.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._chunks: dict[str, list[pa.Array]] = {name: [] for name in names}
        self._rows = 0

    @property
    def names(self) -> list[str]:
        """Names of the columns so far."""
        return list(self._chunks)

    def add(self, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows with one value per column."""
        for index, chunks in enumerate(self._chunks.values()):
            chunks.append(array_of([row[index] for row in rows]))
        self._rows += len(rows)

    def add_mappings(self, rows: Sequence[JsonDict]) -> None:
        """Add rows by column name; absent names are null."""
        for row in rows:
            if not row.keys() <= self._chunks.keys():
                self._chunks |= {
                    name: [pa.nulls(self._rows)] for name in row if name not in self._chunks
                }
        for name, chunks in self._chunks.items():
            chunks.append(array_of([row.get(name) for row in rows]))
        self._rows += len(rows)

    def table(self) -> pa.Table:
        """All rows [rows, columns]."""
        return pa.table({name: united(chunks) for name, chunks in self._chunks.items()})


def array_of(values: list[Any]) -> pa.Array:
    """Values [rows] in the one type that holds them all exactly; else as text."""
    kinds = set(map(type, values)) - {type(None)}
    if not kinds <= _KEPT:
        values = [_plain(value) for value in values]
    if kinds == {dt.date, dt.datetime}:
        values = [_moment(value) for value in values]
    if kinds == {int, float} and not all(map(_is_exact, values)):
        return _texts(values)
    try:
        return pa.array(values)
    except NO_FIT:
        return _texts(values)


def check_kinds(name: str, values: Iterable[Any]) -> None:
    """Check that values of a column are numbers, times or things with a text of their own.

    Raises:
        TableError: naming the column, and the type that has none.
    """
    for kind in {type(value) for value in values}:
        if _has_no_text(kind):
            told = f"column {shown(name)} holds values of type {shown(kind.__name__)}"
            allowed = "allowed are numbers, texts, truth values, dates and times"
            raise TableError(f"{told}; {allowed}; write them as text, or leave the column out")


def _has_no_text(kind: type) -> bool:
    """Whether a type is of complex numbers, or shows nothing but its place in memory."""
    is_complex = issubclass(kind, Complex) and not issubclass(kind, Real)
    written = {base for base in kind.__mro__ if {"__str__", "__repr__"} & vars(base).keys()}
    return is_complex or written == {object}


def _is_exact(value: Any) -> bool:
    """Whether a float holds the value exactly."""
    return type(value) is not int or abs(value) <= _EXACT


def _texts(values: list[Any]) -> pa.Array:
    return pa.array([text_of(value) for value in values], pa.string())


def _plain(value: Any) -> Any:
    """Convert a driver's own types to text, and a view of bytes to bytes."""
    if value is None or type(value) in _KEPT:
        return value
    return bytes(value) if isinstance(value, memoryview | bytearray) else str(value)


def _moment(value: Any) -> Any:
    return dt.datetime.combine(value, dt.time()) if type(value) is dt.date else value


def text_of(value: Any) -> str | None:
    """Value as people write it: whole numbers without a point."""
    if value is None or isinstance(value, str):
        return value
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def united(chunks: Sequence[pa.Array]) -> pa.ChunkedArray:
    """Chunks of a column, whose types may differ, as one column.

    Text where no type holds all values exactly.
    """
    types = {chunk.type for chunk in chunks if not pa.types.is_null(chunk.type)}
    if len(types) <= 1:
        wanted = next(iter(types), pa.null())
        return pa.chunked_array([chunk.cast(wanted) for chunk in chunks], wanted)
    try:
        if any(map(pa.types.is_integer, types)) and any(map(pa.types.is_floating, types)):
            return _as_floats(chunks)
        parts = [pa.table({"x": chunk}) for chunk in chunks]
        return pa.concat_tables(parts, promote_options="permissive").column(0)
    except NO_FIT:
        return pa.chunked_array(
            [pa.array(map(text_of, chunk.to_pylist()), pa.string()) for chunk in chunks],
            pa.string(),
        )


def _as_floats(chunks: Sequence[pa.Array]) -> pa.ChunkedArray:
    """Convert whole and other numbers to floats.

    ArrowInvalid where a whole number is too large to stay exact.
    """
    return pa.chunked_array([chunk.cast(pa.float64(), safe=True) for chunk in chunks], pa.float64())


def whole_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Convert floats that are all whole to integers, as a spreadsheet shows them.

    Other columns stay as they are.
    """
    if not pa.types.is_floating(column.type) or column.null_count == len(column):
        return column
    try:
        whole = column.cast(pa.int64(), safe=True)
    except pa.ArrowInvalid:
        return column
    return whole if pc.all(pc.less_equal(pc.abs(whole), _EXACT)).as_py() else column
