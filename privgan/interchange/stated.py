"""Hold the facts that a foreign schema states of a table; None where it is silent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from privgan.interchange.documents import as_text
from privgan.interchange.sql_checks import Checked
from privgan.schema.columns import Kind, Role

Facts: TypeAlias = dict[str, Any]
"""Attributes of a StatedColumn, by name."""
_NUMERIC, _MOMENTS = {Kind.INTEGER, Kind.FLOAT}, {Kind.DATE, Kind.DATETIME}


def facts_of_numbers(numbers: Iterable[float]) -> Facts:
    """The facts of a column with a list of numbers: ordinal, in ascending order."""
    return {
        "kind": Kind.ORDINAL,
        "categories": tuple(as_text(number) for number in sorted(set(numbers))),
    }


def facts_not_modelled(stored: str) -> Facts:
    """The facts of a column whose stored type has no kind: invented text."""
    return {
        "kind": Kind.TEXT,
        "sure": False,
        "notes": (f"is {stored}: it is invented, and not modelled",),
    }


def with_checks(column: StatedColumn, checks: Iterable[Checked]) -> StatedColumn:
    """Add the bounds and values of checks to a column.

    A fact that does not suit the column's kind becomes a note.
    """
    for check in checks:
        column = (
            with_values(column, check.values)
            if check.fact == "values"
            else _with_bound(column, check)
        )
    return column


def with_values(column: StatedColumn, values: tuple[Any, ...]) -> StatedColumn:
    """Add a list of values to a column."""
    texts = tuple(dict.fromkeys(as_text(value) for value in values))
    if column.kind is Kind.BOOLEAN or not texts:
        return column
    if column.kind in _NUMERIC:
        numbers = _numbers(texts)
        if numbers is None:
            return _noted(column, "its listed values are no numbers: they are not kept")
        return replace(column, **facts_of_numbers(numbers))
    if column.kind in _MOMENTS:
        return _noted(column, "its listed moments are not kept")
    return replace(column, kind=Kind.CATEGORICAL, categories=texts)


def _with_bound(column: StatedColumn, check: Checked) -> StatedColumn:
    value = bound(column, check.values[0])
    if value is None:
        return _noted(column, "a bound does not go with its type: it is not kept")
    facts: Facts = {check.fact: value}
    return replace(column, **facts)


def bound(column: StatedColumn, value: Any) -> float | dt.datetime | None:
    """Convert a stated bound to the column's kind; None where that fails."""
    with suppress(ValueError, OverflowError):
        if column.kind in _MOMENTS:
            return dt.datetime.fromisoformat(str(value)[:40]).replace(tzinfo=None)
        if column.kind in _NUMERIC:
            return float(value)
    return None


def _numbers(texts: tuple[str, ...]) -> list[float] | None:
    with suppress(ValueError):
        return [float(text) for text in texts]
    return None


def _noted(column: StatedColumn, note: str) -> StatedColumn:
    return replace(column, notes=(*column.notes, note))


Bound = float | dt.datetime


@dataclass(frozen=True, kw_only=True)
class StatedColumn:
    """A column as a foreign schema states it.

    Attributes:
        name: The column's name.
        kind: Its kind; None for text of which more is not said.
        sure: Whether the kind is stated, and not a guess.
        categories: All possible values as text, in order for an ordinal column.
        labels: The two texts of a boolean, false first.
        lower: Smallest possible value, inclusive.
        upper: Largest possible value, inclusive.
        above: A value below which and at which no value lies.
        below: A value at which and above which no value lies.
        decimals: Digits after the decimal point.
        special_values: Values with a meaning of their own.
        format: How a text file writes the moments or numbers.
        zone: The time zone of the moments.
        missing: Whether a value may be missing.
        role: What the column can do to privacy.
        pattern: A pattern of identifiers, with one place for a serial number.
        longest: The most characters of a text.
        unique: Whether no value stands twice.
        drawn: Whether the tool may have drawn bounds and categories from rows, so that a person
            must confirm them.
        description: Free text.
        notes: What was guessed or could not be kept, a sentence each.
    """

    name: str
    kind: Kind | None = None
    sure: bool = True
    categories: tuple[str, ...] | None = None
    labels: tuple[str, str] | None = None
    lower: Bound | None = None
    upper: Bound | None = None
    above: Bound | None = None
    below: Bound | None = None
    decimals: int | None = None
    special_values: tuple[Bound, ...] = ()
    format: str | None = None
    zone: str | None = None
    missing: bool | None = None
    role: Role | None = None
    pattern: str | None = None
    longest: int | None = None
    unique: bool = False
    drawn: bool = False
    description: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StatedTable:
    """A table as a foreign schema states it.

    Attributes:
        source: The file or database, for messages; without a password.
        name: The table's name there; empty where it has none.
        columns: Its columns, in order.
        key: The column that no two rows share.
        sequence: The column that names whose rows follow each other: rows of one person.
        notes: What was guessed or could not be kept, a sentence each.
    """

    source: str
    name: str
    columns: tuple[StatedColumn, ...]
    key: str | None = None
    sequence: str | None = None
    notes: tuple[str, ...] = ()
