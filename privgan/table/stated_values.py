"""Check that a table can hold the values that a column states.

These are bounds, special values and missing markers. Otherwise the mistake would show only after a
paid run: its rows would break their own schema.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np
import pandas as pd

from privgan.files.documents import shown
from privgan.notation.moments import CLOCK_DAY, is_clock, tzinfo, write_moments
from privgan.notation.number_format import number_form
from privgan.schema.columns import (
    Column,
    Invented,
    Kind,
    Numeric,
    OpenNumeric,
    OpenTemporal,
    Temporal,
)
from privgan.schema.identifiers import could_be_invented
from privgan.table.readings import moments_of, numbers_of

# Typed durations are counted in nanoseconds, in 64 bits.
_LONGEST_DURATION = 2**63 / 1e9
_HOUR = 3_600


def stated_problems(column: Column) -> Iterator[tuple[str, str]]:
    """Facts that no table can hold: key in a schema's file, and problem."""
    if isinstance(column, Temporal | OpenTemporal):
        yield from _moment_problems(column)
    if isinstance(column, Numeric | OpenNumeric):
        yield from _duration_problems(column)
    yield from _marker_problems(column)


def _moment_problems(column: Temporal | OpenTemporal) -> Iterator[tuple[str, str]]:
    bounds = (
        [("lower", column.lower), ("upper", column.upper)] if isinstance(column, Temporal) else []
    )
    for key, moment in (*bounds, *(("special_values", moment) for moment in column.special_values)):
        problem = _moment_problem(moment, column)
        if problem:
            yield key, f"{key} {moment.isoformat()} {problem}"
            return
    yield from _special_problems(column)


def _moment_problem(moment: dt.datetime, column: Temporal | OpenTemporal) -> str:
    if column.kind is Kind.DATE and moment.time() != dt.time():
        return "has a time of day, as no date has"
    if moment.microsecond:
        return "has a part of a second; moments are whole seconds"
    if is_clock(column.format) and moment.date() != CLOCK_DAY:
        return (
            f"is of another day than {CLOCK_DAY}, on which times of day lie where the format writes"
            " no day"
        )
    if column.zone and not _is_on_clock(moment, column.zone):
        return f"is left out by the clock of {column.zone}"
    return ""


def _is_on_clock(moment: dt.datetime, zone: str) -> bool:
    """Whether a clock shows the moment; the start of summer time skips some."""
    if not dt.MINYEAR < moment.year < dt.MAXYEAR:
        return True
    told = moment.replace(tzinfo=tzinfo(zone))
    return told.astimezone(dt.UTC).astimezone(told.tzinfo).replace(tzinfo=None) == moment


def _special_problems(column: Temporal | OpenTemporal) -> Iterator[tuple[str, str]]:
    if not column.special_values:
        return
    moments = pd.Series(np.array(column.special_values, dtype="datetime64[s]"))
    if moments.duplicated().any():
        yield "special_values", "special_values holds one moment twice"
    read = moments_of(write_moments(moments, column.format, zone=column.zone), column)
    for lost in moments[read != moments].head(1):
        told = f"special value {lost} is not read again from {shown(column.format)}"
        yield "special_values", f"{told}; give a format that writes all of it"


def _duration_problems(column: Numeric | OpenNumeric) -> Iterator[tuple[str, str]]:
    if not (column.format and number_form(column.format).duration):
        return
    bounds = (column.lower, column.upper) if isinstance(column, Numeric) else ()
    longest = max(map(abs, (*bounds, *column.special_values)), default=0.0)
    if longest >= _LONGEST_DURATION:
        most = int(_LONGEST_DURATION // _HOUR)
        yield "format", f"holds durations of {longest:g} seconds, allowed: less than {most:,} hours"


def _marker_problems(column: Column) -> Iterator[tuple[str, str]]:
    """Missing markers that are values too: a text file could not tell them apart."""
    if not column.missing_markers:
        return
    markers = pd.Series(column.missing_markers, dtype=object)
    for marker in markers[_are_values(markers, column)].head(1):
        told = f"{shown(marker)} is a value that the column may hold, and a missing marker"
        yield "missing_markers", f"{told}; narrow the bounds, or choose another marker"


def _are_values(texts: pd.Series, column: Column) -> np.ndarray:
    """Whether the column reads each text [texts] as one of its values [texts], bool."""
    if isinstance(column, Numeric | OpenNumeric | Temporal | OpenTemporal):
        read = (
            numbers_of(texts, column)
            if isinstance(column, Numeric | OpenNumeric)
            else moments_of(texts, column)
        )
        found = read.isin(list(column.special_values))
        if isinstance(column, Numeric | Temporal):
            found |= read.between(column.lower, column.upper)
        return found.to_numpy(dtype=bool)
    if isinstance(column, Invented):
        return texts.map(lambda text: could_be_invented(column, text)).to_numpy(dtype=bool)
    return np.zeros(len(texts), dtype=bool)
