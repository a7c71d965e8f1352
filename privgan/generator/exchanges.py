"""Exchange numbers between customers' events until each customer's means agree with its own row.

Two events of different customers that are alike in all else exchange their numbers where both
customers' means come nearer, and their spreads where these are modelled. What single events hold
does not change by that, only who holds it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from privgan.domain.cells import as_numbers, is_special
from privgan.domain.frames import with_columns
from privgan.parts.history_form import HistoryForm
from privgan.schema.columns import Numeric
from privgan.table.violations import holds

_ROUNDS = 200
_NEAR = 0.1


def exchanged(
    frame: pd.DataFrame,
    owner: np.ndarray,
    form: HistoryForm,
    customers: pd.DataFrame,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Events after the exchange.

    Args:
        frame: Typed events [rows, modelled columns].
        owner: Place of each one's customer [rows], ascending.
        form: The form of the histories.
        customers: Typed rows of the customers' part [customers, its columns].
        rng: Public randomness.
    """
    if not form.numbers or not len(frame):
        return frame
    sums = _Sums.of(frame, owner, form, customers)
    source = np.arange(len(frame))
    alike = _classes(frame, form)
    # One event alone has its customer's means already.
    rows = np.flatnonzero(np.bincount(owner)[owner] > 1)
    for _ in range(_ROUNDS):
        one, other = _pairs(
            rows, owner, alike, sums.values[source, rng.integers(sums.values.shape[1])], rng
        )
        better = sums.gain(source, one, other) > 0
        one, other = one[better], other[better]
        kept = _allowed(frame, source, one, other, form)
        one, other = one[kept], other[kept]
        sums.exchange(source, one, other)
        source[one], source[other] = source[other], source[one].copy()
    return with_columns(
        frame,
        {part.name: frame[part.name].iloc[source].reset_index(drop=True) for part in form.numbers},
    )


