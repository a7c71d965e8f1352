"""Bounds for a draft: rounded outwards, so that they are rarely anybody's exact value."""

from __future__ import annotations

import datetime as dt
import math
from calendar import monthrange

import numpy as np

MOST_DECIMALS = 15
_USUAL_DECIMALS = 6
_DIGITS_KEPT = 3
_SMALL_SHARE = 0.01
_SAME = 1e-9
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

    Up to six as they are written. Beyond, as many as change no number by more than its billionth part; and
    where even 15 are too few for that, those that leave the smaller numbers four digits.

    Args:
        numbers: Finite numbers [values].
        written: Digits after the point of each [values].
    """
    most = int(written.max(initial=0))
    if most <= _USUAL_DECIMALS:
        return most
    for decimals in range(MOST_DECIMALS + 1):
        if (np.abs(numbers - np.round(numbers, decimals)) <= _SAME * np.abs(numbers)).all():
            return decimals
    small = np.quantile(np.abs(numbers[numbers != 0]), _SMALL_SHARE, method="lower")
    wanted = math.ceil(-math.log10(small)) + _DIGITS_KEPT
    return min(max(_USUAL_DECIMALS, wanted), MOST_DECIMALS)


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
