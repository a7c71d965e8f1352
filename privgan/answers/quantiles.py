"""Find a quantile and its interval: where the share of rows up to a value may be the level.

Source: Woodruff 1952, Confidence Intervals for Medians and Other Position Measures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from privgan.answers.knowledge import Knowledge
from privgan.answers.weights import Weight, ends_of, of_cells
from privgan.measurement.marginals import Clique

# Share of the rows up to a value, half of its interval's width, and what was not measured.
Cut: TypeAlias = Callable[[Weight], tuple[float, float | None, frozenset[Clique]]]


@dataclass(frozen=True, kw_only=True)
class Quantile:
    """A quantile with its interval.

    Attributes:
        value: The estimate.
        low: Lower end; None where nothing tells it.
        high: Upper end.
        unmeasured: The sets of columns of which the model tells.
    """

    value: float
    low: float | None
    high: float | None
    unmeasured: frozenset[Clique]


def quantile_of(cut: Cut, column: str, level: float, known: Knowledge) -> Quantile:
    """A column's quantile.

    Args:
        cut: Estimates the share of rows up to a value.
        column: The column.
        level: In (0, 1).
        known: What is known of the table.
    """
    code = known.encoder.columns[known.encoder.names.index(column)]
    low, high = ends_of(code.cells)
    order = np.flatnonzero(np.isfinite(low))[np.argsort(low[np.isfinite(low)], kind="stable")]
    walk = _Walk(cut, column, order, code.code_of[order], known)
    place = walk.first(lambda share, _: share >= level)
    value = _inside(walk, place, level, low[order[place]], high[order[place]], code.cells.step)
    begin = walk.first(lambda share, reach: share + (reach or 0.0) >= level)
    end = walk.first(lambda share, reach: share - (reach or 0.0) >= level)
    bounded = walk.bounded
    return Quantile(
        value=value,
        low=float(low[order[begin]]) if bounded else None,
        high=float(high[order[end]]) if bounded else None,
        unmeasured=walk.unmeasured,
    )


class _Walk:
    """The shares up to each fine cell, in the order of values; computed where they are needed."""

    def __init__(
        self, cut: Cut, column: str, order: np.ndarray, codes: np.ndarray, known: Knowledge
    ) -> None:
        self._cut, self._column, self._order, self._known = cut, column, order, known
        self._found: dict[int, tuple[float, float | None]] = {}
        # The last cell of each run of one code: between them the codes tell nothing new.
        self._edges = np.append(np.flatnonzero(np.diff(codes)), len(codes) - 1)
        self.unmeasured: frozenset[Clique] = frozenset()

    @property
    def bounded(self) -> bool:
        """Whether all intervals so far are known."""
        return all(reach is not None for _, reach in self._found.values())

    def at(self, place: int) -> tuple[float, float | None]:
        """Share up to a cell, and half of its interval's width; of all cells exactly 1."""
        if place >= len(self._order) - 1:
            return 1.0, 0.0
        if place not in self._found:
            cells = self._order[: place + 1].tolist()
            share, reach, unmeasured = self._cut(of_cells(self._column, cells, self._known.encoder))
            self._found[place] = share, reach
            self.unmeasured |= unmeasured
        return self._found[place]

    def first(self, reached: Callable[[float, float | None], bool]) -> int:
        """The first cell with which the share is as wanted."""
        before = -1
        for edge in self._edges.tolist():
            if reached(*self.at(edge)):
                break
            before = edge
        return next(place for place in self._within(before, edge) if reached(*self.at(place)))

    @staticmethod
    def _within(before: int, edge: int) -> Iterator[int]:
        return iter(range(before + 1, edge + 1))


def _inside(walk: _Walk, place: int, level: float, low: float, high: float, step: float) -> float:
    """The value within a cell at which the level is reached, its values being spread evenly."""
    if high <= low:
        return float(low)
    before = walk.at(place - 1)[0] if place else 0.0
    after = walk.at(place)[0]
    part = (level - before) / (after - before) if after > before else 0.5
    return float(min(high, low + step * np.floor(part * ((high - low) / step + 1))))
