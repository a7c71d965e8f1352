"""State which weights of an autoregressive network count, and in what order a file holds them.

Germain, Gregor, Murray and Larochelle 2015, MADE, section 3: a hidden unit reads the columns up to
one; a column's codes read the units and columns before it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def last_read(width: int, columns: int) -> np.ndarray:
    """The last column that each hidden unit reads [width], int64."""
    return np.arange(width) % max(1, columns - 1)


def weight_counts(sizes: Sequence[int], width: int) -> dict[str, int]:
    """Number of weights that count in each layer: ``first``, ``second`` and ``direct``.

    Args:
        sizes: Number of codes of each column.
        width: Units of the hidden layer.
    """
    ends = np.cumsum(sizes, dtype=np.int64)
    reads = last_read(width, len(sizes))
    before = np.searchsorted(np.sort(reads), np.arange(len(sizes)))
    wide = np.asarray(sizes, dtype=np.int64)
    return {
        "first": int(ends[reads].sum()) if len(sizes) else 0,
        "second": int(wide @ before),
        "direct": int(wide @ (ends - wide)),
    }
