"""Parse moments as other tools write them.

It covers times on dates, zones, other orders of day and month, and counted seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from privgan.audit.foreign.notations import Notation
from privgan.notation.moment_formats import has_clock, ways_of_writing
from privgan.notation.moments import read_moments, write_moments
from privgan.schema.columns import Kind, Temporal

_DAY = 86_400
_DAYS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y年%m月%d日"),
    *("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%m.%d.%Y"),
    *(
        "%d-%b-%Y",
        "%d %b %Y",
        "%d %B %Y",
        "%b %d, %Y",
        "%B %d, %Y",
        "%b %d %Y",
        "%d-%B-%Y",
        "%d%b%Y",
    ),
    *("%a, %d %b %Y", "%A, %d %B %Y", "%A, %B %d, %Y"),
    *("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%m-%d-%y", "%y-%m-%d", "%d-%b-%y"),
)
_CLOCK = r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,][0-9]+)?)?"
_ZONE = r"Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?(?: ?UTC)?"
_PARTS = re.compile(
    rf"(?P<day>.+?)(?:(?:T|,? +|(?<=[0-9])t){_CLOCK} ?(?P<half>[AaPp]\.?[Mm]\.?)?)?(?(hour)"
    rf" ?(?P<zone>{_ZONE})?|(?P<only>Z)?)"
)
_NUMBER = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?(?:[eE]\+?[0-9]+)?")
_UNITS = {"seconds": 1.0, "milliseconds": 1e3, "microseconds": 1e6, "nanoseconds": 1e9}
_SPREADSHEET_DAY_0 = 25_569  # 1970-01-01 in a spreadsheet's count of days.
_NANOSECONDS_END = 9_000_000_000  # Within what pandas converts between zones: to the year 2255.
_FIRST, _LAST = -62_135_596_800, 253_402_300_799  # The years 1 to 9999.


@dataclass(frozen=True, kw_only=True, eq=False)
class Parts:
    """Parsed parts of the distinct texts.

    Attributes:
        days: The part that writes the day [distinct].
        clocks: The seconds since midnight [distinct]; 0 if there is no time, NaN if it is
            none.
        timed: Mask of the texts with a time [distinct].
        offsets: Offset of their zone from UTC, in seconds [distinct]; NaN without a zone.
    """

    days: pd.Series
    clocks: NDArray[np.float64]
    timed: NDArray[np.bool_]
    offsets: NDArray[np.float64]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Parts:
        """Parse each text."""
        found = [_split(text) for text in texts]
        return cls(
            days=pd.Series([day for day, _, _, _ in found], dtype=object),
            clocks=np.array([clock for _, clock, _, _ in found], dtype=float),
            timed=np.array([timed for _, _, timed, _ in found], dtype=bool),
            offsets=np.array([offset for _, _, _, offset in found], dtype=float),
        )


def _split(text: str) -> tuple[str, float, bool, float]:
    """Day, seconds since midnight, whether a time is written, and the zone's offset."""
    part = _PARTS.fullmatch(re.sub(r"\s+", " ", text.strip()))
    if part is None:
        return "", np.nan, False, np.nan
    return (
        part["day"].strip(),
        _seconds(part),
        bool(part["hour"]),
        _offset(part["zone"] or part["only"] or ""),
    )


def _seconds(part: re.Match[str]) -> float:
    if part["hour"] is None:
        return 0.0
    hour, minute, second = int(part["hour"]), int(part["minute"]), int(part["second"] or 0)
    if part["half"]:
        if not 1 <= hour <= 12:
            return np.nan
        hour = hour % 12 + 12 * (part["half"][0] in "Pp")
    return (
        float(hour * 3600 + minute * 60 + second)
        if hour < 24 and minute < 60 and second < 60
        else np.nan
    )


def _offset(zone: str) -> float:
    if not zone:
        return np.nan
    found = re.match(r"([+-])([0-9]{2}):?([0-9]{2})?", zone)
    if found is None:
        return 0.0
    return float(f"{found[1]}1") * (int(found[2]) * 3600 + int(found[3] or 0) * 60)


