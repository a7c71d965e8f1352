"""Draw rows that hold at_most constraints: by rejection, and in order where that takes too long.

``at_most`` cuts across boxes. Rows that break one are drawn again, up to a number of attempts. A
row's replacement lacks the same ordered columns: rejection, exact given these. Plain rejection
would favour rows with missing values, since only values break an order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from privgan.domain.value_sets import MISSING
from privgan.generator.boxes import GroupBoxes, Positions

_CANDIDATES = 20_000


@dataclass(frozen=True, eq=False)
class Drawn:
    """Rows under constraints.

    Attributes:
        origins: What the other columns follow from [rows] or [rows, columns]: entries of a
            mixture, or codes.
        boxes: The box of each row [rows], for each ordered group.
        positions: The positions [rows] of the groups' columns.
    """

    origins: np.ndarray
    boxes: list[np.ndarray]
    positions: Positions

    def at(self, rows: np.ndarray) -> Drawn:
        """Select some of the rows."""
        positions = {name: values[rows] for name, values in self.positions.items()}
        return Drawn(self.origins[rows], [boxes[rows] for boxes in self.boxes], positions)

    @classmethod
    def joined(cls, parts: Sequence[Drawn]) -> Drawn:
        """Concatenate parts."""
        names, groups = list(parts[0].positions), range(len(parts[0].boxes))
        return cls(
            np.concatenate([part.origins for part in parts]),
            [np.concatenate([part.boxes[group] for part in parts]) for group in groups],
            {name: np.concatenate([part.positions[name] for part in parts]) for name in names},
        )


def in_order(
    groups: Sequence[GroupBoxes],
    drawn: Drawn,
    candidates: Callable[[int], Drawn],
    repaired: Callable[[Drawn], Drawn],
    attempts: int,
) -> Drawn:
    """Draw rows that satisfy the at_most constraints.

    Args:
        groups: The ordered groups.
        drawn: As many rows as are wanted in random order, whether or not they satisfy the orders.
        candidates: Tries so many further rows, and gives those of equal weight, in random order.
        repaired: Redraws the ordered columns of rows so that they do.
        attempts: How often a row is drawn before it is repaired.
    """
    held = _held(groups, drawn)
    kept, left, tried = [drawn.at(held)], drawn.at(~held), 1
    while len(left.origins) and tried < attempts:
        open_rows = len(left.origins)
        times = min(max(1, _CANDIDATES // open_rows), attempts - tried)
        drawn = candidates(open_rows * times)
        drawn = drawn.at(_held(groups, drawn))
        taken, solved = _paired(_absent(groups, drawn), _absent(groups, left))
        kept.append(drawn.at(taken))
        left, tried = left.at(~solved), tried + times
    if len(left.origins):
        kept.append(repaired(left))
    return Drawn.joined(kept)


def _held(groups: Sequence[GroupBoxes], drawn: Drawn) -> np.ndarray:
    """Which rows satisfy every at_most constraint [rows]."""
    held: np.ndarray = np.logical_and.reduce([group.held(drawn.positions) for group in groups])
    return held


def _absent(groups: Sequence[GroupBoxes], drawn: Drawn) -> np.ndarray:
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
