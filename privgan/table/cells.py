"""A column's fine cells: a public grid made from the schema alone, and the way from values to cells and back."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from privgan.table.columns import Column, Discrete, Kind, Numeric, Open, OpenNumeric, OpenTemporal, Temporal
from privgan.table.frames import positions_of
from privgan.table.grid import calendar_steps, number_steps, starts_of

MAX_CELLS = 512
_SECONDS = {Kind.DATE: 86_400, Kind.DATETIME: 1}
_TOLERANCE_IN_STEPS = 1e-4
_MOST_STEPS = 2**62


@dataclass(frozen=True, kw_only=True, eq=False)
class Cells:
    """The fine cells of one column, numbered: categories or special values, then intervals, then missing.

    A special value is in no interval. An interval holds whole steps: from ``starts[i]`` up to, not including,
    ``starts[i] + lengths[i]``, counted in steps of ``step`` from ``origin``. Steps are positions among the column's
    values (``positions.py``): special values below the bounds come first, however far below they lie.

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
        """The code of the first interval."""
        return len(self.texts) + len(self.special)

    @property
    def size(self) -> int:
        """The number of codes."""
        return self.first_interval + len(self.starts) + int(self.column.missing)

    @property
    def missing_code(self) -> int | None:
        """The code of a missing value, or None where none may be missing."""
        return self.size - 1 if self.column.missing else None

    @property
    def adjacent(self) -> bool:
        """Whether neighbouring codes are alike, so that merging them keeps an order."""
        return not isinstance(self.column, Discrete) or self.column.kind is Kind.ORDINAL

    def encode(self, values: pd.Series) -> np.ndarray:
        """The code of each typed value [rows], int64; a pure function of each value."""
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
        """Typed values [rows] from codes [rows] and uniform numbers [rows] in [0, 1) that place each inside its interval."""
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
        if isinstance(self.column, Numeric) and self.column.decimals:  # Far out a float has fewer digits.
            inside = values.clip(self.column.lower, self.column.upper)
            values = values.where(codes < len(self.special), inside)
        return values

    def range_of(self, lower: float, upper: float) -> Cells:
        """The same cells with each interval cut to the values from lower to upper; an interval outside has length 0."""
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
    """The fine cells of a column: a function of the schema alone.

    Args:
        column: A modelled column.
        max_cells: The most intervals of a numeric or temporal column.
    """
    if isinstance(column, Discrete):
        return Cells(column=column, texts=column.categories)
    if not isinstance(column, Numeric | Temporal):
        why = "has facts that are still to be measured" if isinstance(column, Open) else "is invented"
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
    """The distance between two neighbouring values of a numeric or temporal column: a number, or seconds."""
    if isinstance(column, Numeric | OpenNumeric):
        return float(10.0**-column.decimals)
    return float(_SECONDS[column.kind])


def special_of(column: Column) -> tuple[float, ...]:
    """The special values of a column: numbers, or seconds since 1970."""
    if isinstance(column, Numeric | OpenNumeric):
        return column.special_values
    if isinstance(column, Temporal | OpenTemporal):
        return tuple(_epoch(value) for value in column.special_values)
    return ()


def is_special(numbers: np.ndarray, column: Column) -> np.ndarray:
    """Which numbers [rows], or moments in seconds since 1970, are special values of the column [rows]."""
    found = np.zeros(np.shape(numbers), dtype=bool)
    for value in special_of(column):
        found |= np.abs(numbers - value) < step_of(column) / 2
    return found


def bounds_of(column: Column) -> tuple[float, float]:
    """The lowest and the highest value of a numeric or temporal column: numbers, or seconds since 1970."""
    if isinstance(column, Temporal):
        return _epoch(column.lower), _epoch(column.upper)
    if isinstance(column, Numeric):
        return column.lower, column.upper
    raise TypeError(f"column {column.name} is {column.kind} and has no bounds")


def _epoch(moment: dt.datetime) -> float:
    return moment.replace(tzinfo=dt.UTC).timestamp()


def as_numbers(values: pd.Series, column: Column) -> np.ndarray:
    """Typed values [rows] as float64: numbers as they are, moments as seconds since 1970, NaN where missing."""
    if isinstance(column, Temporal | OpenTemporal):
        seconds = values.astype("datetime64[s]").astype("int64").to_numpy(dtype=float)
        return np.where(values.isna().to_numpy(), np.nan, seconds)
    return values.to_numpy(dtype=float)


def from_numbers(numbers: np.ndarray, column: Column) -> pd.Series:
    """Numbers [rows] as the column's type: nullable integers, rounded floats, or moments."""
    if isinstance(column, Temporal):
        seconds = np.rint(np.nan_to_num(numbers)).astype("int64")
        return pd.Series(seconds.astype("datetime64[s]")).where(~np.isnan(numbers))
    assert isinstance(column, Numeric)
    if column.kind is Kind.INTEGER:
        return pd.Series(np.rint(numbers)).astype("Int64" if column.missing else "int64")
    return pd.Series(np.round(numbers, column.decimals) + 0.0)  # No zero has a sign.
