"""Exchange numbers between owners' rows until each owner's means agree with what it asks.

Owners are customers with events, or parents with children. Two rows of different owners that are
alike in all else exchange their numbers where both owners' means come nearer, and their spreads
where these are modelled. What single rows hold does not change by that, only who holds it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from privgan.domain.cells import as_numbers, is_special
from privgan.domain.frames import with_columns
from privgan.schema.columns import Numeric
from privgan.schema.schema import Schema
from privgan.table.violations import holds

_ROUNDS = 200
_NEAR = 0.1
_LEAST = 0.01


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """What rows exchange, and what their owners ask.

    Attributes:
        means: Each numeric column, with the name of its mean in the owner's row.
        spreads: Each numeric column whose spread is asked, with the names of its mean and its
            spread in the owner's row.
        alike: Names of the columns in which two rows that exchange are equal.
        carried: Names of further columns that go along with the numbers.
        schema: The rows' table, whose constraints hold after an exchange too.
        dealt: Whether numbers are first dealt anew, so that owners of many rows, and of one, come
            near to their means in few exchanges.
    """

    means: tuple[tuple[Numeric, str], ...]
    alike: tuple[str, ...]
    spreads: tuple[tuple[Numeric, str, str], ...] = ()
    carried: tuple[str, ...] = ()
    schema: Schema
    dealt: bool = False

    @property
    def moved(self) -> tuple[str, ...]:
        """Names of the columns that rows exchange."""
        return (*(column.name for column, _ in self.means), *self.carried)


def exchanged(
    frame: pd.DataFrame,
    owner: np.ndarray,
    exchange: Exchange,
    owners: pd.DataFrame,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Rows after the exchange.

    Args:
        frame: Typed rows [rows, columns].
        owner: Place of each one's owner [rows], ascending.
        exchange: What rows exchange.
        owners: Typed rows of the owners [owners, their columns].
        rng: Public randomness.
    """
    if not exchange.means or not len(frame):
        return frame
    sums = _Sums.of(frame, owner, exchange, owners)
    alike = _classes(frame, exchange)
    source = np.arange(len(frame))
    if exchange.dealt:
        source = _dealt(frame, sums, alike, exchange)
    # One row alone has its owner's means already.
    rows = np.flatnonzero(np.bincount(owner)[owner] > 1)
    for _ in range(_ROUNDS):
        one, other = _pairs(
            rows, owner, alike, sums.values[source, rng.integers(sums.values.shape[1])], rng
        )
        better = sums.gain(source, one, other) > 0
        one, other = one[better], other[better]
        kept = _allowed(frame, source, one, other, exchange)
        one, other = one[kept], other[kept]
        sums.exchange(source, one, other)
        source[one], source[other] = source[other], source[one].copy()
    return with_columns(
        frame,
        {name: frame[name].iloc[source].reset_index(drop=True) for name in exchange.moved},
    )


@dataclass(eq=False)
class _Sums:
    """How far each owner's sums are from what its means ask.

    Attributes:
        values: Scaled ordinary values, and squared distances of those whose spread is asked; 0 for
            others [rows, sums].
        ordinary: Whether a value counts [rows, sums].
        owner: Place of each row's owner [rows].
        asked: Scaled means that owners ask; NaN for none [owners, sums].
        excess: Sum of the values less what is asked [owners, sums].
        weight: What a unit of excess counts [owners].
    """

    values: np.ndarray
    ordinary: np.ndarray
    owner: np.ndarray
    asked: np.ndarray
    excess: np.ndarray
    weight: np.ndarray

    @classmethod
    def of(
        cls, frame: pd.DataFrame, owner: np.ndarray, exchange: Exchange, owners: pd.DataFrame
    ) -> _Sums:
        """The sums of rows."""
        parts = [
            *(_scaled(frame, owner, owners, *asked) for asked in exchange.means),
            *(_squared(frame, owner, owners, *asked) for asked in exchange.spreads),
        ]
        values, ordinary, asked, excess = (
            np.stack(part, axis=1) for part in zip(*parts, strict=True)
        )
        rows = np.bincount(owner, minlength=len(owners))
        return cls(values, ordinary, owner, asked, excess, 1.0 / np.maximum(rows, 1))

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

    def deal(self, alike: np.ndarray) -> np.ndarray:
        """Numbers dealt anew among rows that are alike: the row that each gets them from [rows].

        An owner's numbers are moved to the mean that it asks, on a scale of their own. Rows have
        their places by these, and get the numbers of the same places. What single rows hold stays.
        """
        place = int(self.ordinary.sum(0).argmax())
        score = self._moved(place)
        pattern = self.ordinary @ (1 << np.arange(self.ordinary.shape[1]))
        into, of = (np.lexsort((by, pattern, alike)) for by in (score, self.values[:, place]))
        source = np.empty(len(into), dtype=np.int64)
        source[into] = of
        return source

    def _moved(self, place: int) -> np.ndarray:
        """A column's values, those of each owner moved to the mean that it asks [rows]."""
        values, known = self.values[:, place], self.ordinary[:, place]
        owners = len(self.asked)
        number = np.maximum(np.bincount(self.owner, weights=known, minlength=owners), 1.0)
        means = np.bincount(self.owner, weights=values, minlength=owners) / number
        asked = self.asked[:, place]
        if values.min() >= 0.0:
            # What differs is a factor, where no value is below 0.
            least = _LEAST * max(float(np.abs(values).mean()), _LEAST)
            scaled = (np.log(one.clip(0.0) + least) for one in (values, means, asked))
            values, means, asked = scaled
        found: np.ndarray = values + np.nan_to_num(asked - means)[self.owner]
        return found

    def restart(self, source: np.ndarray) -> None:
        """Take numbers that were dealt anew into account."""
        for place, values in enumerate(self.values.T):
            change = np.bincount(self.owner, weights=values[source] - values)
            self.excess[: len(change), place] += change

    def exchange(self, source: np.ndarray, one: np.ndarray, other: np.ndarray) -> None:
        """Take an exchange into account; no customer is in two pairs."""
        moved = self.values[source[other]] - self.values[source[one]]
        self.excess[self.owner[one]] += moved
        self.excess[self.owner[other]] -= moved


