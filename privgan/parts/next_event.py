"""Tell what is known of customers' next events from their past ones.

Known are the event before it, which is the last one, and what is constant within the customer. When
it comes and how many follow is unknown. So are means and usual values: in the model they are of all
events, this one among them. Where an event does not look at the one before, those of the past stand
for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from privgan.domain.cells import as_numbers
from privgan.parts.history_form import CUSTOMERS, HistoryForm
from privgan.parts.history_views import history_view
from privgan.schema.columns import Column, Discrete
from privgan.table.past_events import PastEvents
from privgan.table.profiles import Cells


@dataclass(frozen=True, eq=False)
class NextEvents:
    """What is known of each customer's next event.

    Attributes:
        context: Known cells of the events' view, by its columns' names [customers].
        constants: Known cells of the table's columns that are constant [customers].
    """

    context: Mapping[str, Cells]
    constants: Mapping[str, Cells]


def next_events(past: PastEvents, form: HistoryForm) -> NextEvents:
    """What past events tell of the next one.

    Args:
        past: The events.
        form: The form of the histories.
    """
    frame = pd.DataFrame(
        {part.name: _values(past, part) for part in form.schema.modelled},
        index=range(len(past.owner)),
    )
    summaries = history_view(CUSTOMERS, form, frame, past.owner).frame
    constants = tuple(part.name for part in form.constants)
    known = constants if form.remembered else form.lent_by_customers
    context = {name: Cells(summaries[name], summaries[name].notna().to_numpy()) for name in known}
    last = _last(past, form)
    for part in form.remembered:
        if part.name in past.cells:
            cells = past.cells[part.name]
            values = cells.values.iloc[last].reset_index(drop=True)
            context[form.before(part)] = Cells(values, cells.given[last])
    return NextEvents(context, {name: context[name] for name in constants})


def _values(past: PastEvents, column: Column) -> pd.Series | float | None:
    """A column's values [events]; all are missing where it is not there."""
    if column.name in past.cells:
        return past.cells[column.name].values
    return None if isinstance(column, Discrete) else np.nan


def _last(past: PastEvents, form: HistoryForm) -> np.ndarray:
    """Place of each customer's last event [customers]; of one moment the last in the file."""
    times = as_numbers(past.cells[form.order.name].values, form.order)
    order = np.lexsort((times, past.owner))
    ends = np.append(np.diff(past.owner[order]) > 0, True)
    return order[ends]
