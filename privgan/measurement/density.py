"""From a column's noisy fine counts to the shares of its cells: post-processing, free of charge.

Most cells of a fine grid hold less than their noise. Over stretches of cells the counts are fitted by a density that is
constant but for jumps; only a cell that stands out of its stretch, such as a round number, keeps its own count.
"""

from __future__ import annotations

import numpy as np

from privgan.table.cells import Cells
from privgan.table.columns import Numeric

_PENALTY = 6.0
_OUTLIER = 2.7
_SCALE = 1e-4


def cell_shares(noisy: np.ndarray, noise: float, cells: Cells) -> np.ndarray:
    """Estimated share of each fine cell [cells] of a numeric or temporal column: non-negative, summing to 1.

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
    """How much each interval [intervals] would hold under a plain density: even in time, and for numbers log-like around 0."""
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

    Cells that stand out of their stretch by more than their noise explains are taken out, and the stretches found again
    without them. What is left in a stretch beside its density is shrunk by the rule of James and Stein (1961).
    """
    outlier = np.zeros(len(counts), dtype=bool)
    for _ in range(2):
        stretch, fitted = piecewise(counts, np.where(outlier, 0.0, weights), weights)
        left = counts - fitted
        outlier = np.abs(left) > _OUTLIER
    number = np.bincount(stretch, weights=~outlier)
    squares = np.bincount(stretch, weights=np.where(outlier, 0.0, left**2))
    kept = np.where(number > 3, np.maximum(0.0, 1.0 - (number - 2) / np.maximum(squares, 1e-12)), 0.0)
    return np.maximum(0.0, np.where(outlier, counts, fitted + kept[stretch] * left))


def piecewise(counts: np.ndarray, used: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The density, constant but for jumps, with the least squared error plus a penalty a stretch (Jackson et al. 2005).

    Args:
        counts: Noisy counts [cells].
        used: The weights [cells], 0 for cells that are left out.
        weights: What each cell holds under a density of 1 [cells].

    Returns:
        The stretch of each cell [cells], and its fitted count [cells].
    """
    products, squares = counts * used, used**2
    best, start = np.zeros(len(counts) + 1), np.zeros(len(counts) + 1, dtype=np.int64)
    for end in range(1, len(counts) + 1):
        product, square = (np.cumsum(part[:end][::-1])[::-1] for part in (products, squares))
        cost = best[:end] + _PENALTY - np.maximum(product, 0.0) ** 2 / np.maximum(square, 1e-300)
        start[end] = np.argmin(cost)
        best[end] = cost[start[end]]
    stretch, end = np.zeros(len(counts), dtype=np.int64), len(counts)
    while end:
        stretch[start[end]] = 1
        end = start[end]
    stretch = np.cumsum(stretch) - 1
    product, square = (np.bincount(stretch, weights=part) for part in (products, squares))
    density = np.maximum(product, 0.0) / np.maximum(square, 1e-300)
    return stretch, density[stretch] * weights
