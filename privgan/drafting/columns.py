"""Draft one column from its inferred reading: its facts, and notes for a person."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa

from privgan.drafting.distinct import Distinct
from privgan.drafting.identifiers import are_checked
from privgan.drafting.inference import infer
from privgan.drafting.names import (
    names_birth,
    names_id,
    names_phone,
    names_quasi,
    names_serial,
    names_zip,
)
from privgan.drafting.notes import Note, Topic
from privgan.drafting.reading import Reading, Shape
from privgan.drafting.sentinels import bounded, decimals_kept, outward_moments, sentinels, too_fine
from privgan.drafting.texts import (
    Draft,
    Room,
    drafted_codes,
    drafted_text,
    given_up,
    nearly_unique,
)
from privgan.drafting.unit_proposal import Candidate, candidate
from privgan.notation.moment_formats import CLOCK_DAY, has_clock
from privgan.notation.moments import is_clock, write_moments
from privgan.schema.columns import Column, Discrete, Invented, Kind, Numeric, Role, Temporal

_FEW_VALUES = 12
_EXACT = 2.0**53
_CENTURY, _AHEAD = 100, 20
_PHONE_DIGITS = 1e6
_SHOWN = 500
_ZONE_AT_END = re.compile(r"(Z|[+-][0-9]{2}:?[0-9]{2})$")
_MONTH = "(19|20)[0-9]{2}(0[1-9]|1[0-2])"


@dataclass(frozen=True, kw_only=True)
class Drafted:
    """Draft of a column.

    Attributes:
        column: Its facts, without their sources.
        notes: What a person should look at.
        candidate: What it would be as the privacy unit; None where it names nobody.
    """

    column: Column
    notes: tuple[Note, ...] = ()
    candidate: Candidate | None = None


def drafted_column(values: Distinct, room: Room) -> Drafted:
    """Draft one column.

    Args:
        values: Its distinct values.
        room: How many categories may be listed.
    """
    reading = _as_codes(infer(values))
    column, notes = _drafted(reading, room)
    if column.role is Role.OTHER and names_quasi(values.name):
        column = replace(column, role=Role.QUASI_IDENTIFIER)
    if reading.markers:
        column = replace(column, missing_markers=reading.markers)
    return Drafted(
        column=column,
        notes=(*notes, *_general(reading, column)),
        candidate=candidate(reading, column),
    )


def _drafted(reading: Reading, room: Room) -> Draft:
    values = reading.present
    if reading.shape is Shape.EMPTY:
        note = Note(Topic.GIVEN_UP, values.name, "holds no value at all; it stays empty")
        return Invented(name=values.name, kind=Kind.TEXT, missing=True, empty=True), (note,)
    if reading.shape is Shape.BOOLEAN:
        column = Discrete(
            name=values.name,
            kind=Kind.BOOLEAN,
            missing=values.missing,
            categories=reading.labels,
        )
        return column, ()
    if reading.shape is Shape.MOMENT:
        return _temporal(reading)
    if reading.shape is Shape.CODE:
        return drafted_codes(values, room)
    if reading.shape in (Shape.NUMBER, Shape.DURATION):
        return _number(reading)
    return drafted_text(values, room)


def _general(reading: Reading, column: Column) -> Iterator[Note]:
    """Notes that apply to columns of every kind."""
    name = column.name
    if not column.invented:
        yield from _notes_of_modelled(reading, column)
    if reading.markers:
        count = len([marker for marker in reading.markers if marker])
        texts = f"{count} text{'s' * (count != 1)} among {_plural(column)} (missing_markers)"
        yield Note(Topic.MISSING, name, texts)
    if _is_repeating_id(reading, column):
        text = (
            f"looks like an id that repeats, and is drafted as {column.kind.value}; if it names"
            " whom to protect, make it the unit"
        )
        yield Note(Topic.UNIT, name, text)
    topic = Topic.MOMENTS if reading.shape is Shape.MOMENT else Topic.NUMBERS
    for text in reading.said:
        yield Note(topic, name, text)


def _notes_of_modelled(reading: Reading, column: Column) -> Iterator[Note]:
    if reading.misfits:
        rows = f"{reading.misfits:,} value{'s do' if reading.misfits != 1 else ' does'} not fit"
        yield Note(Topic.MISFIT, column.name, f"read as {column.kind.value}; {rows}")
    if column.role is Role.QUASI_IDENTIFIER:
        text = "tells something that others may know of a person; check its role"
        yield Note(Topic.QUASI, column.name, text)


def _is_repeating_id(reading: Reading, column: Column) -> bool:
    """Whether a column of numbers or moments is named as an id, and its values repeat."""
    if not isinstance(column, Numeric | Temporal) or not names_id(column.name):
        return False
    return _FEW_VALUES < len(reading.present) < reading.present.rows


def _plural(column: Column) -> str:
    return "moments" if column.kind in (Kind.DATE, Kind.DATETIME) else "numbers"


def _as_codes(reading: Reading) -> Reading:
    """Convert a reading to codes where whole numbers name things; then each value fits."""
    if not _is_code(reading):
        return reading
    return replace(
        reading,
        shape=Shape.CODE,
        fits=np.ones(len(reading.present), dtype=bool),
        format="",
        said=(),
    )


def _is_code(reading: Reading) -> bool:
    """Whether whole numbers name things: postcodes, serial numbers, numbers of many digits."""
    if reading.shape is not Shape.NUMBER:
        return False
    if names_id(reading.present.name):
        return reading.bare
    written = reading.format or reading.misfits
    decimal = reading.decimals is not None and reading.decimals.any()
    return reading.whole and not written and not decimal and _numbers_things(reading)


def _numbers_things(reading: Reading) -> bool:
    """Whether plain whole numbers look like codes, by their digits or by the column's name."""
    assert reading.numbers is not None
    numbers, present = reading.numbers[reading.fits], reading.present
    dialled = names_phone(present.name) and np.median(np.abs(numbers)) >= _PHONE_DIGITS
    if np.abs(numbers).max() > _EXACT or dialled or are_checked(present.sample(_SHOWN)):
        return True
    if len(numbers) > _FEW_VALUES and present.matches(_MONTH).all():
        return True
    return _named_as_code(present) and bool((numbers >= 0).all())


