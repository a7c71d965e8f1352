"""Infer a column's kind from its distinct values.

Numbers, moments, durations, truth values, codes or text: the kind of 99 % of its values. The number
of others is noted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from privgan.drafting.absence import blank, judged
from privgan.drafting.distinct import Distinct, as_floats
from privgan.drafting.moment_columns import compact_days, moments_of_texts, typed_moments
from privgan.drafting.number_texts import NumberTexts, plain_decimals, read_number_texts
from privgan.drafting.reading import Reading, Shape, whole_reading
from privgan.notation.duration_texts import (
    WITH_SECONDS,
    duration_pattern,
    may_be_duration,
    read_durations,
    with_fractions,
)

_SAMPLE = 2_000
_LIKELY = 0.5
_FEW_VALUES = 12
_DIALLED = r"\s*[+][1-9][0-9]{7,14}\s*"
_CODE, _LEADING_ZEROS = r"0[0-9]+", r"\s*[-+]?0[0-9].*"
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


def infer(values: Distinct) -> Reading:
    """Infer a column's shape."""
    kind = values.type
    if values.is_text:
        return _of_texts(values.without(blank(values)), values)
    if not len(values):
        return whole_reading(values, Shape.EMPTY)
    if pa.types.is_boolean(kind):
        return whole_reading(values, Shape.BOOLEAN, labels=("False", "True"))
    if pa.types.is_duration(kind):
        return _of_typed_durations(values)
    return typed_moments(values) if pa.types.is_temporal(kind) else _of_typed_numbers(values)


def _of_typed_durations(values: Distinct) -> Reading:
    seconds = values.values.to_numpy(zero_copy_only=False) / np.timedelta64(1, "s")
    decimals = _second_decimals(seconds)
    pattern = with_fractions(WITH_SECONDS, decimals)
    return whole_reading(values, Shape.DURATION, numbers=seconds, decimals=decimals, format=pattern)


def _of_typed_numbers(values: Distinct) -> Reading:
    numbers = as_floats(values.values)
    if pa.types.is_integer(values.type):
        if (compact := compact_days(values)) is not None:
            return compact
        return whole_reading(
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


def _second_decimals(seconds: np.ndarray) -> np.ndarray:
    return np.where(
        seconds == np.round(seconds),
        0,
        plain_decimals(pc.cast(pa.array(seconds), pa.large_string())),
    )


def _of_texts(present: Distinct, whole: Distinct) -> Reading:
    if not len(present):
        return whole_reading(present, Shape.EMPTY)
    for reading in (_truths, moments_of_texts, _durations, _numbers):
        if (found := reading(present)) is not None:
            return _written_as_before(found, whole)
    return whole_reading(present, Shape.TEXT)


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
            return whole_reading(present, Shape.BOOLEAN, labels=(written[no], written[yes]))
    if written.keys() <= {"false", "true"}:
        style = _style(next(iter(written.values())))
        return whole_reading(present, Shape.BOOLEAN, labels=(style("false"), style("true")))
    return None


def _style(text: str) -> Callable[[str], str]:
    return str.upper if text.isupper() else str.title if text.istitle() else str.lower


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
        present=present.without(judgement.absent),
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
        return whole_reading(present, Shape.CODE, markers=())
    fits &= ~leading
    if _spaced_codes(present, read):
        return None
    # Infinite numbers do not fit, for no bounds hold them, but they make no column of texts.
    judgement = judged(present, fits | np.isinf(read.numbers))
    if judgement is None or _few_with_others(fits, ~fits & ~judgement.absent):
        return None
    chosen = ~judgement.absent
    kept = present.without(judgement.absent)
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
