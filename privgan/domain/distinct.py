"""Find the distinct rows of matrices of whole numbers, by one number a row."""

from __future__ import annotations

import numpy as np
import pandas as pd

_MOST = 1 << 62


def distinct_rows(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first of each kind of rows, and the kind of each row.

    Args:
        rows: Whole numbers [rows, columns].

    Returns:
        Places of the first rows [kinds], and the kind of each row [rows], in order of appearance.
    """
    key, span = np.zeros(len(rows), dtype=np.int64), 1
    for column in rows.T:
        least, most = int(column.min(initial=0)), int(column.max(initial=0))
        if span * (most - least + 1) > _MOST:
            key, every = pd.factorize(key)
            span = len(every)
        key = key * (most - least + 1) + (column.astype(np.int64) - least)
        span *= most - least + 1
    kinds, every = pd.factorize(key)
    firsts = np.zeros(len(every), dtype=np.int64)
    firsts[kinds[::-1]] = np.arange(len(rows) - 1, -1, -1)
    return firsts, kinds.astype(np.int64)
