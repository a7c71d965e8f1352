"""Store noisy marginals and compute consistent estimates from them (post-processing).

A pair's interaction is the part that its 1-way marginals do not determine. For a column of two
codes it is the difference between its two rows of cells. One row of the table moves one difference
by one, so the sensitivity is a histogram's. Per such column, its noise is √2 times smaller than
from noisy cells. Those measure the 1-way marginals again.

Interactions as queries: Xiao, He, Zhang and Kifer 2023, An Optimal and Scalable Matrix Mechanism
for Noisy Marginals under Convex Loss Functions, section 4. Theirs serve columns of any size; with
two codes, queries stay whole numbers.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

_TWO = 2


def differences(counts: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """Signed differences of counts along every axis of two codes [cells without those axes].

    Args:
        counts: Exact counts [cells], the last column varying fastest.
        sizes: Number of codes of each column.
    """
    table = counts.reshape(sizes)
    for axis in _axes(sizes):
        table = np.take(table, [0], axis) - np.take(table, [1], axis)
    return table.ravel()


def marginal_of(clique: Clique, noisy: np.ndarray, sizes: Sequence[int], noise: float) -> Marginal:
    """Convert noisy differences to an interaction-only marginal.

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
# The group of each code of each column of a coarse marginal.
Groups = tuple[tuple[int, ...], ...]


def group_sizes(groups: Groups) -> tuple[int, ...]:
    """Number of groups of each column."""
    return tuple(max(part) + 1 for part in groups)


@dataclass(frozen=True, kw_only=True, eq=False)
class Marginal:
    """One noisy marginal.

    Attributes:
        clique: The columns, ascending.
        counts: Noisy counts [cells], the last column varying fastest.
        standard_deviation: Noise on each cell, in counts.
        interaction_only: Whether the counts tell neither 1-way shares nor how many rows there are.
        groups: The group of each code of each column, where cells are of groups; None for codes.
            Such counts are estimates after shrinkage: no sums are taken from them.
    """

    clique: Clique
    counts: np.ndarray
    standard_deviation: float
    interaction_only: bool = False
    groups: Groups | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Target:
    """Estimated shares of one clique that a model should reproduce.

    Attributes:
        clique: The columns.
        shares: Estimated share of each cell [cells]; may be slightly negative.
        precision: Inverse variance of one cell's share.
        groups: The group of each code of each column, where cells are of groups; None for codes.
    """

    clique: Clique
    shares: np.ndarray
    precision: float
    groups: Groups | None = None


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
        """Estimate the row count and the 1-way shares from all marginals."""
        self.rows = self._sums.rows
        self._one_way = [onto_simplex(shares / self.rows) for shares in self._sums.one_way()]
        self._targets: list[Target] | None = None

    def with_marginals(self, more: Sequence[Marginal]) -> Measurements:
        """Add marginals; sums over earlier ones are reused."""
        made = copy.copy(self)
        made.marginals = (*self.marginals, *more)
        made._sums = self._sums.with_marginals(more)
        made._settle()
        return made

    def one_way(self, column: int) -> np.ndarray:
        """Estimated share of each code of a column [codes]: non-negative, summing to 1."""
        return self._one_way[column]

    def one_way_noise(self, column: int) -> float:
        """Standard deviation of the noise on a column's 1-way counts, in rows."""
        return float(self._sums.precision(column) ** -0.5)

    def frequencies(self) -> list[np.ndarray]:
        """Estimated shares of the codes of every column."""
        return list(self._one_way)

    def targets(self) -> list[Target]:
        """One target per clique, consistent with the 1-way estimates.

        Repeated measurements of a clique are combined by inverse variance. Of coarse ones the last
        counts: it was shrunk towards a model that the earlier ones had fitted. All are estimated at
        the first call.
        """
        if self._targets is None:
            self._targets = self._estimated()
        return list(self._targets)

    def _estimated(self) -> list[Target]:
        alike: dict[tuple[Clique, Groups | None], list[Marginal]] = {}
        for marginal in self.marginals:
            same = alike.setdefault((marginal.clique, marginal.groups), [])
            if marginal.groups is not None:
                same.clear()
            same.append(marginal)
        found = [self._combined(*of, same) for of, same in alike.items()]
        for places in self._alike_in_size(found):
            tables = np.stack([found[place].shares for place in places])
            margins = [self._margins(found[place]) for place in places]
            projected = onto_margins(
                tables, [np.stack(parts) for parts in zip(*margins, strict=True)]
            )
            for place, shares in zip(places, projected, strict=True):
                found[place] = replace(found[place], shares=shares)
        return found

    def _combined(self, clique: Clique, groups: Groups | None, same: Sequence[Marginal]) -> Target:
        """The target of one clique, as its marginals alone tell it."""
        weights = np.array([marginal.standard_deviation**-2 for marginal in same])
        counts = (
            sum(weight * marginal.counts for weight, marginal in zip(weights, same, strict=True))
            / weights.sum()
        )
        shares = self.one_way(clique[0]) if len(clique) == 1 else counts / self.rows
        precision = float(weights.sum()) * self.rows**2
        return Target(clique=clique, shares=shares, precision=precision, groups=groups)

    def _alike_in_size(self, targets: Sequence[Target]) -> Iterable[list[int]]:
        """The places of wider targets, those whose tables are of one shape together."""
        found: dict[tuple[int, ...], list[int]] = {}
        for place, target in enumerate(targets):
            if len(target.clique) > 1:
                sizes = (
                    group_sizes(target.groups)
                    if target.groups
                    else tuple(self.sizes[column] for column in target.clique)
                )
                found.setdefault(sizes, []).append(place)
        return found.values()

    def _margins(self, target: Target) -> list[np.ndarray]:
        """Estimated shares of the codes, or of their groups, of each column of a target."""
        shares = [self.one_way(column) for column in target.clique]
        if target.groups is None:
            return shares
        return [np.bincount(of, part) for of, part in zip(target.groups, shares, strict=True)]


