"""Rake synthetic rows to noisy marginals: weights under which their shares agree.

Only synthetic rows and noisy figures are read, so it costs no budget. Targets are shrunk: only what
stands out of the noise is moved. Raking is iterative proportional fitting of row weights (Deming
and Stephan 1940, On a Least Squares Adjustment of a Sampled Frequency Table).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from privgan.measurement.marginals import Target

# At least this share of the rows stays effective, by Kish's (Σw)² / Σw².
LEAST_EFFECTIVE = 0.5
_CYCLES = 3
_LEAST_FACTOR, _MOST_FACTOR = 0.2, 5.0
_BISECTIONS = 20


def raked(
    codes: np.ndarray, sizes: Sequence[int], targets: Sequence[Target], rng: np.random.Generator
) -> np.ndarray:
    """Weights of synthetic rows [rows], of mean 1, towards noisy marginals.

    Args:
        codes: Synthetic codes [rows, columns].
        sizes: Number of codes of each column.
        targets: Noisy shares with their precision.
        rng: Public randomness: the order in which marginals are visited.

    Returns:
        Weights of which at least half of the rows stay effective.
    """
    columns = [np.ascontiguousarray(codes[:, index]) for index in range(codes.shape[1])]
    logs = np.zeros(len(codes))
    for _ in range(_CYCLES):
        for place in rng.permutation(len(targets)):
            logs += _factors(columns, sizes, targets[place], np.exp(logs - logs.max()))
    return _tempered(logs)


def _factors(
    columns: Sequence[np.ndarray], sizes: Sequence[int], target: Target, weights: np.ndarray
) -> np.ndarray:
    """Logarithms of the factors [rows] that bring one marginal to its shrunk target."""
    cells = _cells(columns, sizes, target)
    total, wanted = weights.sum(), target.shares
    found = np.bincount(cells, weights=weights, minlength=len(wanted)) / total
    # The sample's own noise: a share is known from the effective rows only.
    own = found * (weights @ weights) / total**2
    gap = wanted - found
    noise = 1 / target.precision + own
    known = np.maximum(0.0, 1.0 - noise / np.maximum(gap * gap, 1e-30))
    factors = (found + known * gap) / np.maximum(found, 1e-12)
    logs: np.ndarray = np.log(np.clip(factors, _LEAST_FACTOR, _MOST_FACTOR))[cells]
    return logs


def _cells(columns: Sequence[np.ndarray], sizes: Sequence[int], target: Target) -> np.ndarray:
    """The cell of each row [rows] in a target's marginal, of codes or of groups of them."""
    cells = np.zeros(len(columns[0]), dtype=np.int32)
    for place, column in enumerate(target.clique):
        codes, size = columns[column], sizes[column]
        if target.groups is not None:
            of = np.asarray(target.groups[place], dtype=np.int32)
            codes, size = of[codes], int(of.max()) + 1
        cells = cells * np.int32(size) + codes
    return cells


def effective_share(weights: np.ndarray) -> float:
    """The share of rows that stay effective under weights [rows] (Kish 1965)."""
    return float(weights.sum() ** 2 / (weights @ weights) / len(weights))


def _tempered(logs: np.ndarray) -> np.ndarray:
    """Weights of mean 1, raised to the largest power ≤ 1 that leaves enough rows effective."""
    low, high = 0.0, 1.0
    if effective_share(np.exp(logs - logs.max())) < LEAST_EFFECTIVE:
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            enough = effective_share(np.exp(middle * (logs - logs.max()))) >= LEAST_EFFECTIVE
            low, high = (middle, high) if enough else (low, middle)
    else:
        low = 1.0
    weights = np.exp(low * (logs - logs.max()))
    found: np.ndarray = weights / weights.mean()
    return found
