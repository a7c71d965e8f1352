"""Compute a column's fine cells from the schema alone; map values to cells and back.

People and machines write round numbers: limits of 50,000, rates of 1/30, bookings on the first of a
month. Such a value can hold more rows than all its neighbours together. So it is a cell of its own,
an atom, and neither noise nor neighbours blur it.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from privgan.domain.frames import positions_of
from privgan.schema.columns import (
    Column,
    Discrete,
    Kind,
    Numeric,
    Open,
    OpenNumeric,
    OpenTemporal,
    Temporal,
)

_ATOMS = 0.4
_FRACTIONS = 0.2
_FINE_ATOMS, _FINE_EDGES = 0.05, 0.5
_DAY = 86_400
_USUAL_DECADE = 2
_FINE_UNIT = 1_000
_LARGEST_PRODUCT = 400


def starts_of(last: int, atoms: set[int], edges: set[int], max_cells: int) -> np.ndarray:
    """Interval starts over steps 0…last.

    Each step alone where there is room; else each atom alone, the edges, and even intervals.
    """
    if last + 1 <= max_cells:
        return np.arange(last + 1, dtype=np.int64)
    wanted = max(1, max_cells - 2 * len(atoms) - len(edges))
    even = np.floor(np.linspace(0, last + 1, wanted, endpoint=False)).astype(np.int64)
    alone = np.array(sorted(atoms), dtype=np.int64)
    starts = np.unique(
        np.concatenate([even, alone, alone + 1, np.array(sorted(edges), dtype=np.int64)])
    )
    return starts[starts <= last]


def number_steps(last: int, zero: int, unit: int, max_cells: int) -> tuple[set[int], set[int]]:
    """Atoms of a number, and further edges of its cells.

    Atoms are 0, both bounds, small fractions of a rate, and the roundest numbers. An atom takes two
    cells, for it leaves an interval beside it. A finely measured number is seldom round: it gets
    fewer atoms, and the next roundest numbers only as edges.

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
    _fill(
        atoms, numbers, zero, last, len(atoms) + int((_FINE_ATOMS if fine else _ATOMS) * max_cells)
    )
    edges: set[int] = set()
    _fill(edges, numbers, zero, last, int(_FINE_EDGES * max_cells) if fine else 0)
    return atoms, edges


def _fill(steps: set[int], distances: Iterator[int], zero: int, last: int, most: int) -> None:
    """Add the steps at these distances on both sides of zero until there are ``most``."""
    while len(steps) < most and (distance := next(distances, None)) is not None:
        steps.update(step for step in (zero - distance, zero + distance) if 0 <= step <= last)


