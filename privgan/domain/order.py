"""Order columns by their at_most constraints, and limit each for those above it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter

import numpy as np

from privgan.domain.value_sets import Axis, PositionSet
from privgan.schema.constraints import AtMost


@dataclass(frozen=True, eq=False)
class Order:
    """At_most constraints without a cycle.

    Attributes:
        constraints: The constraints.
        axes: The values of each of their columns.
    """

    constraints: tuple[AtMost, ...]
    axes: Mapping[str, Axis]

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Columns in topological order, lowest first.

        Graphlib.CycleError where the constraints form a cycle.
        """
        return lowest_first(self.constraints)

    def held(self, numbers: Mapping[str, np.ndarray]) -> np.ndarray:
        """Whether each row holds all constraints [rows], bool.

        Values are numbers [rows] of each column, NaN where missing.
        """
        return np.logical_and.reduce(
            [is_ordered(part, numbers[part.low], numbers[part.high]) for part in self.constraints]
        )

    def limits(self, sets: Mapping[str, PositionSet]) -> dict[str, float | None] | None:
        """Largest value of each column that leaves room for those above it.

        Args:
            sets: What each column may hold.

        Returns:
            Column name to value, None where the column has to be missing; or None where no row
            holds all constraints. Columns drawn in the order of ``columns``, each between those
            before it and its limit, never end in a column without room: one that may be missing is
            then missing.
        """
        found: dict[str, float | None] = {}
        for name in reversed(self.columns):
            above = [
                part
                for part in self.constraints
                if part.low == name and found[part.high] is not None
            ]
            best = self._highest(name, sets[name], above, found)
            if best is None and not sets[name].missing:
                firm = [part for part in above if not sets[part.high].missing]
                best = self._highest(name, sets[name], firm, found)
                if best is None:
                    return None
            found[name] = best
        return found

    def _highest(
        self,
        name: str,
        values: PositionSet,
        above: Sequence[AtMost],
        limits: Mapping[str, float | None],
    ) -> float | None:
        axis = self.axes[name]
        ends = [
            int(axis.floor(np.array(limits[part.high], float), strict=part.strict))
            for part in above
        ]
        position = values.last_to(min([axis.last, *ends]))
        return None if position is None else float(axis.numbers(np.array(position)))


def is_ordered(constraint: AtMost, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Whether each row holds a constraint [rows], bool, by both columns' numbers [rows].

    NaN stands for a missing value.
    """
    broken: np.ndarray = low >= high if constraint.strict else low > high
    return ~broken


def lowest_first(constraints: Sequence[AtMost]) -> tuple[str, ...]:
    """Columns in topological order, lowest first.

    Raises:
        graphlib.CycleError: where the constraints form a circle.
    """
    below: dict[str, list[str]] = {}
    for part in constraints:
        below.setdefault(part.low, [])
        below.setdefault(part.high, []).append(part.low)
    return tuple(TopologicalSorter(below).static_order())
