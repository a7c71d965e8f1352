"""Histograms of coded columns: counts, shares, their distance, and where a code's values lie."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from privgan.domain.encoding import ColumnCode

# From the lowest value up to, not including, the end of the highest one.
Interval: TypeAlias = tuple[float, float]


def code_counts(codes: NDArray[np.integer], size: int) -> NDArray[np.int64]:
    """The number of rows with each code [size], from codes [rows]."""
    return np.bincount(codes, minlength=size).astype(np.int64)


def shares_of(counts: NDArray[np.number]) -> NDArray[np.float64]:
    """Counts [codes] as shares of their sum; noisy counts below 0 count as 0."""
    positive = np.maximum(0.0, np.asarray(counts, dtype=float))
    return np.asarray(positive / (_sum(positive) or 1.0))


def total_variation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Half the sum of the absolute differences of two sets of shares [codes], in [0, 1]."""
    return _sum(np.abs(np.asarray(first) - np.asarray(second))) / 2


def _sum(values: NDArray[np.float64]) -> float:
    """One value after another: a report is made again to the last digit on every machine."""
    return float(sum(values.tolist()))


def intervals_of(column: ColumnCode) -> list[Interval | None]:
    """Where the values of each code lie; None for a category, a special or a missing value.

    Moments are in seconds since 1970. An interval ends one step after its last value.
    """
    return [
        _interval(column, np.flatnonzero(column.code_of == code)) for code in range(column.size)
    ]


def _interval(column: ColumnCode, cells: NDArray[np.int64]) -> Interval | None:
    parts = column.cells
    beside = parts.texts or cells[0] < parts.first_interval
    if beside or cells[-1] == parts.missing_code:
        return None
    first, last = cells[0] - parts.first_interval, cells[-1] - parts.first_interval
    ends = parts.starts[first], parts.starts[last] + parts.lengths[last]
    low, high = (round(float(parts.origin + end * parts.step), 9) for end in ends)
    return low, high
