"""Infer a column's kind from its distinct values.

Numbers, moments, durations, truth values, codes or text: the kind of 99 % of its values. The number
of others is noted.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from privgan.drafting.absence import Judgement, blank, judged
from privgan.drafting.distinct import Distinct, as_floats
from privgan.drafting.names import names_duration
from privgan.drafting.number_texts import NumberTexts, plain_decimals, read_number_texts
from privgan.notation.duration_texts import (
    WITH_SECONDS,
    duration_pattern,
    may_be_duration,
    read_durations,
    with_fractions,
)
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
_FEW_VALUES = 12
_COMPACT = "%Y%m%d"
_FIRST_YEAR, _LAST_YEAR = np.datetime64("1900-01-01", "s"), np.datetime64("2100-12-31", "s")
_OPEN_END = np.datetime64("9999-01-01", "s")
_NO_DAY = frozenset({"0", "99999999"})
_DIALLED = r"\s*[+][1-9][0-9]{7,14}\s*"
_UNIT = re.compile(r"[^#0.,'’ \u00a0\u202feE+]")
_CODE, _LEADING_ZEROS = r"0[0-9]+", r"\s*[-+]?0[0-9].*"
_TYPED_MOMENTS = {Kind.DATE: "%Y-%m-%d", Kind.DATETIME: "%Y-%m-%d %H:%M:%S"}
_TRUTHS = (
    *(
        ("false", "true"),
        ("f", "t"),
        ("no", "yes"),
        ("n", "y"),
        ("nein", "ja"),
        ("non", "oui"),
        ("no", "sí"),
    ),
    *(
        ("no", "si"),
        ("não", "sim"),
        ("нет", "да"),
        ("否", "是"),
        ("off", "on"),
        ("nee", "ja"),
        ("nej", "ja"),
    ),
)
_READ_IN_ANY_CASE = frozenset({"false", "true", "f", "t", "no", "yes", "n", "y"})


class Shape(StrEnum):
    """Inferred shape of a column's values."""

    EMPTY = "empty"
    BOOLEAN = "boolean"
    NUMBER = "number"
    DURATION = "duration"
    MOMENT = "moment"
    CODE = "code"
    TEXT = "text"


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """A column read as its inferred shape.

    Attributes:
        shape: What its values look like.
        present: The values that are present, those that do not fit among them.
        fits: Which of these fit [values].
        numbers: The number of each, NaN where it does not fit [values]; for numbers and durations.
        decimals: Digits after the point of each [values]; for numbers.
        moments: The moment of each, NaT where it does not fit [values]; for moments.
        format: How they are written; empty for plain numbers.
        zone: The time zone that the moments are told in.
        labels: The two labels of truth values, false before true.
        markers: Further texts that mean missing, the first as a text file is to write it.
        said: What a person should look at, in sentences.
    """

    shape: Shape
    present: Distinct
    fits: np.ndarray
    numbers: np.ndarray | None = None
    decimals: np.ndarray | None = None
    moments: np.ndarray | None = None
    format: str = ""
    zone: str = ""
    labels: tuple[str, ...] = ()
    markers: tuple[str, ...] = ()
    said: tuple[str, ...] = ()

    @property
    def missing(self) -> bool:
        """Whether a value is missing in some row."""
        return self.present.absent > 0

    @property
    def misfits(self) -> int:
        """Number of rows whose value does not fit."""
        return int(self.present.counts[~self.fits].sum())

    @property
    def bare(self) -> bool:
        """Whether some values are numbers, and have no unit or currency."""
        return self.numbers is not None and bool(self.fits.any()) and not _UNIT.search(self.format)

    @property
    def whole(self) -> bool:
        """Whether all fitting values are whole numbers without a unit; also as 12.0 or 1,200."""
        if self.numbers is None or not self.bare:
            return False
        numbers = self.numbers[self.fits]
        return bool((numbers == np.round(numbers)).all())


