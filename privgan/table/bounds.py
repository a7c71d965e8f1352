"""Bounds for a draft: rounded outwards, so that they are rarely anybody's exact value."""

from __future__ import annotations

import datetime as dt
import math
from calendar import monthrange

import numpy as np

MOST_DECIMALS = 15
_MOST_EXACT = 9
_SAME, _NEARLY_SAME = 1e-13, 5e-7
_MOST_STEPS, _LARGEST_STEP = 2**53, 2**52 - 1
_YEARS_FROM = dt.timedelta(days=4 * 365)


def outward(lower: float, upper: float, decimals: int) -> tuple[float, float]:
    """Bounds rounded outwards to half of the range's power of ten, so that they are rarely anybody's exact value."""
    width = max(upper - lower, 10.0**-decimals)
    step = max(10.0 ** math.floor(math.log10(width)) / 2, 10.0**-decimals)
    low, high = math.floor(lower / step) * step, math.ceil(upper / step) * step
    if lower >= 0 > low:
        low = 0.0
    return round(low, decimals), round(high if high > low else low + step, decimals)


def outward_moments(first: dt.datetime, last: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    """Whole years from four years on, else whole months: from the first second to the last one."""
    low, high = dt.datetime(first.year, first.month, 1), last
    if last - first >= _YEARS_FROM:
        low, high = dt.datetime(first.year, 1, 1), dt.datetime(last.year, 12, 31)
    day = monthrange(high.year, high.month)[1]
    return low, dt.datetime(high.year, high.month, day, 23, 59, 59)


def decimals_kept(numbers: np.ndarray, written: np.ndarray) -> int:
    """How many decimals a column needs.

    As many as are written, where a double holds them all. Else numbers were computed: then those that change
    no number by more than an error of rounding (0.30000000000000004 is 0.3), or, where these are many, by its millionth.

    Args:
        numbers: Finite numbers [values].
        written: Digits after the point of each [values].
    """
    most, largest = int(written.max(initial=0)), float(np.abs(numbers).max(initial=1.0))
    if most <= MOST_DECIMALS and most + math.log10(max(largest, 1e-300)) <= MOST_DECIMALS:
        return most
    exact = _least_decimals(numbers, _SAME)
    return exact if exact <= _MOST_EXACT else _least_decimals(numbers, _NEARLY_SAME)


def _least_decimals(numbers: np.ndarray, share: float) -> int:
    """The fewest decimals that change no number by more than a share of it; at most 15."""
    for decimals in range(MOST_DECIMALS):
        if not too_fine(numbers, decimals, share).any():
            return decimals
    return MOST_DECIMALS


def too_fine(numbers: np.ndarray, decimals: int, share: float = 1e-6) -> np.ndarray:
    """Which numbers rounding would change by more than a share of them, as conformity has it [values]."""
    size = np.maximum(np.abs(numbers), 10.0**-decimals)
    with np.errstate(over="ignore", invalid="ignore"):  # The largest numbers have no decimals to lose.
        return np.asarray(np.abs(numbers - np.round(numbers, decimals)) > share * size)


def bounded(lower: float, upper: float, special: tuple[float, ...], decimals: int) -> tuple[float, float, int] | None:
    """Bounds and as many decimals as can be told apart between them; None where not even whole numbers can.

    Args:
        lower: The smallest number.
        upper: The largest number.
        special: Values with a meaning of their own.
        decimals: The decimals that are wanted.
    """
    furthest = max(map(abs, special), default=0.0)
    for digits in range(decimals, -1, -1):
        if not (math.isfinite(upper - lower) and (upper - lower) * 10.0**digits < _MOST_STEPS):
            continue
        low, high = outward(lower, upper, digits)
        near = max(abs(low), abs(high)) <= _MOST_STEPS and furthest * 10.0**digits <= _LARGEST_STEP
        if near and low <= lower and upper <= high and (high - low) * 10.0**digits <= _MOST_STEPS:
            return low, high, digits
    return None
