"""Hold the boxes of a group of constraints as runs of each column's values.

A distribution over codes knows the probability of a code. A box names values. A run lies inside
both: its share of its code is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import numpy as np

from privgan.domain.encoding import Encoder
from privgan.domain.regions import Group
from privgan.domain.value_sets import MISSING, Axis, Pieces, PositionSet, pieces_of
from privgan.schema.constraints import AtMost

_BLOCK, _CELLS = 4_096, 4_000_000
_UNLIKELY, _ROUNDING = 1e-30, 1e-6

Positions = dict[str, np.ndarray]
# From a column's name, the number of its set, rows and all positions as they are by now to the
# weight of each run [rows, runs].
Weights = Callable[[str, int, np.ndarray, Positions], np.ndarray]


class GroupBoxes:
    """The boxes of one group that the codes can fill.

    Args:
        group: The constraints.
        encoder: Values to codes.

    Attributes:
        group: The constraints.
        pieces: For each column the runs of values of each of its distinct sets.
        part_of: For each column the number of its set in each possible box [boxes].
        whole: For each column the runs of all of its values.
    """

    def __init__(self, group: Group, encoder: Encoder) -> None:
        self.group = group
        self.pieces: dict[str, list[Pieces]] = {}
        self.whole: dict[str, Pieces] = {}
        self._shares: dict[str, np.ndarray] = {}
        part_of: dict[str, np.ndarray] = {}
        for place, name in enumerate(group.columns):
            column = encoder.columns[encoder.names.index(name)]
            sets = list(dict.fromkeys(box[place] for box in group.boxes))
            self.pieces[name] = [pieces_of(column, group.axes[name], values) for values in sets]
            self.whole[name] = pieces_of(column, group.axes[name], group.axes[name].full)
            self._shares[name] = np.array([part.shares(column.size) for part in self.pieces[name]])
            numbers = {values: number for number, values in enumerate(sets)}
            part_of[name] = np.array([numbers[box[place]] for box in group.boxes], dtype=np.int64)
        self._support = {
            name: [part.support for part in parts] for name, parts in self.pieces.items()
        }
        self.boxes = self._possible(part_of)
        self.part_of = {name: numbers[self.boxes] for name, numbers in part_of.items()}

    def _possible(self, part_of: Mapping[str, np.ndarray]) -> np.ndarray:
        """The boxes where every column can have a value and the values can hold the order."""
        kept = []
        for box in range(len(self.group.boxes)):
            found = self._sets(part_of, box)
            if all(found.values()) and self.group.order.limits(found) is not None:
                kept.append(box)
        return np.array(kept, dtype=np.int64)

    def _sets(self, part_of: Mapping[str, np.ndarray], box: int) -> dict[str, PositionSet]:
        return {name: self._support[name][part_of[name][box]] for name in self.group.columns}

    @property
    def ordered(self) -> bool:
        """Whether the group has at_most constraints."""
        return bool(self.group.order.constraints)

    def held(self, positions: Mapping[str, np.ndarray]) -> np.ndarray:
        """Which rows satisfy the at_most constraints [rows]."""
        order = self.group.order
        return order.held(
            {name: self.group.axes[name].numbers(positions[name]) for name in order.columns}
        )

    @cached_property
    def cuts_codes(self) -> bool:
        """Whether some code has values inside and outside of a set, beyond rounding."""
        return any(
            bool(((shares > _ROUNDING) & (shares < 1 - _ROUNDING)).any())
            for shares in self._shares.values()
        )

    def codes(self, positions: Positions) -> np.ndarray:
        """The codes [rows, columns] of the group's columns at positions [rows] of each."""
        names = self.group.columns
        return np.stack([self.whole[name].code_at(positions[name]) for name in names], axis=1)

    def given(self, codes: np.ndarray) -> np.ndarray:
        """Probability [rows, boxes] of each box given the codes [rows, columns] alone."""
        found = np.ones((len(codes), len(self.boxes)))
        for place, name in enumerate(self.group.columns):
            found *= self._shares[name][self.part_of[name]][:, codes[:, place]].T
        return found

    def drawn_inside(
        self, codes: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, Positions]:
        """Draw boxes [rows], and positions [rows] inside codes [rows, columns] that fill one."""
        boxes = np.empty(len(codes), dtype=np.int64)
        size = max(1, _CELLS // max(1, len(self.boxes)))
        for start in range(0, len(codes), size):
            ends = np.cumsum(self.given(codes[start : start + size]), axis=1)
            points = rng.random(len(ends)) * ends[:, -1]
            chosen = (ends <= points[:, None]).sum(1)
            boxes[start : start + size] = np.minimum(chosen, len(self.boxes) - 1)
        found = {}
        for place, name in enumerate(self.group.columns):
            numbers = self.part_of[name][boxes]
            found[name] = np.empty(len(codes), dtype=np.int64)
            for number in np.unique(numbers):
                here = np.flatnonzero(numbers == number)
                found[name][here] = self.pieces[name][number].within(codes[here, place], rng)
        return boxes, found

    def redrawn(
        self,
        boxes: np.ndarray,
        positions: Mapping[str, np.ndarray],
        weights: Weights,
        rng: np.random.Generator,
    ) -> Positions:
        """Redraw the ordered columns one after another so that they hold the order.

        Args:
            boxes: The box of each row [rows], which it keeps.
            positions: Each column's positions [rows].
            weights: How likely each run is; the rows' other columns are as they were.
            rng: Public randomness.

        Returns:
            The positions [rows] of each column.
        """
        found = {name: values.copy() for name, values in positions.items()}
        for box in np.unique(boxes):
            rows = np.flatnonzero(boxes == box)
            for start in range(0, len(rows), _BLOCK):
                self._redraw_in(int(box), rows[start : start + _BLOCK], found, weights, rng)
        return found

    def _redraw_in(
        self,
        box: int,
        rows: np.ndarray,
        found: Positions,
        weights: Weights,
        rng: np.random.Generator,
    ) -> None:
        order, axes = self.group.order, self.group.axes
        limits = order.limits(self._sets(self.part_of, box))
        assert limits is not None
        for name in order.columns:
            first = np.zeros(len(rows), dtype=np.int64)
            for constraint in order.constraints:
                if constraint.high == name:
                    low = found[constraint.low][rows]
                    first = np.maximum(first, _first_above(constraint, axes, low))
            limit = limits[name]
            last = MISSING if limit is None else int(axes[name].floor(np.array(limit)))
            number = int(self.part_of[name][box])
            pieces = self.pieces[name][number]
            likely = weights(name, number, rows, found) + _UNLIKELY * pieces.mass
            found[name][rows] = pieces.between(likely, first, last, rng)


def _first_above(constraint: AtMost, axes: Mapping[str, Axis], low: np.ndarray) -> np.ndarray:
    """The high column's first position that satisfies the constraint [rows].

    0 where the low column is missing.
    """
    numbers = np.where(low == MISSING, -np.inf, axes[constraint.low].numbers(low))
    return axes[constraint.high].ceiling(numbers, strict=constraint.strict)


def impossible_groups(groups: Sequence[GroupBoxes], alone: Sequence[bool]) -> tuple[Group, ...]:
    """The groups to name where no row holds all of them.

    Args:
        groups: All groups.
        alone: Whether each has a row by itself; where all have, all are named.
    """
    bad = [boxes.group for boxes, some in zip(groups, alone, strict=True) if not some]
    return tuple(bad or (boxes.group for boxes in groups))


def boxes_of(
    rules: Sequence[Group], conditioned: Sequence[GroupBoxes], encoder: Encoder
) -> list[GroupBoxes]:
    """The boxes of groups without conditions; those with conditions where these change nothing."""
    known = {boxes.group: boxes for boxes in conditioned}
    return [known[rule] if rule in known else GroupBoxes(rule, encoder) for rule in rules]
