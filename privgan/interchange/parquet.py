"""Read a Parquet file's schema: names, Arrow types and field descriptions.

No row is read, and no statistics of rows.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from privgan.errors import TableError
from privgan.files.limits import LARGEST_FOOTER
from privgan.interchange.notation import CLOCK
from privgan.interchange.stated import StatedColumn, StatedTable
from privgan.schema.columns import Kind

MAGIC = b"PAR1"
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
    facts: dict[str, Any] = {
        "name": field.name,
        "missing": None if field.nullable else False,
        "description": said.decode("utf-8", "replace"),
    }
    return StatedColumn(**facts, **_typed(field.type))


def _typed(kind: Any) -> dict[str, Any]:
    import pyarrow.types as types

    if types.is_dictionary(kind):
        inner = _typed(kind.value_type)
        return (
            {"kind": Kind.CATEGORICAL}
            if "kind" not in inner or inner["kind"] is Kind.INTEGER
            else inner
        )
    if types.is_boolean(kind):
        return {"kind": Kind.BOOLEAN}
    if types.is_integer(kind):
        return {"kind": Kind.INTEGER}
    if types.is_decimal(kind):
        return (
            {"kind": Kind.FLOAT, "decimals": kind.scale}
            if kind.scale > 0
            else {"kind": Kind.INTEGER}
        )
    if types.is_floating(kind):
        return {"kind": Kind.FLOAT}
    if types.is_temporal(kind):
        return _moments(kind)
    if types.is_string(kind) or types.is_large_string(kind) or str(kind) == "string_view":
        return {}
    return {
        "kind": Kind.TEXT,
        "sure": False,
        "notes": (f"is {str(kind)[:40]!r}: it is invented, and not modelled",),
    }


def _moments(kind: Any) -> dict[str, Any]:
    import pyarrow.types as types

    if types.is_date(kind):
        return {"kind": Kind.DATE}
    if types.is_time(kind):
        return {"kind": Kind.DATETIME, "format": CLOCK}
    if types.is_timestamp(kind):
        return {"kind": Kind.DATETIME, "zone": kind.tz}
    if types.is_duration(kind):
        return {"kind": Kind.INTEGER, "format": "[h]:mm:ss"}
    return {
        "kind": Kind.TEXT,
        "sure": False,
        "notes": (f"is {str(kind)[:40]!r}: it is invented, and not modelled",),
    }
