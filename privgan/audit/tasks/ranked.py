"""Judge who is ranked first: gains, lift, precision, alarms, for many weightings at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_NONE = 1e-300


@dataclass(frozen=True, eq=False, repr=False)
class Ranked:
    """Rows in descending order of their scores; rows of one score stand together.

    Attributes:
        yes: Weight of the positive rows up to the end of each score [weightings, scores].
        no: Weight of the others up to there [weightings, scores].
    """

    yes: NDArray[np.float64]
    no: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        positive: NDArray[np.bool_],
        scores: NDArray[np.float64],
        weights: NDArray[np.float64],
    ) -> Ranked:
        """Rank rows.

        Args:
            positive: Mask of the positive rows [rows].
            scores: Their scores; the largest come first [rows].
            weights: One weighting per line [weightings, rows].
        """
        order = np.argsort(-scores, kind="stable")
        starts = np.flatnonzero(np.append(True, np.diff(scores[order]) < 0))
        sides = (
            np.add.reduceat(weights[:, order] * side[order], starts, axis=1)
            for side in (positive, ~positive)
        )
        return cls(*(np.cumsum(side, axis=1) for side in sides))

    def gains(self, share: float) -> NDArray[np.float64]:
        """Share of the positives among a share of the rows, from the top [weightings].

        Of rows with one score as many are taken as fit, drawn at random.
        """
        reached = self.yes + self.no
        return _between(reached / np.maximum(reached[:, -1:], _NONE), _shares(self.yes), share)

    def lift(self, share: float) -> NDArray[np.float64]:
        """How many times more positives a share from the top has than one at random."""
        return self.gains(share) / share

    def recall(self, alarms: float) -> NDArray[np.float64]:
        """Share of the positives that are found where a share of the others is [weightings]."""
        return _between(_shares(self.no), _shares(self.yes), alarms)

    def average_precision(self) -> NDArray[np.float64]:
        """Mean precision over the positives: the sum of precision × step of recall [weightings]."""
        precision = self.yes / np.maximum(self.yes + self.no, _NONE)
        steps = np.diff(_shares(self.yes), axis=1, prepend=0.0)
        return np.asarray((precision * steps).sum(axis=1))

    def separation(self) -> NDArray[np.float64]:
        """Kolmogorov's and Smirnov's distance of the scores of both sides [weightings]."""
        return np.asarray(np.abs(_shares(self.yes) - _shares(self.no)).max(axis=1))


def _shares(cumulated: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(cumulated / np.maximum(cumulated[:, -1:], _NONE))


def _between(x: NDArray[np.float64], y: NDArray[np.float64], at: float) -> NDArray[np.float64]:
    """Values of rising lines from the origin, one per row, at a place [weightings]."""
    zero = np.zeros((len(x), 1))
    lines = zip(np.hstack([zero, x]), np.hstack([zero, y]), strict=True)
    return np.array([np.interp(at, *line) for line in lines])


def top(scores: NDArray[np.float64], share: float) -> NDArray[np.bool_]:
    """Mask of the rows with the largest scores; of equal ones the first stay [rows]."""
    chosen = np.zeros(len(scores), dtype=bool)
    chosen[np.argsort(-scores, kind="stable")[: max(1, round(share * len(scores)))]] = True
    return chosen