def _named_as_code(present: Distinct) -> bool:
    """Whether a column's name is that of postcodes, or of serial numbers that it holds."""
    return names_zip(present.name) or (names_serial(present.name) and nearly_unique(present))


def _number(reading: Reading) -> Draft:
    assert reading.numbers is not None
    assert reading.decimals is not None
    if not reading.fits.any():
        return given_up(reading.present, "numbers without a finite one")
    numbers, decimals = reading.numbers[reading.fits], reading.decimals[reading.fits]
    if _is_ordinal(reading, numbers):
        return _ordinal(reading), ()
    counts = reading.present.counts[reading.fits]
    special = sentinels(numbers, counts)
    common = ~np.isin(numbers, special)
    others, counts = numbers[common], counts[common]
    whole = bool((numbers == np.round(numbers)).all())
    wanted = 0 if whole else decimals_kept(numbers, decimals)
    limits = bounded(float(others.min()), float(others.max()), special, wanted)
    if limits is None or _emptied(others, limits[2]):
        why = "numbers of so many sizes that no bounds tell them apart"
        return given_up(reading.present, why)
    lower, upper, kept = limits
    column = Numeric(
        name=reading.present.name,
        kind=Kind.INTEGER if whole else Kind.FLOAT,
        missing=reading.missing,
        lower=lower,
        upper=upper,
        decimals=kept,
        special_values=tuple(value for value in special if round(value, kept) == value),
        format=reading.format,
    )
    return column, tuple(_of_numbers(column, others, counts, wanted))


def _is_ordinal(reading: Reading, numbers: np.ndarray) -> bool:
    """Whether numbers are so few that each is a category."""
    few = len(np.unique(numbers)) <= _FEW_VALUES and not reading.misfits
    return few and (reading.present.is_text or reading.shape is Shape.NUMBER)


def _ordinal(reading: Reading) -> Discrete:
    assert reading.numbers is not None
    order = pa.array(np.argsort(reading.numbers, kind="stable"))
    return Discrete(
        name=reading.present.name,
        kind=Kind.ORDINAL,
        missing=reading.missing,
        categories=tuple(reading.present.texts.take(order).to_pylist()),
    )


def _emptied(numbers: np.ndarray, decimals: int) -> bool:
    """Whether rounding makes all of several values equal."""
    return len(np.unique(numbers)) > 1 and len(np.unique(np.round(numbers, decimals))) == 1


