"""Read columns of days, moments and times of day, typed or as texts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from privgan.drafting.absence import judged
from privgan.drafting.distinct import Distinct
from privgan.drafting.names import names_duration
from privgan.drafting.reading import Reading, Shape, whole_reading
from privgan.notation.moment_formats import (
    CLOCK_DAY,
    at_midnight,
    has_clock,
    read_by_format,
    ways_of_writing,
)
from privgan.notation.moments import is_clock
from privgan.schema.columns import Kind

_SAMPLE = 2_000
_LIKELY = 0.5
_COMPACT = "%Y%m%d"
_FIRST_YEAR, _LAST_YEAR = np.datetime64("1900-01-01", "s"), np.datetime64("2100-12-31", "s")
_OPEN_END = np.datetime64("9999-01-01", "s")
_NO_DAY = frozenset({"0", "99999999"})
_TYPED_MOMENTS = {Kind.DATE: "%Y-%m-%d", Kind.DATETIME: "%Y-%m-%d %H:%M:%S"}


def compact_days(values: Distinct) -> Reading | None:
    """Read whole numbers of eight digits as days such as 20200131, where nearly all are."""
    sample = values.sample(_SAMPLE)
    if sum(len(text) == 8 for text in sample) < _LIKELY * len(sample):
        return None
    return _moment_reading(values, (_COMPACT,))


def typed_moments(values: Distinct) -> Reading:
    """Read dates, timestamps and times of day that have an Arrow type."""
    kind = values.type
    if pa.types.is_time(kind):
        ticks = pc.cast(values.values, pa.int64() if pa.types.is_time64(kind) else pa.int32())
        since = ticks.to_numpy(zero_copy_only=False).astype(f"timedelta64[{kind.unit}]")
        moments = CLOCK_DAY + since.astype("timedelta64[s]")
        return whole_reading(values, Shape.MOMENT, moments=moments, format="%H:%M:%S")
    zone = kind.tz if pa.types.is_timestamp(kind) and kind.tz else ""
    local = pc.local_timestamp(values.values) if zone else values.values
    moments = local.to_numpy(zero_copy_only=False).astype("datetime64[s]")
    whole = bool((moments == moments.astype("datetime64[D]")).all()) and not zone
    said = (f"the moments are told in the zone {zone}",) if zone else ()
    pattern = _TYPED_MOMENTS[Kind.DATE if whole else Kind.DATETIME]
    return whole_reading(
        values, Shape.MOMENT, moments=moments, format=pattern, zone=zone, said=said
    )


def moments_of_texts(present: Distinct) -> Reading | None:
    """Read texts as moments; None where they are none."""
    sample = present.sample(_SAMPLE)
    ways = ways_of_writing(sample)
    if not ways:
        return None
    few = pa.array(sample, pa.large_string())
    likely = [way for way in ways if (~np.isnat(read_by_format(few, way))).mean() >= _LIKELY / 2]
    if not likely or (is_clock(likely[0]) and names_duration(present.name)):
        return None
    return _moment_reading(present, tuple(likely))


def _moment_reading(present: Distinct, ways: tuple[str, ...]) -> Reading | None:
    """Read moments by the first format that reads most rows, where it reads nearly all."""
    read = {way: _within(read_by_format(present.texts, way), way) for way in ways}
    rows = {way: int(present.counts[~np.isnat(found)].sum()) for way, found in read.items()}
    way = max(ways, key=lambda each: rows[each])
    markers = _NO_DAY if way == _COMPACT else frozenset()
    judgement = judged(present, ~np.isnat(read[way]), more=markers)
    if judgement is None:
        return None
    kept, moments = present.without(judgement.absent), read[way][~judgement.absent]
    pattern = _literal_midnight(kept, moments, way)
    said = (_ambiguous(way, read, rows), *_not_kept(pattern))
    return Reading(
        shape=Shape.MOMENT,
        present=kept,
        fits=~np.isnat(moments),
        moments=moments,
        format=pattern,
        zone="UTC" if "%z" in way else "",
        markers=judgement.markers,
        said=tuple(text for text in said if text),
    )


def _not_kept(pattern: str) -> Iterator[str]:
    """Parts of the texts that moments do not keep, in sentences."""
    if "%z" in pattern:
        yield "offsets vary: the moments are told in UTC"
    if any(part in pattern for part in ("%f", "%3f", "%6f", "%9f")):
        yield "fractions of a second are not kept"


def _within(moments: np.ndarray, way: str) -> np.ndarray:
    """Moments [values]; of eight digits only days of 1900 to 2100 and open ends, else NaT."""
    if way != _COMPACT:
        return moments
    usual = (moments >= _FIRST_YEAR) & (moments <= _LAST_YEAR) | (moments >= _OPEN_END)
    return np.where(usual, moments, np.datetime64("NaT", "s"))


def _literal_midnight(present: Distinct, moments: np.ndarray, way: str) -> str:
    """Format with a time of day that is always midnight as literal text."""
    known = moments[~np.isnat(moments)]
    if not has_clock(way) or is_clock(way) or "%z" in way:
        return way
    if (known != known.astype("datetime64[D]")).any():
        return way
    literal = at_midnight(way)
    unread = np.isnat(read_by_format(present.texts, literal))
    return literal if (unread == np.isnat(moments)).all() else way


def _ambiguous(way: str, read: dict[str, np.ndarray], rows: dict[str, int]) -> str:
    """Warning where another format reads as many rows as other moments; else empty."""
    others = [found for other, found in read.items() if other != way and rows[other] == rows[way]]
    if all(np.array_equal(found, read[way], equal_nan=True) for found in others):
        return ""
    return f"days and months can be told apart in no value; read as {way}"