def onto_margins(tables: np.ndarray, margins: Sequence[np.ndarray]) -> np.ndarray:
    """Tables of one shape with given margins [tables, cells], the nearest by least squares.

    Args:
        tables: Shares [tables, cells], the last column varying fastest.
        margins: For each column the shares of its codes in each table [tables, codes].
    """
    cells = tables.shape[1]
    found = tables.reshape(len(tables), *(part.shape[1] for part in margins))
    axes = range(1, found.ndim)
    found = found + (1.0 - found.sum(axis=tuple(axes), keepdims=True)) / cells
    for axis, margin in zip(axes, margins, strict=True):
        others = tuple(other for other in axes if other != axis)
        gap = margin - found.sum(axis=others)
        found = found + np.expand_dims(gap / (cells / margin.shape[1]), others)
    return found.reshape(len(tables), cells)


class _OneWaySums:
    """Precision-weighted sums of marginals, for the row count and for each column.

    Args:
        sizes: Number of codes of each column.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        self._sizes = tuple(sizes)
        self._totals, self._weights = [np.zeros(size) for size in sizes], [0.0] * len(sizes)
        self._sums, self._precisions = list[float](), list[float]()

    def with_marginals(self, more: Sequence[Marginal]) -> _OneWaySums:
        """Sums with more marginals; interaction-only and coarse marginals add nothing."""
        made = copy.copy(self)
        made._totals, made._weights = list(self._totals), list(self._weights)
        made._sums, made._precisions = list(self._sums), list(self._precisions)
        for marginal in more:
            if not marginal.interaction_only and marginal.groups is None:
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
        """Estimated row count: mean of the marginals' sums, weighted by precision."""
        precision, sums = np.array(self._precisions), np.array(self._sums)
        return max(1.0, float((precision * sums).sum() / precision.sum()))

    def precision(self, column: int) -> float:
        """Inverse variance of each estimated count of a column."""
        return self._weights[column]

    def one_way(self) -> list[np.ndarray]:
        """Estimated count of each code of each column [codes], a precision-weighted mean."""
        return [total / weight for total, weight in zip(self._totals, self._weights, strict=True)]


def onto_simplex(shares: np.ndarray) -> np.ndarray:
    """The nearest non-negative vector [cells] that sums to 1 (Duchi et al. 2008, Figure 1)."""
    ordered = np.sort(shares)[::-1]
    excess = np.cumsum(ordered) - 1.0
    last = np.flatnonzero(ordered - excess / np.arange(1, len(shares) + 1) > 0)[-1]
    return np.maximum(shares - excess[last] / (last + 1), 0.0)


def exact_counts(codes: np.ndarray, clique: Clique, sizes: Sequence[int]) -> np.ndarray:
    """Counts [cells] of codes [rows, columns] over a clique, the last column varying fastest.

    Column-major codes of the smallest type are counted several times as fast.
    """
    cells = math.prod(sizes[column] for column in clique)
    flat = codes[:, clique[0]].astype(np.min_scalar_type(cells))
    for column in clique[1:]:
        flat *= flat.dtype.type(sizes[column])
        flat += codes[:, column].astype(flat.dtype)
    return np.bincount(flat, minlength=cells)
