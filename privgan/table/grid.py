"""Public grids over the steps of a number or a moment: functions of the schema's facts alone.

People and machines write round numbers: limits of 50,000, payments of 1,500, rates of 1/30, bookings on the first of a month.
Such a value can hold more rows than all its neighbours together, so it is a cell of its own, an atom, and no noise or
neighbour blurs it.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator

import numpy as np

_ATOMS = 0.4
_FRACTIONS = 0.2
_FINE_ATOMS, _FINE_EDGES = 0.05, 0.5
_DAY = 86_400
_USUAL_DECADE = 2
_FINE_UNIT = 1_000
_LARGEST_PRODUCT = 400


def starts_of(last: int, atoms: set[int], edges: set[int], max_cells: int) -> np.ndarray:
    """Interval starts over steps 0…last: each step by itself, or each atom by itself, the edges, and even intervals."""
    if last + 1 <= max_cells:
        return np.arange(last + 1, dtype=np.int64)
    wanted = max(1, max_cells - 2 * len(atoms) - len(edges))
    even = np.floor(np.linspace(0, last + 1, wanted, endpoint=False)).astype(np.int64)
    alone = np.array(sorted(atoms), dtype=np.int64)
    starts = np.unique(np.concatenate([even, alone, alone + 1, np.array(sorted(edges), dtype=np.int64)]))
    return starts[starts <= last]


def number_steps(last: int, zero: int, unit: int, max_cells: int) -> tuple[set[int], set[int]]:
    """The atoms of a number (0, both bounds, small fractions of a rate, the roundest numbers), and more edges of cells.

    An atom takes two cells, for it leaves an interval beside it. A finely measured number is seldom round: it gets fewer
    atoms, and the next roundest numbers as mere edges.

    Args:
        last: The last step.
        zero: The step of the value 0, which may lie outside 0…last.
        unit: Number of steps from 0 to 1.
        max_cells: Wanted number of cells.
    """
    largest = max(abs(zero), abs(last - zero))
    atoms = {step for step in (0, last, zero) if 0 <= step <= last}
    fine = unit >= _FINE_UNIT
    if fine and largest <= unit:
        _fill(atoms, fractions(unit), zero, last, int(_FRACTIONS * max_cells))
    numbers = round_numbers(largest)
    _fill(atoms, numbers, zero, last, len(atoms) + int((_FINE_ATOMS if fine else _ATOMS) * max_cells))
    edges: set[int] = set()
    _fill(edges, numbers, zero, last, int(_FINE_EDGES * max_cells) if fine else 0)
    return atoms, edges


def _fill(steps: set[int], distances: Iterator[int], zero: int, last: int, most: int) -> None:
    """Add the steps at these distances on both sides of zero until there are enough."""
    while len(steps) < most and (distance := next(distances, None)) is not None:
        steps.update(step for step in (zero - distance, zero + distance) if 0 <= step <= last)


def round_numbers(largest: int) -> Iterator[int]:
    """Numbers of one or two significant digits up to a largest one, the roundest first.

    One digit comes before a half, a half before two digits; and what is usual before what is rare: a declared bound is mostly
    some two decades above where most values are.
    """
    top = len(str(max(1, largest))) - 1
    found = []
    for decade in range(top + 1):
        for tenths in range(10, 100):
            value, rest = divmod(tenths * 10**decade, 10)
            roughness = 0 if tenths % 10 == 0 else 1 if tenths % 5 == 0 else 2
            if not rest and value <= largest:
                found.append((abs(top - decade - _USUAL_DECADE) + roughness, decade, value))
    return (value for _, _, value in sorted(found))


def fractions(unit: int) -> Iterator[int]:
    """Fractions j/k below 1 in steps of 1/unit, by rising j·k: 1/2, 1/3, 1/4, 1/5, 2/3, 1/6 and so on."""
    for product in range(2, _LARGEST_PRODUCT):
        for j in range(1, math.isqrt(product) + 1):
            k, rest = divmod(product, j)
            if not rest and math.gcd(j, k) == 1:
                yield round(j * unit / k)


def calendar_steps(lower: dt.datetime, upper: dt.datetime, step: float, max_cells: int) -> set[int]:
    """The atoms of a moment: both bounds, and the first of each year, month and day as far as there is room."""
    most = int(_ATOMS * max_cells)
    atoms = {0, round((upper - lower).total_seconds() / step)}
    for months in (12, 1):
        if (upper - lower).days / (30 * months) <= most - len(atoms):
            atoms.update(round((day - lower).total_seconds() / step) for day in _firsts(lower, upper, months))
    days = (upper.date() - lower.date()).days
    if step < _DAY and days <= most - len(atoms):
        midnight = dt.datetime(lower.year, lower.month, lower.day)
        moments = (midnight + dt.timedelta(days=day) for day in range(1, days + 1))
        atoms.update(round((moment - lower).total_seconds() / step) for moment in moments)
    return atoms


def _firsts(lower: dt.datetime, upper: dt.datetime, months: int) -> Iterator[dt.datetime]:
    """The first day of every year (12 months) or month (1) between two moments."""
    for index in range(lower.year * 12, upper.year * 12 + 12, months):
        first = dt.datetime(index // 12, index % 12 + 1, 1)
        if lower <= first <= upper:
            yield first


def bound_grid(last: int, zero: float, most: int) -> np.ndarray:
    """Candidate steps for a bound in 0…last: every step, or a grid both even and logarithmic around zero."""
    if last + 1 <= most:
        return np.arange(last + 1, dtype=np.int64)
    even = np.linspace(0, last + 1, most // 2, endpoint=False)
    centre = float(np.clip(zero, 0, last))
    sides = [(1.0, last - centre), (-1.0, centre)]
    share = most // 2 / max(1e-12, sum(np.log1p(length) for _, length in sides))
    logarithmic = [
        centre + sign * np.expm1(np.linspace(0, np.log1p(length), int(np.log1p(length) * share)))
        for sign, length in sides
        if length >= 1
    ]
    grid = np.unique(np.floor(np.concatenate([even, *logarithmic, [0.0]])).astype(np.int64))
    return grid[(grid >= 0) & (grid <= last)]
