"""Compute the views of histories: every row of one is a function of one customer's rows alone.

All customers are computed at once, by sums and shifts that never cross from one to the next. A test
compares each with what its customer alone gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from privgan.domain.cells import as_numbers, from_numbers, is_special
from privgan.domain.frames import positions_of
from privgan.parts.history_form import CUSTOMERS, HistoryForm, mean_decimals
from privgan.parts.ordered_form import OrderedForm
from privgan.schema.columns import Column, Discrete, Numeric


@dataclass(frozen=True, eq=False)
class View:
    """Rows of a view. PRIVATE where they are made from real rows.

    Attributes:
        frame: Typed rows [rows, the view's columns].
        customers: Whose each row is [rows].
    """

    frame: pd.DataFrame
    customers: np.ndarray


def history_view(name: str, form: HistoryForm, frame: pd.DataFrame, customers: np.ndarray) -> View:
    """The view of a part, from rows in any order.

    Args:
        name: The part's name.
        form: The form of the histories.
        frame: Typed rows [rows, modelled columns].
        customers: Whose each row is [rows].
    """
    if name == CUSTOMERS:
        return _Rows(form, frame, customers).customers_view()
    return events_view(form, frame, customers)


def events_view(form: HistoryForm, frame: pd.DataFrame, customers: np.ndarray) -> View:
    """The view of the events, from rows in any order.

    Args:
        form: The form of the histories.
        frame: Typed rows [rows, modelled columns].
        customers: Whose each row is [rows].
    """
    return _Rows(form, frame, customers).events_view()


def summaries_of(
    form: OrderedForm, frame: pd.DataFrame, customers: np.ndarray, size: int
) -> pd.DataFrame:
    """What is told of the events of each of some customers [customers, columns], who may have none.

    Args:
        form: The form of the histories.
        frame: Typed rows [rows, columns].
        customers: The place of each row's customer [rows].
        size: How many customers there are.
    """
    rows = _Rows(form, frame, customers)
    found = pd.DataFrame(rows.told).set_axis(rows.names).reindex(range(size))
    return found.assign(**{form.count: found[form.count].fillna(form.counts.labels[0])})


class _Rows:
    """Rows of whole customers, each customer's in order; ties stay as they stand."""

    def __init__(self, form: HistoryForm, frame: pd.DataFrame, customers: np.ndarray) -> None:
        times = as_numbers(frame[form.order.name], form.order)
        order = np.lexsort((times, customers))
        self.form, self.frame = form, frame.iloc[order].reset_index(drop=True)
        self.times, self.owner = times[order], customers[order]
        self.names, self.start, self.number = np.unique(
            self.owner, return_index=True, return_counts=True
        )

    @cached_property
    def customer(self) -> np.ndarray:
        """Place of each row's customer among all [rows]."""
        return np.repeat(np.arange(len(self.number)), self.number)

    @cached_property
    def place(self) -> np.ndarray:
        """Number of events before each row [rows]."""
        return np.arange(len(self.owner)) - self.start[self.customer]

    @cached_property
    def summaries(self) -> pd.DataFrame:
        """The customers' view [customers, columns]."""
        firsts = self.frame.iloc[self.start].reset_index(drop=True)
        constants = {part.name: firsts[part.name] for part in self.form.constants}
        return pd.DataFrame(constants | self.told)

    @property
    def told(self) -> dict[str, Any]:
        """What is told of each customer's events, by column [customers]."""
        form, ends = self.form, self.start + self.number - 1
        last = np.where(self.number > 1, self.times[ends], np.nan)
        columns: dict[str, Any] = {form.count: form.counts.of(self.number)}
        first = self.frame[form.order.name].iloc[self.start]
        columns[form.first] = first.reset_index(drop=True)
        columns[form.last] = _moments(last, form.order)
        columns |= {form.mean(part): self._means(part) for part in form.averaged}
        columns |= {form.spread(part): self._spreads(part) for part in form.spreads}
        return columns | {form.usual(part): self._usual(part) for part in form.usuals}

    def customers_view(self) -> View:
        """One row a customer."""
        return View(self.summaries, self.names)

    def events_view(self) -> View:
        """One row an event, in order."""
        form = self.form
        context = self.summaries.iloc[self.customer].reset_index(drop=True)
        found: dict[str, object] = {name: context[name] for name in form.lent_by_customers}
        found[form.count] = form.coarse_counts.of(self.number)[self.customer]
        left = self.number[self.customer] - self.place - 1
        found[form.left] = form.lefts.of(left)
        found[form.order.name] = self.frame[form.order.name]
        found |= {form.before(part): self._before(part) for part in form.remembered}
        found[form.step] = self._steps(left)
        found |= {part.name: self.frame[part.name] for part in form.own}
        frame = pd.DataFrame(found)[list(form.events.schema.names)]
        seen = self.number[self.customer] >= form.events.least
        return View(frame[seen].reset_index(drop=True), self.owner[seen])

    def _means(self, column: Numeric) -> np.ndarray:
        """Mean of a column's ordinary values [customers]; missing where there is none."""
        values = as_numbers(self.frame[column.name], column)
        ordinary = ~(np.isnan(values) | is_special(values, column))
        total = np.add.reduceat(np.where(ordinary, values, 0.0), self.start)
        known = np.add.reduceat(ordinary.astype(np.int64), self.start)
        means = np.where(known > 0, total / np.maximum(known, 1), np.nan)
        return np.round(np.clip(means, column.lower, column.upper), mean_decimals(column))

    def _spreads(self, column: Numeric) -> np.ndarray:
        """Standard deviation of a column's ordinary values [customers]; missing of fewer than 2."""
        values = as_numbers(self.frame[column.name], column)
        ordinary = ~(np.isnan(values) | is_special(values, column))
        held = np.where(ordinary, np.clip(values, column.lower, column.upper), 0.0)
        known = np.add.reduceat(ordinary.astype(np.int64), self.start)
        means = np.add.reduceat(held, self.start) / np.maximum(known, 1)
        away = np.where(ordinary, held - means[self.customer], 0.0)
        squares = np.add.reduceat(away**2, self.start)
        found = np.where(known > 1, np.sqrt(squares / np.maximum(known, 1)), np.nan)
        most = (column.upper - column.lower) / 2
        return np.round(np.minimum(found, most), mean_decimals(column))

    def _usual(self, column: Discrete) -> np.ndarray:
        """Most frequent value [customers], of several the first category; None without any."""
        codes = positions_of(self.frame[column.name], column.categories)
        size = len(column.categories)
        known = codes >= 0
        keys, counts = np.unique(self.customer[known] * size + codes[known], return_counts=True)
        best = np.lexsort((keys, -counts, keys // size))
        chosen = np.full(len(self.number), size)
        holders, first = np.unique(keys[best] // size, return_index=True)
        chosen[holders] = keys[best][first] % size
        return np.array([*column.categories, None], dtype=object)[chosen]

    def _before(self, column: Column) -> pd.Series:
        """A column's value at the event before [rows]; missing at the first."""
        return self.frame[column.name].shift(1).where(self.place > 0)

    def _steps(self, left: np.ndarray) -> np.ndarray:
        """Time from the event before, as a multiple of an even spacing of those that follow [rows].

        Missing where it is determined: at the first event, at the last, and where no time is left.
        """
        before = np.concatenate([self.times[:1], self.times[:-1]])
        last = self.times[self.start + self.number - 1][self.customer]
        free = (self.place > 0) & (left > 0) & (last > before)
        steps = (left + 1) * (self.times - before) / np.where(free, last - before, 1.0)
        column = self.form.step_column
        return np.where(free, np.round(np.minimum(steps, column.upper), column.decimals), np.nan)


def _moments(numbers: np.ndarray, column: Column) -> pd.Series:
    """Numbers [rows] with the type of the column that orders rows; NaN is missing."""
    if isinstance(column, Numeric):
        return pd.Series(numbers)
    return from_numbers(numbers, column)
