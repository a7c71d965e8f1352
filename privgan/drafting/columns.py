"""Draft one column from its inferred reading: its facts, and notes for a person."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from privgan.drafting.distinct import Distinct
from privgan.drafting.identifiers import are_checked
from privgan.drafting.inference import Reading, Shape, infer
from privgan.drafting.names import (
    names_birth,
    names_id,
    names_phone,
    names_quasi,
    names_serial,
    names_zip,
)
from privgan.drafting.notes import Note, Topic
from privgan.drafting.sentinels import bounded, decimals_kept, outward_moments, sentinels, too_fine
from privgan.drafting.texts import Room, drafted_codes, drafted_text, given_up, nearly_unique
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


def _drafted(reading: Reading, room: Room) -> tuple[Column, tuple[Note, ...]]:
    name = reading.present.name
    common: dict[str, Any] = {"name": name, "missing": reading.missing}
    if reading.shape is Shape.EMPTY:
        note = Note(Topic.GIVEN_UP, name, "holds no value at all; it stays empty")
        return Invented(kind=Kind.TEXT, empty=True, **common | {"missing": True}), (note,)
    if reading.shape is Shape.BOOLEAN:
        return Discrete(kind=Kind.BOOLEAN, categories=reading.labels, **common), ()
    if reading.shape is Shape.MOMENT:
        return _temporal(reading, common)
    if reading.shape is Shape.CODE:
        return drafted_codes(reading.present, common, room)
    if reading.shape in (Shape.NUMBER, Shape.DURATION):
        return _number(reading, common)
    return drafted_text(reading.present, common, room)


def _general(reading: Reading, column: Column) -> Iterator[Note]:
    """Notes that apply to columns of every kind."""
    name = column.name
    if reading.misfits and not column.invented:
        rows = f"{reading.misfits:,} value{'s do' if reading.misfits != 1 else ' does'} not fit"
        yield Note(Topic.MISFIT, name, f"read as {column.kind.value}; {rows}")
    if reading.markers:
        count = len([marker for marker in reading.markers if marker])
        yield Note(
            Topic.MISSING,
            name,
            f"{count} text{'s' * (count != 1)} among {_plural(column)} (missing_markers)",
        )
    if column.role is Role.QUASI_IDENTIFIER and not column.invented:
        yield Note(
            Topic.QUASI, name, "tells something that others may know of a person; check its role"
        )
    if (
        isinstance(column, Numeric | Temporal)
        and names_id(name)
        and _FEW_VALUES < len(reading.present) < reading.present.rows
    ):
        text = (
            f"looks like an id that repeats, and is drafted as {column.kind.value}; if it names"
            " whom to protect, make it the unit"
        )
        yield Note(Topic.UNIT, name, text)
    topic = Topic.MOMENTS if reading.shape is Shape.MOMENT else Topic.NUMBERS
    for text in reading.said:
        yield Note(topic, name, text)


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
    if reading.shape is Shape.NUMBER and names_id(reading.present.name):
        return reading.bare
    if reading.shape is not Shape.NUMBER or not reading.whole:
        return False
    assert reading.numbers is not None
    numbers, name = reading.numbers[reading.fits], reading.present.name
    if (
        reading.format
        or reading.misfits
        or (reading.decimals is not None and reading.decimals.any())
    ):
        return False
    if np.abs(numbers).max() > _EXACT:
        return True
    if names_phone(name) and np.median(np.abs(numbers)) >= _PHONE_DIGITS:
        return True
    if are_checked(reading.present.sample(_SHOWN)):
        return True
    if len(numbers) > _FEW_VALUES and reading.present.matches(_MONTH).all():
        return True
    named = names_zip(name) or (names_serial(name) and nearly_unique(reading.present))
    return named and bool((numbers >= 0).all())


def _number(reading: Reading, common: dict[str, Any]) -> tuple[Column, tuple[Note, ...]]:
    assert reading.numbers is not None
    assert reading.decimals is not None
    numbers, name = reading.numbers[reading.fits], common["name"]
    whole = bool((numbers == np.round(numbers)).all())
    few = len(np.unique(numbers)) <= _FEW_VALUES and not reading.misfits
    if few and (reading.present.is_text or reading.shape is Shape.NUMBER):
        return _ordinal(reading, common), ()
    counts = reading.present.counts[reading.fits]
    special = sentinels(numbers, counts)
    others = numbers[~np.isin(numbers, special)]
    wanted = 0 if whole else decimals_kept(numbers, reading.decimals[reading.fits])
    limits = bounded(float(others.min()), float(others.max()), special, wanted)
    if limits is None or _emptied(others, limits[2]):
        return given_up(
            reading.present, common, "numbers of so many sizes that no bounds tell them apart"
        )
    lower, upper, decimals = limits
    special = tuple(value for value in special if round(value, decimals) == value)
    column = Numeric(
        kind=Kind.INTEGER if whole else Kind.FLOAT,
        lower=lower,
        upper=upper,
        decimals=decimals,
        special_values=special,
        format=reading.format,
        **common,
    )
    return column, tuple(
        _of_numbers(name, column, others, counts[~np.isin(numbers, special)], wanted)
    )


def _ordinal(reading: Reading, common: dict[str, Any]) -> Discrete:
    assert reading.numbers is not None
    order = pa.array(np.argsort(reading.numbers, kind="stable"))
    return Discrete(
        kind=Kind.ORDINAL, categories=tuple(reading.present.texts.take(order).to_pylist()), **common
    )


def _emptied(numbers: np.ndarray, decimals: int) -> bool:
    """Whether rounding makes all of several values equal."""
    return len(np.unique(numbers)) > 1 and len(np.unique(np.round(numbers, decimals))) == 1


def _of_numbers(
    name: str, column: Numeric, numbers: np.ndarray, counts: np.ndarray, wanted: int
) -> Iterator[Note]:
    if column.special_values:
        yield _special_note(name, len(column.special_values))
    if column.decimals < wanted:
        text = (
            f"keeps {column.decimals} decimals of {wanted}: more are too fine for numbers of this"
            " size"
        )
        yield Note(Topic.NUMBERS, name, text)
    fine = too_fine(numbers, column.decimals)
    if fine.any():
        rows = int(counts[fine].sum())
        yield Note(
            Topic.MISFIT,
            name,
            f"{rows:,} value{'s have' if rows != 1 else ' has'} more decimals than are kept",
        )


def _special_note(name: str, count: int) -> Note:
    what = "one value stands" if count == 1 else f"{count} values stand"
    return Note(
        Topic.SPECIAL, name, f"{what} far above the others (special_values); check what it means"
    )


def _temporal(reading: Reading, common: dict[str, Any]) -> tuple[Column, tuple[Note, ...]]:
    assert reading.moments is not None
    moments = reading.moments[reading.fits]
    name, pattern = common["name"], reading.format
    if is_clock(pattern):
        return _clock(reading, common), ()
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
    zone = reading.zone or _written_zone(pattern)
    column = Temporal(
        kind=kind,
        lower=lower,
        upper=upper,
        format=pattern,
        special_values=kept,
        zone=zone,
        **common,
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


def _clock(reading: Reading, common: dict[str, Any]) -> Temporal:
    """Draft a time of day, as a moment of the first day of 1900."""
    day = CLOCK_DAY.item()
    upper = day.replace(hour=23, minute=59, second=59)
    column = Temporal(kind=Kind.DATETIME, lower=day, upper=upper, format=reading.format, **common)
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
