"""Make histories of the audit's three tables, and compute their figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privgan.audit.coding import CodedTable
from privgan.audit.histories.histories import Histories, Layout, pooled
from privgan.owner.private_table import numbered
from privgan.schema.columns import Column
from privgan.schema.history import HistoryFacts

LEAST_CUSTOMERS = 20


@dataclass(frozen=True, eq=False, repr=False)
class HistoryTables:
    """Whole customers of the three tables.

    Attributes:
        layout: The columns.
        kept_in: The real customers that the run saw.
        left_out: The real customers that it did not see.
        synthetic: The synthetic customers.
    """

    layout: Layout
    kept_in: Histories
    left_out: Histories
    synthetic: Histories

    @property
    def real(self) -> Histories:
        """All real customers."""
        return pooled(self.kept_in, self.left_out)

    @property
    def middle(self) -> float:
        """The middle of the real customers' time."""
        times = np.append(self.kept_in.times, self.left_out.times)
        return float(times.min() + times.max()) / 2.0


def history_tables(
    history: HistoryFacts,
    columns: tuple[Column, ...],
    tables: tuple[CodedTable, CodedTable, CodedTable],
    synthetic_units: NDArray[Any] | None,
) -> HistoryTables | str:
    """Whole customers of the kept-in, left-out and synthetic tables, or a reason for none.

    Args:
        history: The facts of the history.
        columns: The modelled columns.
        tables: The three tables' events; the real ones tell their customers.
        synthetic_units: The customer of each synthetic event.
    """
    if history.order not in {column.name for column in columns}:
        return f"the column {history.order!r}, which orders the events, was left out"
    names = [table.customers for table in tables[:2]]
    names += [None if synthetic_units is None else numbered(synthetic_units)]
    layout = Layout.of(columns, history.order, history.constant)
    known = [
        Histories.of(layout, table, customers)
        for table, customers in zip(tables, names, strict=True)
        if customers is not None
    ]
    if len(known) < len(tables):
        return "a table does not tell whose each event is; give each table the customers' column"
    if min(len(part) for part in (known[0], known[2])) < LEAST_CUSTOMERS:
        return f"needs {LEAST_CUSTOMERS} kept-in and {LEAST_CUSTOMERS} synthetic customers"
    return HistoryTables(layout, *known)
