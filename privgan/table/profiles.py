"""Read wanted profiles: rows of which some cells are given, and all others are to be drawn.

An empty cell is to be imputed. A missing marker that the schema states, or one given along, says
that the value is missing, where the column allows it. A file made from real customers brings these
people in, whatever the model's guarantee: what is made of it is INTERNAL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from privgan.domain.regions import columns_of
from privgan.errors import TableError, UsageError
from privgan.files.documents import did_you_mean, shown
from privgan.naming import parameter
from privgan.schema.columns import Column, Discrete
from privgan.schema.constraints import place
from privgan.schema.schema import Schema
from privgan.sources import SourceOptions, read_source
from privgan.table.presenting import restored
from privgan.table.typed_values import absent_values, typed_column
from privgan.table.violations import holds

_NAMED = 5
GIVEN = "given"


@dataclass(frozen=True, eq=False)
class Cells:
    """One column of profiles.

    Attributes:
        values: Typed values [rows]; missing where none is given, or where it is given as missing.
        given: Which rows have a given value [rows], bool; the others are imputed.
    """

    values: pd.Series
    given: np.ndarray


@dataclass(frozen=True, eq=False)
class Profiles:
    """Rows of which some cells are given.

    Attributes:
        rows: How many.
        cells: The columns that the profiles have, by name.
    """

    rows: int
    cells: Mapping[str, Cells]

    def part(self, first: int, rows: int) -> Profiles:
        """So many profiles from one on."""
        some = slice(first, first + rows)
        cells = {
            name: Cells(part.values.iloc[some].reset_index(drop=True), part.given[some])
            for name, part in self.cells.items()
        }
        return Profiles(min(rows, self.rows - first), cells)


def read_profiles(
    source: Path | str | Any, schema: Schema, marker: str | None = None, name: str = GIVEN
) -> Profiles:
    """Read and check wanted profiles.

    Args:
        source: Where they are, or an Arrow table or frame, as ``read_source`` takes it.
        schema: The model's schema; no column is open.
        marker: A text that says that a value is missing, beside those that the schema states.
        name: The parameter that they were given as.

    Raises:
        TableError: when it cannot be read, or a value does not fit the schema.
        UsageError: when nothing is left to draw, a column cannot be given, or a profile breaks a
            constraint.
    """
    frame = read_source(source, SourceOptions()).frame()
    return profiles_of(frame, schema, marker, name)


def profiles_of(
    frame: pd.DataFrame, schema: Schema, marker: str | None = None, name: str = GIVEN
) -> Profiles:
    """Check wanted profiles that are read already; see ``read_profiles``."""
    frame = restored(frame, schema).reset_index(drop=True)
    columns = _columns(frame, schema, name)
    if frame.empty:
        raise UsageError(f"{parameter(name)}: there is no profile; give at least one row")
    found = Profiles(len(frame), cells_of_columns(frame, columns, schema, name, marker))
    _check_open(found, schema, name)
    _check_constraints(found, schema, name)
    return found


def cells_of_columns(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    schema: Schema,
    name: str,
    marker: str | None = None,
) -> dict[str, Cells]:
    """Typed cells of some columns, by name.

    Args:
        frame: Rows as they were read [rows, columns].
        columns: The columns.
        schema: The model's schema.
        name: The parameter that they were given as.
        marker: A text that says that a value is missing, beside those that the schema states.

    Raises:
        TableError: when a value does not fit the schema.
    """
    cells: dict[str, Cells] = {}
    problems: list[str] = []
    for column in columns:
        cells[column.name], told = _cells(frame[column.name], column, schema, marker)
        problems += told
    if problems:
        lines = "\n".join(f"  {line}" for line in problems)
        raise TableError(
            f"{parameter(name)}: the profiles do not fit the schema, so that no row can be"
            f" them; mend these cells, or leave them empty:\n{lines}"
        )
    return cells


def _columns(frame: pd.DataFrame, schema: Schema, given: str) -> list[Column]:
    """The columns of the profiles, in the schema's order."""
    names = [str(name) for name in frame.columns]
    free = [column for column in schema.modelled if not _is_presence(column)]
    known = [column.name for column in free]
    for name in names:
        if name in schema.names and name not in known:
            raise UsageError(
                f"{parameter(given)}: column {shown(name)} is invented and cannot be given; leave"
                " it out (rows keep their order)"
            )
        if name not in known:
            raise UsageError(
                f"{parameter(given)}: the model has no column"
                f" {shown(name)}{did_you_mean(name, known)}; columns: {', '.join(known[:20])}"
            )
        if names.count(name) > 1:
            raise UsageError(f"{parameter(given)}: column {shown(name)} stands more than once")
    return [column for column in free if column.name in names]


def _is_presence(column: Column) -> bool:
    return isinstance(column, Discrete) and column.is_presence


def _cells(
    values: pd.Series, column: Column, schema: Schema, marker: str | None
) -> tuple[Cells, list[str]]:
    """One column's cells, and what is wrong with them."""
    held = values[values.notna()].infer_objects()
    markers = (*schema.missing_markers, *([] if marker is None else [marker]))
    absent = absent_values(held, column, markers)
    empty = absent_values(held, replace(column, missing_markers=()), ("",))
    given = pd.Series(False, index=values.index)
    given[held.index[~absent | (~empty & column.missing)]] = True
    typed, problems = typed_column(held[~absent], replace(column, missing=True), ())
    told = [
        f"{problem}{rows_told(problem.rows.index[problem.rows].to_numpy())}"
        for problem in problems
        if problem.rows is not None
    ]
    return Cells(typed.reindex(values.index), given.to_numpy()), told


def rows_told(places: np.ndarray) -> str:
    """The first of some rows as words, counted from 1."""
    first = ", ".join(str(place + 1) for place in places[:_NAMED])
    return f" (row{'s' * (len(places) != 1)} {first}{', …' * (len(places) > _NAMED)})"


def _check_open(profiles: Profiles, schema: Schema, given: str) -> None:
    names = {column.name for column in schema.modelled}
    if names <= set(profiles.cells) and all(part.given.all() for part in profiles.cells.values()):
        raise UsageError(
            f"{parameter(given)}: every cell of every column is given, so nothing is left to"
            " draw; leave a column out, or leave cells empty"
        )


def _check_constraints(profiles: Profiles, schema: Schema, given: str) -> None:
    """Check the constraints whose columns are all given."""
    for index, constraint in enumerate(schema.constraints):
        names: Sequence[str] = columns_of(constraint, schema)
        if not set(names) <= set(profiles.cells):
            continue
        whole = np.logical_and.reduce([profiles.cells[name].given for name in names])
        typed = pd.DataFrame({name: profiles.cells[name].values for name in names})
        bad = whole & ~holds(constraint, typed, schema)
        if bad.any():
            rows = rows_told(np.flatnonzero(bad))
            raise UsageError(
                f"{parameter(given)}: {place(index)} ({constraint}) is broken by"
                f" {int(bad.sum()):,} of the profiles{rows}; no row can be them"
            )
