"""Rewrite a foreign table's values in the schema's notation and report every change.

Each column is rewritten from its own values alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from privgan.audit.foreign.legibility import (
    Legibility,
    Normalised,
    absent_values,
    absent_words,
    as_they_stand,
    columns_left_out,
    distinct_values,
    lost_values,
    without_columns,
)
from privgan.audit.foreign.moment_notation import moment_notations, moment_texts, within
from privgan.audit.foreign.notations import (
    Notation,
    choose_notation,
    fits_column,
    number_notations,
    number_text,
    spelt,
)
from privgan.domain.frames import with_columns
from privgan.schema.columns import Column, Discrete, Kind, Numeric, Temporal
from privgan.schema.schema import Schema
from privgan.table.readings import canonical_text

_DAY = 86_400


def harmonise(
    table: pd.DataFrame, schema: Schema, name: str
) -> tuple[pd.DataFrame, tuple[Normalised, ...]]:
    """The table with headers and values in the schema's notation.

    Values that cannot be read stay as they are.

    Args:
        table: The table as read [rows, columns].
        schema: The public facts.
        name: The table's name in the reported changes.

    Returns:
        The table, and every change with how many values it touched.
    """
    table, told = _headed(table, schema, name)
    changed: dict[str, pd.Series] = {}
    for column in schema.modelled:
        if list(table.columns).count(column.name) == 1:
            values, counts = _column(table[column.name], column, schema.missing_markers)
            changed[column.name] = values
            told += [
                Normalised(table=name, column=column.name, what=what, values=count)
                for what, count in counts.items()
            ]
    return with_columns(table, changed), tuple(told)


def legible(
    schema: Schema, real: pd.DataFrame, holdout: pd.DataFrame, synthetic: pd.DataFrame
) -> tuple[Schema, tuple[pd.DataFrame, ...], Legibility]:
    """Typed tables in the schema's spelling, without the columns that are mostly lost.

    Numbers and moments that are no longer text are counted. Text in their columns is refused later,
    with its count.

    Raises:
        TableError: No column is left to compare.
    """
    given = {"real": real, "holdout": holdout, "synthetic": synthetic}
    spelling = _with_columns(schema, lambda column: isinstance(column, Discrete))
    read = {name: harmonise(table, spelling, name) for name, table in given.items()}
    typed = _with_columns(schema, lambda column: _is_typed(column, given.values()))
    lost = tuple(
        fact for name, (table, _) in read.items() for fact in lost_values(table, typed, name)
    )
    left_out = columns_left_out(lost)
    told = tuple(item for _, items in read.values() for item in items)
    tables = tuple(
        table.drop(columns=list(left_out), errors="ignore") for table, _ in read.values()
    )
    return (
        without_columns(schema, left_out),
        tables,
        Legibility(normalised=told, lost=lost, left_out=left_out),
    )


def _with_columns(schema: Schema, wanted: Callable[[Column], bool]) -> Schema:
    """The schema with the wanted modelled columns only."""
    return replace(schema, columns=tuple(filter(wanted, schema.modelled)))


def _is_typed(column: Column, tables: Iterable[pd.DataFrame]) -> bool:
    if isinstance(column, Discrete):
        return True
    typed = (
        pd.api.types.is_numeric_dtype
        if isinstance(column, Numeric)
        else pd.api.types.is_datetime64_any_dtype
    )
    return all(column.name in table and bool(typed(table[column.name])) for table in tables)


def _headed(
    table: pd.DataFrame, schema: Schema, name: str
) -> tuple[pd.DataFrame, list[Normalised]]:
    """Headers in the schema's spelling, if exactly one of them matches."""
    known, unique = set(map(str, table.columns)), _unique_headers(schema)
    found = {
        column: unique[_header(str(column))]
        for column in table.columns
        if str(column) not in schema.names and unique.get(_header(str(column)), column) not in known
    }
    found = {
        old: new
        for old, new in found.items()
        if list(found.values()).count(new) == 1 and old != new
    }
    told = [
        Normalised(table=name, column=new, what="its name is written otherwise", values=len(table))
        for new in found.values()
    ]
    return table.rename(columns=found), told


def _unique_headers(schema: Schema) -> dict[str, str]:
    """Columns by folded header, without headers that several columns share."""
    keys = [_header(column) for column in schema.names]
    return {
        key: column for key, column in zip(keys, schema.names, strict=True) if keys.count(key) == 1
    }


def _header(name: str) -> str:
    return re.sub(
        r"[\W_]+", "_", unicodedata.normalize("NFKC", name).strip("\ufeff ").casefold()
    ).strip("_")


