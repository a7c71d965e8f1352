"""Small tools on tables and columns that pandas offers less well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd


def with_columns(frame: pd.DataFrame, changed: Mapping[str, pd.Series]) -> pd.DataFrame:
    """The frame with columns replaced, or added at its end; the frame itself stays as it is.

    Columns may have any name: what pandas offers by keyword cannot take one called ``self``.
    """
    result = frame.copy(deep=False)
    for name, values in changed.items():
        result[name] = values
    return result


def positions_of(values: pd.Series, categories: Sequence[str]) -> np.ndarray:
    """The place of each text [rows] among the categories, int64; -1 for what is missing or none of them."""
    return pd.Index(list(categories), dtype=object).get_indexer(pd.Index(values, dtype=object)).astype(np.int64, copy=False)
