"""Sample histories of a fitted model: customers first, and then their events."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from privgan.domain.predicates import Predicate, columns_in
from privgan.errors import IncompleteError, UsageError
from privgan.generator.calendar import Calendar
from privgan.generator.history_draws import Histories, HistoryDraws
from privgan.generator.part_model import PartModel
from privgan.generator.row_sampler import RowSampler
from privgan.naming import parameter
from privgan.parts.history_form import HistoryForm
from privgan.schema.columns import PRESENCE
from privgan.schema.identifiers import invent
from privgan.schema.schema import Schema
from privgan.table.presenting import presented

# Customers that are drawn at once, and batches in a row of which none is whole.
_FEWEST, _MOST, _EMPTY = 100, 20_000, 5


class HistorySampler:
    """Draws chunks of whole histories; its state is public randomness.

    Where a chunk ends within a history, the next goes on with it.

    Args:
        schema: The table's schema.
        parts: The models of customers and events.
        seed: Public randomness.
        where: Conditions on columns that are constant within a customer.
        balanced: As for rows; of the customers.
        calendar: What periods hold in which events are to fall; None for none.

    Attributes:
        rows: Number of rows drawn so far.

    Raises:
        UsageError: A condition is on single events.
    """

    def __init__(
        self,
        schema: Schema,
        parts: tuple[PartModel, PartModel],
        seed: int,
        where: tuple[Predicate, ...],
        *,
        balanced: bool,
        calendar: Calendar | None = None,
    ) -> None:
        customers, events = parts
        self._schema = schema
        self._form = HistoryForm.with_customers(schema, customers.schema.names)
        _check_where(where, self._form)
        self._customers = RowSampler(customers, seed, where, balanced=balanced)
        self._draws, self._calendar = HistoryDraws(self._form, events), calendar
        self._rng = np.random.default_rng([seed, 5])
        self._left: list[pd.DataFrame] = []
        self._owners: list[np.ndarray] = []
        self._number, self._rows_each = 0, 1.0
        self.rows, self._drawn = 0, 0

    @property
    def effective_rows(self) -> float:
        """How many independent rows tell as much as these, as far as conditions go."""
        drawn = max(1, self._customers.rows)
        return self.rows * self._customers.effective_rows / drawn

    def chunk(self, rows: int, first_serial: int) -> pd.DataFrame:
        """Draw the next rows, numbered from ``first_serial``."""
        while self._drawn - self.rows < rows:
            self._draw(rows - (self._drawn - self.rows))
        frame = pd.concat(self._left, ignore_index=True)
        owners = np.concatenate(self._owners)
        self._left, self._owners = [frame.iloc[rows:]], [owners[rows:]]
        self.rows += rows
        return self._presented(
            frame.iloc[:rows].reset_index(drop=True), owners[:rows], first_serial
        )

    def _draw(self, rows: int) -> None:
        """Draw histories of about so many rows; those that hold no constraint are left out."""
        for _ in range(_EMPTY):
            wanted = int(np.clip(math.ceil(rows / self._rows_each), _FEWEST, _MOST))
            customers = self._customers.typed(wanted, self._customers.rows + 1)
            found = self._draws.of(customers, self._rng)
            if found.whole.any():
                break
        else:
            raise IncompleteError(
                "the model gives no probability to histories that hold the schema's constraints;"
                " fit again with a schema that leaves one out or allows more"
            )
        numbers = np.cumsum(found.whole) + self._number
        self._number = int(numbers[-1])
        self._left.append(self._in_periods(found))
        self._owners.append(numbers[found.customers])
        self._drawn += len(found.frame)
        self._rows_each = max(1.0, len(found.frame) / found.whole.sum())

    def _in_periods(self, found: Histories) -> pd.DataFrame:
        """The events, in the periods that the calendar asks for."""
        if self._calendar is None:
            return found.frame
        return self._calendar.kept(found.frame, found.customers, self._rng)

    def _presented(
        self, drawn: pd.DataFrame, owners: np.ndarray, first_serial: int
    ) -> pd.DataFrame:
        """Rows with their invented columns, as a typed file holds them."""
        invented = invent(
            self._schema,
            len(drawn),
            first_serial=first_serial,
            customers=owners,
            rng=self._rng,
        )
        values = {
            name: made.where(drawn[name] == PRESENCE[1], None) if name in drawn else made
            for name, made in invented.items()
        }
        whole = {name: values.get(name, drawn.get(name)) for name in self._schema.names}
        return presented(pd.DataFrame(whole, copy=False), self._schema)


def _check_where(where: tuple[Predicate, ...], form: HistoryForm) -> None:
    allowed = [part.name for part in form.constants]
    for name in columns_in(where):
        if name not in allowed:
            told = ", ".join(allowed) if allowed else "none"
            raise UsageError(
                f"{parameter('where')}: {name} is of single events, and histories"
                f" are drawn whole; allowed are columns that are constant within a customer: {told}"
            )
