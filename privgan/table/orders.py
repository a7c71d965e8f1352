"""Pairs of columns of which one is never above the other in a table. INTERNAL: what is found is a look at rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import pandas as pd

from privgan.table.cells import as_numbers, bounds_of, special_of
from privgan.table.columns import Column, Numeric, Temporal

_FIRST_ROWS = 10_000


@dataclass(frozen=True, eq=False)
class _Values:
    """A column as numbers.

    Attributes:
        column: The column.
        numbers: Its values [rows], NaN where missing.
        ordered: Those that are present, ascending [values].
    """

    column: Column
    numbers: np.ndarray
    ordered: np.ndarray

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest value that the schema allows."""
        values = (*bounds_of(self.column), *special_of(self.column))
        return min(values), max(values)


def orders(typed: pd.DataFrame, columns: Sequence[Column]) -> Iterator[tuple[str, str, int, float]]:
    """Pairs of columns of one kind where the first is never above the second, and not by their bounds alone.

    Of pairs that follow from others, and of two columns that are always equal, only what is needed is told.

    Args:
        typed: Typed rows [rows, columns].
        columns: Columns with known bounds or categories.

    Yields:
        The lower column, the higher one, rows where both stand, and the share of these that unrelated columns would break.
    """
    values = [_values(typed[column.name], column) for column in columns if isinstance(column, Numeric | Temporal)]
    found: dict[tuple[str, str], tuple[int, float]] = {}
    for low, high in permutations(values, 2):
        name = (low.column.name, high.column.name)
        if low.column.kind is not high.column.kind or low.ends[1] <= high.ends[0] or name[::-1] in found:
            continue
        rows = _rows_in_order(low.numbers, high.numbers)
        if rows:
            found[name] = rows, _broken_share(low.ordered, high.ordered)
    yield from ((low, high, *told) for (low, high), told in found.items() if not _follows(low, high, found))


def _values(values: pd.Series, column: Column) -> _Values:
    numbers = as_numbers(values, column)
    return _Values(column, numbers, np.sort(numbers[~np.isnan(numbers)]))


def _rows_in_order(low: np.ndarray, high: np.ndarray) -> int:
    """Rows where both stand; 0 where one of them is out of order."""
    if (low[:_FIRST_ROWS] > high[:_FIRST_ROWS]).any() or (low > high).any():
        return 0
    return int((~np.isnan(low) & ~np.isnan(high)).sum())


def _broken_share(low: np.ndarray, high: np.ndarray) -> float:
    """How often a value of one column is above one of the other, drawn apart."""
    below = np.searchsorted(high, low, side="left")
    return float(below.mean() / len(high))


def _follows(low: str, high: str, found: Mapping[tuple[str, str], object]) -> bool:
    return any((low, middle) in found and (middle, high) in found for _, middle in found)
