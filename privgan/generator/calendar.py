"""Move events in time until the periods of the calendar hold what noisy counts say.

A customer's steps in time say how far its events are apart, and not in which month they fall. So a
season is lost. Moved are the moments between a customer's first and last, each between its
neighbours; events of one moment stay together. A period that holds too many gives to one that holds
too few, until their excess agrees.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from privgan.domain.cells import as_numbers, from_numbers
from privgan.domain.encoding import ColumnCode

_ROUNDS = 120
# A move is up to some periods long; a part of what two periods differ by is moved at once.
_LONGEST, _AT_ONCE = 6.0, 0.25
_DAY = 86_400.0  # Seconds: a moment keeps its time of day.
_TINY = 1e-9


@dataclass(frozen=True, eq=False)
class Calendar:
    """What the periods hold, of a table with histories and a forecast task.

    Attributes:
        code: The column that orders events, with a code for each period.
        shares: Noisy share of each period among the rows that were measured [periods].
        most: The most rows of a customer that were measured.
    """

    code: ColumnCode
    shares: np.ndarray
    most: int

    def kept(
        self, frame: pd.DataFrame, owner: np.ndarray, rng: np.random.Generator
    ) -> pd.DataFrame:
        """The events, some of them at another moment; nobody's order changes.

        Args:
            frame: Typed events of each customer together and in order [rows, columns].
            owner: Whose each is [rows], ascending.
            rng: Public randomness.
        """
        if not len(frame):
            return frame
        column = self.code.cells.column
        times = as_numbers(frame[column.name], column)
        moments = _Moments.of(times, owner, self._weights(owner))
        self._move(moments, rng)
        moved = from_numbers(moments.time[moments.of_row], column)
        return frame.assign(**{column.name: moved.set_axis(frame.index)})

    def _weights(self, owner: np.ndarray) -> np.ndarray:
        """How much of each row was measured [rows]: at most so many rows of a customer."""
        rows = np.bincount(owner)[owner]
        return np.minimum(1.0, self.most / rows)

    def _periods(self, times: np.ndarray) -> np.ndarray:
        return self.code.encode(from_numbers(times, self.code.cells.column))

    def _move(self, moments: _Moments, rng: np.random.Generator) -> None:
        """Move moments, of neighbours never both at once."""
        wanted = self.shares * moments.weight.sum() + _TINY
        period = self._periods(moments.time)
        held = np.bincount(period, weights=moments.weight, minlength=len(wanted))
        length = self._length()
        for turn in range(_ROUNDS):
            some = np.flatnonzero(moments.inside & (moments.place % 2 == turn % 2))
            far = length * _LONGEST * rng.random() * rng.standard_normal(len(some))
            new = moments.time[some] + _DAY * np.rint(far / _DAY)
            between = (new > moments.time[some - 1]) & (new < moments.time[some + 1])
            some, new = some[between], new[between]
            into = self._periods(new)
            taken = rng.random(len(some)) < self._chances(
                period[some], into, moments.weight[some], held, wanted
            )
            some, new, into = some[taken], new[taken], into[taken]
            np.add.at(held, into, moments.weight[some])
            np.subtract.at(held, period[some], moments.weight[some])
            moments.time[some], period[some] = new, into

    def _length(self) -> float:
        """A period's length, in the column's numbers."""
        cells = self.code.cells
        return float(cells.step * cells.lengths.sum() / self.code.size)

    @staticmethod
    def _chances(
        out: np.ndarray, into: np.ndarray, weight: np.ndarray, held: np.ndarray, wanted: np.ndarray
    ) -> np.ndarray:
        """Chance that each moment moves from a period into another [moments].

        All together move a part of what makes the excess of both periods equal.
        """
        excess = held / wanted
        due = (excess[out] - excess[into]) / (1 / wanted[out] + 1 / wanted[into])
        pair = out * len(wanted) + into
        _, place = np.unique(pair, return_inverse=True)
        together = np.bincount(place, weights=weight)[place]
        chances: np.ndarray = np.clip(_AT_ONCE * due / np.maximum(together, _TINY), 0.0, 1.0)
        return chances


@dataclass(eq=False)
class _Moments:
    """The different moments of each customer, in order.

    Attributes:
        time: When each is [moments].
        weight: What its events count [moments].
        place: Its place among its customer's [moments].
        inside: Whether it is neither the first nor the last of them [moments].
        of_row: The moment of each row [rows].
    """

    time: np.ndarray
    weight: np.ndarray
    place: np.ndarray
    inside: np.ndarray
    of_row: np.ndarray

    @classmethod
    def of(cls, times: np.ndarray, owner: np.ndarray, weights: np.ndarray) -> _Moments:
        """The moments of rows [rows], of each customer together and in order."""
        first = np.append(True, owner[1:] != owner[:-1])
        new = first | np.append(True, times[1:] != times[:-1])
        start, of_row = np.flatnonzero(new), np.cumsum(new) - 1
        begins = first[start]
        ends = np.append(begins[1:], True)
        begun = np.flatnonzero(begins)
        return cls(
            time=times[start].astype(float),
            weight=np.bincount(of_row, weights=weights, minlength=len(start)),
            place=np.arange(len(start)) - begun[np.cumsum(begins) - 1],
            inside=~(begins | ends),
            of_row=of_row,
        )
