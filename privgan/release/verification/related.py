"""Check the related tables of a release: their rows, their constraints and their keys.

Each child's key is unique, and each row names a row of its parent that is there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from io import BufferedReader
from typing import Any

import numpy as np
import pandas as pd

from privgan.release.parquet.chunks import chunk_problems
from privgan.release.table_files import CSV, PARQUET, part_of, stated_tables, table_file
from privgan.release.verification.integrity import shown
from privgan.release.verification.released import PARQUET as MAIN
from privgan.release.verification.released import Released
from privgan.release.verification.row_domain import column_problem, typed_part
from privgan.release.verification.row_order import RowOrder
from privgan.release.verification.rows_in_parts import WrongRowError, parts_of_rows
from privgan.schema.columns import Invented
from privgan.schema.constraints import place
from privgan.schema.identifiers import bears_serial
from privgan.schema.schema import Schema
from privgan.schema.tables import TableFacts
from privgan.table.files import csv_text
from privgan.table.violations import broken


def listed_problems(released: Released) -> Iterator[str]:
    """Tables that the manifest lists otherwise than the schema, and files that are none's."""
    schema, said = released.schema, released.manifest.tables
    if not schema.tables:
        if said:
            yield "manifest.json: lists several tables, and the schema has one"
        return
    try:
        rows = {str(table["name"]): int(table["rows"]) for table in said}
        meant = stated_tables(schema, rows)
    except (KeyError, TypeError, ValueError):
        yield "manifest.json: does not list the tables of the schema, each with its rows"
        return
    if json.loads(json.dumps(meant)) != list(said):
        yield "manifest.json: lists other tables, keys or files than the schema has"
    needed = {name for table in meant for name in table["files"]}
    yield from (f"{name}: is missing" for name in sorted(needed) if not released.holds(name))


def unknown_files(released: Released) -> Iterator[str]:
    """Files of tables or parts that the schema does not have."""
    names = {released.schema.root, *(table.name for table in released.schema.tables)}
    for name in sorted(released.manifest.files):
        if (table := part_of(name)) and table not in names:
            yield f"{name}: is of a table that the schema does not have"


@dataclass(eq=False)
class _Told:
    """What is kept of the rows of one table.

    Attributes:
        rows: How many there are.
        keys: A hash of each row's key, part by part; empty where it has none.
        parents: A hash of the key of its parent that each row names, part by part.
        broken: Rows that break each constraint.
        order: The order of the rows of each parent, where they have one.
    """

    rows: int = 0
    keys: list[np.ndarray] = field(default_factory=list)
    parents: list[np.ndarray] = field(default_factory=list)
    broken: dict[int, int] = field(default_factory=dict)
    order: RowOrder = field(default_factory=RowOrder)


def related_problems(released: Released) -> list[str]:
    """Contradictions of the related tables with the schema, the manifest or each other."""
    schema = released.schema
    if not schema.tables:
        return []
    keys = {schema.root: _root_keys(released)}
    found: list[str] = []
    for table in schema.tables:
        told = _Told()
        found += _rows_of(released, table, told)
        if found:
            return found
        keys[table.name] = _joined(told.keys)
        found += _key_problems(table, told, keys)
        found += _count_problems(released, table, told)
    return found


def _root_keys(released: Released) -> np.ndarray:
    """A hash of each customer's key [customers]."""
    import pyarrow.parquet as pq

    unit = released.schema.unit.column
    with released.opened(MAIN) as file:
        values = pq.ParquetFile(file).read(columns=[unit]).column(0).to_pandas()
    return _hashed(values)


