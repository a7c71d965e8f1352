"""Split marginals into orthogonal components, and estimate each from all marginals that hold it.

The component of a set of columns is the part of their table that no smaller set determines. Cells
of one marginal have independent noise of equal variance. So its components have independent noise,
and the best linear unbiased estimate of each is a mean weighted by inverse variance.

Source: Xiao, He, Zhang and Kifer 2023, An Optimal and Scalable Matrix Mechanism for Noisy Marginals
under Convex Loss Functions, sections 4 and 5.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from privgan.measurement.marginals import Clique, Marginal

_TWO = 2


@dataclass(frozen=True, kw_only=True, eq=False)
class Estimate:
    """A component as it was estimated.

    Attributes:
        table: Counts of its columns' codes, centred along each axis [sizes].
        variance: Of each cell's noise before it is centred.
    """

    table: np.ndarray
    variance: float


def centred(table: np.ndarray) -> np.ndarray:
    """A table less its means along every axis [sizes]."""
    for axis in range(table.ndim):
        table = table - table.mean(axis, keepdims=True)
    return table


def free_cells(sizes: Sequence[int]) -> int:
    """Number of cells of a component that can be chosen freely."""
    return math.prod(size - 1 for size in sizes)


def subsets(clique: Clique) -> Iterator[Clique]:
    """All sets of a clique's columns, the empty one first."""
    for width in range(len(clique) + 1):
        yield from itertools.combinations(clique, width)


class Components:
    """Components of measured marginals.

    Args:
        sizes: Number of codes of each column.
        marginals: What was measured, over codes.
    """

    def __init__(self, sizes: Sequence[int], marginals: Sequence[Marginal]) -> None:
        self.sizes = tuple(sizes)
        self._marginals = tuple(part for part in marginals if part.groups is None)
        self._holding: dict[Clique, list[Marginal]] = {}
        for part in self._marginals:
            for clique in subsets(part.clique):
                if self._tells(part, clique):
                    self._holding.setdefault(clique, []).append(part)
        self._known: dict[Clique, Estimate] = {}

    def _tells(self, marginal: Marginal, clique: Clique) -> bool:
        """Whether a marginal tells a component: differences tell only those of all their axes."""
        if not marginal.interaction_only:
            return True
        return all(column in clique for column in marginal.clique if self.sizes[column] == _TWO)

    @property
    def cliques(self) -> list[Clique]:
        """All components that were measured."""
        return list(self._holding)

    def estimate(self, clique: Clique) -> Estimate | None:
        """A component from all marginals that hold it; None where none does."""
        if clique not in self._holding:
            return None
        if clique not in self._known:
            self._known[clique] = self._combined(clique)
        return self._known[clique]

    def _combined(self, clique: Clique) -> Estimate:
        precision, total = 0.0, np.zeros([self.sizes[column] for column in clique])
        for marginal in self._holding[clique]:
            found = self.of_marginal(marginal, clique)
            precision += 1 / found.variance
            total = total + found.table / found.variance
        return Estimate(table=total / precision, variance=1 / precision)

    def of_marginal(self, marginal: Marginal, clique: Clique) -> Estimate:
        """A component as one marginal tells it."""
        sizes = [self.sizes[column] for column in marginal.clique]
        others = tuple(axis for axis, column in enumerate(marginal.clique) if column not in clique)
        summed = marginal.counts.reshape(sizes).sum(axis=others)
        cells = math.prod(sizes[axis] for axis in others)
        return Estimate(
            table=centred(np.asarray(summed, dtype=float)),
            variance=marginal.standard_deviation**2 * cells,
        )

    def agreement(self) -> Iterator[tuple[Marginal, float, int]]:
        """How far each marginal is from what all others say together.

        Yields:
            The marginal; the sum of squares of its distance, each component in units of its
            variance; the number of free cells. The sum is chi-squared with so many degrees of
            freedom where the noise is as large as stated.
        """
        for marginal in self._marginals:
            found, free = 0.0, 0
            for clique in subsets(marginal.clique):
                holding = self._holding.get(clique, [])
                if len(holding) > 1 and self._tells(marginal, clique):
                    found += self._distance(marginal, clique)
                    free += free_cells([self.sizes[column] for column in clique])
            if free:
                yield marginal, found, free

    def _distance(self, marginal: Marginal, clique: Clique) -> float:
        own, every = self.of_marginal(marginal, clique), self.estimate(clique)
        assert every is not None
        # Less the own part, the mean of the others lies as far again, by the shares of precision.
        left = own.variance - every.variance
        return float(((own.table - every.table) ** 2).sum()) / left


def totals(components: Components) -> Estimate:
    """The number of counted rows; its table has no axis."""
    found = components.estimate(())
    if found is None:
        raise ValueError("no marginal tells how many rows there are")
    return found


def reduced(weights: np.ndarray, clique: Clique) -> Mapping[Clique, np.ndarray]:
    """A weighted sum over a clique's cells, as weights on each of its components.

    Args:
        weights: Weight of each cell [sizes].
        clique: The columns of the axes.

    Returns:
        For each set of columns weights [its sizes], centred along each axis. Their products with
        the margins of any table, summed, are the sum of that table's cells times the weights.
    """
    found = {}
    for part in subsets(clique):
        others = tuple(axis for axis, column in enumerate(clique) if column not in part)
        found[part] = centred(np.asarray(weights.mean(axis=others), dtype=float))
    return found