def infer(values: Distinct) -> Reading:
    """Infer a column's shape."""
    if values.is_text:
        return _of_texts(values.without(blank(values)), values)
    if not len(values):
        return _everything(values, Shape.EMPTY)
    kind = values.type
    if pa.types.is_boolean(kind):
        return _everything(values, Shape.BOOLEAN, labels=("False", "True"))
    if pa.types.is_temporal(kind):
        return _of_typed_times(values)
    return _of_typed_numbers(values)


def _everything(values: Distinct, shape: Shape, **facts: object) -> Reading:
    return Reading(shape=shape, present=values, fits=np.ones(len(values), dtype=bool), **facts)  # type: ignore[arg-type]


def _of_typed_numbers(values: Distinct) -> Reading:
    numbers = as_floats(values.values)
    if pa.types.is_integer(values.type):
        if (compact := _compact_days(values)) is not None:
            return compact
        return _everything(
            values, Shape.NUMBER, numbers=numbers, decimals=np.zeros(len(values), dtype=np.int64)
        )
    texts = pc.cast(values.values, pa.large_string())
    decimals = np.where(np.isfinite(numbers), plain_decimals(texts), 0)
    # Arrow writes whole floats with a digit after the point.
    decimals = np.where(numbers == np.round(numbers), 0, decimals)
    pattern = ""
    if pa.types.is_decimal(values.type) and values.type.scale > 0:
        pattern, decimals = f"0.{'0' * values.type.scale}", np.full(len(values), values.type.scale)
    fits = np.isfinite(numbers)
    return Reading(
        shape=Shape.NUMBER,
        present=values,
        fits=fits,
        numbers=np.where(fits, numbers, np.nan),
        decimals=decimals,
        format=pattern,
        said=_of_endless(values, ~fits),
    )


def _of_endless(values: Distinct, endless: np.ndarray) -> tuple[str, ...]:
    rows = int(values.counts[endless].sum())
    return (
        (f"{_values(rows)} infinite, which no bounds hold; put a missing value there",)
        if rows
        else ()
    )


def _values(rows: int) -> str:
    return f"{rows:,} value{'s are' if rows != 1 else ' is'}"


def _compact_days(values: Distinct) -> Reading | None:
    """Read whole numbers of eight digits as days such as 20200131, where nearly all are."""
    sample = values.sample(_SAMPLE)
    if sum(len(text) == 8 for text in sample) < _LIKELY * len(sample):
        return None
    return _moment_reading(values, (_COMPACT,))


def _of_typed_times(values: Distinct) -> Reading:
    kind = values.type
    if pa.types.is_duration(kind):
        seconds = values.values.to_numpy(zero_copy_only=False) / np.timedelta64(1, "s")
        decimals = _second_decimals(seconds)
        return _everything(
            values,
            Shape.DURATION,
            numbers=seconds,
            decimals=decimals,
            format=with_fractions(WITH_SECONDS, decimals),
        )
    if pa.types.is_time(kind):
        unit = "s" if kind.unit == "s" else kind.unit
        ticks = pc.cast(values.values, pa.int64() if pa.types.is_time64(kind) else pa.int32())
        moments = CLOCK_DAY + (
            ticks.to_numpy(zero_copy_only=False).astype(f"timedelta64[{unit}]")
        ).astype("timedelta64[s]")
        return _everything(values, Shape.MOMENT, moments=moments, format="%H:%M:%S")
    zone = kind.tz if pa.types.is_timestamp(kind) and kind.tz else ""
    local = pc.local_timestamp(values.values) if zone else values.values
    moments = local.to_numpy(zero_copy_only=False).astype("datetime64[s]")
    whole = bool((moments == moments.astype("datetime64[D]")).all()) and not zone
    said = (f"the moments are told in the zone {zone}",) if zone else ()
    pattern = _TYPED_MOMENTS[Kind.DATE if whole else Kind.DATETIME]
    return _everything(values, Shape.MOMENT, moments=moments, format=pattern, zone=zone, said=said)


