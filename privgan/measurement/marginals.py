"""Noisy marginals and the consistent estimates made from them (post-processing).

What the 1-way marginals do not tell of a pair is its interaction, and with a column of two codes
that is told by the differences between its two rows of cells. One row of the table is in one cell
and moves one difference by one, up or down, so the sensitivity is a histogram's; but the
interaction's noise is smaller by √2 for each such column than from noisy cells, half of whose
information only repeats the 1-way marginals. (Interactions as queries of their own: Xiao, He, Zhang
and Kifer 2023, An Optimal and Scalable Matrix Mechanism for Noisy Marginals under Convex Loss
Functions, section 4. Theirs serve columns of any size; for two codes they stay whole numbers, of
which one alone moves.)
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

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
        Counts [cells] that have these differences and sum to zero along every axis of two codes.
        Their noise is stated as that of independent cells from which the interaction would be known
        as well.
    """
    axes = _axes(sizes)
    table = noisy.astype(float).reshape(
        [1 if axis in axes else size for axis, size in enumerate(sizes)]
    )
    for axis in axes:
        table = np.concatenate([table / 2, -table / 2], axis)
    return Marginal(
        clique=clique,
        counts=table.ravel(),
        standard_deviation=noise * 2 ** (-len(axes) / 2),
        interaction_only=True,
    )


def _axes(sizes: Sequence[int]) -> list[int]:
    return [axis for axis, size in enumerate(sizes) if size == _TWO]


