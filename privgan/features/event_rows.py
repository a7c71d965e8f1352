"""Type events piece by piece, each by itself, for the query of the features."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from privgan.errors import TableError
from privgan.features.aggregates import (
    CUSTOMER,
    DAY,
    DAY_OF_MOMENT,
    MOMENT,
    NAMED,
    TIMED,
    FeatureQuery,
    seconds,
)
from privgan.files.documents import did_you_mean, shown
from privgan.schema.columns import Column, Invented
from privgan.schema.schema import Schema, next_by_name
from privgan.table.feature_file import events_schema
from privgan.table.presenting import restored
from privgan.table.readings import canonical_text
from privgan.table.typed_values import Violation, absent_values, typed_column

_TYPES = {"BIGINT": pa.int64(), "VARCHAR": pa.string(), "BOOLEAN": pa.bool_()}
_NO_CUSTOMER = (
    "an event has no customer; give it one, or write 'without_customer: left_out' under events"
)


@dataclass(eq=False)
class Tally:
    """What was found in the events so far. INTERNAL: counts are real.

    Attributes:
        events: Number of events.
        unnamed: Events without a customer that are left out.
        found: Number of events by column, problem, and whether it is mapped on demand.
    """

    events: int = 0
    unnamed: int = 0
    found: dict[tuple[str, str, bool], int] = field(default_factory=dict)

    def add(self, column: str, problem: str, count: int, *, clampable: bool = True) -> None:
        """Count events with a problem."""
        if count:
            key = (column, problem, clampable)
            self.found[key] = self.found.get(key, 0) + count

    def problems(self) -> tuple[Violation, ...]:
        """All problems, as of a table's own columns."""
        return tuple(
            Violation(column=f"events.{name}", problem=problem, count=count, clampable=clampable)
            for (name, problem, clampable), count in self.found.items()
        )


def encoded(piece: pa.Table, schema: Schema, query: FeatureQuery, tally: Tally) -> pa.Table:
    """A piece of the events as the query's table [events that count, columns].

    Each row is a function of one event. What cannot be read counts as missing; an event without a
    time, and one without a customer, is left out; each is counted.

    Args:
        piece: Events as read [events, columns].
        schema: The public facts.
        query: The query.
        tally: Counts what is found.

    Raises:
        TableError: when the events lack a column.
    """
    events = schema.events
    assert events is not None
    tally.events += piece.num_rows
    own = events_schema(schema)
    frame = restored(_columns_of(piece, own).to_pandas(integer_object_nulls=True), own)
    rows = _typed(frame, own, tally)
    time = next_by_name(events.columns, events.time)
    rows[TIMED] = seconds(rows[events.time], time)
    unnamed = rows[NAMED].isna()
    if events.leaves_out_unnamed:
        tally.unnamed += int(unnamed.sum())
    else:
        tally.add(str(own.unit.column), _NO_CUSTOMER, int(unnamed.sum()), clampable=False)
    rows = rows[~unnamed & rows[TIMED].notna()]
    return _table(rows, query)


def _columns_of(piece: pa.Table, own: Schema) -> pa.Table:
    """The declared columns; others are passed over."""
    names = list(piece.schema.names)
    for name in own.names:
        if name not in names:
            told = f"the events have no column {shown(name)}{did_you_mean(name, names)}"
            raise TableError(f"{told}; check events.columns and the separator")
    return piece.select(list(own.names))


def _typed(frame: pd.DataFrame, own: Schema, tally: Tally) -> pd.DataFrame:
    """Typed events [events, columns], and the customer of each."""
    rows = {}
    for column in own.columns:
        values = frame[column.name]
        absent = absent_values(values, column, own.missing_markers)
        rows[column.name], problems = _values(values, absent, column, own)
        for problem in problems:
            tally.add(column.name, problem.problem, problem.count or 0)
        if not column.missing and column.name != own.unit.column:
            tally.add(column.name, "a value is missing where none may be", int(absent.sum()))
    rows[NAMED] = rows[str(own.unit.column)]
    return pd.DataFrame(rows, index=frame.index)


def _values(
    values: pd.Series, absent: pd.Series, column: Column, own: Schema
) -> tuple[pd.Series, list[Violation]]:
    if isinstance(column, Invented):
        return values.astype(object).map(canonical_text).where(~absent, None), []
    # What cannot be read is missing then, and not some value of the schema's.
    return typed_column(values, replace(column, missing=True), own.missing_markers)


def _table(rows: pd.DataFrame, query: FeatureQuery) -> pa.Table:
    """The columns of the query's table, of the events that any feature tells of."""
    moments = rows[TIMED].to_numpy(dtype=float)
    found: dict[str, Any] = {
        CUSTOMER: pa.array(rows[NAMED].to_numpy(dtype=object), pa.string()),
        MOMENT: pa.array(moments.astype("int64")),
        DAY_OF_MOMENT: pa.array(np.floor(moments / DAY).astype("int64")),
    }
    for column in query.columns:
        found[column.name] = _array(column.values(rows), column.type)
    counts = np.logical_or.reduce(
        [found[name].to_numpy(zero_copy_only=False) for name in query.flags]
    )
    return pa.table(found).filter(pa.array(counts))


def _array(values: np.ndarray, kind: str) -> pa.Array:
    if kind != "BIGINT":
        return pa.array(values, _TYPES[kind])
    missing = np.isnan(values)
    return pa.array(np.where(missing, 0, values).astype("int64"), mask=missing)


def table_columns(query: FeatureQuery) -> Iterator[str]:
    """Names and types of the query's table, as SQL."""
    yield from (f"{CUSTOMER} VARCHAR", f"{MOMENT} BIGINT", f"{DAY_OF_MOMENT} BIGINT")
    yield from (f"{column.name} {column.type}" for column in query.columns)
