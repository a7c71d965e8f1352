"""Estimate the shares of a column's fine cells from noisy counts (post-processing).

Most cells of a fine grid hold less than their noise. Runs of cells are fitted by a piecewise
constant density, averaged over the places of its jumps. Only a cell that stands out of its run,
such as a round number, keeps its own count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from privgan.domain.cells import Cells
from privgan.schema.columns import Numeric

_PENALTY = 6.0
_OUTLIER = 2.7
_SCALE = 1e-4


def cell_shares(noisy: np.ndarray, noise: float, cells: Cells) -> np.ndarray:
    """Estimated share of each fine cell [cells] of a numeric or temporal column.

    Non-negative, summing to 1.

    Args:
        noisy: Noisy counts [cells].
        noise: Their standard deviation.
        cells: The fine cells.
    """
    counts = np.maximum(noisy.astype(float), 0.0)
    intervals = slice(cells.first_interval, cells.first_interval + len(cells.starts))
    counts[intervals] = noise * smooth(noisy[intervals] / noise, interval_weights(cells))
    total = float(counts.sum())
    return counts / total if total > 0 else np.full(cells.size, 1.0 / cells.size)


def interval_weights(cells: Cells) -> np.ndarray:
    """Prior mass of each interval [intervals] under a smooth density.

    Uniform in time; for numbers roughly logarithmic around 0.
    """
    lengths = cells.lengths * cells.step
    if not isinstance(cells.column, Numeric):
        weights = lengths
    else:
        scale = _SCALE * (cells.column.upper - cells.column.lower)
        centre = min(max(0.0, cells.column.lower), cells.column.upper)
        middle = cells.origin + cells.starts * cells.step + lengths / 2 - centre
        weights = lengths / np.hypot(scale, middle)
    return np.asarray(weights / weights.max())


def smooth(counts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Non-negative estimates [cells] of counts [cells] that have noise of variance 1.

    Cells that stand out of their run by more than their noise are taken out, and the runs are found
    again without them. The rest of a run beside its density is shrunk by the rule of James and
    Stein (1961).
    """
    outlier = np.zeros(len(counts), dtype=bool)
    for _ in range(2):
        stretches = Stretches.of(counts, np.where(outlier, 0.0, weights))
        fitted = stretches.mean_density() * weights
        left = counts - fitted
        outlier = np.abs(left) > _OUTLIER
    stretch = stretches.likeliest()
    number = np.bincount(stretch, weights=~outlier)
    squares = np.bincount(stretch, weights=np.where(outlier, 0.0, left**2))
    kept = np.where(
        number > 3, np.maximum(0.0, 1.0 - (number - 2) / np.maximum(squares, 1e-12)), 0.0
    )
    return np.maximum(0.0, np.where(outlier, counts, fitted + kept[stretch] * left))


@dataclass(frozen=True, eq=False)
class Stretches:
    """All runs of neighbouring cells in which a density might be constant.

    Attributes:
        evidence: Logarithm of how well each stretch explains the counts, less a penalty for its
            being one [first cells, ends]; -inf where the end, the first cell after the stretch, is
            not beyond its first cell.
        density: The density fitted to each stretch [first cells, ends].
    """

    evidence: np.ndarray
    density: np.ndarray

    @classmethod
    def of(cls, counts: np.ndarray, weights: np.ndarray) -> Stretches:
        """Runs of noisy counts [cells] whose noise has variance 1.

        Args:
            counts: Noisy counts.
            weights: What each cell holds under a density of 1 [cells]; 0 for one that is left out.
        """
        cells = len(counts)
        evidence, density = np.full((cells, cells + 1), -np.inf), np.zeros((cells, cells + 1))
        products, squares = counts * weights, weights**2
        for end in range(1, cells + 1):
            product, square = (np.cumsum(part[:end][::-1])[::-1] for part in (products, squares))
            product, square = np.maximum(product, 0.0), np.maximum(square, 1e-300)
            density[:end, end] = product / square
            evidence[:end, end] = (product**2 / square - _PENALTY) / 2
        return cls(evidence=evidence, density=density)

    def likeliest(self) -> np.ndarray:
        """Run of each cell [cells] in the single best partition.

        Dynamic programming (Jackson et al. 2005).
        """
        cells = len(self.evidence)
        best, start = np.zeros(cells + 1), np.zeros(cells + 1, dtype=np.int64)
        for end in range(1, cells + 1):
            found = best[:end] + self.evidence[:end, end]
            start[end] = np.argmax(found)
            best[end] = found[start[end]]
        first, end = np.zeros(cells, dtype=np.int64), cells
        while end:
            first[start[end]] = 1
            end = start[end]
        return np.cumsum(first) - 1

    def mean_density(self) -> np.ndarray:
        """Density at each cell [cells], averaged over all partitions by posterior probability.

        Where a density changes slowly, the places of its jumps are unknown and the average slopes
        (Hutter 2007).
        """
        cells = len(self.evidence)
        before, after = np.zeros(cells + 1), np.zeros(cells + 1)
        for end in range(1, cells + 1):
            before[end] = np.logaddexp.reduce(before[:end] + self.evidence[:end, end])
        for first in range(cells - 1, -1, -1):
            after[first] = np.logaddexp.reduce(
                self.evidence[first, first + 1 :] + after[first + 1 :]
            )
        probability = np.exp(before[:cells, None] + self.evidence + after - before[cells])
        mass = probability * self.density
        started, ended = mass.sum(1), mass.sum(0)[:cells]
        return np.maximum(0.0, np.cumsum(started - ended))
