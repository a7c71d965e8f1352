"""What a foreign schema states of a table: each fact as it stands there, and None for what it does not say."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from privgan.table.columns import Kind, Role

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
        drawn: Whether the tool may have drawn bounds and categories from rows, so that a person must confirm them.
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
