"""Arrow's many types for one thing brought to one, so that a table is the same whichever way it came."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

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
    wanted = _wanted(kind)
    if wanted is None:
        return column
    try:
        return column.cast(wanted)
    except pa.ArrowInvalid:
        return column


def _wanted(kind: Any) -> Any:
    if str(kind) in _TEXTS:
        return pa.string()
    return pa.int64() if pa.types.is_decimal(kind) and kind.scale == 0 else None
