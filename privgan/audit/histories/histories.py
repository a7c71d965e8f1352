"""Hold the events of whole customers, in an order that depends on their contents alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from privgan.audit.coding import CodedTable
from privgan.audit.intervals import JACKKNIFE_BLOCKS
from privgan.schema.columns import Column, Discrete, Kind, Numeric, Temporal

DAY = 86_400.0


@dataclass(frozen=True)
class Layout:
    """Columns of a table of events, by their use.

    Attributes:
        columns: The modelled columns, in order.
        order: Place of the column that orders a customer's events.
        constant: Places of the columns that are constant within a customer.
    """

    columns: tuple[Column, ...]
    order: int
    constant: frozenset[int] = frozenset()

    @classmethod
    def of(cls, columns: tuple[Column, ...], order: str, constant: Sequence[str] = ()) -> Layout:
        """The layout of columns, from two facts of a history.

        Args:
            columns: The modelled columns.
            order: The column that orders a customer's events.
            constant: The columns that are constant within a customer.

        Raises:
            ValueError: There is no such order column.
        """
        names = [column.name for column in columns]
        held = frozenset(place for place, name in enumerate(names) if name in constant)
        return cls(columns, names.index(order), held)

    @property
    def moments(self) -> bool:
        """Whether times are days since 1970; else they are an integer column's numbers."""
        return isinstance(self.columns[self.order], Temporal)

    @property
    def whole(self) -> bool:
        """Whether times are whole numbers."""
        return self.columns[self.order].kind is not Kind.DATETIME

    @property
    def numeric(self) -> tuple[int, ...]:
        """Places of the numeric columns but that of time."""
        return self._of_type(Numeric)

    @property
    def categorical(self) -> tuple[int, ...]:
        """Places of the columns of categories."""
        return self._of_type(Discrete)

    @property
    def money(self) -> int | None:
        """Place of the last numeric column that varies within a customer; None without one."""
        return next((place for place in self.numeric[::-1] if place not in self.constant), None)

    def _of_type(self, kind: type[Column]) -> tuple[int, ...]:
        return tuple(
            place
            for place, column in enumerate(self.columns)
            if isinstance(column, kind) and place != self.order and not _is_presence(column)
        )


def _is_presence(column: Column) -> bool:
    return isinstance(column, Discrete) and column.is_presence


@dataclass(frozen=True, eq=False, repr=False)
class Histories:
    """Events of whole customers, by customer and then by time.

    Customers stand in an order of their contents. So neither their names nor the order of rows
    has any effect.

    Attributes:
        owner: Place of each event's customer, ascending, without gaps [events].
        times: Days since 1970, or numbers of the order column [events].
        values: Values as in :class:`~privgan.audit.coding.CodedTable` [events, columns].
        hashes: Sum of the hashes of a customer's events; equal for equal histories [customers].
        names: Number of each customer in the table that it came from [customers].
    """

    owner: NDArray[np.int64]
    times: NDArray[np.float64]
    values: NDArray[np.float64]
    hashes: NDArray[np.uint64]
    names: NDArray[np.int64]

    @classmethod
    def of(cls, layout: Layout, table: CodedTable, customers: NDArray[np.int64]) -> Histories:
        """Histories of a table's customers; events without a time are left out.

        Args:
            layout: The columns.
            table: The events.
            customers: Customer number of each event [events], at least 0.
        """
        seconds = table.values[:, layout.order]
        known = ~np.isnan(seconds)
        names, owner = np.unique(customers[known], return_inverse=True)
        events, times = table.take(known), seconds[known] / (DAY if layout.moments else 1.0)
        keys = events.keys()
        hashes = np.zeros(len(names), dtype=np.uint64)
        np.add.at(hashes, owner, pd.util.hash_array(keys))
        customer = np.argsort(hashes, kind="stable")
        rank = np.argsort(customer)[owner]
        order = np.lexsort((keys, times, rank))
        return cls(
            rank[order], times[order], events.values[order], hashes[customer], names[customer]
        )

    def __len__(self) -> int:
        """Number of customers."""
        return len(self.names)

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Number of events of each customer [customers]."""
        return np.bincount(self.owner, minlength=len(self))

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Place of each customer's first event [customers]."""
        return np.cumsum(self.lengths) - self.lengths

    @property
    def first(self) -> NDArray[np.float64]:
        """Time of each customer's first event [customers]."""
        return self.times[self.starts]

    @property
    def last(self) -> NDArray[np.float64]:
        """Time of each customer's last event [customers]."""
        return self.times[self.starts + self.lengths - 1]

    @cached_property
    def later(self) -> NDArray[np.int64]:
        """Places of the events that follow another of the same customer."""
        return np.flatnonzero(np.append(False, self.owner[1:] == self.owner[:-1]))

    @property
    def gaps(self) -> NDArray[np.float64]:
        """Time from the event before to each of the later events."""
        return self.times[self.later] - self.times[self.later - 1]

    @property
    def occasions(self) -> NDArray[np.int64]:
        """Number of different days, or numbers, of each customer's events [customers]."""
        days = np.floor(self.times)
        anew = self.later[days[self.later] > days[self.later - 1]]
        return 1 + np.bincount(self.owner[anew], minlength=len(self))

    def sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum of a value of the events [events] by customer [customers]; missing ones count 0."""
        found = np.bincount(self.owner, weights=np.nan_to_num(values), minlength=len(self))
        return found.astype(float)

    def means(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean of a value of the events [events] by customer [customers]; NaN without values."""
        known = np.bincount(self.owner, weights=~np.isnan(values), minlength=len(self))
        return np.divide(self.sums(values), known, out=np.full(len(self), np.nan), where=known > 0)

    def take(self, customers: NDArray[np.bool_]) -> Histories:
        """Histories of the customers of a mask [customers]."""
        return self._kept(customers, customers[self.owner])

    def until(self, time: float) -> Histories:
        """Events up to a time; customers without one are left out.

        Hashes stay those of the whole histories.
        """
        events = self.times <= time
        return self._kept(np.bincount(self.owner[events], minlength=len(self)) > 0, events)

    def _kept(self, customers: NDArray[np.bool_], events: NDArray[np.bool_]) -> Histories:
        place = np.cumsum(customers) - 1
        return Histories(
            place[self.owner[events]],
            self.times[events],
            self.values[events],
            self.hashes[customers],
            self.names[customers],
        )

    def jackknife(self, block: NDArray[np.int64]) -> Iterator[Histories]:
        """All customers, and ten times all but those of one block [customers]."""
        yield self
        for number in range(JACKKNIFE_BLOCKS):
            yield self.take(block != number)


def pooled(first: Histories, second: Histories) -> Histories:
    """Customers of two tables together, in an order of their contents.

    Names of the second table's customers follow those of the first.
    """
    hashes = np.append(first.hashes, second.hashes)
    customer = np.argsort(hashes, kind="stable")
    owner = np.argsort(customer)[np.append(first.owner, second.owner + len(first))]
    order = np.argsort(owner, kind="stable")
    more = int(first.names.max(initial=-1)) + 1
    return Histories(
        owner[order],
        np.append(first.times, second.times)[order],
        np.vstack([first.values, second.values])[order],
        hashes[customer],
        np.append(first.names, second.names + more)[customer],
    )
