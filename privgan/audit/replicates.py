"""One pass over a table gives a statistic of many of its parts: jackknife samples, and nested random samples.

Rows are dealt to blocks; sums are taken by block, and each replicate adds up the blocks that belong to it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

JACKKNIFE_BLOCKS = 10


@dataclass(frozen=True, eq=False)
class Replicates:
    """Parts of one table.

    Attributes:
        block: The block of each row [rows].
        members: Which blocks each part holds, 1 or 0 [parts, blocks]; the first part is the whole table.
    """

    block: NDArray[np.int64]
    members: NDArray[np.float64]

    def sums(self, cells: NDArray[np.int64], size: int, weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Counts, or sums of weights, by cell for each part [parts, size]; ``cells`` has one cell in [0, size) per row."""
        blocks = self.members.shape[1]
        by_block = np.bincount(self.block * size + cells, weights=weights, minlength=blocks * size)
        return np.asarray(self.members @ by_block.reshape(blocks, size).astype(float))

    def totals(self, weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """The number of rows, or the sum of weights, of each part [parts]."""
        return self.sums(np.zeros(len(self.block), dtype=np.int64), 1, weights)[:, 0]


def whole(rows: int) -> Replicates:
    """The table itself."""
    return Replicates(np.zeros(rows, dtype=np.int64), np.ones((1, 1)))


def jackknife(rows: int, generator: np.random.Generator) -> Replicates:
    """The table, and ten times the table without a tenth of its rows."""
    members = np.vstack([np.ones(JACKKNIFE_BLOCKS), 1.0 - np.eye(JACKKNIFE_BLOCKS)])
    return Replicates(generator.permutation(rows) % JACKKNIFE_BLOCKS, members)


def jackknife_error(values: NDArray[np.float64]) -> float:
    """The delete-a-group jackknife's standard error (Wolter 2007, section 4.2); the first value is the whole table's."""
    left = values[1:]
    return math.sqrt((len(left) - 1) / len(left) * float(((left - left.mean()) ** 2).sum()))