@dataclass(eq=False)
class _Sums:
    """How far each customer's sums are from what its means ask.

    Attributes:
        values: Scaled ordinary values, and squared distances of those whose spread is asked; 0 for
            others [rows, sums].
        ordinary: Whether a value counts [rows, sums].
        owner: Place of each row's customer [rows].
        excess: Sum of the values less what is asked [customers, sums].
        weight: What a unit of excess counts [customers].
    """

    values: np.ndarray
    ordinary: np.ndarray
    owner: np.ndarray
    excess: np.ndarray
    weight: np.ndarray

    @classmethod
    def of(
        cls, frame: pd.DataFrame, owner: np.ndarray, form: HistoryForm, customers: pd.DataFrame
    ) -> _Sums:
        """The sums of events."""
        parts = [
            *(_scaled(frame, owner, form, customers, column) for column in form.numbers),
            *(_squared(frame, owner, form, customers, column) for column in form.spreads),
        ]
        values, ordinary, excess = (np.stack(part, axis=1) for part in zip(*parts, strict=True))
        events = np.bincount(owner, minlength=len(customers))
        return cls(values, ordinary, owner, excess, 1.0 / np.maximum(events, 1))

    def gain(self, source: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """By how much customers come nearer to their means when two rows exchange [pairs].

        Not above 0 where an exchange would change how many values count.
        """
        moved = self.values[source[other]] - self.values[source[one]]
        same = (self.ordinary[source[one]] == self.ordinary[source[other]]).all(1)
        a, b = self.owner[one], self.owner[other]
        before = self._cost(a, 0.0) + self._cost(b, 0.0)
        gains: np.ndarray = before - self._cost(a, moved) - self._cost(b, -moved)
        return np.where(same, gains, 0.0)

    def _cost(self, customers: np.ndarray, moved: np.ndarray | float) -> np.ndarray:
        """Distance of customers from their means: not squared, so that no far one rules all."""
        away: np.ndarray = np.abs(self.excess[customers] + moved).sum(1)
        return away * self.weight[customers]

    def exchange(self, source: np.ndarray, one: np.ndarray, other: np.ndarray) -> None:
        """Take an exchange into account; no customer is in two pairs."""
        moved = self.values[source[other]] - self.values[source[one]]
        self.excess[self.owner[one]] += moved
        self.excess[self.owner[other]] -= moved


def _scaled(
    frame: pd.DataFrame,
    owner: np.ndarray,
    form: HistoryForm,
    customers: pd.DataFrame,
    column: Numeric,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scaled values and which count [rows], and each customer's excess [customers]."""
    values, ordinary, _, scale = _ordinary(frame, column)
    values = np.where(ordinary, values, 0.0) / scale
    total = np.bincount(owner, weights=values, minlength=len(customers))
    known = np.bincount(owner, weights=ordinary, minlength=len(customers))
    asked = known * customers[form.mean(column)].to_numpy(dtype=float) / scale
    return values, ordinary, np.nan_to_num(total - asked)


def _squared(
    frame: pd.DataFrame,
    owner: np.ndarray,
    form: HistoryForm,
    customers: pd.DataFrame,
    column: Numeric,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scaled squares and which count [rows], and each customer's excess [customers].

    Squares are of distances from the mean of all, so that means and spreads both tell them.
    """
    values, ordinary, centre, scale = _ordinary(frame, column)
    squares = np.where(ordinary, ((values - centre) / scale) ** 2, 0.0)
    known = np.bincount(owner, weights=ordinary, minlength=len(customers))
    mean, spread = (
        customers[name].to_numpy(dtype=float) for name in (form.mean(column), form.spread(column))
    )
    asked = known * (((mean - centre) / scale) ** 2 + (spread / scale) ** 2)
    total = np.bincount(owner, weights=squares, minlength=len(customers))
    return squares, ordinary, np.nan_to_num(total - asked)


def _ordinary(frame: pd.DataFrame, column: Numeric) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Values and which are ordinary [rows], and the ordinary ones' mean and deviation."""
    values = as_numbers(frame[column.name], column)
    ordinary = ~(np.isnan(values) | is_special(values, column))
    some = values[ordinary] if ordinary.any() else np.zeros(1)
    return values, ordinary, float(some.mean()), float(some.std()) or 1.0


def _classes(frame: pd.DataFrame, form: HistoryForm) -> np.ndarray:
    """A number for each row [rows], equal for rows that may exchange their numbers."""
    names = [part.name for part in (*form.constants, *form.classes)]
    if not names:
        return np.zeros(len(frame), dtype=np.int64)
    return frame.groupby(names, dropna=False, sort=False).ngroup().to_numpy()


def _pairs(
    rows: np.ndarray,
    owner: np.ndarray,
    alike: np.ndarray,
    value: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs among some rows that are alike, of each customer at most one row."""
    shuffled = rng.permutation(rows)
    _, first = np.unique(owner[shuffled], return_index=True)
    rows = shuffled[first]
    rank = np.argsort(np.argsort(value[rows])) / len(rows) + _NEAR * rng.random(len(rows))
    rows = rows[np.lexsort((rank, alike[rows]))]
    one, other = rows[:-1:2], rows[1::2]
    same = alike[one] == alike[other]
    return one[same], other[same]


def _allowed(
    frame: pd.DataFrame,
    source: np.ndarray,
    one: np.ndarray,
    other: np.ndarray,
    form: HistoryForm,
) -> np.ndarray:
    """Which exchanges leave both rows within the constraints [pairs], bool."""
    rules = form.schema.constraints
    if not rules or not len(one):
        return np.ones(len(one), dtype=bool)
    names = [part.name for part in form.numbers]
    kept = np.ones(len(one), dtype=bool)
    for rows, given in ((one, other), (other, one)):
        tried = frame.iloc[rows].reset_index(drop=True)
        numbers = frame[names].iloc[source[given]].reset_index(drop=True)
        tried = with_columns(tried, {name: numbers[name] for name in names})
        for rule in rules:
            kept &= holds(rule, tried, form.schema)
    return kept
