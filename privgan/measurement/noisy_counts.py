"""Keep what a run's count mechanisms gave out: noisy whole numbers, and what they count.

They are outputs of charged mechanisms, whole and unchanged. So they may leave as they are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from privgan.domain.encoding import Encoder
from privgan.measurement.marginals import Clique, Groups, Marginal, group_sizes, marginal_of

_TWO = 2


class Counted(StrEnum):
    """What the cells of noisy counts are of."""

    FINE = "fine cells"
    CODES = "codes"
    DIFFERENCES = "differences"
    GROUPS = "groups"


@dataclass(frozen=True, kw_only=True, eq=False)
class NoisyCounts:
    """The output of one histogram mechanism.

    Attributes:
        step: The plan's step that paid for it.
        columns: Names of the columns, in the encoder's order.
        counted: What its cells are.
        noise: Standard deviation of the discrete Gaussian noise on each figure.
        figures: The figures [cells], int64, the last column varying fastest.
        groups: The group of each code of each column, where cells are of groups; else None.
    """

    step: str
    columns: tuple[str, ...]
    counted: Counted
    noise: float
    figures: np.ndarray
    groups: Groups | None = None

    def sizes(self, encoder: Encoder) -> tuple[int, ...]:
        """Number of cells along each column; figures of differences have one for two codes."""
        codes = [encoder.columns[place] for place in self.clique(encoder)]
        if self.counted is Counted.FINE:
            return tuple(column.cells.size for column in codes)
        if self.groups is not None:
            return group_sizes(self.groups)
        if self.counted is Counted.DIFFERENCES:
            return tuple(1 if column.size == _TWO else column.size for column in codes)
        return tuple(column.size for column in codes)

    def cells(self, encoder: Encoder) -> int:
        """Number of figures that it must have."""
        return math.prod(self.sizes(encoder))

    def clique(self, encoder: Encoder) -> Clique:
        """Places of its columns in an encoder; ValueError where it lacks one."""
        return tuple(encoder.names.index(name) for name in self.columns)


def marginals_of(kept: Sequence[NoisyCounts], encoder: Encoder) -> list[Marginal]:
    """The marginals over codes, as they were measured.

    Fine cells and groups are of another grid, and are left out.

    Args:
        kept: What was measured.
        encoder: Rows to codes.
    """
    places, sizes = {name: place for place, name in enumerate(encoder.names)}, encoder.sizes
    return [
        _marginal(found, tuple(places[name] for name in found.columns), sizes)
        for found in kept
        if found.counted in {Counted.CODES, Counted.DIFFERENCES}
    ]


def _marginal(found: NoisyCounts, clique: Clique, all_sizes: Sequence[int]) -> Marginal:
    if found.counted is Counted.DIFFERENCES:
        sizes = [all_sizes[place] for place in clique]
        return marginal_of(clique, found.figures, sizes, found.noise)
    counts = found.figures.astype(float)
    return Marginal(clique=clique, counts=counts, standard_deviation=found.noise)


def fine_of(kept: Sequence[NoisyCounts]) -> Mapping[str, NoisyCounts]:
    """The fine histogram of each column that has one."""
    return {found.columns[0]: found for found in kept if found.counted is Counted.FINE}
