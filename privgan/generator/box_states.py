"""Follow which boxes of a group of constraints rows can still reach, column by column.

A row's state is the set of boxes that agree with its values so far. A code is allowed as far as its
values lead to a box: its share is the mass of these values in the code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from privgan.domain.encoding import Encoder
from privgan.domain.regions import Group
from privgan.domain.stratified import choose_within
from privgan.domain.value_sets import MISSING, Pieces, PositionSet, pieces_of
from privgan.generator.boxes import GroupBoxes, Positions


@dataclass(frozen=True, eq=False)
class _Column:
    """The values of a column, cut where a box begins or ends.

    Attributes:
        name: The column's name.
        pieces: The runs of values; each lies as a whole inside or outside of every box.
        kind: The kind of each run [runs]: which boxes it lies in.
        boxes: Which boxes the kinds lie in [kinds, boxes], float32 of 0 and 1.
        mass: Mass of each kind in each code [kinds, codes].
    """

    name: str
    pieces: Pieces
    kind: np.ndarray
    boxes: np.ndarray
    mass: np.ndarray


class BoxColumns:
    """A group's columns, each cut by its boxes.

    Args:
        group: The constraints.
        encoder: Values to codes.

    Attributes:
        of: The group's boxes.
        columns: By its place in the encoder, how each of the group's columns is cut.
    """

    def __init__(self, group: Group, encoder: Encoder) -> None:
        self.of = GroupBoxes(group, encoder)
        # A group that no row can hold is refused before its columns are asked for.
        self.columns = {
            encoder.names.index(name): self._column(place, name, encoder)
            for place, name in enumerate(group.columns if len(self.of.boxes) else ())
        }

    def _column(self, place: int, name: str, encoder: Encoder) -> _Column:
        column, group = encoder.columns[encoder.names.index(name)], self.of.group
        sets = list(dict.fromkeys(group.boxes[box][place] for box in self.of.boxes))
        numbers = {values: number for number, values in enumerate(sets)}
        part_of = [numbers[group.boxes[box][place]] for box in self.of.boxes]
        cut, inside = _elementary(sets)
        pieces = pieces_of(column, group.axes[name], cut)
        firsts = np.array([first for first, _ in cut.intervals], dtype=np.int64)
        # The last row of ``inside`` is for the missing value.
        at = np.searchsorted(firsts, pieces.starts, side="right") - 1
        at = np.where(pieces.starts == MISSING, len(firsts), at)
        kinds, kind = np.unique(inside[at][:, part_of], axis=0, return_inverse=True)
        mass = np.zeros((len(kinds), column.size))
        np.add.at(mass, (kind.ravel(), pieces.codes), pieces.mass)
        return _Column(name, pieces, kind.ravel(), kinds.astype(np.float32), mass)


def _elementary(sets: Sequence[PositionSet]) -> tuple[PositionSet, np.ndarray]:
    """Intervals that no set cuts, and in which sets each lies [intervals and missing, sets]."""
    ends = {end for part in sets for first, last in part.intervals for end in (first, last + 1)}
    cuts = np.array(sorted(ends), dtype=np.int64)
    inside = np.zeros((len(cuts), len(sets)), dtype=bool)
    for number, part in enumerate(sets):
        for first, last in part.intervals:
            inside[slice(*np.searchsorted(cuts, (first, last + 1))), number] = True
    kept = np.flatnonzero(inside.any(1))
    intervals = tuple((int(cuts[at]), int(cuts[at + 1] - 1)) for at in kept)
    missing = [part.missing for part in sets]
    found = np.concatenate([inside[kept], np.array(missing, dtype=bool)[None]])
    return PositionSet(intervals, any(missing)), found


class BoxStates:
    """The states of some rows in one group, and their values so far.

    Args:
        columns: The group's columns.
        rows: How many.

    Attributes:
        positions: The positions [rows] of the columns that are drawn.
    """

    def __init__(self, columns: BoxColumns, rows: int) -> None:
        self._columns = columns.columns
        # State 0 is that of rows that reach no box.
        self._states = np.zeros((2, len(columns.of.boxes)), dtype=np.float32)
        self._states[1] = 1.0
        self._state_of = np.ones(rows, dtype=np.int64)
        self.positions: Positions = {}

    @property
    def columns(self) -> frozenset[int]:
        """The columns that it guides."""
        return frozenset(self._columns)

    def allowed(self, column: int) -> np.ndarray:
        """The share of each of a column's codes that leads to a box [codes, rows]."""
        shares: np.ndarray = (self._open(column) @ self._columns[column].mass)[self._state_of].T
        return shares

    def _open(self, column: int) -> np.ndarray:
        """Which kinds of a column's runs lead to a box [states, kinds]."""
        return self._states @ self._columns[column].boxes.T > 0

    def take(self, column: int, codes: np.ndarray, rng: np.random.Generator) -> None:
        """Draw values [rows] inside a column's codes [rows] among those that lead to a box."""
        cut = self._columns[column]
        size = cut.mass.shape[1]
        pairs, pair = np.unique(self._state_of * size + codes, return_inverse=True)
        fits = self._open(column)[pairs // size][:, cut.kind]
        fits &= pairs[:, None] % size == cut.pieces.codes
        chosen, alive = _chosen(fits, cut.pieces.mass, pair.ravel(), rng)
        positions = np.full(len(codes), MISSING, dtype=np.int64)
        positions[alive] = cut.pieces.inside(chosen, rng)
        self.positions[cut.name] = positions
        self._move(cut, chosen, alive)

    def _move(self, cut: _Column, chosen: np.ndarray, alive: np.ndarray) -> None:
        """Move rows to the states that their runs lead to."""
        kinds = len(cut.boxes)
        pairs, pair = np.unique(
            self._state_of[alive] * kinds + cut.kind[chosen], return_inverse=True
        )
        reached = self._states[pairs // kinds] * cut.boxes[pairs % kinds]
        none = np.zeros((1, reached.shape[1]), dtype=np.float32)
        packed = np.packbits(np.concatenate([none, reached]) > 0, axis=1)
        # All bits 0 sort first, so that state 0 stays the one without a box.
        _, first, state = np.unique(packed, axis=0, return_index=True, return_inverse=True)
        self._states = np.concatenate([none, reached])[first]
        state_of = np.zeros_like(self._state_of)
        state_of[alive] = state.ravel()[1:][pair.ravel()]
        self._state_of = state_of

    def boxes(self) -> np.ndarray:
        """The box of each row [rows], once all columns are drawn: boxes are disjoint."""
        found: np.ndarray = self._states.argmax(1)[self._state_of]
        return found


def _chosen(
    fits: np.ndarray, mass: np.ndarray, group: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a run for each row whose group has one; and these rows.

    Args:
        fits: Which runs each group may have [groups, runs].
        mass: Mass of each run [runs].
        group: The group of each row [rows].
        rng: Public randomness.
    """
    living: np.ndarray = np.logical_or.reduce(fits, axis=1)
    alive = np.flatnonzero(living[group])
    owner, run = np.nonzero(fits[living])
    if not len(alive):
        return np.zeros(0, dtype=np.int64), alive
    renumbered = (np.cumsum(living) - 1)[group[alive]]
    return run[choose_within(owner, mass[run], renumbered, rng)], alive
