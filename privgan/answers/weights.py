"""A weight for each row as sums of products, one factor a column, on the grid of fine cells.

Everything that is asked is a sum of such weights over rows, or follows from such sums.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from privgan.domain.cells import Cells
from privgan.domain.disjoint import Region, possible_regions
from privgan.domain.encoding import ColumnCode, Encoder
from privgan.domain.predicates import Predicate, leaves
from privgan.domain.value_sets import Axis, shares_of


@dataclass(frozen=True, eq=False)
class Factor:
    """One column's factor of a weight, on its fine cells.

    Attributes:
        mean: Mean over the values of each cell [cells].
        square: Mean square over the values of each cell [cells]; above the square of the mean where
            values of one cell differ in it.
    """

    mean: np.ndarray
    square: np.ndarray

    def __mul__(self, other: Factor) -> Factor:
        """The product of two factors."""
        return Factor(self.mean * other.mean, self.square * other.square)

    def coded(self, column: ColumnCode, fractions: np.ndarray) -> np.ndarray:
        """Mean over the values of each code [codes], by the fractions of its cells."""
        return np.bincount(column.code_of, fractions * self.mean, column.size)

    def coded_product(self, other: Factor, column: ColumnCode, fractions: np.ndarray) -> np.ndarray:
        """Mean of the product of two factors over the values of each code [codes]."""
        same = np.array_equal(self.mean, other.mean)
        cells = self.square if same else self.mean * other.mean
        return np.bincount(column.code_of, fractions * cells, column.size)


Factors = Mapping[str, Factor]


@dataclass(frozen=True, eq=False)
class Term:
    """A number times a product of factors of different columns."""

    number: float
    factors: Factors

    def __mul__(self, other: Term) -> Term:
        """The product of two terms."""
        factors = dict(self.factors)
        for name, factor in other.factors.items():
            factors[name] = factors[name] * factor if name in factors else factor
        return Term(self.number * other.number, factors)


Weight = tuple[Term, ...]
ONE: Weight = (Term(1.0, {}),)


def product(first: Weight, second: Weight) -> Weight:
    """The product of two weights."""
    return tuple(one * other for one in first for other in second)


def scaled(weight: Weight, number: float) -> Weight:
    """A weight times a number."""
    return tuple(Term(number * term.number, term.factors) for term in weight)


def holds(where: Sequence[Predicate], encoder: Encoder) -> Weight:
    """One for the rows that meet all predicates, and zero for others.

    It has a term for each of their disjoint cases.

    Raises:
        UsageError: They come to too many cases.
    """
    regions = possible_regions(where, place="the conditions")
    axes = {leaf.column.name: Axis(leaf.column) for leaf in leaves(where)}
    return tuple(Term(1.0, _factors(region, axes, encoder)) for region in regions)


def _factors(region: Region, axes: Mapping[str, Axis], encoder: Encoder) -> Factors:
    factors = {}
    for name, values in region.items():
        share = shares_of(cells_of_column(name, encoder), axes[name], values)
        factors[name] = Factor(share, share)
    return factors


def of_cells(name: str, cells: Iterable[int], encoder: Encoder) -> Weight:
    """One for the rows whose value lies in some fine cells, and zero for others."""
    share = np.zeros(cells_of_column(name, encoder).size)
    share[list(cells)] = 1.0
    return (Term(1.0, {name: Factor(share, share)}),)


def value(name: str, encoder: Encoder, origin: float = 0.0) -> Weight:
    """A column's number less an origin, and zero where it is missing; moments in seconds."""
    low, high = ends_of(cells_of_column(name, encoder))
    present = np.isfinite(low)
    middle = np.where(present, (low + high) / 2 - origin, 0.0)
    spread = np.where(present, _variance(low, high, cells_of_column(name, encoder).step), 0.0)
    return (Term(1.0, {name: Factor(middle, middle**2 + spread)}),)


def code_ends(name: str, encoder: Encoder) -> tuple[Weight, Weight]:
    """Lowest and highest number of each row's code; zero where it is missing."""
    column = encoder.columns[encoder.names.index(name)]
    low, high = ends_of(column.cells)
    lowest, highest = np.full(column.size, np.inf), np.full(column.size, -np.inf)
    np.fmin.at(lowest, column.code_of, low)
    np.fmax.at(highest, column.code_of, high)
    found = []
    for ends in (lowest, highest):
        cells = np.where(np.isfinite(low), ends[column.code_of], 0.0)
        cells = np.where(np.isfinite(cells), cells, 0.0)
        found.append((Term(1.0, {name: Factor(cells, cells**2)}),))
    return found[0], found[1]


def present(name: str, encoder: Encoder) -> Weight:
    """One for the rows in which a column of numbers has a value, and zero for others."""
    share = np.isfinite(ends_of(cells_of_column(name, encoder))[0]).astype(float)
    return (Term(1.0, {name: Factor(share, share)}),)


def cells_of_column(name: str, encoder: Encoder) -> Cells:
    """The fine cells of a column."""
    return encoder.columns[encoder.names.index(name)].cells


def ends_of(cells: Cells) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest value of each cell [cells]; NaN where a value is missing."""
    low, high = np.full(cells.size, np.nan), np.full(cells.size, np.nan)
    first = cells.first_interval
    low[:first] = high[:first] = cells.special if cells.special else np.nan
    last = first + len(cells.starts)
    low[first:last] = cells.origin + cells.starts * cells.step
    high[first:last] = cells.origin + (cells.starts + cells.lengths - 1) * cells.step
    return low, high


def _variance(low: np.ndarray, high: np.ndarray, step: float) -> np.ndarray:
    """Variance of a value anywhere in its cell, all steps as likely."""
    steps = np.nan_to_num((high - low) / step) + 1
    return step**2 * (steps**2 - 1) / 12
