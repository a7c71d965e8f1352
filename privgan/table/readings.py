"""Read a column's values as numbers, moments or category texts.

Texts are read in the column's own form; typed values stay as they are.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from privgan.notation.moments import CLOCK_DAY, localised, read_moments
from privgan.notation.number_format import read_numbers
from privgan.schema.columns import Numeric, OpenNumeric, OpenTemporal, Temporal


def numbers_of(values: pd.Series, column: Numeric | OpenNumeric) -> pd.Series:
    """Number of each value [rows], float64; NaN where it is missing or no number.

    Args:
        values: Texts in the column's form, numbers, or durations [rows].
        column: The column.
    """
    if pd.api.types.is_timedelta64_dtype(values):
        return values.dt.total_seconds()
    if not column.format or pd.api.types.is_numeric_dtype(values):
        return pd.to_numeric(values, errors="coerce").astype(float)
    objects = values.astype(object)
    written = objects.map(lambda value: isinstance(value, str)).astype(bool)
    read = read_numbers(objects.where(written, None), column.format)
    return read.where(
        written, objects.where(~written, None).map(_plain_number, na_action="ignore").astype(float)
    )


def _plain_number(value: Any) -> float:
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    try:
        return float(value)
    except (TypeError, ValueError):
        return np.nan


def moments_of(values: pd.Series, column: Temporal | OpenTemporal) -> pd.Series:
    """Moment of each value [rows], datetime64[s]; NaT where it is missing or no moment.

    Args:
        values: Texts in the column's form, or typed moments, days or times of day [rows].
        column: The column.
    """
    if pd.api.types.is_datetime64_any_dtype(values):
        return localised(values, column.zone)
    objects = values.astype(object)
    typed = objects.map(lambda value: isinstance(value, dt.date | dt.time | np.datetime64)).astype(
        bool
    )
    first = column.lower.year if isinstance(column, Temporal) else None
    texts = objects.where(~typed, None).astype("string")
    read = read_moments(texts, column.format, zone=column.zone, first_year=first)
    if not typed.any():
        return read
    return read.where(~typed, _typed_moments(objects.where(typed, None), column))


def _typed_moments(objects: pd.Series, column: Temporal | OpenTemporal) -> pd.Series:
    whole = objects.map(_moment, na_action="ignore")
    aware = whole.map(lambda value: getattr(value, "tzinfo", None) is not None, na_action="ignore")
    if aware.eq(True).any():
        return localised(pd.to_datetime(whole, utc=True, errors="coerce"), column.zone)
    return whole.astype("datetime64[s]")


def _moment(value: Any) -> Any:
    if isinstance(value, dt.time):
        return np.datetime64(dt.datetime.combine(CLOCK_DAY, value.replace(tzinfo=None)), "s")
    if isinstance(value, dt.datetime):
        return value if value.tzinfo is not None else np.datetime64(value, "s")
    return np.datetime64(value, "s")


def canonical_text(value: object) -> str:
    """Value as a category's text: 1, 1.0 and numpy's 1 are one text."""
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)
