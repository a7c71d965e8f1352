"""Sample a mixture under a schema's constraints: exact by boxes, by rejection for orders.

Given a codebook entry, the columns are independent, so a box's probability is a product of column
masses. Entries are drawn by Bayes' rule from the probability of the constraints. Then a box of each
group is drawn, then values inside the box. This is the exact conditional distribution for
``when/then`` and fixed combinations, however rare.

``at_most`` cuts across boxes. Rows that break one are drawn again, all of entry, box and values, up
to ``ATTEMPTS`` times. A row's replacement lacks the same ordered columns: rejection, exact given
these. Plain rejection would favour rows with missing values, since only values break an order.

A row that is still open then keeps its entry and box. Its ordered columns are drawn one after
another, the lower first. Each follows the entry's distribution, cut to what the other columns
leave.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from privgan.domain.encoding import Encoder
from privgan.domain.regions import Group
from privgan.domain.stratified import choose, spread
from privgan.domain.value_sets import MISSING, Axis, Pieces, PositionSet, pieces_of
from privgan.generator.mixture import Mixture
from privgan.schema.constraints import AtMost

ATTEMPTS = 200
_CANDIDATES = 20_000
_BLOCK = 4_096
_UNLIKELY = 1e-30


@dataclass(frozen=True, eq=False)
class _Part:
    """The possible values of a column in some boxes.

    Attributes:
        pieces: The runs of values, with their mass in their code.
        weights: Probability of each run in each entry [entries, runs].
    """

    pieces: Pieces
    weights: np.ndarray

    def draw(self, entries: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Positions [rows] from entries [rows], ascending."""
        return self.pieces.inside(choose(self.weights, entries, rng), rng)


