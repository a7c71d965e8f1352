"""Conditions: which column is fixed to which code, drawn from noisy frequencies; a real row's comes from that row alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from privgan.measurement.marginals import Measurements

UNCONDITIONED_SHARE = 0.5


class ConditionSampler:
    """Draws conditions as the rows of the table have them.

    Args:
        measurements: Noisy frequencies; there is no other way to make one.
    """

    def __init__(self, measurements: Measurements) -> None:
        self.sizes = measurements.sizes
        self._offsets = torch.tensor([0, *np.cumsum(self.sizes)[:-1]])
        self._cumulative = [torch.tensor(np.cumsum(shares)) for shares in measurements.frequencies()]

    def draw(self, batch: int, generator: torch.Generator) -> Tensor:
        """Conditions [batch, all codes]: half of the rows have none, the others one column, chosen evenly, fixed to a code.

        The codes of a column are drawn systematically, so that their shares in a batch are as near the noisy
        frequencies as they can be.
        """
        conditions = torch.zeros(batch, sum(self.sizes))
        conditioned = round(batch * (1 - UNCONDITIONED_SHARE))
        columns = torch.arange(conditioned) % len(self.sizes)
        if conditioned % len(self.sizes):
            columns = (columns + torch.randint(len(self.sizes), (1,), generator=generator)) % len(self.sizes)
        for column in range(len(self.sizes)):
            rows = torch.nonzero(columns == column)[:, 0]
            codes = self._codes(column, len(rows), generator)
            conditions[rows, self._offsets[column] + codes] = 1.0
        return conditions

    def _codes(self, column: int, count: int, generator: torch.Generator) -> Tensor:
        points = (torch.arange(count, dtype=torch.float64) + torch.rand(1, generator=generator, dtype=torch.float64)) / max(
            count, 1
        )
        points = points[torch.randperm(count, generator=generator)]
        return torch.searchsorted(self._cumulative[column], points).clamp(max=self.sizes[column] - 1)


def fixed_condition(sizes: Sequence[int], column: int, codes: Tensor) -> Tensor:
    """Conditions [batch, all codes] that fix one column to given codes [batch]."""
    conditions = torch.zeros(len(codes), sum(sizes))
    conditions[torch.arange(len(codes)), sum(sizes[:column]) + codes] = 1.0
    return conditions


def column_marks(conditions: Tensor, sizes: Sequence[int]) -> Tensor:
    """Which column each condition fixes [batch, columns]; a zero row where there is none."""
    return torch.stack([part.sum(1) for part in conditions.split(list(sizes), 1)], 1)


def marks_for_rows(columns: int, picks: Tensor) -> Tensor:
    """Marks [batch, columns] for real rows: each row's own column pick [batch], or none where the pick is ``columns``.

    A real row's condition is its own value in that column, which its codes already say.
    """
    return torch.nn.functional.one_hot(picks, columns + 1)[:, :columns].float()
