"""Events and features of a schema in code, and the table that they make."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from privgan.api.columns import Moment
from privgan.api.inputs import PathLike, path_of, schema_of, table_of
from privgan.errors import UsageError
from privgan.files.atomic import owner_only
from privgan.files.documents import did_you_mean, shown
from privgan.naming import parameter
from privgan.owner.owners_table import TableAsRead
from privgan.schema.columns import Column, Numeric, Temporal
from privgan.schema.features import EventFacts, FeatureFacts, Measure, Window
from privgan.sources import SourceOptions
from privgan.table.column_mistakes import moment_of
from privgan.table.output import format_of


def Events(
    time: str,
    columns: Iterable[Column],
    *,
    cutoff: Moment | None = None,
    leave_out_unnamed: bool = False,
) -> EventFacts:
    """Facts about the events that a schema's features are made from.

    Args:
        time: The column that orders a customer's events.
        columns: The columns that are read, the unit among them; without bounds.
        cutoff: Features tell of the events before it, outcomes of those from it on.
        leave_out_unnamed: Leave out events without a customer; else they are refused.

    Raises:
        UsageError: when a column has bounds, or the cut-off is no moment.

    >>> Events("day", [Identifier("customer_id"), Date("day")], cutoff="2024-07-01").time
    'day'
    """
    found = tuple(columns)
    for column in found:
        if isinstance(column, Numeric | Temporal):
            told = f"column {shown(column.name)} of the events has bounds; leave them out"
            raise UsageError(f"{parameter('columns')}: {told}, features have them")
    return EventFacts(
        time=time,
        columns=found,
        cutoff=None if cutoff is None else _cutoff(cutoff),
        leaves_out_unnamed=leave_out_unnamed,
    )


def _cutoff(given: Moment) -> datetime:
    try:
        return moment_of(given if isinstance(given, str) else given.isoformat())
    except (AttributeError, ValueError) as error:
        told = "it must be a date or moment such as 2024-07-01, without a zone"
        raise UsageError(f"{parameter('cutoff')} is {shown(given)}; {told}") from error


def Feature(
    name: str,
    *,
    where: str = "",
    days_before: int | None = None,
    days_after: int | None = None,
    description: str = "",
    **measure: str | Sequence[str],
) -> FeatureFacts:
    """How a column is made from one customer's events.

    Args:
        name: The column that it fills.
        where: A condition on the events, in the grammar of ``where``.
        days_before: Only the last days before the cut-off.
        days_after: Only the first days from the cut-off on: an outcome.
        description: Free text for the data dictionary.
        **measure: One of count, any, distinct, distinct_days, sum, mean, min, max, first, last,
            days_between, share and top, with what it takes.

    Raises:
        UsageError: when no measure, or more than one, is given.

    >>> print(Feature("spend", sum="amount", days_before=90))
    sum: amount, days_before: 90
    >>> print(Feature("recency", days_between=["last", "cutoff"]))
    days_between: [last, cutoff]
    """
    choices = [kind.value for kind in Measure]
    if len(measure) != 1 or not set(measure) <= set(choices):
        near = "".join(did_you_mean(given, choices) for given in measure if given not in choices)
        told = f"found {', '.join(measure) or 'none'}, allowed: one of {', '.join(choices)}"
        raise UsageError(f"feature {shown(name)}: {told}{near}")
    kind, of = next(iter(measure.items()))
    return FeatureFacts(
        name=name,
        measure=Measure(kind),
        of=of if isinstance(of, str) else _pair(name, of),
        window=Window(where=where, days_before=days_before, days_after=days_after),
        description=description,
    )


def _pair(name: str, of: Sequence[str]) -> tuple[str, str]:
    if len(of) != 2:
        told = f"found {len(of)} ends, allowed: two of first, last and cutoff"
        raise UsageError(f"feature {shown(name)}: {told}")
    return of[0], of[1]


def write_features(events: Any, schema: Any, out: PathLike) -> int:
    """Write the table that a fit sees: one row a customer. INTERNAL: each row is a real customer.

    Args:
        events: A path or URL; a pandas or polars frame; an Arrow table; a list of dictionaries.
        schema: The schema, with events and features.
        out: The table to write; its name tells the format.

    Returns:
        The number of customers.

    Raises:
        UsageError: when the schema has no events, or the file is there already.
        TableError: when the events cannot be read.

    >>> write_features(customers, "schema.yaml", "features.csv")
    Traceback (most recent call last):
    privgan.errors.UsageError: schema has no events and features; the table needs none made
    """
    facts, target = schema_of(schema), path_of("out", out)
    if facts.events is None:
        told = "has no events and features; the table needs none made"
        raise UsageError(f"{parameter('schema')} {told}")
    if os.path.lexists(target):
        raise UsageError(f"{target}: is there already; choose another {parameter('out')}")
    form = format_of(Path(target), None)
    read = TableAsRead.read(table_of(events, "events"), SourceOptions(), facts)
    with owner_only():
        return read.write_features(facts, target, form)
