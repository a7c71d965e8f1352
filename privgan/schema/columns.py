"""Define column kinds and their facts: public facts only, never anything learnt from rows."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property


class Kind(StrEnum):
    """Kind of a column's values."""

    CATEGORICAL = "categorical"
    ORDINAL = "ordinal"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    FLOAT = "float"
    DATE = "date"
    DATETIME = "datetime"
    IDENTIFIER = "identifier"
    NAME = "name"
    EMAIL = "email"
    PHONE = "phone"
    ADDRESS = "address"
    TEXT = "text"


class Role(StrEnum):
    """Role of a column for a customer's privacy."""

    IDENTIFIER = "identifier"
    QUASI_IDENTIFIER = "quasi-identifier"
    SENSITIVE = "sensitive"
    OTHER = "other"


class Source(StrEnum):
    """Origin of a schema fact."""

    DECLARED = "declared"
    ASSUMED_PUBLIC = "assumed_public"
    CONFIRM = "confirm"
    MEASURED = "measured"


INVENTED_KINDS = frozenset(
    {Kind.IDENTIFIER, Kind.NAME, Kind.EMAIL, Kind.PHONE, Kind.ADDRESS, Kind.TEXT}
)
PRESENCE = ("absent", "present")
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)\Z")


@dataclass(frozen=True, kw_only=True)
class Column:
    """Facts that every column has.

    Attributes:
        name: The column's name in the table.
        kind: The kind of its values.
        role: Its part in identifying a customer.
        missing: Whether a value may be missing.
        sources: Fact name to source; facts not listed are declared.
        description: Free text for the data dictionary.
        missing_markers: Further texts that mean missing in this column alone; the first is how a
            text file writes it.
    """

    name: str
    kind: Kind
    role: Role = Role.OTHER
    missing: bool = False
    sources: Mapping[str, Source] = field(default_factory=dict)
    description: str = ""
    missing_markers: tuple[str, ...] = ()

    @property
    def invented(self) -> bool:
        """Whether the column is invented in each release and never modelled."""
        return self.kind in INVENTED_KINDS

    def facts_from(self, source: Source) -> tuple[str, ...]:
        """Names of the column's facts that have a given source."""
        return tuple(fact for fact, found in self.sources.items() if found is source)


@dataclass(frozen=True, kw_only=True)
class Discrete(Column):
    """A categorical, ordinal or boolean column.

    Attributes:
        categories: All possible values as text, in order for an ordinal column; False before True
            for a boolean one.
        other: Where the categories were measured, the one under which all undiscovered values go;
            else None.
    """

    categories: tuple[str, ...]
    other: str | None = None

    @property
    def integral(self) -> bool:
        """Whether every category is a whole number; then the released column holds integers."""
        return self.kind is not Kind.BOOLEAN and all(
            _INTEGER.match(value) for value in self.categories
        )

    @property
    def is_presence(self) -> bool:
        """Whether the column marks the rows that hold an identifier or PII."""
        return self.role is Role.IDENTIFIER and self.categories == PRESENCE

    def position(self, text: str) -> int:
        """Position of a category; KeyError where it is none."""
        return self._positions[text]

    @cached_property
    def _positions(self) -> Mapping[str, int]:
        """Position of each category, for fast look-up."""
        return {text: place for place, text in enumerate(self.categories)}


@dataclass(frozen=True, kw_only=True)
class Numeric(Column):
    """An integer or float column.

    Attributes:
        lower: Smallest possible value, inclusive; a special value may lie below.
        upper: Largest possible value, inclusive; a special value may lie above.
        decimals: Digits after the decimal point; 0 for integers.
        special_values: Values with a meaning of their own, such as a structural zero or -1 for
            "never".
        format: How a text file writes the numbers (``number_format.py``); empty for plain numbers.
    """

    lower: float
    upper: float
    decimals: int = 0
    special_values: tuple[float, ...] = ()
    format: str = ""


@dataclass(frozen=True, kw_only=True)
class Temporal(Column):
    """A date or datetime column.

    Attributes:
        lower: Earliest possible moment, inclusive; a special value may lie before.
        upper: Latest possible moment, inclusive; a special value may lie after.
        format: strftime format of the values in a text file (``moments.py``).
        special_values: Moments with a meaning of their own, such as 9999-12-31 for "until further
            notice".
        zone: The time zone that the moments are told in; empty where none is known.
    """

    lower: dt.datetime
    upper: dt.datetime
    format: str
    special_values: tuple[dt.datetime, ...] = ()
    zone: str = ""


@dataclass(frozen=True, kw_only=True)
class Open(Column):
    """A column with facts that are still to be measured.

    Until then it has no cells, no codes and no conditions.
    """


@dataclass(frozen=True, kw_only=True)
class OpenNumeric(Open):
    """An integer or float column whose bounds are still to be measured.

    Attributes:
        decimals: Digits after the decimal point; 0 for integers.
        special_values: Values with a meaning of their own; they stay whatever the bounds, and do
            not count for them.
        format: How a text file writes the numbers; empty for plain numbers.
    """

    decimals: int = 0
    special_values: tuple[float, ...] = ()
    format: str = ""


@dataclass(frozen=True, kw_only=True)
class OpenTemporal(Open):
    """A date or datetime column whose bounds are still to be measured.

    Attributes:
        format: strftime format of the values in a text file.
        special_values: Moments with a meaning of their own; they do not count for the bounds.
        zone: The time zone that the moments are told in; empty where none is known.
    """

    format: str
    special_values: tuple[dt.datetime, ...] = ()
    zone: str = ""


@dataclass(frozen=True, kw_only=True)
class OpenCategorical(Open):
    """A categorical column whose categories are still to be measured.

    Attributes:
        other: The public label under which all undiscovered values go.
    """

    other: str


@dataclass(frozen=True, kw_only=True)
class Invented(Column):
    """An identifier or PII column, invented in every release.

    Attributes:
        pattern: For identifiers: text with one ``{}`` for a serial number, e.g. ``C{:08d}``.
        presence: Whether it is modelled which rows hold a value; else every row holds one.
        empty: Whether no row holds a value.
        repeats: For an identifier beside ``unit: row``: whether a person waived that it may repeat.
    """

    pattern: str = "{}"
    presence: bool = False
    empty: bool = False
    repeats: bool = False

    @cached_property
    def as_presence(self) -> Discrete:
        """Boolean column that is modelled in its place: whether a row holds a value.

        Its role is always identifier, so that it is never chosen as a target.
        """
        return Discrete(
            name=self.name,
            kind=Kind.BOOLEAN,
            role=Role.IDENTIFIER,
            sources=self.sources,
            categories=PRESENCE,
        )


# Defaults of facts added in later versions: older fingerprints do not contain them.
LATER_FACTS: Mapping[str, tuple[type[Column], ...]] = {
    "missing_markers": (Column,),
    "format": (Numeric, OpenNumeric),
    "special_values": (Temporal, OpenTemporal),
    "zone": (Temporal, OpenTemporal),
    "presence": (Invented,),
    "empty": (Invented,),
    "repeats": (Invented,),
}
