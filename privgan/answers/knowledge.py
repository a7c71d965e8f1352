"""What is known of a table: its noisy marginals, and a model for what was not measured."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from privgan.domain.encoding import ColumnCode, Encoder
from privgan.measurement.components import Components, Estimate, centred, free_cells
from privgan.measurement.marginals import Clique, exact_counts
from privgan.measurement.noisy_counts import NoisyCounts, fine_of, marginals_of

# How many measured components are looked at to tell how large such ones are.
_MOST_COMPARED, _LARGE = 300, 0.9
# A code's rows, in standard deviations of their number, that tell how they lie within it.
_LEAST_ROWS = 4.0


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
    _sizes_of_width: dict[int, float | None] = field(default_factory=dict, init=False)
    _fractions: dict[int, np.ndarray] = field(default_factory=dict, init=False)
    _tables: dict[Clique, np.ndarray] = field(default_factory=dict, init=False)

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

    def fractions(self, place: int) -> np.ndarray:
        """Which fraction of its code's rows each fine cell of a column has [cells].

        From the noisy counts as they are, so that no sum over a code is biased: a fraction may lie
        below 0. By the model's shares where a code has too few rows.
        """
        if place not in self._fractions:
            self._fractions[place] = self._fractions_of(self.encoder.columns[place])
        return self._fractions[place]

    def _fractions_of(self, column: ColumnCode) -> np.ndarray:
        of, fine = column.code_of, self.fine(column.name)
        smooth = column.within / np.bincount(of, column.within)[of]
        if fine is None:
            return np.asarray(smooth)
        total = np.bincount(of, fine.figures)
        told = (total > _LEAST_ROWS * fine.noise * np.sqrt(np.bincount(of)))[of]
        return np.where(told, fine.figures / np.where(told, total[of], 1.0), smooth)

    def table(self, clique: Clique) -> np.ndarray:
        """Estimated rows of each cell of a clique [sizes], at least 0."""
        if clique not in self._tables:
            self._tables[clique] = self._table(clique)
        return self._tables[clique]

    def _table(self, clique: Clique) -> np.ndarray:
        sizes = [self.encoder.sizes[column] for column in clique]
        rows, table = float(self.rows.table), np.zeros(sizes)
        for width in range(len(clique) + 1):
            for part in itertools.combinations(range(len(clique)), width):
                estimate = self.components.estimate(tuple(clique[axis] for axis in part))
                if estimate is None:
                    continue
                others = [axis for axis in range(len(clique)) if axis not in part]
                spread = math.prod(sizes[axis] for axis in others)
                table = table + np.expand_dims(estimate.table / spread, tuple(others))
        positive = np.maximum(table, 0.0)
        total = positive.sum()
        return np.asarray(positive * (rows / total)) if total else table

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

        Nine tenths of those that were measured are no larger, beyond their noise. So wrong may a
        model be about one that was not. None where none can be compared.
        """
        if width not in self._sizes_of_width:
            self._sizes_of_width[width] = self._size_of(width)
        return self._sizes_of_width[width]

    def _size_of(self, width: int) -> float | None:
        if width < 1:
            return None
        known = [clique for clique in self.components.cliques if len(clique) == width]
        squares = [self._relative(clique) for clique in known[:: 1 + len(known) // _MOST_COMPARED]]
        if not squares:
            return self.size_of(width - 1)
        return math.sqrt(max(0.0, float(np.quantile(squares, _LARGE))))

    def _relative(self, clique: Clique) -> float:
        """A measured component's sum of squares beyond its noise, relative to independence."""
        estimate = self.components.estimate(clique)
        assert estimate is not None
        noise = estimate.variance * free_cells(estimate.table.shape)
        even = math.prod(float((self.one_way(column) ** 2).sum()) for column in clique)
        return (float((estimate.table**2).sum()) - noise) / (float(self.rows.table) ** 2 * even)
