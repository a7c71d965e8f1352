"""Represent sets of a column's values as integer positions, and their shares of fine cells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from privgan.domain.cells import Cells, as_numbers, bounds_of, from_numbers, special_of, step_of
from privgan.domain.conditions import ColumnCondition
from privgan.domain.encoding import ColumnCode
from privgan.domain.frames import positions_of
from privgan.domain.stratified import choose_within
from privgan.schema.columns import Column, Discrete, Numeric, OpenCategorical

MISSING = -1


@dataclass(frozen=True)
class PositionSet:
    """Set of a column's values by position, optionally with the missing value.

    Attributes:
        intervals: First and last position of each run of values; ascending, with gaps between them.
        missing: Whether the missing value is in the set.
    """

    intervals: tuple[tuple[int, int], ...] = ()
    missing: bool = False

    def __bool__(self) -> bool:
        """Whether the set is not empty."""
        return bool(self.intervals) or self.missing

    def __and__(self, other: PositionSet) -> PositionSet:
        """Intersection of two sets."""
        cuts = ((max(a, c), min(b, d)) for a, b in self.intervals for c, d in other.intervals)
        return PositionSet(
            tuple((first, last) for first, last in cuts if first <= last),
            self.missing and other.missing,
        )

    def __or__(self, other: PositionSet) -> PositionSet:
        """Union of two sets."""
        runs: list[tuple[int, int]] = []
        for first, last in sorted((*self.intervals, *other.intervals)):
            if runs and first <= runs[-1][1] + 1:
                runs[-1] = (runs[-1][0], max(last, runs[-1][1]))
            else:
                runs.append((first, last))
        return PositionSet(tuple(runs), self.missing or other.missing)

    def without(self, other: PositionSet) -> PositionSet:
        """Difference of two sets."""
        left, missing = list(self.intervals), self.missing and not other.missing
        for first, last in other.intervals:
            pieces = [((a, min(b, first - 1)), (max(a, last + 1), b)) for a, b in left]
            left = [(a, b) for pair in pieces for a, b in pair if a <= b]
        return PositionSet(tuple(left), missing)

    def last_to(self, position: int) -> int | None:
        """Largest position in the set that is not above a given one."""
        return next((min(b, position) for a, b in reversed(self.intervals) if a <= position), None)


def set_of(positions: Iterable[int], missing: bool = False) -> PositionSet:
    """Set of some positions."""
    runs: list[tuple[int, int]] = []
    for position in sorted(set(positions)):
        if runs and runs[-1][1] == position - 1:
            runs[-1] = (runs[-1][0], position)
        else:
            runs.append((position, position))
    return PositionSet(tuple(runs), missing)


@dataclass(frozen=True, eq=False)
class Axis:
    """Values of a modelled column in order.

    They are the categories, or all numbers or moments from the lowest to the highest. The position
    of a value is its number among them, from 0; a missing value has position -1. A special value
    outside the bounds is one value more, before or after all others.

    Attributes:
        column: The column, with its categories or bounds; one whose categories are still to be
            measured has no positions that a constraint may name, and stands as a single one.
    """

    column: Column

    @cached_property
    def origin(self) -> float:
        """Value of position 0 of a numeric or temporal column without special values below."""
        return bounds_of(self.column)[0] - len(self.below) * step_of(self.column)

    @cached_property
    def below(self) -> np.ndarray:
        """Special values below the bounds, ascending."""
        return np.array(
            sorted(value for value in special_of(self.column) if value < bounds_of(self.column)[0])
        )

    @cached_property
    def above(self) -> np.ndarray:
        """Special values above the bounds, ascending."""
        return np.array(
            sorted(value for value in special_of(self.column) if value > bounds_of(self.column)[1])
        )

    @cached_property
    def last(self) -> int:
        """Position of the last value."""
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
        """Set of all values."""
        return PositionSet(((0, self.last),), self.column.missing)

    def numbers(self, positions: np.ndarray) -> np.ndarray:
        """Values at positions [rows], float64: numbers or seconds since 1970; NaN where missing."""
        numbers = np.round(self.origin + positions * step_of(self.column), self._decimals)
        low, high = positions < len(self.below), positions > len(self.below) + self._steps
        if low.any() and len(self.below):
            numbers = np.where(low, self.below[np.where(low, positions, 0)], numbers)
        if high.any():
            numbers = np.where(
                high, self.above[np.where(high, positions - self.last - 1, -1)], numbers
            )
        return np.where(positions == MISSING, np.nan, numbers)

    def typed(self, positions: np.ndarray) -> pd.Series:
        """Values at positions [rows] with the schema's type."""
        if isinstance(self.column, Discrete):
            return pd.Series(np.array([*self.column.categories, None], dtype=object)[positions])
        return from_numbers(self.numbers(positions), self.column)

    def positions(self, values: pd.Series) -> np.ndarray:
        """Positions [rows] of typed values of the column, int64; -1 where missing."""
        if isinstance(self.column, Discrete):
            return positions_of(values, self.column.categories)
        numbers = as_numbers(values, self.column)
        absent = np.isnan(numbers)
        found = self.floor(np.where(absent, bounds_of(self.column)[0], numbers))
        return np.where(absent, MISSING, found)

    def floor(self, numbers: np.ndarray, *, strict: bool = False) -> np.ndarray:
        """Last position whose value is not above (strict: below) each number [rows].

        -1 where there is none.
        """
        return self._ranked(numbers, "left" if strict else "right") - 1

    def ceiling(self, numbers: np.ndarray, *, strict: bool = False) -> np.ndarray:
        """First position whose value is not below (strict: above) each number [rows].

        ``last + 1`` where there is none.
        """
        return self._ranked(numbers, "right" if strict else "left")

    def _ranked(self, numbers: np.ndarray, side: Literal["left", "right"]) -> np.ndarray:
        """Number of values below (left), or not above (right), each number [rows]."""
        finite, lowest = np.clip(numbers, -1e300, 1e300), bounds_of(self.column)[0]
        guess = np.clip(
            np.rint((finite - lowest) / step_of(self.column)), -2, self._steps + 2
        ).astype(np.int64)
        # The quotient is off by at most a step; values are compared as they are written.
        near = guess[..., None] + np.arange(-2, 3)
        values = np.round(lowest + near * step_of(self.column), self._decimals)
        counted = values < finite[..., None] if side == "left" else values <= finite[..., None]
        within = np.clip(guess - 2 + counted.sum(-1), 0, self._steps + 1)
        return within + _beside(self.below, finite, side) + _beside(self.above, finite, side)

    @property
    def _decimals(self) -> int:
        return self.column.decimals if isinstance(self.column, Numeric) else 0

    def allowed_by(self, condition: ColumnCondition) -> PositionSet:
        """Set of values that meet a condition on the column."""
        missing = self.column.missing and condition.missing is not False
        if condition.missing is True:
            return PositionSet((), missing)
        if isinstance(self.column, Discrete):
            texts = enumerate(self.column.categories)
            return set_of(
                (
                    place
                    for place, text in texts
                    if condition.texts is None or text in condition.texts
                ),
                missing,
            )
        if isinstance(self.column, OpenCategorical):
            return PositionSet(((0, 0),), missing)
        first, last = (
            int(self.ceiling(np.array(condition.lower))),
            int(self.floor(np.array(condition.upper))),
        )
        return PositionSet(((first, last),) if first <= last else (), missing)