class GroupSampler:
    """Sample one group of constraints over a mixture.

    Args:
        group: The constraints.
        mixture: The model.
        encoder: Its codes.
    """

    def __init__(self, group: Group, mixture: Mixture, encoder: Encoder) -> None:
        self.group = group
        self._parts: dict[str, list[_Part]] = {}
        part_of: dict[str, np.ndarray] = {}
        supported: dict[str, list[PositionSet]] = {}
        for place, name in enumerate(group.columns):
            index = encoder.names.index(name)
            sets = list(dict.fromkeys(box[place] for box in group.boxes))
            pieces = [
                pieces_of(encoder.columns[index], group.axes[name], values) for values in sets
            ]
            self._parts[name] = [
                _Part(part, mixture.probabilities[index][:, part.codes] * part.mass)
                for part in pieces
            ]
            numbers = {values: number for number, values in enumerate(sets)}
            part_of[name] = np.array([numbers[box[place]] for box in group.boxes], dtype=np.int64)
            supported[name] = [part.support for part in pieces]
        boxes = self._possible(part_of, supported)
        self._part_of = {name: numbers[boxes] for name, numbers in part_of.items()}
        self._support = supported
        logs = self._box_logs(mixture.entries, len(boxes))
        highest = logs.max(1, keepdims=True, initial=-np.inf)
        self._boxes = np.exp(logs - np.where(np.isfinite(highest), highest, 0.0))
        with np.errstate(divide="ignore"):
            self.log_evidence: np.ndarray = (
                np.log(self._boxes.sum(1)) + np.where(np.isfinite(highest), highest, 0.0)[:, 0]
            )

    def _possible(
        self, part_of: Mapping[str, np.ndarray], supported: Mapping[str, Sequence[PositionSet]]
    ) -> np.ndarray:
        """The boxes where every column can have a value and the values can hold the order."""
        names, boxes = self.group.columns, range(len(self.group.boxes))
        sets = [{name: supported[name][part_of[name][box]] for name in names} for box in boxes]
        kept = [
            box
            for box, found in enumerate(sets)
            if all(found.values()) and self.group.order.limits(found) is not None
        ]
        return np.array(kept, dtype=np.int64)

    def _box_logs(self, entries: int, boxes: int) -> np.ndarray:
        """Log-probability of each box in each entry [entries, boxes]."""
        logs = np.zeros((entries, boxes))
        with np.errstate(divide="ignore"):
            for name, parts in self._parts.items():
                masses = (
                    np.log(np.stack([part.weights.sum(1) for part in parts], axis=1))
                    if parts
                    else np.zeros((entries, 0))
                )
                logs += masses[:, self._part_of[name]]
        return logs

    @property
    def ordered(self) -> bool:
        """Whether the group has at_most constraints."""
        return bool(self.group.order.constraints)

    def draw(
        self, entries: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Draw boxes [rows], and each column's positions [rows] inside them.

        Entries [rows] must ascend.
        """
        boxes = choose(self._boxes, entries, rng)
        found = {}
        for name, parts in self._parts.items():
            numbers = self._part_of[name][boxes]
            found[name] = np.empty(len(entries), dtype=np.int64)
            for number in np.unique(numbers):
                here = np.flatnonzero(numbers == number)
                found[name][here] = parts[number].draw(entries[here], rng)
        return boxes, found

    def held(self, positions: Mapping[str, np.ndarray]) -> np.ndarray:
        """Which rows satisfy the at_most constraints [rows]."""
        order = self.group.order
        return order.held(
            {name: self.group.axes[name].numbers(positions[name]) for name in order.columns}
        )

    def repair(
        self,
        entries: np.ndarray,
        boxes: np.ndarray,
        positions: Mapping[str, np.ndarray],
        rng: np.random.Generator,
    ) -> dict[str, np.ndarray]:
        """Redraw the ordered columns one after another so that they hold the order.

        Returns the positions [rows] of each column.
        """
        found = {name: values.copy() for name, values in positions.items()}
        for box in np.unique(boxes):
            rows = np.flatnonzero(boxes == box)
            for start in range(0, len(rows), _BLOCK):
                self._repair_in(int(box), entries, rows[start : start + _BLOCK], found, rng)
        return found

    def _repair_in(
        self,
        box: int,
        entries: np.ndarray,
        rows: np.ndarray,
        found: dict[str, np.ndarray],
        rng: np.random.Generator,
    ) -> None:
        order, axes = self.group.order, self.group.axes
        limits = order.limits(
            {name: self._support[name][self._part_of[name][box]] for name in order.columns}
        )
        assert limits is not None
        for name in order.columns:
            first = np.zeros(len(rows), dtype=np.int64)
            for constraint in order.constraints:
                if constraint.high == name:
                    first = np.maximum(
                        first, _first_above(constraint, axes, found[constraint.low][rows])
                    )
            limit = limits[name]
            last = MISSING if limit is None else int(axes[name].floor(np.array(limit)))
            part = self._parts[name][self._part_of[name][box]]
            weights = part.weights[entries[rows]] + _UNLIKELY * part.pieces.mass
            found[name][rows] = part.pieces.between(weights, first, last, rng)


def _first_above(constraint: AtMost, axes: Mapping[str, Axis], low: np.ndarray) -> np.ndarray:
    """The high column's first position that satisfies the constraint [rows].

    0 where the low column is missing.
    """
    numbers = np.where(low == MISSING, -np.inf, axes[constraint.low].numbers(low))
    return axes[constraint.high].ceiling(numbers, strict=constraint.strict)


class ConstrainedMixture:
    """A mixture under constraints and the conditions of ``where``.

    Args:
        groups: The schema's constraints under the conditions on their columns.
        mixture: The model.
        encoder: Its codes.
        allowed: For other columns with a condition the share of each code [codes] that is allowed.
    """

    def __init__(
        self,
        groups: Sequence[Group],
        mixture: Mixture,
        encoder: Encoder,
        allowed: Mapping[int, np.ndarray],
    ) -> None:
        self.groups = [GroupSampler(group, mixture, encoder) for group in groups]
        with np.errstate(divide="ignore"):
            logs = np.log(mixture.evidence(dict(allowed))) + sum(
                group.log_evidence for group in self.groups
            )
        self._weights = (
            np.exp(logs - logs.max()) if np.isfinite(logs.max()) else np.zeros(len(logs))
        )

    @property
    def impossible(self) -> tuple[Group, ...]:
        """The groups with probability zero in every entry.

        All groups, where each is possible alone but not with the others.
        """
        if self._weights.any():
            return ()
        alone = [
            sampler.group for sampler in self.groups if not np.isfinite(sampler.log_evidence).any()
        ]
        return tuple(alone or (sampler.group for sampler in self.groups))

    def draw(self, rows: int, rng: np.random.Generator) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Draw ascending entries [rows] and each constrained column's positions [rows]."""
        ordered = [group for group in self.groups if group.ordered]
        free = [group for group in self.groups if not group.ordered]
        if ordered:
            entries, positions = self._rejected(ordered, rows, rng)
        else:
            entries, positions = spread(self._weights, rows, rng), {}
        for group in free:
            positions |= group.draw(entries, rng)[1]
        return entries, positions

    def _rejected(
        self, groups: Sequence[GroupSampler], rows: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Draw entries and positions [rows] that satisfy the at_most constraints."""
        drawn = self._candidates(groups, rows, rng)
        held = _held(groups, drawn)
        kept, left, tried = [drawn.at(held)], drawn.at(~held), 1
        while len(left.entries) and tried < ATTEMPTS:
            open_rows = len(left.entries)
            times = min(max(1, _CANDIDATES // open_rows), ATTEMPTS - tried)
            drawn = self._candidates(groups, open_rows * times, rng)
            drawn = drawn.at(_held(groups, drawn))
            taken, solved = _paired(_absent(groups, drawn), _absent(groups, left))
            kept.append(drawn.at(taken))
            left, tried = left.at(~solved), tried + times
        if len(left.entries):
            kept.append(left.repaired(groups, rng))
        whole = _Drawn.joined(kept)
        return whole.entries, whole.positions

    def _candidates(
        self, groups: Sequence[GroupSampler], rows: int, rng: np.random.Generator
    ) -> _Drawn:
        """Draw rows in random order, whether or not they satisfy the orders."""
        entries = spread(self._weights, rows, rng)
        drawn = [group.draw(entries, rng) for group in groups]
        positions = {name: values for _, found in drawn for name, values in found.items()}
        return _Drawn(entries, [boxes for boxes, _ in drawn], positions).at(rng.permutation(rows))


@dataclass(frozen=True, eq=False)
class _Drawn:
    """Rows: entries [rows], boxes [rows] of ordered groups, positions [rows] of columns."""

    entries: np.ndarray
    boxes: list[np.ndarray]
    positions: dict[str, np.ndarray]

    def at(self, rows: np.ndarray) -> _Drawn:
        """Select some of the rows."""
        positions = {name: values[rows] for name, values in self.positions.items()}
        return _Drawn(self.entries[rows], [boxes[rows] for boxes in self.boxes], positions)

    def repaired(self, groups: Sequence[GroupSampler], rng: np.random.Generator) -> _Drawn:
        """Redraw until every group's at_most constraints hold."""
        positions = dict(self.positions)
        for group, boxes in zip(groups, self.boxes, strict=True):
            held = {name: self.positions[name] for name in group.group.columns}
            positions |= group.repair(self.entries, boxes, held, rng)
        return _Drawn(self.entries, self.boxes, positions)

    @classmethod
    def joined(cls, parts: Sequence[_Drawn]) -> _Drawn:
        """Concatenate parts, by ascending entry."""
        entries = np.concatenate([part.entries for part in parts])
        names, groups = list(parts[0].positions), range(len(parts[0].boxes))
        whole = cls(
            entries,
            [np.concatenate([part.boxes[group] for part in parts]) for group in groups],
            {name: np.concatenate([part.positions[name] for part in parts]) for name in names},
        )
        return whole.at(np.argsort(entries, kind="stable"))


def _held(groups: Sequence[GroupSampler], drawn: _Drawn) -> np.ndarray:
    """Which rows satisfy every at_most constraint [rows]."""
    held: np.ndarray = np.logical_and.reduce([group.held(drawn.positions) for group in groups])
    return held


def _absent(groups: Sequence[GroupSampler], drawn: _Drawn) -> np.ndarray:
    """The missing ordered columns of each row, as one text a row [rows]."""
    ordered = [
        drawn.positions[name] == MISSING for group in groups for name in group.group.order.columns
    ]
    return np.packbits(np.stack(ordered, axis=1), axis=1).view(f"S{-(-len(ordered) // 8)}")[:, 0]


def _paired(offered: np.ndarray, asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Match offers to requests of one kind: places taken, and the requests met [asked]."""
    taken, solved = [np.zeros(0, dtype=np.int64)], np.zeros(len(asked), dtype=bool)
    for kind in np.unique(asked):
        offers, askers = np.flatnonzero(offered == kind), np.flatnonzero(asked == kind)
        taken.append(offers[: len(askers)])
        solved[askers[: len(offers)]] = True
    return np.concatenate(taken), solved