def _second_decimals(seconds: np.ndarray) -> np.ndarray:
    return np.where(
        seconds == np.round(seconds),
        0,
        plain_decimals(pc.cast(pa.array(seconds), pa.large_string())),
    )


def _of_texts(present: Distinct, whole: Distinct) -> Reading:
    if not len(present):
        return _everything(present, Shape.EMPTY)
    for reading in (_truths, _moments, _durations, _numbers):
        if (found := reading(present)) is not None:
            return _written_as_before(found, whole)
    return _everything(present, Shape.TEXT)


def _written_as_before(found: Reading, whole: Distinct) -> Reading:
    """Put the empty text first among the markers, unless another marks more missing values."""
    if not found.markers or _rows_of("", whole) <= _rows_of(found.markers[0], whole):
        return found
    return replace(found, markers=("", *found.markers))


def _rows_of(text: str, whole: Distinct) -> int:
    return int(whole.counts[pc.equal(whole.texts, text).to_numpy(zero_copy_only=False)].sum())


def _truths(present: Distinct) -> Reading | None:
    """Labels of two texts that mean no and yes, or of a lone ``true`` or ``false``."""
    if len(present) > 2 * len(_READ_IN_ANY_CASE):
        return None
    texts = present.texts.take(pa.array(np.argsort(-present.counts, kind="stable"))).to_pylist()
    written: dict[str, str] = {}
    for text in texts:
        written.setdefault(text.strip().lower(), text)
    exact = len(texts) == len(written) or written.keys() <= _READ_IN_ANY_CASE
    if not exact or any(text != text.strip() for text in texts):
        return None
    for no, yes in _TRUTHS:
        if written.keys() == {no, yes}:
            return _everything(present, Shape.BOOLEAN, labels=(written[no], written[yes]))
    if written.keys() <= {"false", "true"}:
        style = _style(next(iter(written.values())))
        return _everything(present, Shape.BOOLEAN, labels=(style("false"), style("true")))
    return None


def _style(text: str) -> Callable[[str], str]:
    return str.upper if text.isupper() else str.title if text.istitle() else str.lower


def _moments(present: Distinct) -> Reading | None:
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
    judgement = judged(
        present, ~np.isnat(read[way]), more=_NO_DAY if way == _COMPACT else frozenset()
    )
    if judgement is None:
        return None
    kept, moments = _kept(present, judgement), read[way][~judgement.absent]
    shown = _literal_midnight(kept, moments, way)
    zone = "UTC" if "%z" in way else ""
    said = [
        _ambiguous(way, read, rows),
        "offsets vary: the moments are told in UTC" if zone else "",
    ]
    said += [
        (
            "fractions of a second are not kept"
            if any(part in shown for part in ("%f", "%3f", "%6f", "%9f"))
            else ""
        )
    ]
    return Reading(
        shape=Shape.MOMENT,
        present=kept,
        fits=~np.isnat(moments),
        moments=moments,
        format=shown,
        zone=zone,
        markers=judgement.markers,
        said=tuple(text for text in said if text),
    )


def _kept(present: Distinct, judgement: Judgement) -> Distinct:
    return present.without(judgement.absent)


def _within(moments: np.ndarray, way: str) -> np.ndarray:
    """Whether eight digits are a day of 1900 to 2100 or an open end, and no number [values]."""
    if way != _COMPACT:
        return moments
    usual = (moments >= _FIRST_YEAR) & (moments <= _LAST_YEAR) | (moments >= _OPEN_END)
    return np.where(usual, moments, np.datetime64("NaT", "s"))


def _literal_midnight(present: Distinct, moments: np.ndarray, way: str) -> str:
    """Format with a time of day that is always midnight as literal text."""
    known = moments[~np.isnat(moments)]
    if (
        not has_clock(way)
        or is_clock(way)
        or "%z" in way
        or (known != known.astype("datetime64[D]")).any()
    ):
        return way
    literal = at_midnight(way)
    return (
        literal
        if (np.isnat(read_by_format(present.texts, literal)) == np.isnat(moments)).all()
        else way
    )


