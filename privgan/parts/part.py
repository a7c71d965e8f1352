"""Define a part: a view of the table that gets a model of its own.

A row of a view is made from one customer's rows alone. So a customer more or less moves at most the
view's unit of rows, whatever the other customers hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import Column, Numeric, Temporal
from privgan.schema.schema import Schema

# Between a part's name and a step's.
_JOINT = "."


@dataclass(frozen=True, kw_only=True)
class Part:
    """A view of the table that gets a model of its own.

    Attributes:
        name: Its name, such as ``customers``; steps, tensors and reports bear it.
        schema: The view's columns, all of them modelled, and how many of its rows one customer may
            have at most among those that are measured; the plan may take fewer.
        context: The columns that are known before a row of it is drawn; none where its rows are
            drawn freely.
        parent: The part under whose rows its rows hang; None for the first.
        share: Its share of the model's budget, in zCDP.
        derived: The number of its first columns of which nothing is measured together. What they
            have in common follows from the parent's model, and from what else is measured.
        least: Customers with fewer rows in the table have none in the view.
        chain: The columns in the order in which they become known while a row is drawn, for a
            network; empty for a part that has none.
        borrowed: By column the part and column whose codes it has; the part may be itself. Such
            codes cost nothing again.
        ranked: Columns of which single values are to be ranked, and not codes alone.
    """

    name: str
    schema: Schema
    context: tuple[str, ...] = ()
    parent: str | None = None
    share: float
    derived: int = 0
    least: int = 1
    chain: tuple[str, ...] = ()
    borrowed: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    ranked: frozenset[str] = frozenset()

    @property
    def unit(self) -> PrivacyUnit:
        """Who is protected, and how many measured rows one may have."""
        return self.schema.unit

    @property
    def own(self) -> tuple[str, ...]:
        """The columns that are drawn, given the context."""
        return tuple(name for name in self.schema.names if name not in self.context)


def step_of(part: str, step: str) -> str:
    """Name of a part's step among those of all parts."""
    return f"{part}{_JOINT}{step}"


def part_of(step: str, names: tuple[str, ...]) -> str:
    """The part that a step belongs to; empty for one of the table itself.

    Args:
        step: The step's name among those of all parts.
        names: The parts' names.
    """
    found, joint, _ = step.partition(_JOINT)
    return found if joint and found in names else ""


def public(column: Column) -> Column:
    """A column without what a text file says of it: views are typed."""
    plain = replace(column, sources={}, description="", missing_markers=())
    if isinstance(plain, Numeric):
        return replace(plain, format="")
    return replace(plain, zone="") if isinstance(plain, Temporal) else plain