Clique = tuple[int, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Marginal:
    """One noisy marginal.

    Attributes:
        clique: The columns, ascending.
        counts: Noisy counts [cells], the last column varying fastest.
        standard_deviation: Noise on each cell, in counts.
        interaction_only: Whether the counts tell neither 1-way shares nor how many rows there are.
    """

    clique: Clique
    counts: np.ndarray
    standard_deviation: float
    interaction_only: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Target:
    """What a model should reproduce.

    Attributes:
        clique: The columns.
        shares: Estimated share of each cell [cells]; may be slightly negative.
        precision: Inverse variance of one cell's share.
    """

    clique: Clique
    shares: np.ndarray
    precision: float


class Measurements:
    """All noisy marginals of a run.

    Args:
        sizes: Number of codes of each column.
        marginals: What was measured; the 1-way marginal of every column among it.
    """

    def __init__(self, sizes: Sequence[int], marginals: Sequence[Marginal]) -> None:
        self.sizes, self.marginals = tuple(sizes), tuple(marginals)
        self._sums = _OneWaySums(self.sizes).with_marginals(self.marginals)
        self._settle()

    def _settle(self) -> None:
        """Estimate the row count and the 1-way shares from all that was measured."""
        self.rows = self._sums.rows
        self._one_way = [onto_simplex(shares / self.rows) for shares in self._sums.one_way()]

    def with_marginals(self, more: Sequence[Marginal]) -> Measurements:
        """The measurements with more marginals.

        What is known of the others is not computed again.
        """
        made = copy.copy(self)
        made.marginals = (*self.marginals, *more)
        made._sums = self._sums.with_marginals(more)
        made._settle()
        return made

    def one_way(self, column: int) -> np.ndarray:
        """Estimated share of each code of a column [codes]: non-negative, summing to 1."""
        return self._one_way[column]

    def frequencies(self) -> list[np.ndarray]:
        """Estimated shares of the codes of every column."""
        return list(self._one_way)

    def targets(self) -> list[Target]:
        """One target a clique, repeated measurements combined, each made consistent with the 1-way estimates."""
        of_clique: dict[Clique, list[Marginal]] = {}
        for marginal in self.marginals:
            of_clique.setdefault(marginal.clique, []).append(marginal)
        return [self._target(clique, same) for clique, same in of_clique.items()]

    def _target(self, clique: Clique, same: Sequence[Marginal]) -> Target:
        weights = np.array([marginal.standard_deviation**-2 for marginal in same])
        counts = (
            sum(weight * marginal.counts for weight, marginal in zip(weights, same, strict=True))
            / weights.sum()
        )
        precision = float(weights.sum()) * self.rows**2
        if len(clique) == 1:
            return Target(clique=clique, shares=self.one_way(clique[0]), precision=precision)
        return Target(
            clique=clique, shares=self._consistent(clique, counts / self.rows), precision=precision
        )

    def _consistent(self, clique: Clique, shares: np.ndarray) -> np.ndarray:
        """Shift a table of shares so that each of its 1-way margins is the estimate.

        The least-squares projection.
        """
        table = shares.reshape([self.sizes[column] for column in clique])
        table = table + (1.0 - table.sum()) / table.size
        for axis, column in enumerate(clique):
            others = tuple(other for other in range(len(clique)) if other != axis)
            gap = self.one_way(column) - table.sum(axis=others)
            table = table + np.expand_dims(gap / (table.size / table.shape[axis]), others)
        return table.ravel()


class _OneWaySums:
    """What marginals tell of the row count and of each column alone, summed up in the order in which they came.

    Args:
        sizes: Number of codes of each column.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        self._sizes = tuple(sizes)
        self._totals, self._weights = [np.zeros(size) for size in sizes], [0.0] * len(sizes)
        self._sums, self._precisions = list[float](), list[float]()

    def with_marginals(self, more: Sequence[Marginal]) -> _OneWaySums:
        """The sums with more marginals; those that tell of interactions alone add nothing."""
        made = copy.copy(self)
        made._totals, made._weights = list(self._totals), list(self._weights)
        made._sums, made._precisions = list(self._sums), list(self._precisions)
        for marginal in more:
            if not marginal.interaction_only:
                made._add(marginal)
        return made

    def _add(self, marginal: Marginal) -> None:
        cells, variance = len(marginal.counts), marginal.standard_deviation**2
        table = marginal.counts.reshape([self._sizes[column] for column in marginal.clique])
        self._sums.append(float(marginal.counts.sum()))
        self._precisions.append(1 / (cells * variance))
        for axis, column in enumerate(marginal.clique):
            summed = table.sum(axis=tuple(other for other in range(table.ndim) if other != axis))
            precision = self._sizes[column] / cells / variance
            self._totals[column] = self._totals[column] + precision * summed
            self._weights[column] += precision

    @property
    def rows(self) -> float:
        """Estimated row count: the sums of the marginals, each by its precision."""
        precision, sums = np.array(self._precisions), np.array(self._sums)
        return max(1.0, float((precision * sums).sum() / precision.sum()))

    def one_way(self) -> list[np.ndarray]:
        """The count of each code of each column [codes], from every marginal that holds it, each by its precision."""
        return [total / weight for total, weight in zip(self._totals, self._weights, strict=True)]


def onto_simplex(shares: np.ndarray) -> np.ndarray:
    """The nearest non-negative vector [cells] that sums to 1 (Duchi et al. 2008, Figure 1)."""
    ordered = np.sort(shares)[::-1]
    excess = np.cumsum(ordered) - 1.0
    last = np.flatnonzero(ordered - excess / np.arange(1, len(shares) + 1) > 0)[-1]
    return np.maximum(shares - excess[last] / (last + 1), 0.0)


def exact_counts(codes: np.ndarray, clique: Clique, sizes: Sequence[int]) -> np.ndarray:
    """Counts [cells] of codes [rows, columns] over a clique, the last column varying fastest.

    Columns that lie in memory by themselves, in their smallest type, are counted several times as
    fast.
    """
    cells = math.prod(sizes[column] for column in clique)
    flat = codes[:, clique[0]].astype(np.min_scalar_type(cells))
    for column in clique[1:]:
        flat *= flat.dtype.type(sizes[column])
        flat += codes[:, column].astype(flat.dtype)
    return np.bincount(flat, minlength=cells)
