"""Say what sampling needs of a distribution over rows of codes, whatever model gives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from privgan.domain.regions import Group
from privgan.generator.boxes import Positions


class Distribution(Protocol):
    """A distribution over rows of codes."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of codes of each column."""

    def log_likelihood(self, codes: np.ndarray) -> np.ndarray:
        """Log-probability [rows], in nats, of codes [rows, columns]; exact."""


@dataclass(frozen=True, eq=False)
class Conditions:
    """What every row has to hold, beside the model's own distribution.

    Attributes:
        allowed: For columns with a condition of their own the share of each code [codes] that is
            allowed.
        groups: The schema's constraints, under the conditions on their columns.
        rules: The schema's constraints alone.
        selection: Conditions that join columns, alone; None where there are none.
    """

    allowed: Mapping[int, np.ndarray]
    groups: tuple[Group, ...] = ()
    rules: tuple[Group, ...] = ()
    selection: Group | None = None


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows in random order.

    Attributes:
        codes: By column its codes [rows], of the columns in no group of constraints.
        positions: The positions [rows] of the others' values.
        effective_rows: How many independent rows tell as much.
    """

    codes: Mapping[int, np.ndarray]
    positions: Positions
    effective_rows: float


class Sampler(Protocol):
    """Draws rows of one distribution under conditions and constraints."""

    @property
    def probability(self) -> float:
        """The probability of the conditions alone."""

    @property
    def impossible(self) -> tuple[Group, ...]:
        """The groups to name where no row can hold all conditions and constraints."""

    def draw(self, rows: int, rng: np.random.Generator, *, balanced: bool) -> Sample:
        """Draw rows, each of which holds all conditions and constraints."""
