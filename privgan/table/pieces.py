"""The runs of a column's values that a set leaves, each inside one fine cell, with its share of the cell's code."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from privgan.table.cells import Cells
from privgan.table.encoding import ColumnCode
from privgan.table.positions import MISSING, Axis, PositionSet


@dataclass(frozen=True, eq=False)
class Pieces:
    """Runs of neighbouring values, and perhaps the missing value, as a run of its own that begins at -1.

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
        """All values of all runs."""
        runs = [(int(a), int(a + n - 1)) for a, n in zip(self.starts, self.lengths, strict=True) if a != MISSING]
        return PositionSet(tuple(sorted(runs)), bool((self.starts == MISSING).any()))

    def inside(self, chosen: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A position [rows] inside each chosen run [rows], each value as likely."""
        offset = np.floor(rng.random(len(chosen)) * self.lengths[chosen]).astype(np.int64)
        return self.starts[chosen] + offset

    def between(self, weights: np.ndarray, first: np.ndarray, last: int, rng: np.random.Generator) -> np.ndarray:
        """Positions [rows] not below ``first`` [rows] and not above ``last``, or missing; missing where nothing else is left.

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
        points = np.minimum(rng.random(len(first)) * cumulative[:, -1], np.nextafter(cumulative[:, -1], 0))
        chosen = np.minimum((cumulative <= points[:, None]).sum(1), len(self.starts) - 1)
        rows = np.arange(len(first))
        offset = np.floor(rng.random(len(first)) * lengths[rows, chosen]).astype(np.int64)
        return starts[rows, chosen] + offset


def pieces_of(column: ColumnCode, axis: Axis, values: PositionSet) -> Pieces:
    """The runs of a column's values that are in a set and have any probability.

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
    cell, start, length = (np.concatenate(part) for part in zip((nothing,) * 3, *parts, strict=True))
    whole = np.append(lengths, 1)[np.minimum(cell, len(lengths))]
    mass = column.within[cell] * length / whole
    kept = mass > 0
    return Pieces(column.code_of[cell][kept], start[kept], length[kept], mass[kept])


def _runs(cells: Cells, axis: Axis) -> tuple[np.ndarray, np.ndarray]:
    """First position and number of values of each fine cell but the missing one [cells]."""
    if cells.texts:
        return np.arange(len(cells.texts)), np.ones(len(cells.texts), np.int64)
    special = axis.floor(np.array(cells.special)) if cells.special else np.empty(0, np.int64)
    return np.concatenate([special, cells.starts]), np.concatenate([np.ones(len(special), np.int64), cells.lengths])


def _cut(starts: np.ndarray, lengths: np.ndarray, first: int, last: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The cells that meet a run of positions, and where each begins and how long it is inside the run."""
    inner = np.maximum(starts, first)
    length = np.minimum(starts + lengths, last + 1) - inner
    cell = np.flatnonzero(length > 0)
    return cell, inner[cell], length[cell]
