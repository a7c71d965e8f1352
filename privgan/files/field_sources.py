"""Define how the source of a field is declared: a tree that follows the JSON value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class FieldSource(StrEnum):
    """The source of a field's content; exact figures of private rows are no source."""

    PUBLIC = "public"
    MEASURED = "measured"
    SYNTHETIC = "synthetic"
    PROCESS = "process"


@dataclass(frozen=True)
class Each:
    """A mapping whose keys are public names, of columns, packages or files.

    Or one value that stands for all of them.

    Attributes:
        of: The declaration of each value.
    """

    of: Declaration


@dataclass(frozen=True)
class Stated:
    """A schema fact whose source the schema itself states, column by column.

    Attributes:
        sources: What it may be.
    """

    sources: tuple[FieldSource, ...]


@dataclass(frozen=True)
class Again:
    """A value with the same fields as the event around it."""


Declaration: TypeAlias = FieldSource | Stated | Again | Each | Mapping[str, "Declaration"]
