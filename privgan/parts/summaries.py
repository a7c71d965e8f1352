"""Take means of the numbers in the rows of one customer."""

from __future__ import annotations

import numpy as np
import pandas as pd

from privgan.domain.cells import as_numbers, is_special
from privgan.schema.columns import Kind, Numeric

_MEAN_DECIMALS = 1


def mean_column(column: Numeric, name: str) -> Numeric:
    """The column of a number's means; of cents no finer, so that their cells are the number's."""
    return Numeric(
        name=name,
        kind=Kind.FLOAT,
        lower=column.lower,
        upper=column.upper,
        decimals=max(column.decimals, _MEAN_DECIMALS),
        missing=column.missing or bool(column.special_values),
    )


def means(values: pd.Series, column: Numeric, owner: np.ndarray, owners: int) -> np.ndarray:
    """Mean of a column's ordinary values [owners]; missing where there is none.

    Args:
        values: Typed values [rows].
        column: The column.
        owner: Whose each row is [rows], from 0.
        owners: How many owners there are.
    """
    numbers = as_numbers(values, column)
    ordinary = ~(np.isnan(numbers) | is_special(numbers, column))
    total = np.bincount(owner, weights=np.where(ordinary, numbers, 0.0), minlength=owners)
    known = np.bincount(owner, weights=ordinary, minlength=owners)
    found = np.where(known > 0, total / np.maximum(known, 1), np.nan)
    return np.round(np.clip(found, column.lower, column.upper), mean_column(column, "").decimals)
