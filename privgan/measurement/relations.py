"""Tell relations of columns from noise, by noisy marginals alone.

Of two columns a measured component is compared with what independence would make of their single
columns. Its sum of squares is that of the relation and of the noise, of which all variances are
known: under noise alone it is chi-squared, as Pearson's statistic is under sampling. What it has
beyond its noise tells how strong the relation is.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from privgan.domain.encoding import Encoder
from privgan.measurement.components import Components, Estimate, free_cells, totals
from privgan.measurement.noisy_counts import NoisyCounts, marginals_of

# Shares below so many standard deviations of their noise are mostly noise.
WEAK = 2.0
# All pairs together are taken for related by chance with at most this probability.
_ERROR = 0.05
# A code's rows, in standard deviations of their number, that tell a share among them.
_LEAST_ROWS = 4.0
_TWO = 2


@dataclass(frozen=True, kw_only=True)
class ColumnPrecision:
    """How precisely a single column is known.

    Attributes:
        noise: Standard deviation of the noise on the share of one code.
        codes: The number of codes.
        weak: How many codes have a share below two standard deviations of its noise.
    """

    noise: float
    codes: int
    weak: int


@dataclass(frozen=True, kw_only=True)
class Relation:
    """How two columns go together, as far as noise lets see.

    Attributes:
        noise: Standard deviation of the noise on one share of both columns.
        strength: Root mean square distance of a cell from independence, relative to independence,
            beyond the noise; 0 for none.
        noise_share: Which share of the squared distance noise alone makes; 1 where all of it is.
        told: Whether the relation is told from noise, with an error of 5 % for all pairs together.
    """

    noise: float
    strength: float
    noise_share: float
    told: bool


@dataclass(frozen=True, kw_only=True)
class SharePoint:
    """The share of a target's value among the rows of one code.

    Attributes:
        share: The noisy share; it may lie outside 0 to 1.
        noise: Its standard deviation.
    """

    share: float
    noise: float


def tells_rows(kept: Sequence[NoisyCounts], encoder: Encoder) -> bool:
    """Whether noisy counts tell how many rows there are; differences alone do not."""
    return Components(encoder.sizes, marginals_of(kept, encoder)).estimate(()) is not None


class Relations:
    """What noisy counts tell of columns and their pairs.

    Args:
        encoder: Rows to codes.
        kept: The noisy counts of the table.
        columns: How many columns are looked at, the first ones.
    """

    def __init__(self, encoder: Encoder, kept: Sequence[NoisyCounts], columns: int) -> None:
        self._sizes = encoder.sizes
        self._components = Components(self._sizes, marginals_of(kept, encoder))
        self._rows = max(1.0, float(totals(self._components).table))
        self._number = min(columns, len(self._sizes))
        self._tries = max(1, sum(len(clique) == _TWO for clique in self._components.cliques))

    def column(self, place: int) -> ColumnPrecision | None:
        """How precisely a column is known; None where no marginal tells of it alone."""
        size, found = self._sizes[place], self._components.estimate((place,))
        if found is None:
            return None
        noise = math.sqrt(found.variance * (1 - 1 / size)) / self._rows
        weak = int((self._shares(place) < WEAK * noise).sum())
        return ColumnPrecision(noise=noise, codes=size, weak=weak)

    def pairs(self) -> dict[tuple[int, int], Relation]:
        """The relations of all pairs of the first columns that were measured."""
        pairs = itertools.combinations(range(self._number), 2)
        found = {pair: self.pair(*pair) for pair in pairs}
        return {pair: relation for pair, relation in found.items() if relation is not None}

    def pair(self, first: int, second: int) -> Relation | None:
        """The relation of two columns, the first one first; None where it was not measured.

        In a part of a table, a column's codes may be known from elsewhere. Where nothing here tells
        of it alone, nothing tells what independence would make of it.
        """
        found = self._components.estimate((first, second))
        singles = [self._components.estimate((place,)) for place in (first, second)]
        if found is None or None in singles:
            return None
        return self._relation((first, second), found)

    def _relation(self, pair: tuple[int, int], found: Estimate) -> Relation:
        first, second = (self._single(place) for place in pair)
        sizes = [self._sizes[place] for place in pair]
        apart = found.table - np.multiply.outer(first.table, second.table) / self._rows
        free = free_cells(sizes)
        # Single columns are noisy too, and so is what independence makes of them.
        noise = found.variance * free + sum(
            one.variance * (size - 1) * float((other.table**2).sum()) / self._rows**2
            for one, size, other in ((first, sizes[0], second), (second, sizes[1], first))
        )
        squares = float((apart**2).sum())
        even = math.prod(float((np.maximum(self._shares(p), 0.0) ** 2).sum()) for p in pair)
        beyond = max(0.0, squares - noise) / (self._rows**2 * even) if even > 0 else 0.0
        chance = float(chdtrc(free, free * squares / noise)) if noise > 0 and free else 1.0
        return Relation(
            noise=math.sqrt(found.variance) / self._rows,
            strength=math.sqrt(beyond),
            noise_share=min(1.0, noise / squares) if squares > 0 else 1.0,
            told=chance < _ERROR / self._tries,
        )

    def shares_of(self, value: tuple[int, int], by: int) -> list[SharePoint | None] | None:
        """The share of a value among the rows of each code of a column.

        None for a code of too few rows; None in all where the pair was not measured.

        Args:
            value: A column and one of its codes.
            by: Another column.
        """
        target, code = value
        pair = (min(target, by), max(target, by))
        together = self._components.estimate(pair)
        if together is None:
            return None
        table = together.table if pair[0] == by else together.table.T
        codes, values = self._sizes[by], self._sizes[target]
        column, of_target = self._single(by), self._single(target)
        rows_of_each = self._rows / codes + column.table
        joint = (
            self._rows / (codes * values)
            + column.table / values
            + of_target.table[code] / codes
            + table[:, code]
        )
        fixed = together.variance * (1 - 1 / codes) * (1 - 1 / values)
        fixed += of_target.variance * (1 - 1 / values) / codes**2
        own = column.variance * (1 - 1 / codes)
        return [
            self._point(float(rows), float(held), fixed, own, 1 / values)
            for rows, held in zip(rows_of_each, joint, strict=True)
        ]

    @staticmethod
    def _point(
        rows: float, held: float, fixed: float, own: float, even: float
    ) -> SharePoint | None:
        if rows <= max(_LEAST_ROWS * math.sqrt(own), 0.5):
            return None
        share = held / rows
        # Noise on the code's rows moves both: it stands in the joint count by its even share.
        variance = fixed + (even - share) ** 2 * own
        return SharePoint(share=share, noise=math.sqrt(variance) / rows)

    def _single(self, place: int) -> Estimate:
        found = self._components.estimate((place,))
        if found is None:
            raise ValueError(f"no marginal tells of column {place}")
        return found

    def _shares(self, place: int) -> np.ndarray:
        size = self._sizes[place]
        return np.asarray(self._single(place).table / self._rows + 1 / size)
