"""What an export gives: a text, and what the other tool's form cannot say."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from privgan.documents import shown
from privgan.table.columns import Numeric, Temporal


@dataclass(frozen=True)
class Exported:
    """A schema in another tool's form.

    Attributes:
        text: The document.
        notes: What the form cannot say, a sentence each.
    """

    text: str
    notes: tuple[str, ...] = ()

    @classmethod
    def of_json(cls, data: Any, notes: tuple[str, ...] = ()) -> Exported:
        """A JSON document; the same data gives the same bytes."""
        return cls(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n", notes)


@dataclass
class Losses:
    """Collects what a form cannot say of the columns."""

    _said: list[str] = field(default_factory=list)

    def say(self, column: str, what: str) -> None:
        """One thing that cannot be said of a column."""
        self._said.append(f"{shown(column)}: the form cannot say {what}")

    @property
    def notes(self) -> tuple[str, ...]:
        """All of it, in order."""
        return tuple(self._said)


def widest(column: Numeric | Temporal) -> tuple[Any, Any]:
    """The range that holds every value: special values may lie outside of the bounds."""
    values: list[Any] = [column.lower, column.upper, *column.special_values]
    return min(values), max(values)
