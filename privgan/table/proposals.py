"""Dependencies that a table shows, proposed as constraints: a part of reviewing a draft, which is an unpaid look. INTERNAL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError

import pandas as pd

from privgan.errors import UsageError
from privgan.table.columns import Column, Temporal
from privgan.table.constraints import AtMost, Constraint
from privgan.table.holding import holds
from privgan.table.implications import implications
from privgan.table.orders import orders
from privgan.table.regions import columns_of, groups_of, widened
from privgan.table.schema import Schema

MOST_PROPOSALS = 12
_LEAST_SHARE, _LEAST_ROWS = 0.01, 20


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A dependency between columns.

    Attributes:
        constraints: What says it; two where it goes both ways.
        rows: Rows that it says something of.
        share: The share of the table's rows that would break it were the columns unrelated, in 0 to 1.
    """

    constraints: tuple[Constraint, ...]
    rows: int
    share: float

    def __str__(self) -> str:
        """As words."""
        return "; ".join(map(str, self.constraints))

    @property
    def reason(self) -> str:
        """Why it is proposed, in a sentence. INTERNAL."""
        chance = f"were the columns unrelated, {self.share:.0%} of all rows would break it"
        return f"holds in all {self.rows:,} rows that it speaks of; {chance}"


def proposals(typed: pd.DataFrame, schema: Schema) -> tuple[Proposal, ...]:
    """The dependencies that hold in every row and tell most, at most twelve; orders of moments come first.

    Args:
        typed: Typed rows [rows, modelled columns] as ``conform`` gives them.
        schema: The public facts; what holds by its bounds or by its constraints is left out.

    Returns:
        Proposals that go together with each other and with the schema's constraints.
    """
    found = [*_orders(typed, schema), *_implications(typed, schema)]
    telling = [each for each in found if each.share >= _LEAST_SHARE and each.share * len(typed) >= _LEAST_ROWS]
    telling.sort(key=lambda each: (not _is_of_moments(each, schema), -each.share))
    kept: list[Proposal] = []
    for each in telling:
        known = (*schema.constraints, *(part for other in kept for part in other.constraints))
        new = tuple(part for part in each.constraints if not _stands(part, known))
        if len(kept) < MOST_PROPOSALS and new and _possible((*known, *new), schema) and _hold(new, typed, schema):
            kept.append(replace(each, constraints=new))
    return tuple(kept)


def _orders(typed: pd.DataFrame, schema: Schema) -> Iterator[Proposal]:
    for low, high, rows, broken in orders(typed, _closed(typed, schema)):
        yield Proposal(constraints=(AtMost(low=low, high=high),), rows=rows, share=broken * rows / len(typed))


def _implications(typed: pd.DataFrame, schema: Schema) -> Iterator[Proposal]:
    for constraints, rows, share in implications(typed, _closed(typed, schema)):
        yield Proposal(constraints=constraints, rows=rows, share=share)


def _closed(typed: pd.DataFrame, schema: Schema) -> Sequence[Column]:
    """The columns whose values have a range: neither invented nor still to be measured."""
    still_open = {column.name for column in schema.open_columns}
    return [
        column
        for column in schema.columns
        if column.name in typed and not column.invented and column.name not in still_open and column.name != schema.unit.column
    ]


def _is_of_moments(proposal: Proposal, schema: Schema) -> bool:
    first = proposal.constraints[0]
    return isinstance(first, AtMost) and isinstance(schema.column(first.low), Temporal)


def _stands(constraint: Constraint, known: Sequence[Constraint]) -> bool:
    return any(constraint.facts() == other.facts() for other in known)


def _possible(constraints: tuple[Constraint, ...], schema: Schema) -> bool:
    """Whether constraints leave rows, close no circle and are few enough to be kept."""
    try:
        return all(group.boxes for group in groups_of(_without_open(replace(schema, constraints=constraints))))
    except (UsageError, CycleError):
        return False


def _without_open(schema: Schema) -> Schema:
    """Only constraints on columns with known values: those on measured ones are held against what was measured."""
    wide, names = widened(schema), {column.name for column in schema.open_columns}
    return replace(schema, constraints=tuple(part for part in schema.constraints if not names & set(columns_of(part, wide))))


def _hold(constraints: Sequence[Constraint], typed: pd.DataFrame, schema: Schema) -> bool:
    return all(holds(part, typed, schema).all() for part in constraints)
