"""Find the rows of a table that break a constraint.

Counts of a real table are INTERNAL; a fit takes such rows as they are.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from privgan.domain.cells import as_numbers
from privgan.domain.order import is_ordered
from privgan.domain.predicates import AllOf, met
from privgan.domain.regions import columns_of, conditions_of, widened
from privgan.schema.constraints import AtMost, Combinations, Constraint, WhenThen
from privgan.schema.schema import Schema
from privgan.table.conform import typed_columns


def holds(constraint: Constraint, typed: pd.DataFrame, schema: Schema) -> np.ndarray:
    """Whether each row holds a constraint [rows], bool.

    Args:
        constraint: One of the schema's constraints.
        typed: Typed rows with the constraint's columns [rows, columns], as ``conform`` gives them.
        schema: The public facts.
    """
    if isinstance(constraint, AtMost):
        low, high = (
            as_numbers(typed[name], schema.column(name))
            for name in (constraint.low, constraint.high)
        )
        return is_ordered(constraint, low, high)
    if isinstance(constraint, WhenThen):
        when, then = conditions_of(constraint, schema)
        asked, given = (met(AllOf(conditions), typed) for conditions in (when, then))
        return ~asked | given
    assert isinstance(constraint, Combinations)
    marked = ("=" + typed[list(constraint.columns)].astype("string")).fillna("").astype(object)
    allowed = [
        tuple("" if text is None else f"={text}" for text in row) for row in constraint.allowed
    ]
    return pd.MultiIndex.from_frame(marked).isin(allowed)


def broken(typed: pd.DataFrame, schema: Schema) -> tuple[tuple[int, int], ...]:
    """Index of each broken constraint, and number of typed rows that break it."""
    counts = [
        (index, int((~holds(part, typed, schema)).sum()))
        for index, part in enumerate(schema.constraints)
    ]
    return tuple((index, count) for index, count in counts if count)


def broken_constraints(frame: pd.DataFrame, schema: Schema) -> tuple[tuple[int, int | None], ...]:
    """Index of each constraint that a table breaks, and number of rows. INTERNAL.

    None rows where the table lacks a column.

    Args:
        frame: The table as read; values outside the schema count as what ``on_violation="clamp"``
            makes of them.
        schema: The public facts.
    """
    typed, wide = typed_columns(frame, schema), widened(schema)
    found: list[tuple[int, int | None]] = []
    for index, part in enumerate(schema.constraints):
        whole = set(columns_of(part, wide)) <= set(typed.columns)
        count = int((~holds(part, typed, wide)).sum()) if whole else None
        if count != 0:
            found.append((index, count))
    return tuple(found)
