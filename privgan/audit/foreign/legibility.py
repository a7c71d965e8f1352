"""Count the values an audit cannot read, by column, and leave out columns that are mostly lost.

An unreadable value becomes missing or a filler, so a copy of its row no longer looks like a copy.
Every such value is counted. A column with more than half of its values lost says more about its
notation than about the tool. It leaves all figures, and the audit can then no longer clear the
table.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from privgan.audit.foreign.moment_notation import within
from privgan.audit.foreign.notations import ABSENT
from privgan.domain.regions import columns_of
from privgan.errors import TableError
from privgan.files.json_types import JsonDict
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import Column, Discrete, Numeric, Temporal
from privgan.schema.schema import Schema
from privgan.table.conform import typed_columns
from privgan.table.readings import canonical_text

# The median row must still hold what the tool wrote.
MOST_LOST = 0.5
# Real and hold-out rows come from one population. If their lost values differ more than this,
# notation alone would tell them apart.
MOST_APART = 0.1


@dataclass(frozen=True, kw_only=True)
class Normalised:
    """A notation that was changed into the schema's. INTERNAL.

    Attributes:
        table: ``real``, ``holdout`` or ``synthetic``.
        column: The column.
        what: The notation that was changed.
        values: Number of values.
    """

    table: str
    column: str
    what: str
    values: int

    def __str__(self) -> str:
        """One line for the owner."""
        return (
            f"{self.table}: column {self.column!r}: {self.what}: {self.values} values read as the"
            " schema writes them"
        )


@dataclass(frozen=True, kw_only=True)
class Lost:
    """Number of values of one column and table that an audit loses. INTERNAL.

    Attributes:
        table: ``real``, ``holdout`` or ``synthetic``.
        column: The column.
        rows: The table's rows.
        unread: Values that cannot be read as the column's kind.
        unseen: Categories that the schema does not have.
        outside: Numbers or moments outside the schema's bounds.
        missing: Missing values.
    """

    table: str
    column: str
    rows: int
    unread: int = 0
    unseen: int = 0
    outside: int = 0
    missing: int = 0

    @property
    def any(self) -> bool:
        """Whether there is a loss to report; missing values alone are none."""
        return bool(self.unread or self.unseen or self.outside)

    def share(self, expected_missing: float) -> float:
        """Share of lost values; missing ones count if there are more than expected."""
        missing = max(0.0, self.missing - expected_missing * self.rows)
        return (self.unread + self.unseen + self.outside + missing) / max(1, self.rows)

    def __str__(self) -> str:
        """One line for the owner."""
        counts = {
            "cannot be read": self.unread,
            "are categories never seen": self.unseen,
            "lie outside the bounds": self.outside,
            "are missing": self.missing,
        }
        told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        return f"{self.table}: column {self.column!r}: of {self.rows} values {told}"


@dataclass(frozen=True, kw_only=True)
class Legibility:
    """Changed notations, lost values and left-out columns. INTERNAL.

    Attributes:
        normalised: Every change of notation.
        lost: Every column of every table with lost values.
        left_out: Each column that left all figures, and why.
    """

    normalised: tuple[Normalised, ...] = ()
    lost: tuple[Lost, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """The reason why no verdict clears the table; empty if no column was left out."""
        return "; ".join(f"column {name!r} left out: {why}" for name, why in self.left_out.items())

    def lines(self) -> list[str]:
        """All findings, one line each."""
        left = [f"left out: column {name!r}: {why}" for name, why in self.left_out.items()]
        return [*map(str, self.normalised), *(str(lost) for lost in self.lost if lost.any), *left]

    def to_json(self) -> JsonDict:
        """As JSON values."""
        return {
            "normalised": [asdict(item) for item in self.normalised],
            "lost": [
                asdict(item) for item in self.lost if item.any or item.column in self.left_out
            ],
            "left_out": [{"column": name, "reason": why} for name, why in self.left_out.items()],
        }


def lost_values(table: pd.DataFrame, schema: Schema, name: str) -> tuple[Lost, ...]:
    """Lost values of a table, one record for each modelled column that it has.

    Args:
        table: The table, harmonised [rows, columns].
        schema: The public facts.
        name: The table's name.
    """
    present = [column for column in schema.modelled if column.name in table]
    return tuple(
        _lost(table[column.name], column, schema.missing_markers, name) for column in present
    )


def _lost(values: pd.Series, column: Column, markers: Sequence[str], name: str) -> Lost:
    distinct, places = distinct_values(values)
    absent = absent_values(distinct, (*markers, *column.missing_markers))
    rows = np.bincount(places[places >= 0], minlength=len(distinct))
    typed = isinstance(column, Temporal) and pd.api.types.is_datetime64_any_dtype(values)
    numbers = as_they_stand(distinct, column, absent, values.dtype if typed else object)
    unread = ~absent & np.isnan(numbers)
    outside = ~unread & ~absent & ~_inside(numbers, column)
    kind = "unseen" if isinstance(column, Discrete) else "unread"
    counts = {kind: int(rows[unread].sum()), "outside": int(rows[outside].sum())}
    missing = len(values) - int(rows[~absent].sum())
    return Lost(table=name, column=column.name, rows=len(values), missing=missing, **counts)


def distinct_values(values: pd.Series) -> tuple[list[Any], NDArray[np.int64]]:
    """Distinct values without missing ones, and each row's place among them [rows].

    -1 if missing.
    """
    plain = values.astype(object)
    nested = ~plain.map(pd.api.types.is_scalar)
    if nested.any():
        plain = plain.where(~nested, plain.astype(str))
    # Keyed by type: True, 1 and 1.0 are one dictionary key, but three notations.
    kinds, _ = pd.factorize(plain.map(lambda value: type(value).__name__))
    codes, levels = pd.factorize(plain)
    places = np.where(codes < 0, -1, kinds * len(levels) + codes).astype(np.int64)
    used, first = np.unique(places, return_index=True)
    known = used >= 0
    numbered = np.where(places < 0, -1, np.searchsorted(used[known], places))
    return [plain.iloc[place] for place in first[known]], numbered


def absent_values(distinct: Sequence[Any], markers: Sequence[str]) -> NDArray[np.bool_]:
    """Mask of the values that are the schema's markers of a missing one [distinct]."""
    return np.array([isinstance(value, str) and value in markers for value in distinct], dtype=bool)