def _of_numbers(
    column: Numeric, numbers: np.ndarray, counts: np.ndarray, wanted: int
) -> Iterator[Note]:
    """Notes on a numeric column.

    Args:
        column: The column.
        numbers: Its values that are not special [values].
        counts: Rows of each [values].
        wanted: Decimals that the values need.
    """
    if column.special_values:
        yield _special_note(column.name, len(column.special_values))
    if column.decimals < wanted:
        text = (
            f"keeps {column.decimals} decimals of {wanted}: more are too fine for numbers of this"
            " size"
        )
        yield Note(Topic.NUMBERS, column.name, text)
    rows = int(counts[too_fine(numbers, column.decimals)].sum())
    if rows:
        text = f"{rows:,} value{'s have' if rows != 1 else ' has'} more decimals than are kept"
        yield Note(Topic.MISFIT, column.name, text)


def _special_note(name: str, count: int) -> Note:
    what = "one value stands" if count == 1 else f"{count} values stand"
    return Note(
        Topic.SPECIAL, name, f"{what} far above the others (special_values); check what it means"
    )


def _temporal(reading: Reading) -> Draft:
    assert reading.moments is not None
    moments = reading.moments[reading.fits]
    name, pattern = reading.present.name, reading.format
    if is_clock(pattern):
        return _clock(reading), ()
    if "%y" in pattern:
        moments = _with_century(moments, names_birth(name))
    counts = reading.present.counts[reading.fits]
    seconds = moments.astype(np.int64).astype(float)
    special = sentinels(seconds, counts, moments=True)
    others = moments[~np.isin(seconds, special)]
    lower, upper = outward_moments(others.min().item(), others.max().item())
    kind = Kind.DATETIME if has_clock(pattern) or reading.zone else Kind.DATE
    if kind is Kind.DATE:
        upper = dt.datetime(upper.year, upper.month, upper.day)
    kept = tuple(np.datetime64(int(value), "s").item() for value in special)
    column = Temporal(
        name=name,
        kind=kind,
        missing=reading.missing,
        lower=lower,
        upper=upper,
        format=pattern,
        special_values=kept,
        zone=reading.zone or _written_zone(pattern),
    )
    return _as_padded(column, reading), tuple([_special_note(name, len(kept))] if kept else [])


def _written_zone(pattern: str) -> str:
    """Literal zone at the end of a time's format; empty where there is none."""
    found = _ZONE_AT_END.search(pattern)
    if found is None or not has_clock(pattern):
        return ""
    return "UTC" if found[1] == "Z" else f"{found[1][:3]}:{found[1][-2:]}"


def _as_padded(column: Temporal, reading: Reading) -> Temporal:
    """Column with zero-padded days, months and hours or not, as most of its texts have them."""
    if not reading.present.is_text or reading.moments is None:
        return column
    shown = np.flatnonzero(reading.fits)[:_SHOWN]
    moments = pd.Series(reading.moments[shown])
    texts = np.array([str(reading.present.values[int(place)]) for place in shown], dtype=object)
    bare = re.sub(r"%(?=[dmHI])", "%-", column.format)
    ways = dict.fromkeys(
        [
            column.format,
            bare,
            re.sub(r"%(?=[dm])", "%-", column.format),
            column.format.replace("%I", "%-I"),
        ]
    )
    same = [
        int((write_moments(moments, way, zone=column.zone).to_numpy() == texts).sum())
        for way in ways
    ]
    return replace(column, format=list(ways)[int(np.argmax(same))])


def _clock(reading: Reading) -> Temporal:
    """Draft a time of day, as a moment of the first day of 1900."""
    day = CLOCK_DAY.item()
    column = Temporal(
        name=reading.present.name,
        kind=Kind.DATETIME,
        missing=reading.missing,
        lower=day,
        upper=day.replace(hour=23, minute=59, second=59),
        format=reading.format,
    )
    return _as_padded(column, reading)


def _with_century(moments: np.ndarray, birth: bool) -> np.ndarray:
    """Moments of two-digit years, in the hundred years that end this year or twenty years later.

    A day of birth lies in the past; any other day may lie some years ahead.
    """
    last = dt.date.today().year + (0 if birth else _AHEAD)
    years = moments.astype("datetime64[Y]").astype(np.int64) + 1970
    wanted = last - (last - years) % _CENTURY
    months = moments.astype("datetime64[M]")
    moved = months + ((wanted - years) * 12).astype("timedelta64[M]")
    return moved.astype("datetime64[s]") + (moments - months.astype("datetime64[s]"))