def round_numbers(largest: int) -> Iterator[int]:
    """Numbers of one or two significant digits up to a largest one, the roundest first.

    One digit comes before a half, a half before two digits. Decades near the usual one come first:
    most values lie some two decades below a declared bound.
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
    """Fractions j/k below 1 in steps of 1/unit, by rising j·k.

    1/2, 1/3, 1/4, 1/5, 2/3, 1/6 and so on.
    """
    for product in range(2, _LARGEST_PRODUCT):
        for j in range(1, math.isqrt(product) + 1):
            k, rest = divmod(product, j)
            if not rest and math.gcd(j, k) == 1:
                yield round(j * unit / k)


def calendar_steps(lower: dt.datetime, upper: dt.datetime, step: float, max_cells: int) -> set[int]:
    """Atoms of a temporal column.

    Both bounds, and the first of each year, month and day as far as there is room.
    """
    most = int(_ATOMS * max_cells)
    atoms = {0, round((upper - lower).total_seconds() / step)}
    for months in (12, 1):
        if (upper - lower).days / (30 * months) <= most - len(atoms):
            atoms.update(
                round((day - lower).total_seconds() / step) for day in _firsts(lower, upper, months)
            )
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
    """Candidate steps for a bound in 0…last.

    Every step, or a grid both even and logarithmic around zero.
    """
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


MAX_CELLS = 512
_SECONDS = {Kind.DATE: 86_400, Kind.DATETIME: 1}
_TOLERANCE_IN_STEPS = 1e-4
_MOST_STEPS = 2**62


@dataclass(frozen=True, kw_only=True, eq=False)
class Cells:
    """The fine cells of one column, numbered.

    Categories or special values come first, then intervals, then missing.

    A special value is in no interval. An interval holds whole steps: from ``starts[i]`` up to, not
    including, ``starts[i] + lengths[i]``, counted in steps of ``step`` from ``origin``. Steps are
    positions among the column's values (``value_sets.py``): special values below the bounds come
    first, however far below they lie.

    Attributes:
        column: The column.
        texts: The categories, for a discrete column.
        special: Special values, for a numeric or temporal column; moments in seconds since 1970.
        starts: First step of each interval [intervals], int64.
        lengths: Number of steps in each interval [intervals], int64.
        origin: The value of step 0.
        step: The distance between two neighbouring values.
    """

    column: Column
    texts: tuple[str, ...] = ()
    special: tuple[float, ...] = ()
    starts: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    lengths: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    origin: float = 0.0
    step: float = 1.0

    @property
    def first_interval(self) -> int:
        """Code of the first interval."""
        return len(self.texts) + len(self.special)

    @property
    def size(self) -> int:
        """Number of codes."""
        return self.first_interval + len(self.starts) + int(self.column.missing)

    @property
    def missing_code(self) -> int | None:
        """Code of a missing value, or None where none may be missing."""
        return self.size - 1 if self.column.missing else None

    @property
    def adjacent(self) -> bool:
        """Whether neighbouring codes are alike, so that merging them keeps an order."""
        return not isinstance(self.column, Discrete) or self.column.kind is Kind.ORDINAL

    def encode(self, values: pd.Series) -> np.ndarray:
        """Code of each typed value [rows], int64; a pure function of each value."""
        codes = self._text_codes(values) if self.texts else self._number_codes(values)
        absent = values.isna().to_numpy()
        if self.missing_code is None:
            if absent.any():
                raise ValueError(f"column {self.column.name}: a value is missing where none may be")
            return codes
        return np.where(absent, self.missing_code, codes)

    def _text_codes(self, values: pd.Series) -> np.ndarray:
        return np.maximum(positions_of(values, self.texts), 0)

    def _number_codes(self, values: pd.Series) -> np.ndarray:
        numbers = as_numbers(values, self.column)
        steps = np.rint((np.nan_to_num(numbers, nan=self.origin) - self.origin) / self.step)
        steps = np.clip(steps, -_MOST_STEPS, _MOST_STEPS).astype(np.int64)
        codes = np.searchsorted(self.starts, steps, side="right") - 1 + self.first_interval
        for code, value in enumerate(self.special):
            codes[np.abs(numbers - value) < self.step / 2] = code
        return np.clip(codes, 0, self.size - 1)

    def decode(self, codes: np.ndarray, uniform: np.ndarray) -> pd.Series:
        """Typed values [rows] from codes [rows].

        Uniform numbers [rows] in [0, 1) place each value inside its interval.
        """
        if self.texts:
            texts = np.array([*self.texts, *([None] if self.column.missing else [])], dtype=object)
            return pd.Series(texts[codes])
        before, after = len(self.special), self.size - len(self.special) - len(self.starts)
        starts = np.pad(self.starts.astype(np.float64), (before, after), constant_values=np.nan)
        lengths = np.pad(self.lengths.astype(np.float64), (before, after))
        numbers = self.origin + (starts[codes] + np.floor(uniform * lengths[codes])) * self.step
        for code, value in enumerate(self.special):
            numbers[codes == code] = value
        values = from_numbers(numbers, self.column)
        if (
            isinstance(self.column, Numeric) and self.column.decimals
        ):  # Far out a float has fewer digits.
            inside = values.clip(self.column.lower, self.column.upper)
            values = values.where(codes < len(self.special), inside)
        return values

    def range_of(self, lower: float, upper: float) -> Cells:
        """Cut each interval to the values from lower to upper.

        An interval outside has length 0.
        """
        first = np.ceil((lower - self.origin) / self.step - _TOLERANCE_IN_STEPS)
        last = np.floor((upper - self.origin) / self.step + _TOLERANCE_IN_STEPS)
        starts = np.clip(self.starts, first, None)
        ends = np.clip(self.starts + self.lengths, None, last + 1)
        lengths = np.maximum(ends - starts, 0)
        return Cells(
            column=self.column,
            special=self.special,
            starts=starts.astype(np.int64),
            lengths=lengths.astype(np.int64),
            origin=self.origin,
            step=self.step,
        )


def cells_of(column: Column, max_cells: int = MAX_CELLS) -> Cells:
    """Fine cells of a column: a function of the schema alone.

    Args:
        column: A modelled column.
        max_cells: The most intervals of a numeric or temporal column.
    """
    if isinstance(column, Discrete):
        return Cells(column=column, texts=column.categories)
    if not isinstance(column, Numeric | Temporal):
        why = (
            "has facts that are still to be measured" if isinstance(column, Open) else "is invented"
        )
        raise TypeError(f"column {column.name} {why} and has no cells")
    step, (lowest, highest), special = step_of(column), bounds_of(column), special_of(column)
    last = round((highest - lowest) / step)
    if isinstance(column, Numeric):
        atoms, edges = number_steps(last, round(-lowest / step), 10**column.decimals, max_cells)
    else:
        atoms, edges = calendar_steps(column.lower, column.upper, step, max_cells), set[int]()
    within = [value for value in special if lowest <= value <= highest]
    apart = np.array([round((value - lowest) / step) for value in within], dtype=np.int64)
    starts = np.union1d(starts_of(last, atoms, edges, max_cells), np.append(apart, apart + 1))
    starts = starts[starts <= last].astype(np.int64)
    lengths = np.diff(np.append(starts, last + 1))
    whole = ~np.isin(starts, apart)
    starts, lengths = starts[whole], lengths[whole]
    below = sum(value < lowest for value in special)
    return Cells(
        column=column,
        special=special,
        starts=starts + below,
        lengths=lengths,
        origin=lowest - below * step,
        step=step,
    )


def step_of(column: Column) -> float:
    """Distance between two neighbouring values: a number, or seconds."""
    if isinstance(column, Numeric | OpenNumeric):
        return float(10.0**-column.decimals)
    return float(_SECONDS[column.kind])


def special_of(column: Column) -> tuple[float, ...]:
    """Special values of a column: numbers, or seconds since 1970."""
    if isinstance(column, Numeric | OpenNumeric):
        return column.special_values
    if isinstance(column, Temporal | OpenTemporal):
        return tuple(_epoch(value) for value in column.special_values)
    return ()


def is_special(numbers: np.ndarray, column: Column) -> np.ndarray:
    """Whether each number [rows] is a special value of the column [rows], bool.

    Moments are seconds since 1970.
    """
    found = np.zeros(np.shape(numbers), dtype=bool)
    for value in special_of(column):
        found |= np.abs(numbers - value) < step_of(column) / 2
    return found


def bounds_of(column: Column) -> tuple[float, float]:
    """Lowest and highest value of a column: numbers, or seconds since 1970."""
    if isinstance(column, Temporal):
        return _epoch(column.lower), _epoch(column.upper)
    if isinstance(column, Numeric):
        return column.lower, column.upper
    raise TypeError(f"column {column.name} is {column.kind} and has no bounds")


def _epoch(moment: dt.datetime) -> float:
    return moment.replace(tzinfo=dt.UTC).timestamp()


def as_numbers(values: pd.Series, column: Column) -> np.ndarray:
    """Typed values [rows] as float64.

    Moments become seconds since 1970; missing values become NaN.
    """
    if isinstance(column, Temporal | OpenTemporal):
        seconds = values.astype("datetime64[s]").astype("int64").to_numpy(dtype=float)
        return np.where(values.isna().to_numpy(), np.nan, seconds)
    return values.to_numpy(dtype=float)


def from_numbers(numbers: np.ndarray, column: Column) -> pd.Series:
    """Numbers [rows] with the column's type: nullable integers, rounded floats, or moments."""
    if isinstance(column, Temporal):
        seconds = np.rint(np.nan_to_num(numbers)).astype("int64")
        return pd.Series(seconds.astype("datetime64[s]")).where(~np.isnan(numbers))
    assert isinstance(column, Numeric)
    if column.kind is Kind.INTEGER:
        return pd.Series(np.rint(numbers)).astype("Int64" if column.missing else "int64")
    return pd.Series(np.round(numbers, column.decimals) + 0.0)  # No zero has a sign.
