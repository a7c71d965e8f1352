"""Read texts as moments, to the second, for the years 1 to 9999, and write moments as texts.

A pattern is strftime's, with ``%3f``, ``%6f`` and ``%9f`` for digits of a second. A year of two
digits lies in the hundred years from a first one. Where texts hold an offset (``%z``), moments are
converted to one zone.
"""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo

import numpy as np
import pandas as pd

# Day of times without a day, as in strptime.
CLOCK_DAY = dt.date(1900, 1, 1)
_FRACTION = re.compile(r"%([369])f")
_FINER = re.compile(r"(\.[0-9]{6})[0-9]{1,3}")
_YEAR_TEXT = "%Y"
_CENTURY = 100
_CLOCK_ONLY = frozenset("HMSIpf%")


def read_moments(
    texts: pd.Series, pattern: str, *, zone: str = "", first_year: int | None = None
) -> pd.Series:
    """Moment of each text [rows]; NaT where it is missing or no moment.

    Args:
        texts: Texts, or missing [rows].
        pattern: How they are written.
        zone: Where they hold offsets: the zone in which moments are told.
        first_year: The first of the hundred years that two digits stand for; None for 1969.
    """
    # pandas reads these two as the present moment, whatever the pattern.
    texts = texts.mask(
        texts.astype("string").str.strip().str.lower().isin(["now", "today"]).fillna(False), None
    )
    if "%9f" in pattern:
        texts = texts.astype("string").str.replace(_FINER, r"\1", regex=True)
    pattern = _FRACTION.sub("%f", pattern).replace("%-", "%")
    if "%z" in pattern:
        moments = _local(pd.to_datetime(texts, format=pattern, errors="coerce", utc=True), zone)
    else:
        moments = pd.to_datetime(texts, format=pattern, errors="coerce").astype("datetime64[s]")
    # pandas reads nanoseconds, which begin in 1678 and end in 2262.
    late = moments.isna() & texts.notna()
    known = {text: _moment(text, pattern) for text in texts[late].unique()}
    moments[late] = np.array([known[text] for text in texts[late]], dtype="datetime64[s]")
    return (
        _in_century(moments, first_year) if "%y" in pattern and first_year is not None else moments
    )


def _moment(text: str, pattern: str) -> np.datetime64:
    try:
        return np.datetime64(dt.datetime.strptime(text, pattern).replace(tzinfo=None), "s")
    except ValueError:
        return np.datetime64("NaT", "s")


def _in_century(moments: pd.Series, first_year: int) -> pd.Series:
    """Move moments by whole centuries into the hundred years from a first year."""
    years = moments.dt.year
    centuries = np.floor((years - first_year) / _CENTURY)
    moved = moments.copy()
    for count in centuries.dropna().unique():
        if count:
            chosen = (centuries == count).to_numpy()
            moved[chosen] = moments[chosen] - pd.DateOffset(years=_CENTURY * int(count))
    return moved.astype("datetime64[s]")


def localised(moments: pd.Series, zone: str) -> pd.Series:
    """Typed moments [rows] without a zone.

    Moments with a zone become the local time of the column's zone.
    """
    if getattr(moments.dt, "tz", None) is None:
        return moments.astype("datetime64[s]")
    return _local(moments, zone)


def _local(moments: pd.Series, zone: str) -> pd.Series:
    told = moments.dt.tz_convert(tzinfo(zone)) if zone else moments
    return told.dt.tz_localize(None).astype("datetime64[s]")


def tzinfo(zone: str) -> dt.tzinfo:
    """Time zone of a schema's name.

    UTC, an offset such as +03:00, or a name such as Europe/Berlin.
    """
    if zone[:1] in "+-":
        hours, minutes = int(zone[1:3]), int(zone[4:6])
        offset = dt.timedelta(hours=hours, minutes=minutes)
        return dt.timezone(-offset if zone[0] == "-" else offset)
    return dt.UTC if zone == "UTC" else zoneinfo.ZoneInfo(zone)


def is_clock(pattern: str) -> bool:
    """Whether a pattern writes a time of day without a day."""
    letters = re.findall(r"%[-369]?([A-Za-z%])", pattern)
    return bool(letters) and set(letters) <= _CLOCK_ONLY


def write_moments(moments: pd.Series, pattern: str, *, zone: str = "") -> pd.Series:
    """Text of each moment [rows]; None where missing."""
    places, distinct = pd.factorize(moments.astype("datetime64[s]"))
    written = np.empty(len(distinct) + 1, dtype=object)
    written[:-1] = [_text(moment, pattern, zone) for moment in pd.Series(distinct).astype(object)]
    return pd.Series(written[places], index=moments.index)


def _text(moment: pd.Timestamp, pattern: str, zone: str) -> str:
    naive = dt.datetime(
        moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second
    )
    if "%z" in pattern:
        pattern = pattern.replace("%z", _offset(naive, zone))
    # The C library leaves out the zeros of early years.
    pattern = _FRACTION.sub(lambda found: "0" * int(found[1]), pattern).replace(
        _YEAR_TEXT, f"{naive.year:04d}"
    )
    return naive.strftime(pattern)


def _offset(naive: dt.datetime, zone: str) -> str:
    offset = naive.replace(tzinfo=tzinfo(zone)).strftime("%z")
    return f"{offset[:3]}:{offset[3:5]}"