def _beside(special: np.ndarray, numbers: np.ndarray, side: Literal["left", "right"]) -> np.ndarray:
    """Number of special values below (left), or not above (right), each number [rows]."""
    return np.searchsorted(special, numbers, side=side)


@dataclass(frozen=True, eq=False)
class Pieces:
    """Runs of neighbouring values; the missing value is a run of its own that begins at -1.

    Attributes:
        codes: The code of each run [runs].
        starts: The position of its first value [runs], int64.
        lengths: Its number of values [runs], int64.
        mass: Its probability given its code [runs]; above 0.
    """

    codes: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    mass: np.ndarray

    @cached_property
    def support(self) -> PositionSet:
        """Set of all values of all runs."""
        runs = [
            (int(a), int(a + n - 1))
            for a, n in zip(self.starts, self.lengths, strict=True)
            if a != MISSING
        ]
        return PositionSet(tuple(sorted(runs)), bool((self.starts == MISSING).any()))

    def shares(self, codes: int) -> np.ndarray:
        """Probability of these values given each of so many codes [codes]."""
        return np.bincount(self.codes, weights=self.mass, minlength=codes)

    def code_at(self, positions: np.ndarray) -> np.ndarray:
        """The code of each position [rows]; each lies in a run."""
        starts = self.starts[self._by_start]
        found: np.ndarray = self.codes[self._by_start][
            np.searchsorted(starts, positions, side="right") - 1
        ]
        return found

    @cached_property
    def _by_start(self) -> np.ndarray:
        return np.argsort(self.starts, kind="stable")

    @cached_property
    def _by_code(self) -> np.ndarray:
        return np.argsort(self.codes, kind="stable")

    def within(self, codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw a position [rows] inside each row's code [rows]; each has a run."""
        order = self._by_code
        chosen = choose_within(self.codes[order], self.mass[order], codes, rng)
        return self.inside(order[chosen], rng)

    def inside(self, chosen: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw a uniform position [rows] inside each chosen run [rows]."""
        offset = np.floor(rng.random(len(chosen)) * self.lengths[chosen]).astype(np.int64)
        return self.starts[chosen] + offset

    def between(
        self, weights: np.ndarray, first: np.ndarray, last: int, rng: np.random.Generator
    ) -> np.ndarray:
        """Draw positions [rows] from ``first`` [rows] up to ``last``.

        Missing where no position is left.

        Args:
            weights: How likely each run is in each row [rows, runs]; above 0.
            first: First position [rows].
            last: Last position; -1 where the value has to be missing.
            rng: Public randomness.
        """
        starts = np.maximum(self.starts, first[:, None])
        lengths = np.clip(np.minimum(self.starts + self.lengths, last + 1) - starts, 0, None)
        missing = self.starts == MISSING
        starts, lengths = np.where(missing, MISSING, starts), np.where(missing, 1, lengths)
        cumulative = np.cumsum(weights * (lengths / self.lengths), axis=1)
        points = np.minimum(
            rng.random(len(first)) * cumulative[:, -1], np.nextafter(cumulative[:, -1], 0)
        )
        chosen = np.minimum((cumulative <= points[:, None]).sum(1), len(self.starts) - 1)
        rows = np.arange(len(first))
        offset = np.floor(rng.random(len(first)) * lengths[rows, chosen]).astype(np.int64)
        return starts[rows, chosen] + offset


def pieces_of(column: ColumnCode, axis: Axis, values: PositionSet) -> Pieces:
    """Runs of a column's values that are in a set and have positive probability.

    Args:
        column: How the column becomes codes.
        axis: The column's values.
        values: The set.
    """
    cells = column.cells
    starts, lengths = _runs(cells, axis)
    parts = [_cut(starts, lengths, first, last) for first, last in values.intervals]
    if values.missing and cells.missing_code is not None:
        parts.append((np.array([cells.missing_code]), np.array([MISSING]), np.array([1])))
    nothing = np.empty(0, np.int64)
    cell, start, length = (
        np.concatenate(part) for part in zip((nothing,) * 3, *parts, strict=True)
    )
    whole = np.append(lengths, 1)[np.minimum(cell, len(lengths))]
    mass = column.within[cell] * length / whole
    kept = mass > 0
    return Pieces(column.code_of[cell][kept], start[kept], length[kept], mass[kept])


def shares_of(cells: Cells, axis: Axis, values: PositionSet) -> np.ndarray:
    """Share of each fine cell's values that are in a set [cells], in 0 to 1.

    Args:
        cells: A column's fine cells.
        axis: The column's values.
        values: The set.
    """
    starts, lengths = _runs(cells, axis)
    shares = np.zeros(cells.size)
    for first, last in values.intervals:
        cell, _, length = _cut(starts, lengths, first, last)
        shares[cell] += length / lengths[cell]
    if values.missing and cells.missing_code is not None:
        shares[cells.missing_code] = 1.0
    return shares


def _runs(cells: Cells, axis: Axis) -> tuple[np.ndarray, np.ndarray]:
    """First position and number of values of each fine cell but the missing one [cells]."""
    if cells.texts:
        return np.arange(len(cells.texts)), np.ones(len(cells.texts), np.int64)
    special = axis.floor(np.array(cells.special)) if cells.special else np.empty(0, np.int64)
    return np.concatenate([special, cells.starts]), np.concatenate(
        [np.ones(len(special), np.int64), cells.lengths]
    )


def _cut(
    starts: np.ndarray, lengths: np.ndarray, first: int, last: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cells that meet a run of positions, with the start and length of each intersection."""
    inner = np.maximum(starts, first)
    length = np.minimum(starts + lengths, last + 1) - inner
    cell = np.flatnonzero(length > 0)
    return cell, inner[cell], length[cell]
