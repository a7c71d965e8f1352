"""Read past events of customers, of whom the next event is to be told.

They are rows as the table holds them: whose each is, when it was, and what it held. Further columns
of the schema may lack, and cells may be empty: these are unknown. A file of real customers brings
these people in, as wanted profiles do: what is made of it is INTERNAL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from privgan.errors import UsageError
from privgan.files.documents import did_you_mean, shown
from privgan.naming import parameter
from privgan.schema.history import HistoryFacts
from privgan.schema.schema import Schema
from privgan.sources import SourceOptions, read_source
from privgan.table.presenting import restored
from privgan.table.profiles import Cells, cells_of_columns, rows_told


@dataclass(frozen=True, eq=False)
class PastEvents:
    """Events of customers, in any order.

    Attributes:
        customers: The customers as they are named, in order of appearance [customers].
        owner: Place of each event's customer among them [events].
        cells: Typed cells of the columns that are there, by name.
    """

    customers: np.ndarray
    owner: np.ndarray
    cells: Mapping[str, Cells]


def read_past_events(
    source: Path | str | Any, schema: Schema, name: str, marker: str | None = None
) -> PastEvents:
    """Read and check past events.

    Args:
        source: Where they are, or an Arrow table or frame, as ``read_source`` takes it.
        schema: The model's schema, with a history; no column is open.
        name: The parameter that they were given as.
        marker: A text that says that a value is missing, beside those that the schema states.

    Raises:
        TableError: when it cannot be read, or a value does not fit the schema.
        UsageError: when there is no event, or a column is unknown or lacks.
    """
    frame = restored(read_source(source, SourceOptions()).frame(), schema).reset_index(drop=True)
    history, unit = schema.history, schema.unit.column
    assert history is not None
    assert unit is not None
    _check_columns(frame, schema, name, (unit, history.order))
    if frame.empty:
        raise UsageError(f"{parameter(name)}: there is no event; give at least one row")
    columns = [column for column in schema.modelled if column.name in frame.columns]
    cells = cells_of_columns(frame, columns, schema, name, marker)
    owner, customers = pd.factorize(frame[unit])
    _check_whole(name, unit, owner >= 0)
    _check_order(name, history, cells)
    return PastEvents(np.asarray(customers), owner.astype(np.int64), cells)


def _check_columns(frame: pd.DataFrame, schema: Schema, name: str, needed: tuple[str, str]) -> None:
    names = [str(column) for column in frame.columns]
    for column in names:
        if column not in schema.names:
            near = did_you_mean(column, list(schema.names))
            raise UsageError(
                f"{parameter(name)}: the model has no column {shown(column)}{near}; columns:"
                f" {', '.join(schema.names[:20])}"
            )
        if names.count(column) > 1:
            raise UsageError(f"{parameter(name)}: column {shown(column)} stands more than once")
    for column, what in zip(needed, ("says whose each event is", "orders them"), strict=True):
        if column not in names:
            raise UsageError(
                f"{parameter(name)}: column {shown(column)}, which {what}, is not there; give past"
                " events as the table holds them"
            )


def _check_order(name: str, history: HistoryFacts, cells: Mapping[str, Cells]) -> None:
    _check_whole(name, history.order, cells[history.order].given)


def _check_whole(name: str, column: str, there: np.ndarray) -> None:
    if not there.all():
        told = rows_told(np.flatnonzero(~there))
        raise UsageError(
            f"{parameter(name)}: column {shown(column)} is empty{told}; each event has one"
        )