def _ambiguous(way: str, read: dict[str, np.ndarray], rows: dict[str, int]) -> str:
    for other, found in read.items():
        if (
            other != way
            and rows[other] == rows[way]
            and not np.array_equal(found, read[way], equal_nan=True)
        ):
            return f"days and months can be told apart in no value; read as {way}"
    return ""


def _durations(present: Distinct) -> Reading | None:
    sample = present.sample(_SAMPLE)
    likely = [text for text in sample if may_be_duration(text)]
    if len(likely) < _LIKELY * len(sample):
        return None
    pattern = duration_pattern(likely)
    numbers = read_durations(present.texts, pattern)
    judgement = judged(present, ~np.isnan(numbers))
    if judgement is None:
        return None
    numbers = numbers[~judgement.absent]
    decimals = _second_decimals(np.nan_to_num(numbers))
    return Reading(
        shape=Shape.DURATION,
        present=_kept(present, judgement),
        fits=~np.isnan(numbers),
        numbers=numbers,
        decimals=decimals,
        format=with_fractions(pattern, decimals),
        markers=judgement.markers,
        said=("the numbers are seconds",),
    )


def _numbers(present: Distinct) -> Reading | None:
    """Read numbers, or codes where numbers would lose leading zeros."""
    read = read_number_texts(present)
    fits = np.isfinite(read.numbers)
    if (
        judged(present, ~present.matches(_DIALLED)) is None
        and judged(present, present.matches(_DIALLED)) is not None
    ):
        return None
    leading = present.matches(_LEADING_ZEROS)
    if leading.any() and _are_codes(present, fits, leading):
        return _everything(present, Shape.CODE, markers=())
    fits &= ~leading
    if _spaced_codes(present, read):
        return None
    # Infinite numbers do not fit, for no bounds hold them, but they make no column of texts.
    judgement = judged(present, fits | np.isinf(read.numbers))
    if judgement is None or _few_with_others(fits, ~fits & ~judgement.absent):
        return None
    chosen = ~judgement.absent
    kept = _kept(present, judgement)
    endless = np.isinf(read.numbers[chosen])
    unsure = "one sign may mean thousands or decimals; look at the format" if read.unsure else ""
    return Reading(
        shape=Shape.NUMBER,
        present=kept,
        fits=fits[chosen],
        numbers=np.where(fits, read.numbers, np.nan)[chosen],
        decimals=read.decimals[chosen],
        format=read.format,
        markers=judgement.markers,
        said=(*_of_endless(kept, endless), *((unsure,) if unsure else ())),
    )


def _are_codes(present: Distinct, fits: np.ndarray, leading: np.ndarray) -> bool:
    """Whether digits with leading zeros are codes: of one width, or too many to be slips."""
    digits = present.matches("[0-9]+")
    if not present.matches(_CODE).any() or judged(present, digits) is None:
        return False
    lengths = pc.utf8_length(present.texts).to_numpy(zero_copy_only=False)[digits]
    return len(np.unique(lengths)) == 1 or judged(present, fits & ~leading) is None


def _spaced_codes(present: Distinct, read: NumberTexts) -> bool:
    """Whether grouped digits all have one length, as telephone and card numbers."""
    if read.format[1:2] not in ("\u00a0", " ", "'") or len(present) <= _FEW_VALUES:
        return False
    lengths = pc.utf8_length(present.texts).to_numpy(zero_copy_only=False)
    return len(np.unique(lengths)) == 1 and int(lengths[0]) > 7


def _few_with_others(fits: np.ndarray, others: np.ndarray) -> bool:
    """Whether a few numbers stand beside other texts; then all are categories."""
    return int(fits.sum()) <= _FEW_VALUES and bool(others.any())