def _dealt(frame: pd.DataFrame, sums: _Sums, alike: np.ndarray, exchange: Exchange) -> np.ndarray:
    """The row that each row gets its numbers from [rows]; its own where constraints would break."""
    source = sums.deal(alike)
    names = list(exchange.moved)
    numbers = frame[names].iloc[source].reset_index(drop=True)
    tried = with_columns(frame, {name: numbers[name] for name in names})
    rules = exchange.schema.constraints
    if not all(holds(rule, tried, exchange.schema).all() for rule in rules):
        return np.arange(len(frame))
    sums.restart(source)
    return source


# Scaled values and which count [rows]; asked means, and the excess over these [owners].
_Asked = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def _scaled(
    frame: pd.DataFrame, owner: np.ndarray, owners: pd.DataFrame, column: Numeric, mean: str
) -> _Asked:
    """Scaled values, and their asked means."""
    values, ordinary, _, scale = _ordinary(frame, column)
    values = np.where(ordinary, values, 0.0) / scale
    return _against(values, ordinary, owner, owners[mean].to_numpy(dtype=float) / scale)


def _squared(
    frame: pd.DataFrame,
    owner: np.ndarray,
    owners: pd.DataFrame,
    column: Numeric,
    mean: str,
    spread: str,
) -> _Asked:
    """Scaled squares, and their asked means.

    Squares are of distances from the mean of all, so that means and spreads both tell them.
    """
    values, ordinary, centre, scale = _ordinary(frame, column)
    squares = np.where(ordinary, ((values - centre) / scale) ** 2, 0.0)
    means, spreads = (owners[name].to_numpy(dtype=float) for name in (mean, spread))
    asked = ((means - centre) / scale) ** 2 + (spreads / scale) ** 2
    return _against(squares, ordinary, owner, asked)


def _against(
    values: np.ndarray, ordinary: np.ndarray, owner: np.ndarray, asked: np.ndarray
) -> _Asked:
    """Values with how far their sums are above what is asked."""
    total = np.bincount(owner, weights=values, minlength=len(asked))
    known = np.bincount(owner, weights=ordinary, minlength=len(asked))
    return values, ordinary, asked, np.nan_to_num(total - known * asked)


def _ordinary(frame: pd.DataFrame, column: Numeric) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Values and which are ordinary [rows], and the ordinary ones' mean and deviation."""
    values = as_numbers(frame[column.name], column)
    ordinary = ~(np.isnan(values) | is_special(values, column))
    some = values[ordinary] if ordinary.any() else np.zeros(1)
    return values, ordinary, float(some.mean()), float(some.std()) or 1.0


def _classes(frame: pd.DataFrame, exchange: Exchange) -> np.ndarray:
    """A number for each row [rows], equal for rows that may exchange their numbers."""
    names = list(exchange.alike)
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
    exchange: Exchange,
) -> np.ndarray:
    """Which exchanges leave both rows within the constraints [pairs], bool."""
    rules, names = exchange.schema.constraints, list(exchange.moved)
    kept = np.ones(len(one), dtype=bool)
    if not rules or not len(one):
        return kept
    for rows, given in ((one, other), (other, one)):
        tried = frame.iloc[rows].reset_index(drop=True)
        numbers = frame[names].iloc[source[given]].reset_index(drop=True)
        tried = with_columns(tried, {name: numbers[name] for name in names})
        for rule in rules:
            kept &= holds(rule, tried, exchange.schema)
    return kept
