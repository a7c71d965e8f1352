"""Resolve open columns by measured facts, and clamp values into them."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from privgan.domain.cells import as_numbers, is_special, step_of
from privgan.domain.frames import with_columns
from privgan.schema.columns import (
    Column,
    Discrete,
    Kind,
    Numeric,
    Open,
    OpenCategorical,
    OpenNumeric,
    OpenTemporal,
    Source,
    Temporal,
)
from privgan.schema.schema import Schema

# Steps are counted from 0, or from 1970, and stay within what a double holds exactly.
LARGEST_STEP = 2**52 - 1
_EPOCH = dt.datetime(1970, 1, 1)
# The whole years that a timestamp in nanoseconds can hold.
_FIRST_MOMENT, _LAST_MOMENT = dt.datetime(1678, 1, 1), dt.datetime(2261, 12, 31, 23, 59, 59)
_DIGITS_OF_WIDTH = 20
_YEARS_FROM, _MONTHS_FROM = dt.timedelta(days=4 * 365), dt.timedelta(days=120)
_Facts = dict[str, Any]


def with_bounds(column: OpenNumeric | OpenTemporal, lower: int, upper: int) -> Numeric | Temporal:
    """Numeric or temporal column with measured bounds, rounded outwards to usual bounds.

    Args:
        column: The open column.
        lower: The measured lower bound, in steps.
        upper: The measured upper bound, in steps; not below ``lower``.
    """
    if isinstance(column, OpenTemporal):
        first, last = _rounded_moments(
            column.kind, *(_moment(step, column.kind) for step in (lower, upper))
        )
        return Temporal(**_common(column), **_written(column), lower=first, upper=last)
    low, high = (
        round(step / 10**column.decimals, column.decimals) for step in _rounded(lower, upper)
    )
    return Numeric(**_common(column), **_written(column), lower=low, upper=high)


def with_categories(column: OpenCategorical, categories: Sequence[str]) -> Discrete:
    """Discrete column with measured categories; the label for all others comes last."""
    found = sorted(set(categories) - {column.other})
    return Discrete(**_common(column), categories=(*found, column.other), other=column.other)


def opened(column: Column) -> Column:
    """Open column behind a measured one; any other column itself."""
    if Source.MEASURED not in column.sources.values():
        return column
    if isinstance(column, Numeric):
        return OpenNumeric(**_common(column), **_written(column))
    if isinstance(column, Temporal):
        return OpenTemporal(**_common(column), **_written(column))
    if isinstance(column, Discrete) and column.other is not None:
        return OpenCategorical(**_common(column), other=column.other)
    return column


def widest_moments(column: OpenTemporal) -> Temporal:
    """Column with the widest bounds that can be measured: the years 1678 to 2261."""
    last = (
        _LAST_MOMENT
        if column.kind is Kind.DATETIME
        else _LAST_MOMENT.replace(hour=0, minute=0, second=0)
    )
    return Temporal(**_common(column), **_written(column), lower=_FIRST_MOMENT, upper=last)


def widest_numbers(column: OpenNumeric) -> Numeric:
    """Column with the widest bounds that can be measured: 2^52 steps either way."""
    limit = round(LARGEST_STEP / 10**column.decimals, column.decimals)
    bounds: _Facts = {"lower": -limit, "upper": limit}
    return Numeric(**_common(column), **_written(column), **bounds)


def limits(column: OpenNumeric | OpenTemporal) -> tuple[int, int]:
    """Smallest and largest step that a value of an open column may have."""
    if isinstance(column, OpenNumeric):
        return -LARGEST_STEP, LARGEST_STEP
    wide = widest_moments(column)
    step = dt.timedelta(seconds=step_of(column))
    return (wide.lower - _EPOCH) // step, (wide.upper - _EPOCH) // step


def steps_of(values: pd.Series, column: OpenNumeric | OpenTemporal) -> np.ndarray:
    """Typed values as whole steps [values that count], int64.

    Missing and special values are left out.
    """
    numbers = as_numbers(values, column)
    counted = np.isfinite(numbers) & ~is_special(numbers, column)
    return np.clip(np.rint(numbers[counted] / step_of(column)), *limits(column)).astype(np.int64)


def clamp(values: pd.Series, column: Column) -> pd.Series:
    """Clamp typed values [rows] into a column's measured facts, one by one.

    Declared facts change nothing.
    """
    if isinstance(column, Open):
        raise TypeError(f"column {column.name} has facts that are still to be measured")
    if Source.MEASURED not in column.sources.values():
        return values
    if isinstance(column, Discrete):
        return values.where(values.isna() | values.isin(column.categories), column.other)
    if isinstance(column, Numeric):
        return clip_numbers(values, column)
    assert isinstance(column, Temporal)
    return clip_moments(values, column)


def clip_numbers(numbers: pd.Series, column: Numeric) -> pd.Series:
    """Clip numbers [rows] to a column's bounds; special values stay."""
    return numbers.clip(column.lower, column.upper).where(
        ~is_special(numbers.to_numpy(dtype=float), column), numbers
    )


