"""2-way marginals with a column of two codes, measured by their differences: the same interaction for half the cost.

What the 1-way marginals do not tell of a pair is its interaction, and with a column of two codes that is told by the
differences between its two rows of cells. One row of the table is in one cell and moves one difference by one, up or down, so
the sensitivity is a histogram's; but the interaction's noise is smaller by √2 for each such column than from noisy cells, half
of whose information only repeats the 1-way marginals. (Interactions as queries of their own: Xiao, He, Zhang and Kifer 2023,
An Optimal and Scalable Matrix Mechanism for Noisy Marginals under Convex Loss Functions, section 4. Theirs serve columns of
any size; for two codes they stay whole numbers, of which one alone moves.)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from privgan.measurement.marginals import Clique, Marginal

_TWO = 2


def differences(counts: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """Differences of counts along every axis of two codes [cells without those axes], whole numbers of either sign.

    Args:
        counts: Exact counts [cells], the last column varying fastest.
        sizes: Number of codes of each column.
    """
    table = counts.reshape(sizes)
    for axis in _axes(sizes):
        table = np.take(table, [0], axis) - np.take(table, [1], axis)
    return table.ravel()


def marginal_of(clique: Clique, noisy: np.ndarray, sizes: Sequence[int], noise: float) -> Marginal:
    """The interaction as a marginal whose 1-way shares are left open.

    Args:
        clique: The columns.
        noisy: Noisy differences.
        sizes: Number of codes of each column.
        noise: Standard deviation of a difference.

    Returns:
        Counts [cells] that have these differences and sum to zero along every axis of two codes. Their noise is stated as
        that of independent cells from which the interaction would be known as well.
    """
    axes = _axes(sizes)
    table = noisy.astype(float).reshape([1 if axis in axes else size for axis, size in enumerate(sizes)])
    for axis in axes:
        table = np.concatenate([table / 2, -table / 2], axis)
    return Marginal(clique=clique, counts=table.ravel(), standard_deviation=noise * 2 ** (-len(axes) / 2), interaction_only=True)


def _axes(sizes: Sequence[int]) -> list[int]:
    return [axis for axis, size in enumerate(sizes) if size == _TWO]
