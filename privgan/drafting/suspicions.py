"""Find doubtful facts of a schema that the table fits.

Counts for the owner, never a value. INTERNAL.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from privgan.drafting.absence import blank
from privgan.drafting.distinct import Distinct, distinct_columns
from privgan.drafting.names import names_id
from privgan.drafting.sentinels import Counted, counted_values, too_fine
from privgan.drafting.unit_proposal import ALIKE, written_otherwise
from privgan.files.documents import shown
from privgan.notation.number_format import write_numbers
from privgan.schema.columns import (
    Column,
    Discrete,
    Invented,
    Numeric,
    OpenCategorical,
    OpenNumeric,
    Temporal,
)
from privgan.schema.schema import Schema
from privgan.table.readings import moments_of, numbers_of

_FEW_VALUES = 12
_SAME_SHARE, _ABOVE = 0.1, 3
_TAIL, _TAIL_ROWS, _FAR = 0.001, 3.5, 10.0
_EXACT = 2.0**53
_OTHERWISE_SHARE = 0.01


@dataclass(frozen=True)
class Suspicion:
    """One doubtful fact for a person to check.

    Attributes:
        column: The column.
        problem: What may be wrong, without any value.
    """

    column: str
    problem: str

    def __str__(self) -> str:
        """One line for the owner."""
        return f"column {shown(self.column)}: {self.problem}"


@dataclass(frozen=True, eq=False)
class _Typed:
    """Distinct values of a numeric or temporal column as numbers.

    Attributes:
        numbers: Finite numbers, or seconds since 1970 [values].
        counts: Rows of each [values].
        special: The column's special values among them [values].
    """

    numbers: np.ndarray
    counts: np.ndarray
    special: np.ndarray


def suspicions(table: pa.Table | pd.DataFrame, schema: Schema) -> tuple[Suspicion, ...]:
    """Doubtful facts of a schema, given a table.

    Args:
        table: The table as read [rows, columns].
        schema: The public facts.

    Raises:
        TableError: where a cell holds several values.
    """
    known = {column.name: column for column in schema.columns}
    found: list[Suspicion] = []
    for values in distinct_columns(table):
        column = known.get(values.name)
        if column is not None:
            present = _present(values, column, schema.missing_markers)
            found += [Suspicion(values.name, text) for text in _of_column(present, column)]
            found += [
                Suspicion(values.name, text)
                for text in _of_unit(present)
                if values.name == schema.unit.column
            ]
    return tuple(found)


def _present(values: Distinct, column: Column, markers: tuple[str, ...]) -> Distinct:
    if not values.is_text:
        return values
    stated = pa.array(sorted({*markers, *column.missing_markers}), values.type)
    marked = pc.is_in(values.texts, value_set=stated).to_numpy(zero_copy_only=False)
    return values.without(marked | blank(values) & column.missing)


def _of_column(values: Distinct, column: Column) -> Iterator[str]:
    if not isinstance(column, Invented):
        yield from _of_ids(values, column)
    if isinstance(column, Discrete | OpenCategorical):
        yield from _of_categories(values, column)
    elif isinstance(column, Numeric | OpenNumeric):
        numbers = numbers_of(_series(values), column).to_numpy(dtype=float)
        yield from _of_numbers(_typed(numbers, values, column.special_values), column)
        yield from _of_form(values, numbers, column)
    elif isinstance(column, Temporal):
        moments = moments_of(_series(values), column)
        seconds = moments.astype("int64").where(moments.notna()).to_numpy(dtype=float)
        special = tuple(
            float(np.datetime64(value, "s").astype(np.int64)) for value in column.special_values
        )
        yield from _of_spread(_typed(seconds, values, special))


def _series(values: Distinct) -> pd.Series:
    made: pd.Series = values.values.to_pandas(integer_object_nulls=True)
    return made.astype(object) if values.is_text else made


def _typed(numbers: np.ndarray, values: Distinct, special: tuple[float, ...]) -> _Typed:
    finite = np.isfinite(numbers)
    kept = numbers[finite]
    return _Typed(kept, values.counts[finite], np.isin(kept, special))


def _of_ids(values: Distinct, column: Column) -> Iterator[str]:
    if names_id(column.name) and _FEW_VALUES < len(values) < values.rows:
        yield (
            f"looks like an id that repeats, and is modelled as {column.kind.value}; "
            "where it names whom to protect, make it an identifier and the unit"
        )


def _of_unit(values: Distinct) -> Iterator[str]:
    alike = written_otherwise(values)
    if alike:
        yield f"{alike:,} {ALIKE}"


def _of_categories(values: Distinct, column: Discrete | OpenCategorical) -> Iterator[str]:
    once = int((values.counts == 1).sum())
    if isinstance(column, Discrete) and len(values) > _FEW_VALUES and 2 * once > len(values):
        yield (
            f"{once:,} of {len(values):,} categories stand in one row only; "
            "leave them out to have the frequent ones measured (source: {categories: measured})"
        )


def _of_numbers(typed: _Typed, column: Numeric | OpenNumeric) -> Iterator[str]:
    numbers = typed.numbers[~typed.special]
    if len(np.unique(numbers)) > 1 and len(np.unique(np.round(numbers, column.decimals))) == 1:
        yield f"rounding to {column.decimals} decimals makes all values one; state more decimals"
    elif too_fine(numbers, column.decimals).any():
        rows = int(typed.counts[~typed.special][too_fine(numbers, column.decimals)].sum())
        yield f"rounding to {column.decimals} decimals changes {rows:,} values; state more decimals"
    beyond = int(typed.counts[np.abs(typed.numbers) > _EXACT].sum())
    if beyond:
        yield (
            f"{beyond:,} integers are beyond 2^53 and not exact; make the column an identifier or"
            " categorical"
        )
    yield from _of_spread(typed)


def _of_spread(typed: _Typed) -> Iterator[str]:
    """Suspicions of one value in many rows, and of a few values far off."""
    counted = counted_values(typed.numbers[~typed.special], typed.counts[~typed.special])
    if len(counted.values) <= _FEW_VALUES:
        return
    place = int(counted.counts.argmax())
    most, share = int(counted.counts[place]), counted.counts[place] / typed.counts.sum()
    if share >= _SAME_SHARE and most >= _ABOVE * counted.near(place):
        yield (
            f"one value stands in {share:.0%} of the rows; where it means something of its own,"
            " make it a special value"
        )
    far = _far(counted)
    if far:
        yield (
            f"{far:,} value{'s' * (far != 1)} far off stretch{'es' * (far == 1)} the range; "
            "narrow lower and upper, or make such a value special"
        )


def _far(counted: Counted) -> int:
    """Number of rows further from 99.8 % of the rows than ten times their width.

    0 where these are all one value.
    """
    numbers, counts = counted.values, counted.counts
    reached = np.cumsum(counts) / counts.sum()
    allowed = max(_TAIL, _TAIL_ROWS / counts.sum())
    low = numbers[np.searchsorted(reached, allowed, side="right")]
    high = numbers[min(np.searchsorted(reached, 1 - allowed), len(numbers) - 1)]
    width = high - low
    far = (numbers < low - _FAR * width) | (numbers > high + _FAR * width)
    return int(counts[far].sum()) if width > 0 else 0


def _of_form(values: Distinct, numbers: np.ndarray, column: Numeric | OpenNumeric) -> Iterator[str]:
    """Suspicions of texts that are written differently after reading."""
    if not (values.is_text and column.format):
        return
    read = np.isfinite(numbers)
    written = write_numbers(pd.Series(numbers[read]), column.format).to_numpy()
    texts = values.texts.filter(pa.array(read)).to_numpy(zero_copy_only=False)
    other = int(values.counts[read][written != texts].sum())
    if other > _OTHERWISE_SHARE * values.rows:
        yield f"{other:,} values come back written otherwise; look at the format"
