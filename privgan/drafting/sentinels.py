"""Propose bounds rounded outwards, and special values outside them such as 9999-12-31.

A sentinel is recognised by its share and its place, because its meaning is not in the data:

* A value that programs use for "none" (-1, -9, -99, -999 and so on; 99, 999 and so on; 9999-12-31;
  1900-01-01): where it stands five times as often as any neighbour, or further off than others
  stand from each other. A negative one is always a sentinel among numbers that are else never
  negative.
* 0: from 5 % of the rows on, at three times its neighbours, as a structural zero. Also where it
  stands further off than others stand from each other.
* Any other value: from 10 % of the rows on, at twenty times its neighbours; or where it stands
  alone beyond an empty space as wide as all other values together. So are up to four values that
  stand there together.

A value of fewer than five rows is none, save the last and the first day of the calendar: in few
rows, chance makes a mode. A column of twelve or fewer values needs none: each is a category.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from calendar import monthrange
from collections.abc import Set
from dataclasses import dataclass

import numpy as np

_FEW_VALUES = 12
_LEAST_ROWS = 5
_LEAST_SHARE, _ZERO_SHARE, _ANY_SHARE, _FAR_SHARE = 0.005, 0.05, 0.1, 0.001
_ABOVE, _ZERO_ABOVE, _ANY_ABOVE = 5, 3, 20
_NEIGHBOURS = 5
_MOST_LOOKED_AT, _MOST_SPECIAL = 40, 10
_MOST_NEGATIVE = _MOST_TOGETHER = 4
_WIDTHS = 3
_CODE = re.compile(
    r"-[1-9]|-?(9{2,10}|8{2,10}|7{2,10})|-?9{2,9}[6-8]|-?2147483648|2147483647|-32768|32767|-9[0-9]"
)
_DAY = 86_400


def _day(text: str) -> float:
    return float(np.datetime64(text, "s").astype(np.int64))


_USUAL_DAYS = {
    _day(text)
    for text in (
        *(
            "1900-01-01",
            "1900-01-02",
            "1899-12-30",
            "1899-12-31",
            "1901-01-01",
            "1970-01-01",
            "1969-12-31",
        ),
        *(
            "1753-01-01",
            "1601-01-01",
            "1800-01-01",
            "1582-10-15",
            "1111-11-11",
            "1000-01-01",
            "0001-01-01",
        ),
        *(
            "2037-12-31",
            "2038-01-19",
            "2049-12-31",
            "2099-12-31",
            "2100-01-01",
            "2199-12-31",
            "2262-04-11",
        ),
        *(
            "2222-02-22",
            "2500-01-01",
            "2999-12-31",
            "3000-01-01",
            "3999-12-31",
            "4712-12-31",
            "5999-12-31",
        ),
        *("9998-12-31", "9999-01-01", "9999-12-30", "9999-12-31", "9999-09-09"),
    )
}
_ENDS_OF_TIME = {
    _day(text) for text in ("0001-01-01", "2999-12-31", "9999-12-31", "9999-12-30", "9999-01-01")
}


@dataclass(frozen=True, eq=False)
class Counted:
    """Distinct values in order, with their counts.

    Attributes:
        values: The values [values], rising.
        counts: Rows of each [values].
    """

    values: np.ndarray
    counts: np.ndarray

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.counts.sum())

    def near(self, place: int, taken: Set[int] = frozenset()) -> int:
        """Largest count of a neighbour that is not taken for a sentinel."""
        around = range(max(0, place - _NEIGHBOURS), min(len(self.values), place + _NEIGHBOURS + 1))
        return max(
            (int(self.counts[at]) for at in around if at != place and at not in taken), default=0
        )

    def apart(self, place: int, taken: Set[int]) -> tuple[float, float, float]:
        """Distance to the nearest other value, largest gap among those beyond, and their width."""
        kept = [at for at in range(len(self.values)) if at not in taken] if taken else None
        others = self.values if kept is None else self.values[kept]
        others = others[others != self.values[place]]
        if len(others) < 2:
            return 0.0, 0.0, 0.0
        distances = np.abs(others - self.values[place])
        nearest = int(distances.argmin())
        beside = others[max(0, nearest - 2 * _NEIGHBOURS) : nearest + 2 * _NEIGHBOURS + 1]
        return (
            float(distances[nearest]),
            float(np.diff(beside).max(initial=0)),
            float(others[-1] - others[0]),
        )


def counted_values(values: np.ndarray, counts: np.ndarray) -> Counted:
    """Merge repeated values [values] and their counts [values], in order."""
    unique, inverse = np.unique(values, return_inverse=True)
    return Counted(
        unique, np.bincount(inverse, weights=counts, minlength=len(unique)).astype(np.int64)
    )


def sentinels(
    values: np.ndarray, counts: np.ndarray, *, moments: bool = False
) -> tuple[float, ...]:
    """Values that have a meaning of their own, ascending.

    Args:
        values: Finite numbers, or seconds since 1970; a value may stand twice [values].
        counts: Rows of each [values].
        moments: Whether the values are seconds since 1970.
    """
    counted = counted_values(values, counts)
    far_ends = {at for at in _ends(counted) if _is_far(counted, at, set())} if moments else set()
    many = len(counted.values) > _FEW_VALUES
    taken = _all_sentinels(counted, far_ends, moments) if many else far_ends
    left = len(counted.values) - len(taken)
    return tuple(counted.values[sorted(taken)].tolist()) if left > 1 else ()


def _all_sentinels(counted: Counted, far_ends: set[int], moments: bool) -> set[int]:
    """Positions of the far ends of time and of all other sentinels."""
    taken = set(far_ends) if moments else _negative_codes(counted)
    taken |= _together(counted, taken) | _together(counted, taken, last=True)
    for at in _looked_at(counted):
        if len(taken) >= _MOST_SPECIAL:
            break
        if at not in taken and _is_special(counted, at, taken, moments):
            taken.add(at)
    return taken


def _ends(counted: Counted) -> list[int]:
    days = np.floor(counted.values / _DAY) * _DAY
    return np.flatnonzero(np.isin(days, list(_ENDS_OF_TIME))).tolist()


def _negative_codes(counted: Counted) -> set[int]:
    """Codes such as -999 where all other numbers are 0 or more."""
    negative = np.flatnonzero(counted.values < 0)
    if not 0 < len(negative) <= _MOST_NEGATIVE:
        return set()
    codes = {int(at) for at in negative if _is_code(float(counted.values[at]))}
    if len(codes) < len(negative):
        return set()
    return {at for at in codes if counted.counts[at] > 1 or _is_far(counted, at, codes - {at})}


def _together(counted: Counted, taken: set[int], *, last: bool = False) -> set[int]:
    """Several values at one end, such as -998 and -999.

    They lie beyond an empty space as wide as all others together.
    """
    free = np.ones(len(counted.values), dtype=bool)
    free[sorted(taken)] = False
    places = np.flatnonzero(free)[:: -1 if last else 1]
    values = counted.values[places]
    for size in range(2, min(_MOST_TOGETHER, len(places) - 2) + 1):
        group = {int(at) for at in places[:size]}
        space, width = abs(values[size] - values[size - 1]), abs(values[-1] - values[size])
        if space >= max(width, abs(values[size - 1] - values[0])) and all(
            _stands_often(counted, at, group) for at in group
        ):
            return group
    return set()


def _stands_often(counted: Counted, at: int, taken: Set[int]) -> bool:
    count = int(counted.counts[at])
    return count >= max(_LEAST_ROWS, counted.near(at, taken)) and count >= _FAR_SHARE * counted.rows


def _is_code(value: float) -> bool:
    return value.is_integer() and bool(_CODE.fullmatch(str(int(value))))


def _looked_at(counted: Counted) -> list[int]:
    """Candidate sentinels: the most frequent values, the outermost first."""
    frequent = np.argsort(-counted.counts, kind="stable")[:_MOST_LOOKED_AT].tolist()
    last = len(counted.values) - 1
    return list(dict.fromkeys([last, 0, *frequent]))


def _is_special(counted: Counted, at: int, taken: set[int], moments: bool) -> bool:
    count, share = int(counted.counts[at]), counted.counts[at] / counted.rows
    if count < _LEAST_ROWS or share < _FAR_SHARE:
        return False
    return (
        _is_usual(counted, at, taken, moments)
        or (not moments and _is_structural_zero(counted, at, taken))
        or (share >= _ANY_SHARE and count >= _ANY_ABOVE * counted.near(at, taken))
        or _is_outlying(counted, at, taken)
    )


def _is_usual(counted: Counted, at: int, taken: set[int], moments: bool) -> bool:
    """Whether programs use the value for "none", and it stands often or off."""
    value, count = float(counted.values[at]), int(counted.counts[at])
    usual = np.floor(value / _DAY) * _DAY in _USUAL_DAYS if moments else _is_code(value)
    if not usual or count / counted.rows < _LEAST_SHARE:
        return False
    return count >= _ABOVE * counted.near(at, taken) or _stands_off(counted, at, taken)


def _is_structural_zero(counted: Counted, at: int, taken: set[int]) -> bool:
    """Whether the value is 0, and stands often or off."""
    count, share = int(counted.counts[at]), counted.counts[at] / counted.rows
    if counted.values[at] != 0:
        return False
    if share >= _ZERO_SHARE and count >= _ZERO_ABOVE * counted.near(at, taken):
        return True
    return share >= _LEAST_SHARE and _stands_off(counted, at, taken)


def _is_outlying(counted: Counted, at: int, taken: set[int]) -> bool:
    """Whether the value lies far off, and not less often than its neighbours."""
    if not _is_far(counted, at, taken):
        return False
    times = 1 if _is_far(counted, at, taken, _WIDTHS) else _ZERO_ABOVE
    return bool(counted.counts[at] >= times * counted.near(at, taken))


def _stands_off(counted: Counted, at: int, taken: set[int]) -> bool:
    """Whether a value stands further off than others from each other, as often as others do."""
    distance, widest, _ = counted.apart(at, taken)
    return 0 < widest * _ABOVE <= distance and counted.counts[at] >= np.median(counted.counts)


def _is_far(counted: Counted, at: int, taken: set[int], widths: float = 1) -> bool:
    """Whether the space beside a value is some times as wide as all other values together."""
    distance, _, width = counted.apart(at, taken)
    return distance >= max(widths * width, 1e-300) or (distance > 0 and len(counted.values) <= 2)


MOST_DECIMALS = 15
_MOST_EXACT = 9
_SAME, _NEARLY_SAME = 1e-13, 5e-7
_MOST_STEPS, _LARGEST_STEP = 2**53, 2**52 - 1
_YEARS_FROM = dt.timedelta(days=4 * 365)


def outward(lower: float, upper: float, decimals: int) -> tuple[float, float]:
    """Round bounds outwards to half of the range's power of ten: rarely anybody's exact value."""
    width = max(upper - lower, 10.0**-decimals)
    step = max(10.0 ** math.floor(math.log10(width)) / 2, 10.0**-decimals)
    low, high = math.floor(lower / step) * step, math.ceil(upper / step) * step
    if lower >= 0 > low:
        low = 0.0
    return round(low, decimals), round(high if high > low else low + step, decimals)


def outward_moments(first: dt.datetime, last: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    """Round bounds outwards to whole years from four years on, else to whole months.

    From the first second to the last one.
    """
    low, high = dt.datetime(first.year, first.month, 1), last
    if last - first >= _YEARS_FROM:
        low, high = dt.datetime(first.year, 1, 1), dt.datetime(last.year, 12, 31)
    day = monthrange(high.year, high.month)[1]
    return low, dt.datetime(high.year, high.month, day, 23, 59, 59)


def decimals_kept(numbers: np.ndarray, written: np.ndarray) -> int:
    """Number of decimals that a column needs.

    All that are written, where a double holds them. Else the numbers were computed: then those that
    change no number by more than a rounding error (0.30000000000000004 is 0.3), or, where these are
    many, by its millionth.

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
    """Fewest decimals that change no number by more than a share of it; at most 15."""
    for decimals in range(MOST_DECIMALS):
        if not too_fine(numbers, decimals, share).any():
            return decimals
    return MOST_DECIMALS


def too_fine(numbers: np.ndarray, decimals: int, share: float = 1e-6) -> np.ndarray:
    """Whether rounding would change each number by more than a share of it [values].

    The share is that of ``conform``.
    """
    size = np.maximum(np.abs(numbers), 10.0**-decimals)
    with np.errstate(
        over="ignore", invalid="ignore"
    ):  # The largest numbers have no decimals to lose.
        return np.asarray(np.abs(numbers - np.round(numbers, decimals)) > share * size)


def bounded(
    lower: float, upper: float, special: tuple[float, ...], decimals: int
) -> tuple[float, float, int] | None:
    """Bounds, and as many decimals as can be distinguished between them.

    None where not even whole numbers can.

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
