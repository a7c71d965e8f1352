"""Assign conditions: one column fixed to one code, drawn from noisy frequencies.

A real row's condition comes from that row alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from privgan.measurement.marginals import Measurements

_UNCONDITIONED_SHARE, _MOST_COLUMNS = 0.5, 40


def unconditioned_share(columns: int) -> float:
    """The share of codebook entries, and of a critic's rows, that have no condition.

    Half. All, above 40 columns: an entry's condition rules out each row of another code, whatever
    its other columns are. Of many columns each would have few entries with it all the same
    (``reports/benchmarks``).
    """
    return _UNCONDITIONED_SHARE if columns <= _MOST_COLUMNS else 1.0


def condition_codes(measurements: Measurements, entries: int) -> np.ndarray:
    """Column and code of each codebook entry's condition [entries, 2], int64; (-1, -1) for none.

    A share of the entries has no condition. The others fix one column, each column equally often.
    Their codes follow the noisy frequencies, by systematic sampling. Only noisy measurements are
    read.
    """
    codes = np.full((entries, 2), -1, dtype=np.int64)
    columns = len(measurements.sizes)
    conditioned = round(entries * (1 - unconditioned_share(columns)))
    for column, shares in enumerate(measurements.frequencies()):
        here = np.arange(column, conditioned, columns)
        points = (np.arange(len(here)) + 0.5) / max(1, len(here))
        codes[here, 0] = column
        codes[here, 1] = np.minimum(np.searchsorted(np.cumsum(shares), points), len(shares) - 1)
    return codes


def conditions_of(codes: np.ndarray, sizes: Sequence[int]) -> Tensor:
    """Encode columns and codes [entries, 2] as conditions [entries, all codes].

    Each row is one-hot, or zero where the entry has no condition.
    """
    conditions = torch.zeros(len(codes), sum(sizes))
    offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    fixed = np.flatnonzero(codes[:, 0] >= 0)
    conditions[
        torch.from_numpy(fixed), torch.from_numpy(offsets[codes[fixed, 0]] + codes[fixed, 1])
    ] = 1.0
    return conditions


def marks_for_rows(columns: int, picks: Tensor) -> Tensor:
    """Condition marks [batch, columns] of real rows.

    A row marks its picked column [batch]; no column where the pick is ``columns``. The row's own
    codes already say the condition's value.
    """
    return torch.nn.functional.one_hot(picks, columns + 1)[:, :columns].float()
