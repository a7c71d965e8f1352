"""Import a foreign schema: recognise its form by content, and draft a schema from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from privgan.drafting.draft import dataset_name
from privgan.errors import DocumentError, UsageError
from privgan.interchange.dbt import is_dbt, read_dbt
from privgan.interchange.documents import Node, read_foreign
from privgan.interchange.drafting import Imported, UnitChoice, imported
from privgan.interchange.json_schema import is_json_schema, read_json_schema
from privgan.interchange.pandera import is_pandera, read_pandera
from privgan.interchange.parquet import MAGIC, read_parquet_schema
from privgan.interchange.sdv import is_sdv, read_sdv
from privgan.interchange.sql import SQLITE_MAGIC, read_sql_schema
from privgan.interchange.stated import StatedTable
from privgan.naming import parameter

SDV, PANDERA, JSON_SCHEMA, SQL, PARQUET, DBT = KINDS = (
    "sdv",
    "pandera",
    "json-schema",
    "sql",
    "parquet",
    "dbt",
)
_SEVERAL = frozenset({SDV, SQL, DBT})
# Forms with a key of their own come first.
_DOCUMENTS: dict[str, Callable[[Any], bool]] = {
    PANDERA: is_pandera,
    DBT: is_dbt,
    JSON_SCHEMA: is_json_schema,
    SDV: is_sdv,
}


def import_schema(
    source: str,
    *,
    kind: str | None = None,
    table: str | None = None,
    dataset: str | None = None,
    unit: UnitChoice | None = None,
) -> Imported:
    """Import a foreign schema; no row is read.

    Args:
        source: A file, or a database's URL.
        kind: One of ``KINDS``; recognised by the content where it is not given.
        table: Which table, where there are several.
        dataset: The data set's name in the ledger; made from the table's or the file's name where
            it is not given.
        unit: Who is protected.

    Raises:
        DocumentError: The foreign schema is wrong; the key is named.
        TableError: A table's file or database cannot be read.
        UsageError: The kind is not recognised, or a table or a unit has to be named.
    """
    stated = stated_by(source, kind or kind_of(source), table)
    name = dataset or dataset_name(Path(stated.name.replace("/", "-") or Path(source).stem))
    return imported(stated, name, unit)


def stated_by(source: str, kind: str, table: str | None = None) -> StatedTable:
    """Read the stated facts of a foreign schema of a known kind."""
    if table is not None and kind not in _SEVERAL:
        raise UsageError(
            f"{parameter('table')} goes only with {', '.join(sorted(_SEVERAL))}; {source} is"
            f" {kind}, which holds one table"
        )
    if kind == SQL:
        return read_sql_schema(source, table)
    if kind == PARQUET:
        return read_parquet_schema(Path(source))
    root = read_foreign(Path(source))
    readers: dict[str, Callable[[Node], StatedTable]] = {
        SDV: lambda node: read_sdv(node, table),
        DBT: lambda node: read_dbt(node, table),
        PANDERA: read_pandera,
        JSON_SCHEMA: read_json_schema,
    }
    return readers[kind](root)


def kind_of(source: str) -> str:
    """Recognise a source's kind of schema by its content.

    Raises:
        UsageError: It is none that is known.
        DocumentError: It cannot be read.
    """
    if "://" in source:
        return SQL
    head = _head(Path(source))
    if head.startswith(MAGIC):
        return PARQUET
    if head.startswith(SQLITE_MAGIC):
        return SQL
    data = read_foreign(Path(source)).value
    found = next((kind for kind, looks in _DOCUMENTS.items() if looks(data)), None)
    if found is None:
        own = (
            " (it is a schema of privgan already)"
            if isinstance(data, dict) and "unit" in data
            else ""
        )
        raise UsageError(
            f"{source}: is no schema that is known{own}; known are {', '.join(KINDS)}; name one"
            f" with {parameter('from_')}"
        )
    return found


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as reader:
            return reader.read(len(SQLITE_MAGIC))
    except OSError as error:
        raise DocumentError(
            str(path), [f"cannot be read: {error.strerror or error}; check the path"]
        ) from error
