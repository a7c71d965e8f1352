"""Define features: one row a customer made from its events, by a closed grammar.

A feature is a function of one customer's events alone, and not of their order in the file. So one
customer more or less changes one row, however many events it has.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from privgan.files.json_types import JsonDict
from privgan.schema.columns import (
    Column,
    Discrete,
    Kind,
    OpenNumeric,
    OpenTemporal,
)

EVENTS = "events"
FIRST, LAST, CUTOFF = "first", "last", "cutoff"
ENDS = (FIRST, LAST, CUTOFF)


class Measure(StrEnum):
    """What a feature tells of a customer's events."""

    COUNT = "count"
    ANY = "any"
    DISTINCT = "distinct"
    DISTINCT_DAYS = "distinct_days"
    SUM = "sum"
    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    FIRST = "first"
    LAST = "last"
    DAYS_BETWEEN = "days_between"
    SHARE = "share"
    TOP = "top"


@dataclass(frozen=True, kw_only=True)
class EventFacts:
    """Facts about the events that features are made from.

    Attributes:
        time: The column that orders a customer's events.
        columns: The columns that are read, the customer's among them; all others are passed over.
        cutoff: Features tell of the events before it, outcomes of those from it on; None where
            features tell of all.
        leaves_out_unnamed: Whether events without a customer are left out, not refused.
    """

    time: str
    columns: tuple[Column, ...]
    cutoff: dt.datetime | None = None
    leaves_out_unnamed: bool = False

    def to_json(self) -> JsonDict:
        """All facts as JSON values, as in a schema file."""
        found: JsonDict = {"time": self.time}
        if self.cutoff is not None:
            found["cutoff"] = moment_text(self.cutoff)
        if self.leaves_out_unnamed:
            found["without_customer"] = "left_out"
        return found | {"columns": [event_item(column) for column in self.columns]}


@dataclass(frozen=True, kw_only=True)
class Window:
    """The events of a customer that a feature tells of.

    Attributes:
        where: A condition in the grammar of ``where``; empty for all.
        days_before: Only the last days before the cut-off; None for all before it.
        days_after: Only the first days from the cut-off on, in place of those before it.
    """

    where: str = ""
    days_before: int | None = None
    days_after: int | None = None

    def to_json(self) -> JsonDict:
        """What is stated, as in a schema file."""
        stated = {
            "where": self.where or None,
            "days_before": self.days_before,
            "days_after": self.days_after,
        }
        return {key: value for key, value in stated.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class FeatureFacts:
    """Definition of one column: a function of one customer's events.

    Attributes:
        name: The column that it fills.
        measure: What it tells.
        of: What of: ``events``, a column of the events, for ``share`` a condition, and for
            ``days_between`` two of ``first``, ``last`` and ``cutoff``.
        window: Of which events.
        description: Free text for the data dictionary.

    >>> window = Window(where="amount >= 50", days_before=90)
    >>> print(FeatureFacts(name="large", measure=Measure.SUM, of="amount", window=window))
    sum: amount, where: amount >= 50, days_before: 90
    """

    name: str
    measure: Measure
    of: str | tuple[str, str]
    window: Window = Window()
    description: str = ""

    def facts(self) -> JsonDict:
        """The definition as JSON values, without name and description."""
        of = self.of if isinstance(self.of, str) else list(self.of)
        return {self.measure.value: of} | self.window.to_json()

    def to_json(self) -> JsonDict:
        """All facts as JSON values, as in a schema file."""
        told = {"description": self.description} if self.description else {}
        return {"name": self.name} | self.facts() | told

    def __str__(self) -> str:
        """The definition as a schema file writes it."""
        return definition_text(self.facts())


def definition_text(facts: JsonDict) -> str:
    """A definition as a schema file writes it, on one line."""
    written = {
        key: f"[{', '.join(value)}]" if isinstance(value, list) else value
        for key, value in facts.items()
    }
    return ", ".join(f"{key}: {value}" for key, value in written.items())


def event_item(column: Column) -> JsonDict:
    """A column of the events as its entry in a schema file."""
    item: JsonDict = {"name": column.name, "kind": column.kind.value}
    if isinstance(column, Discrete):
        item["labels" if column.kind is Kind.BOOLEAN else "categories"] = list(column.categories)
    if column.kind is Kind.FLOAT and isinstance(column, OpenNumeric):
        item["decimals"] = column.decimals
    if isinstance(column, OpenNumeric | OpenTemporal) and column.format:
        item["format"] = column.format
    if isinstance(column, OpenTemporal) and column.zone:
        item["zone"] = column.zone
    if column.missing:
        item["missing"] = True
    if column.missing_markers:
        item["missing_markers"] = list(column.missing_markers)
    return item | ({"description": column.description} if column.description else {})


def moment_text(moment: dt.datetime) -> str:
    """A moment as a schema file writes it: a day where it is midnight."""
    return moment.date().isoformat() if moment.time() == dt.time() else moment.isoformat()