def _rows_of(released: Released, table: TableFacts, told: _Told) -> Iterator[str]:
    """Problems of one table's rows, by themselves."""
    import pyarrow.parquet as pq

    schema = released.schema.alone(table.name)
    parquet, text = (table_file(table.name, form) for form in (PARQUET, CSV))
    with ExitStack() as stack:
        opened = stack.enter_context(released.opened(parquet))
        written = stack.enter_context(released.opened(text))
        file = stack.enter_context(pq.ParquetFile(opened))
        beside = list(chunk_problems(file, opened)) if released.ours else []
        yield from (f"{parquet}: {problem}" for problem in beside)
        if beside:
            return
        try:
            for part in parts_of_rows(file, schema, parquet):
                _take(part, schema, table, told)
                if not _is_text_of(part, written, schema, header=told.rows == len(part)):
                    yield f"{text}: does not hold the rows of {parquet}"
                    return
        except WrongRowError as error:
            yield str(error)
            return
        if written.read(1):
            yield f"{text}: holds rows after those of {parquet}, which has {told.rows:,}"
    for index, count in sorted(told.broken.items()):
        what = shown(str(schema.constraints[index]))
        yield f"{parquet}: {count:,} rows break {place(index)}: {what}"


def _is_text_of(
    part: pd.DataFrame, written: BufferedReader, schema: Schema, *, header: bool
) -> bool:
    """Whether the next bytes of a text are these rows."""
    meant = csv_text(part, schema, header=header).encode()
    return written.read(len(meant)) == meant


def _take(part: pd.DataFrame, schema: Schema, table: TableFacts, told: _Told) -> None:
    """Check the values of the next rows, and keep their keys."""
    file = table_file(table.name, PARQUET)
    for column in schema.columns:
        problem = column_problem(part[column.name], column)
        if problem:
            raise WrongRowError(f"{file}: column {shown(column.name)}: {problem}")
    for column in schema.invented:
        assert isinstance(column, Invented)
        if column.name != table.parent.column and not _bears(part[column.name], column, told.rows):
            told_of = "a value bears another serial number than its row's"
            raise WrongRowError(f"{file}: column {shown(column.name)}: {told_of}")
    typed = typed_part(part, schema)
    for index, count in broken(typed, schema):
        told.broken[index] = told.broken.get(index, 0) + count
    if problem := told.order.problem(part, typed, schema):
        raise WrongRowError(f"{file}: {problem}")
    told.parents.append(_hashed(part[table.parent.column]))
    if table.key is not None:
        told.keys.append(_hashed(part[table.key]))
    told.rows += len(part)


def _bears(values: pd.Series, column: Invented, before: int) -> bool:
    """Whether invented values bear the serial numbers of their rows."""
    numbered = enumerate(values.to_list(), start=before + 1)
    return all(
        bears_serial(column, value, serial) for serial, value in numbered if isinstance(value, str)
    )


def _hashed(values: pd.Series) -> np.ndarray:
    found: np.ndarray = pd.util.hash_array(values.to_numpy(dtype=object), categorize=False)
    return found


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint64)


def _key_problems(table: TableFacts, told: _Told, keys: Mapping[str, np.ndarray]) -> Iterator[str]:
    """Rows without a parent, keys that repeat, and parents with too many rows."""
    file, named = table_file(table.name, PARQUET), _joined(told.parents)
    orphans = int((~np.isin(named, keys[table.parent.table])).sum())
    where = f"{file}: column {shown(table.parent.column)}"
    if orphans:
        yield f"{where}: {orphans:,} rows name a key that no row of {table.parent.table} has"
    most = int(np.unique(named, return_counts=True)[1].max(initial=0))
    if most > table.longest:
        of = f"a row of {table.parent.table}"
        yield f"{where}: {of} has {most:,} rows, and may have {table.longest:,}"
    own = keys[table.name]
    if len(np.unique(own)) < len(own):
        yield f"{file}: column {shown(table.key or '')}: a key stands in several rows"


def _count_problems(released: Released, table: TableFacts, told: _Told) -> Iterator[str]:
    stated: Mapping[str, Any] = {item["name"]: item["rows"] for item in released.manifest.tables}
    if stated[table.name] != told.rows:
        said = shown(stated[table.name])
        yield f"{table_file(table.name, PARQUET)}: has {told.rows:,} rows, the manifest says {said}"
