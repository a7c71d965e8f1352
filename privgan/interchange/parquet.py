"""Read a Parquet file's schema: names, Arrow types and field descriptions.

No row is read, and no statistics of rows.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from privgan.errors import TableError
from privgan.files.limits import LARGEST_FOOTER
from privgan.interchange.notation import CLOCK
from privgan.interchange.stated import Facts, StatedColumn, StatedTable, facts_not_modelled
from privgan.schema.columns import Kind

MAGIC = b"PAR1"
_TEXTS = frozenset({"string", "large_string", "string_view"})
_INDEX = "__index_level_"
_DESCRIPTIONS = (b"description", b"comment")


def read_parquet_schema(path: Path) -> StatedTable:
    """Read the facts that a Parquet file states of its table.

    Raises:
        TableError: It is no Parquet file, or its footer is larger than any.
    """
    import pyarrow.parquet as pq

    _check_footer(path)
    try:
        schema = pq.read_schema(path)
    except Exception as error:
        raise TableError(
            f"{path}: is not a readable Parquet file ({type(error).__name__})"
        ) from error
    left = [name for name in schema.names if name.startswith(_INDEX)]
    notes = [f"the column {name} is the row number of pandas, and is left out" for name in left]
    columns = tuple(_column(field) for field in schema if field.name not in left)
    return StatedTable(source=str(path), name=path.stem, columns=columns, notes=tuple(notes))


def _check_footer(path: Path) -> None:
    try:
        with path.open("rb") as file:
            head = file.read(len(MAGIC))
            size = file.seek(0, 2)
            file.seek(max(0, size - 8))
            end = file.read(8)
    except OSError as error:
        raise TableError(
            f"{path}: cannot be read: {error.strerror or error}; check the path"
        ) from error
    if head != MAGIC or end[4:] != MAGIC:
        raise TableError(f"{path}: is not a whole Parquet file")
    footer = int.from_bytes(end[:4], "little")
    if footer > min(size, LARGEST_FOOTER):
        raise TableError(
            f"{path}: its footer has {footer:,} bytes, allowed: at most"
            f" {min(size, LARGEST_FOOTER):,}"
        )


def _column(field: Any) -> StatedColumn:
    metadata = field.metadata or {}
    said = next((metadata[key] for key in _DESCRIPTIONS if key in metadata), b"")
    facts: Facts = {
        "name": field.name,
        "missing": None if field.nullable else False,
        "description": said.decode("utf-8", "replace"),
    }
    return StatedColumn(**facts, **_typed(field.type))


def _typed(kind: Any) -> Facts:
    import pyarrow.types as types

    if types.is_dictionary(kind):
        inner = _typed(kind.value_type)
        return {"kind": Kind.CATEGORICAL} if inner.get("kind") in {None, Kind.INTEGER} else inner
    if str(kind) in _TEXTS:
        return {}
    if types.is_decimal(kind) and kind.scale > 0:
        return {"kind": Kind.FLOAT, "decimals": kind.scale}
    readers: tuple[tuple[Callable[[Any], bool], Facts], ...] = (
        (types.is_boolean, {"kind": Kind.BOOLEAN}),
        (types.is_integer, {"kind": Kind.INTEGER}),
        (types.is_decimal, {"kind": Kind.INTEGER}),
        (types.is_floating, {"kind": Kind.FLOAT}),
        (types.is_date, {"kind": Kind.DATE}),
        (types.is_time, {"kind": Kind.DATETIME, "format": CLOCK}),
        (types.is_timestamp, {"kind": Kind.DATETIME, "zone": getattr(kind, "tz", None)}),
        (types.is_duration, {"kind": Kind.INTEGER, "format": "[h]:mm:ss"}),
    )
    found = next((facts for is_type, facts in readers if is_type(kind)), None)
    return facts_not_modelled(repr(str(kind)[:40])) if found is None else found
