"""The values of a column as whole numbers, and sets of them: what conditions and constraints leave of a column."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from privgan.table.cells import bounds_of, from_numbers, special_of, step_of
from privgan.table.columns import Column, Discrete, Numeric, OpenCategorical
from privgan.table.where import ColumnCondition

MISSING = -1


@dataclass(frozen=True)
class PositionSet:
    """A set of a column's values, each by its position, and perhaps the missing value.

    Attributes:
        intervals: First and last position of each run of values; ascending, with gaps between them.
        missing: Whether the missing value is in the set.
    """

    intervals: tuple[tuple[int, int], ...] = ()
    missing: bool = False

    def __bool__(self) -> bool:
        """Whether anything is in the set."""
        return bool(self.intervals) or self.missing

    def __and__(self, other: PositionSet) -> PositionSet:
        """What is in both."""
        cuts = ((max(a, c), min(b, d)) for a, b in self.intervals for c, d in other.intervals)
        return PositionSet(tuple((first, last) for first, last in cuts if first <= last), self.missing and other.missing)

    def without(self, other: PositionSet) -> PositionSet:
        """What is in this set and not in the other."""
        left, missing = list(self.intervals), self.missing and not other.missing
        for first, last in other.intervals:
            pieces = [((a, min(b, first - 1)), (max(a, last + 1), b)) for a, b in left]
            left = [(a, b) for pair in pieces for a, b in pair if a <= b]
        return PositionSet(tuple(left), missing)

    def first_from(self, position: int) -> int | None:
        """The smallest position in the set that is not below a given one."""
        return next((max(a, position) for a, b in self.intervals if b >= position), None)

    def last_to(self, position: int) -> int | None:
        """The largest position in the set that is not above a given one."""
        return next((min(b, position) for a, b in reversed(self.intervals) if a <= position), None)


def set_of(positions: Iterable[int], missing: bool = False) -> PositionSet:
    """The set of some positions."""
    runs: list[tuple[int, int]] = []
    for position in sorted(set(positions)):
        if runs and runs[-1][1] == position - 1:
            runs[-1] = (runs[-1][0], position)
        else:
            runs.append((position, position))
    return PositionSet(tuple(runs), missing)


@dataclass(frozen=True, eq=False)
class Axis:
    """A modelled column's values in order: the categories, or all numbers or moments from the lowest to the highest.

    The position of a value is its number among them, from 0; that of a missing value is -1. A special value outside the
    bounds is one value more, before or after all others.

    Attributes:
        column: The column, with its categories or bounds; one whose categories are still to be measured has no positions
            that a constraint may name, and stands as a single one.
    """

    column: Column

    @cached_property
    def origin(self) -> float:
        """The value of position 0, for a numeric or temporal column without special values below its bounds."""
        return bounds_of(self.column)[0] - len(self.below) * step_of(self.column)

    @cached_property
    def below(self) -> np.ndarray:
        """The special values below the bounds, ascending."""
        return np.array(sorted(value for value in special_of(self.column) if value < bounds_of(self.column)[0]))

    @cached_property
    def above(self) -> np.ndarray:
        """The special values above the bounds, ascending."""
        return np.array(sorted(value for value in special_of(self.column) if value > bounds_of(self.column)[1]))

    @cached_property
    def last(self) -> int:
        """The position of the last value."""
        if isinstance(self.column, Discrete):
            return len(self.column.categories) - 1
        if isinstance(self.column, OpenCategorical):
            return 0
        return len(self.below) + self._steps + len(self.above)

    @cached_property
    def _steps(self) -> int:
        lower, upper = bounds_of(self.column)
        return round((upper - lower) / step_of(self.column))

    @cached_property
    def full(self) -> PositionSet:
        """All values."""
        return PositionSet(((0, self.last),), self.column.missing)

    def numbers(self, positions: np.ndarray) -> np.ndarray:
        """The values at positions [rows] as float64: numbers, or seconds since 1970; NaN where missing."""
        numbers = np.round(self.origin + positions * step_of(self.column), self._decimals)
        low, high = positions < len(self.below), positions > len(self.below) + self._steps
        if low.any() and len(self.below):
            numbers = np.where(low, self.below[np.where(low, positions, 0)], numbers)
        if high.any():
            numbers = np.where(high, self.above[np.where(high, positions - self.last - 1, -1)], numbers)
        return np.where(positions == MISSING, np.nan, numbers)

    def typed(self, positions: np.ndarray) -> pd.Series:
        """The values at positions [rows] with the schema's type."""
        if isinstance(self.column, Discrete):
            return pd.Series(np.array([*self.column.categories, None], dtype=object)[positions])
        return from_numbers(self.numbers(positions), self.column)

    def floor(self, numbers: np.ndarray, *, strict: bool = False) -> np.ndarray:
        """The last position whose value is not above (strict: below) each number [rows]; -1 where there is none."""
        return self._ranked(numbers, "left" if strict else "right") - 1

    def ceiling(self, numbers: np.ndarray, *, strict: bool = False) -> np.ndarray:
        """The first position whose value is not below (strict: above) each number [rows]; ``last + 1`` for none."""
        return self._ranked(numbers, "right" if strict else "left")

    def _ranked(self, numbers: np.ndarray, side: Literal["left", "right"]) -> np.ndarray:
        """How many values are below (left), or not above (right), each number [rows]."""
        finite, lowest = np.clip(numbers, -1e300, 1e300), bounds_of(self.column)[0]
        guess = np.clip(np.rint((finite - lowest) / step_of(self.column)), -2, self._steps + 2).astype(np.int64)
        # The quotient is off by a step at most; values are compared as they will be written.
        near = guess[..., None] + np.arange(-2, 3)
        values = np.round(lowest + near * step_of(self.column), self._decimals)
        counted = values < finite[..., None] if side == "left" else values <= finite[..., None]
        within = np.clip(guess - 2 + counted.sum(-1), 0, self._steps + 1)
        return within + _beside(self.below, finite, side) + _beside(self.above, finite, side)

    @property
    def _decimals(self) -> int:
        return self.column.decimals if isinstance(self.column, Numeric) else 0

    def allowed_by(self, condition: ColumnCondition) -> PositionSet:
        """The values that meet a condition on the column."""
        missing = self.column.missing and condition.missing is not False
        if condition.missing is True:
            return PositionSet((), missing)
        if isinstance(self.column, Discrete):
            texts = enumerate(self.column.categories)
            return set_of((place for place, text in texts if condition.texts is None or text in condition.texts), missing)
        if isinstance(self.column, OpenCategorical):
            return PositionSet(((0, 0),), missing)
        first, last = int(self.ceiling(np.array(condition.lower))), int(self.floor(np.array(condition.upper)))
        return PositionSet(((first, last),) if first <= last else (), missing)


def _beside(special: np.ndarray, numbers: np.ndarray, side: Literal["left", "right"]) -> np.ndarray:
    """How many special values are below (left), or not above (right), each number [rows]."""
    return np.searchsorted(special, numbers, side=side)
