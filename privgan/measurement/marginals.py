"""Noisy marginals and the consistent estimates made from them, free of charge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

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
        self.rows = _rows(self.marginals)
        self._one_way = [self._estimate(column) for column in range(len(self.sizes))]

    def with_marginals(self, more: Sequence[Marginal]) -> Measurements:
        """The measurements with more marginals."""
        return Measurements(self.sizes, [*self.marginals, *more])

    def one_way(self, column: int) -> np.ndarray:
        """Estimated share of each code of a column [codes]: non-negative, summing to 1."""
        return self._one_way[column]

    def frequencies(self) -> list[np.ndarray]:
        """Estimated shares of the codes of every column."""
        return list(self._one_way)

    def targets(self) -> list[Target]:
        """One target a clique, repeated measurements combined, each made consistent with the 1-way estimates."""
        cliques = list(dict.fromkeys(marginal.clique for marginal in self.marginals))
        return [self._target(clique) for clique in cliques]

    def _target(self, clique: Clique) -> Target:
        same = [marginal for marginal in self.marginals if marginal.clique == clique]
        weights = np.array([marginal.standard_deviation**-2 for marginal in same])
        counts = sum(weight * marginal.counts for weight, marginal in zip(weights, same, strict=True)) / weights.sum()
        precision = float(weights.sum()) * self.rows**2
        if len(clique) == 1:
            return Target(clique=clique, shares=self.one_way(clique[0]), precision=precision)
        return Target(clique=clique, shares=self._consistent(clique, counts / self.rows), precision=precision)

    def _consistent(self, clique: Clique, shares: np.ndarray) -> np.ndarray:
        """Shift a table of shares so that each of its 1-way margins is the estimate: the least-squares projection."""
        table = shares.reshape([self.sizes[column] for column in clique])
        table = table + (1.0 - table.sum()) / table.size
        for axis, column in enumerate(clique):
            others = tuple(other for other in range(len(clique)) if other != axis)
            gap = self.one_way(column) - table.sum(axis=others)
            table = table + np.expand_dims(gap / (table.size / table.shape[axis]), others)
        return table.ravel()

    def _estimate(self, column: int) -> np.ndarray:
        """The column's 1-way shares from every marginal that holds it, each by its precision."""
        total, weight = np.zeros(self.sizes[column]), 0.0
        for marginal in self.marginals:
            if column in marginal.clique and not marginal.interaction_only:
                shape = [self.sizes[other] for other in marginal.clique]
                axes = tuple(axis for axis, other in enumerate(marginal.clique) if other != column)
                summed = marginal.counts.reshape(shape).sum(axis=axes)
                precision = self.sizes[column] / len(marginal.counts) / marginal.standard_deviation**2
                total, weight = total + precision * summed, weight + precision
        return onto_simplex(total / weight / self.rows)


def _rows(marginals: Sequence[Marginal]) -> float:
    """Estimated row count: the sums of the marginals, each by its precision."""
    whole = [marginal for marginal in marginals if not marginal.interaction_only]
    precision = np.array([1 / (len(marginal.counts) * marginal.standard_deviation**2) for marginal in whole])
    sums = np.array([marginal.counts.sum() for marginal in whole], dtype=float)
    return max(1.0, float((precision * sums).sum() / precision.sum()))


def onto_simplex(shares: np.ndarray) -> np.ndarray:
    """The nearest non-negative vector [cells] that sums to 1 (Duchi et al. 2008, Figure 1)."""
    ordered = np.sort(shares)[::-1]
    excess = np.cumsum(ordered) - 1.0
    last = np.flatnonzero(ordered - excess / np.arange(1, len(shares) + 1) > 0)[-1]
    return np.maximum(shares - excess[last] / (last + 1), 0.0)


def exact_counts(codes: np.ndarray, clique: Clique, sizes: Sequence[int]) -> np.ndarray:
    """Counts [cells] of codes [rows, columns] over a clique, the last column varying fastest."""
    flat = np.zeros(len(codes), dtype=np.int64)
    for column in clique:
        flat = flat * sizes[column] + codes[:, column]
    return np.bincount(flat, minlength=int(np.prod([sizes[column] for column in clique])))
