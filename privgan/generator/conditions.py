"""Conditions: which column is fixed to which code, drawn from noisy frequencies.

A real row's comes from that row alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from privgan.measurement.marginals import Measurements

UNCONDITIONED_SHARE = 0.5


def condition_codes(measurements: Measurements, entries: int) -> np.ndarray:
    """The condition of each codebook entry as column and code [entries, 2], int64.

    (-1, -1) for none.

    Half of the entries have none; the others fix one column, each column equally often, to codes in
    the shares of the noisy frequencies, drawn systematically. The measurements are noisy: there is
    no other way to make conditions.
    """
    codes = np.full((entries, 2), -1, dtype=np.int64)
    columns = len(measurements.sizes)
    conditioned = round(entries * (1 - UNCONDITIONED_SHARE))
    for column, shares in enumerate(measurements.frequencies()):
        here = np.arange(column, conditioned, columns)
        points = (np.arange(len(here)) + 0.5) / max(1, len(here))
        codes[here, 0] = column
        codes[here, 1] = np.minimum(np.searchsorted(np.cumsum(shares), points), len(shares) - 1)
    return codes


def conditions_of(codes: np.ndarray, sizes: Sequence[int]) -> Tensor:
    """Conditions [entries, all codes] from columns and codes [entries, 2].

    One-hot, or zero where there is none.
    """
    conditions = torch.zeros(len(codes), sum(sizes))
    offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    fixed = np.flatnonzero(codes[:, 0] >= 0)
    conditions[
        torch.from_numpy(fixed), torch.from_numpy(offsets[codes[fixed, 0]] + codes[fixed, 1])
    ] = 1.0
    return conditions


def marks_for_rows(columns: int, picks: Tensor) -> Tensor:
    """Marks [batch, columns] for real rows.

    Each row's own column pick [batch], or none where the pick is ``columns``.

    A real row's condition is its own value in that column, which its codes already say.
    """
    return torch.nn.functional.one_hot(picks, columns + 1)[:, :columns].float()
