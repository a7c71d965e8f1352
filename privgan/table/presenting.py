"""Typed rows as people expect them in a file, and back: integers, truth values, clocks, zones, durations, texts."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd

from privgan.table.columns import PRESENCE, Column, Discrete, Kind, Numeric, Temporal
from privgan.table.frames import positions_of
from privgan.table.moments import is_clock, localised, tzinfo, write_moments
from privgan.table.number_format import number_form, write_numbers
from privgan.table.regions import columns_of
from privgan.table.schema import Schema

_LARGEST_INTEGER = 2**63
_SECONDS = ("%S", "%-S", "%T", "%X", "%c", "%s", "%r")


def presented(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Typed rows as a typed file holds them: whole-number categories as integers, plain booleans as booleans.

    Moments get their zone, times of day stand without a day, durations are durations. A moment that a constraint names
    stays without its zone: the hour that summer time leaves out has none, and to move it could break the constraint.
    """
    bound = {name for constraint in schema.constraints for name in columns_of(constraint, schema)}
    shown_frame = frame.copy(deep=False)
    for column in schema.columns:
        if column.name in frame:
            told = replace(column, zone="") if isinstance(column, Temporal) and column.name in bound else column
            shown_frame[column.name] = _presented(frame[column.name], told)
    return shown_frame


def _presented(values: pd.Series, column: Column) -> pd.Series:
    if isinstance(column, Discrete):
        if _fits_integer(column):
            return _integers(values, column)
        return _booleans(values, column) if _plain_boolean(column) else values
    if isinstance(column, Temporal):
        values = _as_fine_as_told(values, column)
        if is_clock(column.format):
            times = values.astype(object).map(lambda moment: moment.time(), na_action="ignore")
            # As objects again: where all are missing, pandas makes moments of them.
            return times.astype(object).where(values.notna(), None)
        return _zoned(values, column.zone) if column.zone and _within_zones(column) else values
    if isinstance(column, Numeric) and is_duration(column):
        return pd.to_timedelta(values.astype(float), unit="s")
    return values


def _as_fine_as_told(moments: pd.Series, column: Temporal) -> pd.Series:
    """Moments to the minute where the format tells no seconds, so that text and typed files hold the same."""
    if column.kind is Kind.DATE or any(sign in column.format for sign in _SECONDS):
        return moments
    whole = moments.dt.floor("min")
    return whole.where(whole >= column.lower, moments)


def is_duration(column: Column) -> bool:
    """Whether a column's numbers are the seconds of durations."""
    return isinstance(column, Numeric) and bool(column.format) and number_form(column.format).duration


def _within_zones(column: Temporal) -> bool:
    """Whether each moment of a column has a universal time within the years 1 to 9999, as 9999-12-31 may not have."""
    moments = (column.lower, column.upper, *column.special_values)
    return all(dt.MINYEAR < moment.year < dt.MAXYEAR for moment in moments)


def _zoned(moments: pd.Series, zone: str) -> pd.Series:
    """Moments with their zone; one that the clock leaves out in spring is an hour later, one it repeats is the first."""
    first = np.ones(len(moments), dtype=bool)
    return moments.dt.tz_localize(tzinfo(zone), ambiguous=first, nonexistent="shift_forward")


def unpresented(values: pd.Series, column: Column) -> pd.Series:
    """Presented values [rows] of a number or moment with the schema's type."""
    if isinstance(column, Temporal):
        if is_clock(column.format) and not pd.api.types.is_datetime64_any_dtype(values):
            texts = values.astype(object).map(str, na_action="ignore")
            return pd.to_datetime("1900-01-01 " + texts.astype("string"), errors="coerce").astype("datetime64[s]")
        return localised(values, column.zone) if getattr(values.dtype, "tz", None) is not None else values
    if pd.api.types.is_timedelta64_dtype(values) and is_duration(column):
        return values.dt.total_seconds()
    return values


def presence_of(values: pd.Series) -> pd.Series:
    """Whether each row [rows] holds a value, as the texts of ``PRESENCE``."""
    return values.notna().map({False: PRESENCE[0], True: PRESENCE[1]}).astype(object)


def _fits_integer(column: Discrete) -> bool:
    return column.integral and all(-_LARGEST_INTEGER <= int(value) < _LARGEST_INTEGER for value in column.categories)


def _integers(values: pd.Series, column: Discrete) -> pd.Series:
    """Category texts [rows] as integers, without the detour through float that a missing value would take."""
    known = np.array([int(category) for category in column.categories], dtype=np.int64)
    codes = positions_of(values, column.categories)
    if not column.missing:
        return pd.Series(known[codes], index=values.index)
    return pd.Series(pd.arrays.IntegerArray(known[codes], codes < 0), index=values.index)


def _booleans(values: pd.Series, column: Discrete) -> pd.Series:
    """The two labels of a plain boolean [rows] as truth values."""
    codes = positions_of(values, column.categories)
    if not column.missing:
        return pd.Series(codes == 1, index=values.index)
    return pd.Series(pd.arrays.BooleanArray(codes == 1, codes < 0), index=values.index)


def _plain_boolean(column: Discrete) -> bool:
    return column.kind is Kind.BOOLEAN and [label.lower() for label in column.categories] == ["false", "true"]


def as_written(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Presented rows in the schema's own writing, ready for a text file: the form in which they came."""
    written = frame.copy(deep=False)
    for column in schema.columns:
        if column.name in written:
            written[column.name] = _marked(_written(written[column.name], column), column)
    return written


def _written(values: pd.Series, column: Column) -> pd.Series:
    if isinstance(column, Temporal):
        return write_moments(unpresented(values, column), column.format, zone=column.zone)
    if isinstance(column, Numeric) and column.format:
        return write_numbers(unpresented(values, column), column.format)
    return _labels(values, column) if isinstance(column, Discrete) and _plain_boolean(column) else values


def _marked(values: pd.Series, column: Column) -> pd.Series:
    """Texts [rows] with a missing value as the column writes it."""
    if not column.missing_markers:
        return values
    return values.astype(object).map(str, na_action="ignore").where(values.notna(), column.missing_markers[0])


def _labels(values: pd.Series, column: Discrete) -> pd.Series:
    """Truth values [rows] as the labels of a plain boolean; a missing one as None."""
    codes = np.where(values.isna(), len(column.categories), values.fillna(False).to_numpy(dtype=bool))
    return pd.Series(np.array([*column.categories, None], dtype=object)[codes], index=values.index)
