"""Convert Arrow tables to unique column names and one type for each kind of value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from privgan.errors import TableError
from privgan.files.documents import shown

if TYPE_CHECKING:
    import pandas as pd

_MOST_PLACES = 10


def check_names(source: str, names: Sequence[str]) -> None:
    """Check that every column has a name of its own.

    Args:
        source: The source, for messages.
        names: The names [columns].

    Raises:
        TableError: naming what is wrong.
    """
    counts = Counter(name for name in names if name)
    places = [str(place) for place, name in enumerate(names, start=1) if counts[name] > 1]
    if places:
        # Of a file without header, the first row would be shown.
        told = f"one name more than once, in columns {', '.join(places[:_MOST_PLACES])}"
        raise TableError(f"{source}: the header has {told}; each column needs a name of its own")
    if "" in names:
        place = list(names).index("") + 1
        raise TableError(
            f"{source}: column {place} of the header has no name; name it, or drop it where it is a"
            " row number (pandas writes one without index=False)"
        )


_DAY = 86_400_000_000  # microseconds
_PERIODS = "pandas.period"  # Counts of days or months since 1970, which nobody wrote.
_TEXTS = {"large_string", "string_view", "binary", "large_binary", "binary_view"}


def with_plain_types(table: pa.Table) -> pa.Table:
    """Convert columns to plain Arrow types.

    Text becomes ``string``, decimals without a fraction integers, dictionaries and extensions their
    values. A value that a plain type cannot hold keeps its own type.
    """
    return pa.table(
        {name: _named(name, table.column(index)) for index, name in enumerate(table.schema.names)}
    )


def _named(name: str, column: Any) -> Any:
    """A column of plain type; TableError where its values have none."""
    told = "holds values of a kind that no table file has, such as intervals; write them as text"
    if getattr(column.type, "extension_name", "") == _PERIODS:
        raise TableError(f"column {shown(name)} {told}")
    try:
        return _plain(column)
    except pa.ArrowNotImplementedError:
        raise TableError(f"column {shown(name)} {told}") from None


def _plain(column: Any) -> Any:
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return _plain(
            pa.chunked_array([chunk.storage for chunk in column.chunks], kind.storage_type)
        )
    if pa.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type))
    if pa.types.is_interval(kind):
        return _durations(column)
    wanted = _wanted(kind)
    if wanted is None:
        return column
    try:
        return column.cast(wanted)
    except pa.ArrowInvalid:
        return column


def _durations(column: Any) -> Any:
    """Convert intervals of days and less to durations.

    Months have no fixed length: a column with one stays as it is.
    """
    values = column.to_pylist()
    if any(value is not None and value.months for value in values):
        return column
    seconds = [
        None if value is None else value.days * _DAY + value.nanoseconds // 1_000
        for value in values
    ]
    return pa.chunked_array([pa.array(seconds, pa.int64()).cast(pa.duration("us"))])


def _wanted(kind: Any) -> Any:
    if str(kind) in _TEXTS:
        return pa.string()
    return pa.int64() if pa.types.is_decimal(kind) and kind.scale == 0 else None


@dataclass(frozen=True, kw_only=True, eq=False)
class SourceTable:
    """A table as read.

    Attributes:
        table: The ``pyarrow.Table`` [rows, columns]. Of a text file every column is text and an
            empty cell is ``""``; typed sources keep their types, and a missing value is null.
        said: What was recognised, a line each, without any value. INTERNAL: it tells the row count.
        text: Whether it was a text file, in which a spreadsheet's escapes may stand.
    """

    table: Any = field(repr=False)
    said: tuple[str, ...] = field(repr=False)
    text: bool

    def frame(self) -> pd.DataFrame:
        """Table as a pandas frame [rows, columns].

        Integers with missing values stay exact, as objects.
        """
        frame: pd.DataFrame = self.table.to_pandas(integer_object_nulls=True)
        return frame
