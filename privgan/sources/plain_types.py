"""Arrow's many types for one thing brought to one, so that a table is the same whichever way it came."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

_DAY = 86_400_000_000  # microseconds
_TEXTS = {"large_string", "string_view", "binary", "large_binary", "binary_view"}


def with_plain_types(table: pa.Table) -> pa.Table:
    """Text as ``string``, decimals without a fraction as integers, dictionaries and extensions as what they stand for.

    A value stays as it is: what a plain type cannot hold keeps its own.
    """
    return pa.table({name: _plain(table.column(index)) for index, name in enumerate(table.schema.names)})


def _plain(column: Any) -> Any:
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return _plain(pa.chunked_array([chunk.storage for chunk in column.chunks], kind.storage_type))
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
    """Intervals of days and less as durations; one of months has no length, and all stay as they are."""
    values = column.to_pylist()
    if any(value is not None and value.months for value in values):
        return column
    seconds = [None if value is None else value.days * _DAY + value.nanoseconds // 1_000 for value in values]
    return pa.chunked_array([pa.array(seconds, pa.int64()).cast(pa.duration("us"))])


def _wanted(kind: Any) -> Any:
    if str(kind) in _TEXTS:
        return pa.string()
    return pa.int64() if pa.types.is_decimal(kind) and kind.scale == 0 else None
