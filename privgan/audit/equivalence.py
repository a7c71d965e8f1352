"""A distance in words that everybody understands: "as good as a q % random sample" of the real rows.

Nested random samples of the real rows, each half of the one before, are compared with all real rows by the same
distance. The distance of a sample without replacement falls as √((1 − q)/q) with the sampled share q, so the samples'
distances are read as a function of that number, which is nearly a line through the origin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privgan.audit.replicates import Replicates

LEAST_ROWS = 25


@dataclass(frozen=True, eq=False)
class NestedSamples:
    """Nested random samples of one table.

    Attributes:
        replicates: The table, a half of its rows, a quarter, and so on.
        shares: The share of the rows that each sample holds, from 1 downwards [samples].
    """

    replicates: Replicates
    shares: NDArray[np.float64]

    def equivalent(self, distance: float, distances: NDArray[np.float64]) -> dict[str, float | bool]:
        """The size of the random sample that is as far from the real rows as the synthetic rows are.

        Args:
            distance: The synthetic rows' distance; 0 is perfect.
            distances: Each sample's distance [samples], 0 or nearly so for the first one.

        Returns:
            ``percent``, and ``at_most``: whether even the smallest sample is nearer.
        """
        rising = np.maximum.accumulate(distances)
        if distance >= rising[-1]:
            return {"percent": 100.0 * float(self.shares[-1]), "at_most": bool(distance > rising[-1])}
        places = np.sqrt((1.0 - self.shares) / self.shares)
        return {"percent": 100.0 / (1.0 + _inverse(distance, rising, places) ** 2), "at_most": False}


def nested_samples(rows: int, seed: int) -> NestedSamples:
    """Samples of a half, a quarter, … of the rows, down to 25 rows; the rows must be in an order of their contents alone."""
    sizes = [rows]
    while sizes[-1] // 2 >= LEAST_ROWS:
        sizes.append(sizes[-1] // 2)
    place = np.random.default_rng((seed, 29)).permutation(rows)
    level = (place[:, None] < np.array(sizes[1:], dtype=np.int64)[None, :]).sum(axis=1)
    members = np.triu(np.ones((len(sizes), len(sizes))))  # a sample holds its own level and all smaller samples
    return NestedSamples(Replicates(level.astype(np.int64), members), np.array(sizes) / max(1, rows))


def _inverse(value: float, rising: NDArray[np.float64], places: NDArray[np.float64]) -> float:
    """The place where a rising broken line reaches a value below its last one; the first such place where it is flat."""
    after = int(np.searchsorted(rising, value, side="left"))
    if after == 0:
        return float(places[0])
    part = (value - rising[after - 1]) / (rising[after] - rising[after - 1])
    return float(places[after - 1] + part * (places[after] - places[after - 1]))
