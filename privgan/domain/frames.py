"""Provide small tools on data frames and columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd


def with_columns(frame: pd.DataFrame, changed: Mapping[str, pd.Series]) -> pd.DataFrame:
    """Copy of a frame with columns replaced, or added at its end.

    Columns may have any name, also ``self``, which pandas' ``assign`` refuses.
    """
    result = frame.copy(deep=False)
    for name, values in changed.items():
        result[name] = values
    return result


def by_distinct(values: pd.Series, change: Callable[[Any], Any]) -> pd.Series:
    """Apply a function to each value [rows]; the results are objects.

    Columns of texts alone are changed once per distinct text. Values of several kinds are changed
    one by one: 1 and True are equal, but are two texts.
    """
    if values.dtype != object or pd.api.types.infer_dtype(values, skipna=False) != "string":
        return values.map(change)
    places, distinct = pd.factorize(values)
    changed = np.empty(len(distinct), dtype=object)
    changed[:] = [change(value) for value in distinct]
    return pd.Series(changed[places], index=values.index, name=values.name, dtype=object)


def positions_of(values: pd.Series, categories: Sequence[str]) -> np.ndarray:
    """Position of each text [rows] among the categories, int64; -1 for missing or unknown texts."""
    return (
        pd.Index(list(categories), dtype=object)
        .get_indexer(pd.Index(values, dtype=object))
        .astype(np.int64, copy=False)
    )