def _column(
    values: pd.Series, column: Column, markers: Sequence[str]
) -> tuple[pd.Series, dict[str, int]]:
    if not isinstance(column, Discrete | Numeric | Temporal):
        return values, {}
    if pd.api.types.is_datetime64_any_dtype(values) and isinstance(column, Temporal):
        return _typed_moments(values, column)
    if pd.api.types.is_numeric_dtype(values) and isinstance(column, Numeric):
        return values, {}
    distinct, places = distinct_values(values)
    if not distinct:
        return values, {}
    rows = np.bincount(places[places >= 0], minlength=len(distinct))
    absent = absent_values(distinct, (*markers, *column.missing_markers))
    after, what = _changes(distinct, rows, absent, column)
    counts: dict[str, int] = {}
    for told, count in zip(what, rows, strict=True):
        if told:
            counts[told] = counts.get(told, 0) + int(count)
    mapped = pd.Series([*after, None], dtype=object).to_numpy()[places]
    return (
        (pd.Series(mapped, index=values.index, name=values.name), counts)
        if any(what)
        else (_plain(values, column), {})
    )


def _plain(values: pd.Series, column: Column) -> pd.Series:
    """Moments in a column of numbers as text; pandas would read them as nanoseconds."""
    moments = pd.api.types.is_datetime64_any_dtype(values) or pd.api.types.is_timedelta64_dtype(
        values
    )
    return (
        values.astype(object).map(str, na_action="ignore")
        if moments and isinstance(column, Numeric)
        else values
    )


def _typed_moments(values: pd.Series, column: Temporal) -> tuple[pd.Series, dict[str, int]]:
    counts, present = {}, int(values.notna().sum())
    if values.dt.tz is not None and not column.zone:
        values, counts["a zone left out, the time on the wall kept"] = (
            values.dt.tz_localize(None),
            present,
        )
    if column.kind is Kind.DATE and values.dt.tz is None:
        days = values.dt.floor("D")
        timed = int((days != values).where(values.notna(), False).sum())
        if timed:
            values, counts["times on dates"] = days, timed
    return values, counts


def _changes(
    distinct: Sequence[Any], rows: NDArray[np.int64], absent: NDArray[np.bool_], column: Column
) -> tuple[list[Any], list[str]]:
    """The schema's notation of each distinct value, and the changes; empty if none."""
    after, what = list(distinct), [""] * len(distinct)
    stand = as_they_stand(distinct, column, absent)
    words = ~absent & np.isnan(stand) & absent_words(distinct)
    for place in np.flatnonzero(words).tolist():
        after[place], what[place] = None, "a word for missing"
    left: list[int] = np.flatnonzero(~absent & ~words).tolist()
    if isinstance(column, Discrete):
        texts = {place: canonical_text(distinct[place]) for place in left}
        spellings = spelt(list(texts.values()), column)
        for place, text in texts.items():
            if text in spellings:
                after[place], what[place] = spellings[text]
    else:
        for place, text, notation in _read_otherwise(
            [distinct[i] for i in left], stand[left], rows[left], column
        ):
            after[left[place]], what[left[place]] = text, notation
    return after, what


def _read_otherwise(
    values: Sequence[Any],
    stand: NDArray[np.float64],
    rows: NDArray[np.int64],
    column: Column,
) -> Iterator[tuple[int, str, str]]:
    """Numbers and moments by the best reading of each value.

    They are written so that every other command reads them too.

    Args:
        values: The distinct values.
        stand: Their values as they stand [distinct].
        rows: Number of rows with each [distinct].
        column: The column.

    Yields:
        A value's place, its text in the schema's notation and how it was written.
    """
    assert isinstance(column, Numeric | Temporal)
    fits = (
        fits_column(stand, column)
        if isinstance(column, Numeric)
        else within(_day(stand, column), column)
    )
    if fits.all():
        return
    texts = [str(value) for value in values]
    more = (
        number_notations(texts, column)
        if isinstance(column, Numeric)
        else moment_notations(texts, column)
    )
    notations = [Notation(what="", values=stand, fits=fits, own=True), *more]
    chosen = choose_notation(notations, rows)
    use = np.flatnonzero((chosen.notation > 0) & (chosen.values != stand)).tolist()
    written = _written(chosen.values[use], column)
    read = as_they_stand(written, column, np.zeros(len(written), dtype=bool))
    tolerance = 0.5 * 10.0**-column.decimals if isinstance(column, Numeric) else 0.0
    for place, text, again in zip(use, written, read, strict=True):
        # Values that the column's notation cannot write stay as they are and count as unread.
        if np.isclose(again, chosen.values[place], rtol=1e-12, atol=tolerance):
            yield place, text, notations[chosen.notation[place]].what


def _day(seconds: NDArray[np.float64], column: Temporal) -> NDArray[np.float64]:
    return np.floor(seconds / _DAY) * _DAY if column.kind is Kind.DATE else seconds


def _written(values: NDArray[np.float64], column: Numeric | Temporal) -> list[str]:
    if isinstance(column, Temporal):
        return moment_texts(values, column)
    return [number_text(float(value), column) for value in values]
