"""Open a verified release for export, and hold an export's text and notes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from privgan.files.documents import shown
from privgan.files.json_types import JsonMapping
from privgan.privacy.budget import PrivacyBudget
from privgan.release.guarantee import statement
from privgan.release.manifest import Manifest
from privgan.release.pack import check_intact, unpacked
from privgan.release.verification.released import CSV, PARQUET, Released
from privgan.schema.columns import Discrete, Kind, Numeric, OpenNumeric, OpenTemporal, Temporal
from privgan.schema.schema import Schema


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
    def of_json(cls, data: JsonMapping, notes: tuple[str, ...] = ()) -> Exported:
        """A JSON document; the same data gives the same bytes."""
        return cls(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n", notes)


@dataclass
class Losses:
    """Collect the facts that a form cannot express."""

    _said: list[str] = field(default_factory=list)

    def say(self, column: str, what: str) -> None:
        """Note one fact of a column that the form cannot express."""
        self._said.append(f"{shown(column)}: the form cannot say {what}")

    def say_special_values(self, column: Numeric | OpenNumeric | Temporal | OpenTemporal) -> None:
        """Note special values, for a form with a single range."""
        if column.special_values:
            self.say(column.name, "special values, around which the range is drawn")

    def say_number_format(self, column: Numeric | OpenNumeric) -> None:
        """Note a number format, for a form without one."""
        if column.format:
            self.say(column.name, "how a text file writes the numbers")

    def say_constraints(self, schema: Schema) -> None:
        """Note constraints, for a form of single columns."""
        if schema.constraints:
            self.say("the table", "its constraints between columns")

    @property
    def notes(self) -> tuple[str, ...]:
        """All notes, in order."""
        return tuple(self._said)


def is_plain_boolean(column: Discrete) -> bool:
    """Whether a column's two labels are false and true."""
    labels = tuple(label.lower() for label in column.categories)
    return column.kind is Kind.BOOLEAN and labels == ("false", "true")


def values_of(column: Discrete) -> list[Any]:
    """The categories as a released file holds them: integers, else texts."""
    return [int(value) if column.integral else value for value in column.categories]


def widest(column: Numeric | Temporal) -> tuple[Any, Any]:
    """The range of all values; special values may lie outside the bounds."""
    values: list[Any] = [column.lower, column.upper, *column.special_values]
    return min(values), max(values)


_NONE = "no guarantee: the coins of its run were not secret"


@dataclass(frozen=True)
class VerifiedRelease:
    """The public content of a verified release.

    Attributes:
        manifest: Its manifest.
        schema: Its public facts.
    """

    manifest: JsonMapping
    schema: Schema

    @property
    def guarantee(self) -> JsonMapping:
        """Its guarantee, as the manifest states it."""
        found: JsonMapping = self.manifest["guarantee"]
        return found

    @cached_property
    def statement(self) -> str:
        """The guarantee in one sentence."""
        if self.guarantee["epsilon"] is None:
            return _NONE
        return statement(
            PrivacyBudget(epsilon=self.guarantee["epsilon"], delta=self.guarantee["delta"]),
            self.schema,
        )

    @property
    def table(self) -> str:
        """The table's file: Parquet where there is one, since it keeps every value exactly."""
        return next(name for name in (PARQUET, CSV) if name in self.manifest["files"])


@contextmanager
def verified(path: Path) -> Iterator[VerifiedRelease]:
    """Open a verified release while the block lasts.

    Args:
        path: The folder of a release, or its zip file.

    Raises:
        VerificationError: It is not intact.
        UsageError: There is none.
    """
    if path.is_file():
        with unpacked(path) as folder:
            yield _opened(folder)
    else:
        yield _opened(path)


def _opened(folder: Path) -> VerifiedRelease:
    found = check_intact(folder)
    return VerifiedRelease(
        found.manifest, Released(folder, Manifest.from_json(found.manifest)).schema
    )