def _on_the_wall(
    seconds: NDArray[np.float64], offsets: NDArray[np.float64], zone: str
) -> NDArray[np.float64]:
    """Moments in the column's local time.

    As they are written if the column or the text has no zone.
    """
    if not zone:
        return seconds
    known = ~np.isnan(seconds - offsets) & (np.abs(seconds) < _NANOSECONDS_END)
    moments = pd.to_datetime(
        pd.Series((seconds - offsets)[known]), unit="s", utc=True
    ).dt.tz_convert(zone)
    wall = seconds.copy()
    wall[known] = _in_seconds(moments.dt.tz_localize(None))
    return wall


def moment_notations(texts: Sequence[str], column: Temporal) -> Iterator[Notation]:
    """All readings of distinct texts as moments, besides the schema's own.

    Moments are in seconds since 1970. If the column has no zone, a zone in the text is ignored: the
    time is local. A column of dates takes the day alone.
    """
    parts = Parts.of(texts)
    for pattern in _patterns(parts.days, column):
        days = _in_seconds(read_moments(parts.days, pattern))
        wall = _on_the_wall(days + parts.clocks, parts.offsets, column.zone)
        yield replace(
            _notation(_told(pattern, parts, column), wall, column), own=pattern == _own_day(column)
        )
    for what, values in _counted(texts):
        yield _notation(what, values, column)


def _patterns(days: pd.Series, column: Temporal) -> tuple[str, ...]:
    """Date formats to try: the schema's own, those that a draft would try, then all others."""
    found = ways_of_writing(day for day in days.unique() if day)
    return tuple(
        dict.fromkeys([_own_day(column), *(way for way in found if not has_clock(way)), *_DAYS])
    )


def _own_day(column: Temporal) -> str:
    """The day's part of the column's format."""
    return re.split(r"[T ]?%[HI]", column.format)[0].strip()


def _told(pattern: str, parts: Parts, column: Temporal) -> str:
    told = [] if pattern == _own_day(column) else [f"moments written {pattern}"]
    times = parts.clocks[parts.timed]
    if column.kind is Kind.DATE and parts.timed.any():
        told.append("times on dates" if (times > 0).any() else "zero times on dates")
    elif parts.timed.any() or not told:
        told.append("another time notation")
    return ", ".join([*told, *(["a zone"] if not np.isnan(parts.offsets).all() else [])])


def _notation(what: str, values: NDArray[np.float64], column: Temporal) -> Notation:
    values = np.where((values >= _FIRST) & (values <= _LAST), values, np.nan)
    if column.kind is Kind.DATE:
        values = np.floor(values / _DAY) * _DAY
    return Notation(what=what, values=values, fits=within(values, column))


def _counted(texts: Sequence[str]) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Moments counted since 1970, or in a spreadsheet's days."""
    numbers = np.array(
        [float(text) if _NUMBER.fullmatch(text.strip()) else np.nan for text in texts], dtype=float
    )
    if np.isnan(numbers).all():
        return
    for unit, size in _UNITS.items():
        yield f"{unit} since 1970", np.floor(numbers / size)
    yield "a spreadsheet's days", np.round((numbers - _SPREADSHEET_DAY_0) * _DAY)


def within(seconds: NDArray[np.float64], column: Temporal) -> NDArray[np.bool_]:
    """Mask of the moments within a column's bounds; NaN never is.

    Moments are in seconds since 1970.
    """
    lower, upper = (np.datetime64(end, "s").astype("int64") for end in (column.lower, column.upper))
    with np.errstate(invalid="ignore"):
        inside: NDArray[np.bool_] = (seconds >= lower) & (seconds <= upper)
    special = [np.datetime64(value, "s").astype("int64") for value in column.special_values]
    return inside | np.isin(seconds, special)


def _in_seconds(moments: pd.Series) -> NDArray[np.float64]:
    values = moments.to_numpy(dtype="datetime64[s]")
    return np.where(np.isnat(values), np.nan, values.astype("int64"))


def moment_texts(seconds: NDArray[np.float64], column: Temporal) -> list[str]:
    """Moments, in seconds since 1970, in the column's own notation."""
    moments = pd.Series(seconds.astype("int64").astype("datetime64[s]"))
    return [str(text) for text in write_moments(moments, column.format, zone=column.zone)]
