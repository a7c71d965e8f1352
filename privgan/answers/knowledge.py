"""What is known of a table: its noisy marginals, and a model for what was not measured."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from privgan.domain.encoding import Encoder
from privgan.measurement.components import Components, Estimate, centred, free_cells
from privgan.measurement.marginals import Clique, exact_counts
from privgan.measurement.noisy_counts import NoisyCounts, fine_of, marginals_of

# How many measured components are looked at to tell how large such ones are.
_MOST_COMPARED = 300


@dataclass(frozen=True, eq=False)
class Knowledge:
    """What answers are computed from.

    Attributes:
        encoder: Rows to codes.
        kept: The noisy counts of the table; none of a release without them.
        counted: Probability with which a customer is among those that were counted.
        most_rows: The most rows of one customer.
        model_rows: Rows of the whole table as the model has them, where nothing was counted.
        drawn: Codes [rows, columns] of synthetic rows; called where something was not measured.
    """

    encoder: Encoder
    kept: tuple[NoisyCounts, ...]
    counted: float
    most_rows: int
    model_rows: float
    drawn: Callable[[], np.ndarray]
    _sizes_of_width: dict[int, float | None] = field(default_factory=dict)

    @cached_property
    def components(self) -> Components:
        """The components of what was measured."""
        return Components(self.encoder.sizes, marginals_of(self.kept, self.encoder))

    @cached_property
    def rows(self) -> Estimate:
        """How many rows were counted; by the model alone where nothing was, without noise."""
        found = self.components.estimate(())
        return found or Estimate(table=np.asarray(float(self.model_rows)), variance=0.0)

    @property
    def measured(self) -> bool:
        """Whether the table has noisy marginals."""
        return bool(self.kept)

    @property
    def share(self) -> float:
        """Which share of the table's rows the counts are of."""
        return self.counted if self.measured else 1.0

    @cached_property
    def _fine(self) -> dict[str, NoisyCounts]:
        return dict(fine_of(self.kept))

    def fine(self, column: str) -> NoisyCounts | None:
        """A column's counts of fine cells; None where they were not measured."""
        return self._fine.get(column)

    @cached_property
    def _codes(self) -> np.ndarray:
        return self.drawn()

    def modelled(self, clique: Clique) -> np.ndarray:
        """A component's shares by the model [sizes], centred along each axis."""
        codes = self._codes
        counts = exact_counts(codes, clique, self.encoder.sizes) / len(codes)
        return centred(counts.reshape([self.encoder.sizes[column] for column in clique]))

    def one_way(self, column: int) -> np.ndarray:
        """Share of each code of a column [codes], at least 0."""
        found = self.components.estimate((column,))
        if found is None:
            counts = exact_counts(self._codes, (column,), self.encoder.sizes)
            return np.asarray(counts / counts.sum())
        rows = float(self.rows.table)
        shares = np.maximum(found.table / rows + 1 / len(found.table), 0.0)
        return np.asarray(shares / shares.sum())

    def size_of(self, width: int) -> float | None:
        """How large components of so many columns are, relative to independence.

        The root mean square over those that were measured, beyond their noise: an upper bound on
        how wrong a model is about one that was not. None where none can be compared.
        """
        if width not in self._sizes_of_width:
            self._sizes_of_width[width] = self._size_of(width)
        return self._sizes_of_width[width]

    def _size_of(self, width: int) -> float | None:
        if width < 1:
            return None
        known = [clique for clique in self.components.cliques if len(clique) == width]
        found = free = 0.0
        for clique in known[:: 1 + len(known) // _MOST_COMPARED]:
            estimate = self.components.estimate(clique)
            assert estimate is not None
            noise = estimate.variance * free_cells(estimate.table.shape)
            found += float((estimate.table**2).sum()) - noise
            free += float(self.rows.table) ** 2 * math.prod(
                float((self.one_way(column) ** 2).sum()) for column in clique
            )
        return math.sqrt(max(0.0, found) / free) if free else self.size_of(width - 1)