def clip_moments(moments: pd.Series, column: Temporal) -> pd.Series:
    """Clip moments [rows] to a column's bounds; special values stay."""
    late_enough = moments.mask(moments < column.lower, pd.Timestamp(column.lower))
    clipped = late_enough.mask(late_enough > column.upper, pd.Timestamp(column.upper))
    return clipped.where(~is_special(as_numbers(moments, column), column), moments)


def clamp_measured(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Clamp typed rows into a schema's measured facts.

    A pure function of each row, so that no row is ever refused.

    Args:
        frame: Typed rows that conform to the schema as it was before measuring [rows, columns].
        schema: The schema with its measured facts.
    """
    return with_columns(
        frame, {column.name: clamp(frame[column.name], column) for column in schema.modelled}
    )


def _common(column: Column) -> _Facts:
    """Facts that every column has, as keyword arguments."""
    names = ("name", "kind", "role", "missing", "sources", "description", "missing_markers")
    return {name: getattr(column, name) for name in names}


def _written(column: Column) -> _Facts:
    """Facts that a column keeps whether or not its bounds are measured."""
    if isinstance(column, Numeric | OpenNumeric):
        names: tuple[str, ...] = ("decimals", "special_values", "format")
    else:
        names = ("format", "special_values", "zone")
    return {name: getattr(column, name) for name in names}


def _rounded(lower: int, upper: int) -> tuple[int, int]:
    """Round steps outwards to a power of ten that is small beside their distance.

    They end at least one unit apart.
    """
    unit = 10 ** max(0, math.floor(math.log10(max(1, upper - lower) / _DIGITS_OF_WIDTH)))
    low = min(lower // unit * unit, LARGEST_STEP - unit)
    high = max(-(-upper // unit) * unit, low + unit)
    return max(low, -LARGEST_STEP), min(high, LARGEST_STEP)


def _moment(step: int, kind: Kind) -> dt.datetime:
    return _EPOCH + (dt.timedelta(days=step) if kind is Kind.DATE else dt.timedelta(seconds=step))


def _rounded_moments(
    kind: Kind, lower: dt.datetime, upper: dt.datetime
) -> tuple[dt.datetime, dt.datetime]:
    """Round moments outwards to whole years, months or days, depending on their distance.

    They end at least one step apart.
    """
    width = upper - lower
    low, high = (
        lower.replace(hour=0, minute=0, second=0),
        upper.replace(hour=23, minute=59, second=59),
    )
    if width >= _MONTHS_FROM:
        low, high = (
            low.replace(day=1),
            high.replace(day=31) if high.month == 12 else _end_of_month(high),
        )
    if width >= _YEARS_FROM:
        low, high = low.replace(month=1), high.replace(month=12, day=31)
    if kind is Kind.DATE:
        high = high.replace(hour=0, minute=0, second=0)
        if low >= high:
            low, high = (
                (low, low + dt.timedelta(days=1))
                if low.year < _LAST_MOMENT.year
                else (low - dt.timedelta(days=1), high)
            )
    return low, high


def _end_of_month(moment: dt.datetime) -> dt.datetime:
    return moment.replace(month=moment.month + 1, day=1) - dt.timedelta(days=1)