def absent_words(distinct: Sequence[Any]) -> NDArray[np.bool_]:
    """Mask of the values that are a program's word for a missing one [distinct]."""
    return np.array(
        [isinstance(value, str) and value.strip().casefold() in ABSENT for value in distinct],
        dtype=bool,
    )


def as_they_stand(
    distinct: Sequence[Any], column: Column, absent: NDArray[np.bool_], dtype: Any = object
) -> NDArray[np.float64]:
    """Distinct values as numbers, read as in every other command, without bounds [distinct].

    Categories are their place, moments seconds since 1970; NaN if missing or unread.
    """
    series = pd.Series(list(distinct), dtype=dtype, name=column.name)
    if isinstance(column, Numeric):
        moments = series.map(
            lambda value: isinstance(value, (dt.date, dt.timedelta, np.datetime64, np.timedelta64))
        )
        series = series.mask(moments.astype(bool), None)
    elif isinstance(column, Temporal) and dtype is object:
        series = series.map(lambda value: str(value) if isinstance(value, dt.date) else value)
    wide = replace(_unbounded(column), missing=True, sources={})
    alone = Schema(dataset="column", unit=PrivacyUnit(), columns=(wide,))
    typed = typed_columns(series.where(~absent, None).to_frame(), alone)[column.name]
    if isinstance(column, Discrete):
        places = {text: place for place, text in enumerate(column.categories)}
        return np.array([places.get(text, np.nan) for text in typed.map(_text)], dtype=float)
    if isinstance(column, Temporal):
        moments = typed.to_numpy(dtype="datetime64[s]")
        return np.where(np.isnat(moments), np.nan, moments.astype("int64"))
    numbers = typed.to_numpy(dtype=float)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _text(value: object) -> str | None:
    return None if value is None or value != value else canonical_text(value)


def _unbounded(column: Column) -> Column:
    if isinstance(column, Numeric):
        return replace(column, lower=-math.inf, upper=math.inf, decimals=15)
    if isinstance(column, Temporal):
        return replace(
            column, lower=dt.datetime(1, 1, 1), upper=dt.datetime(9999, 12, 31, 23, 59, 59)
        )
    return column


def _inside(numbers: NDArray[np.float64], column: Column) -> NDArray[np.bool_]:
    if isinstance(column, Numeric):
        with np.errstate(invalid="ignore"):
            bounded = (numbers >= column.lower) & (numbers <= column.upper)
        return bounded | np.isin(numbers, column.special_values)
    return within(numbers, column) if isinstance(column, Temporal) else ~np.isnan(numbers)


def columns_left_out(lost: Sequence[Lost]) -> dict[str, str]:
    """Columns that an audit must leave out, each with the reason.

    Args:
        lost: The facts of the real, the hold-out and the synthetic table.
    """
    facts = {(item.table, item.column): item for item in lost}
    columns = dict.fromkeys(item.column for item in lost)
    return {column: why for column in columns if (why := _why(facts, column))}


def _why(facts: Mapping[tuple[str, str], Lost], column: str) -> str:
    real = facts.get(("real", column))
    expected = real.missing / max(1, real.rows) if real else 0.0
    shares = {
        table: fact.share(expected) for (table, name), fact in facts.items() if name == column
    }
    for table, share in shares.items():
        if share > MOST_LOST:
            return f"mostly lost: {facts[table, column]}"
    if abs(shares.get("real", 0.0) - shares.get("holdout", 0.0)) > MOST_APART:
        table = max(("real", "holdout"), key=lambda name: shares[name])
        return f"lost in one real table far more than in the other: {facts[table, column]}"
    return ""


def without_columns(schema: Schema, left_out: Mapping[str, str]) -> Schema:
    """The schema without the left-out columns and the constraints that name one.

    Raises:
        TableError: No column is left to compare.
    """
    kept = tuple(column for column in schema.columns if column.name not in left_out)
    if all(column.invented for column in kept):
        told = "; ".join(f"column {name!r}: {why}" for name, why in left_out.items())
        raise TableError(
            f"no column is left to compare ({told}); write the values as the real table does"
        )
    names = {column.name for column in kept}
    constraints = tuple(
        part for part in schema.constraints if set(columns_of(part, schema)) <= names
    )
    target = schema.target if schema.target in names else None
    return replace(schema, columns=kept, constraints=constraints, target=target)
