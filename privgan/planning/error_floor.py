"""Compute what a plan cannot measure, from public facts: values and pairs below their noise."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from privgan.planning.domain_stage import step_name
from privgan.planning.plan import Plan, PlanStep, StepKind
from privgan.planning.workload import BY_DIFFERENCE, pairs_at_once, planned_sizes
from privgan.privacy.mechanisms import CategoryDiscovery
from privgan.schema.columns import Discrete, OpenCategorical
from privgan.schema.schema import Schema

# A count so many standard deviations of its noise above 0 is seldom noise alone.
_STANDS_OUT = 2.0
_ABSOLUTE_ERROR = math.sqrt(2 / math.pi)
_TWO = 2
_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Values:
    """Categories of one column that the plan cannot measure.

    Attributes:
        column: The column.
        categories: How many it has; None where they are measured.
        least: Rows that a category needs to stand out of the noise, or to be discovered.
        most: How many categories can have so many rows; None where no row count is known yet.
        error: Expected error of the mean category, relative to its rows; None where either is not
            known.
        apart: How many of the heaviest are told apart together with other columns.
    """

    column: str
    categories: int | None
    least: int
    most: int | None
    error: float | None
    apart: int

    def __str__(self) -> str:
        """In one sentence, for the terminal."""
        most = "as few as have them" if self.most is None else f"at most {self.most:,}"
        apart = f"with other columns the {self.apart:,} heaviest are told apart"
        if self.categories is None:
            return (
                f"{self.column}: a category is found from about {self.least:,} rows on, {most}; all"
                f" others become one; {apart}"
            )
        error = (
            ""
            if self.error is None
            else f", and the mean one's error is {self.error:.0%} of its rows"
        )
        stand = f"{most} stand out of the noise ({self.least:,} rows){error}"
        return f"{self.column}: of {self.categories:,} categories {stand}; {apart}"


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Pairs of columns that the plan cannot measure.

    Attributes:
        hidden: How many have more noise than rows in their mean cell.
        number: How many there are.
        columns: The columns that are in most of these, the most concerned first.
    """

    hidden: int
    number: int
    columns: tuple[str, ...]

    def __str__(self) -> str:
        """In one sentence, for the terminal."""
        told = (
            f"pairs of columns: {self.hidden:,} of {self.number:,} have more noise than rows in"
            " their mean cell"
        )
        return (
            f"{told}, most of them with {', '.join(self.columns)}; only what is strong in them"
            " shows"
        )


@dataclass(frozen=True, kw_only=True)
class Illegible:
    """Everything that a plan cannot measure.

    Attributes:
        values: Columns of which not all categories can be told.
        pairs: The pairs of columns that cannot be told, or None where all can, or where stage 2 is
            not planned yet.
    """

    values: tuple[Values, ...]
    pairs: Pairs | None

    def __bool__(self) -> bool:
        """Whether there is anything to say."""
        return bool(self.values) or self.pairs is not None

    def lines(self, most: int) -> list[str]:
        """One sentence each, for at most ``most`` columns."""
        told = [str(column) for column in self.values[:most]]
        left = len(self.values) - len(told)
        more = [f"{left:,} more columns likewise"] if left else []
        return [*told, *more, *([str(self.pairs)] if self.pairs else [])]

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "columns": [asdict(column) for column in self.values],
            "pairs": asdict(self.pairs) if self.pairs else None,
        }


def illegible(plan: Plan, schema: Schema) -> Illegible:
    """Compute what a plan cannot measure, before anything is paid; uses public facts only.

    Args:
        plan: The plan; where its stage 2 is not planned yet, only stage 1 is looked at; of one in
            parts, single columns alone.
        schema: The schema that it was made for.
    """
    return Illegible(
        values=tuple(_values(plan, schema)),
        pairs=_pairs(plan, schema) if plan.steps and not plan.parts else None,
    )


def _values(plan: Plan, schema: Schema) -> Iterator[Values]:
    steps = {step.name: step for step in (*plan.domain_steps, *plan.steps)}
    for column in schema.columns:
        if isinstance(column, OpenCategorical):
            yield _discovered(plan, column, steps[step_name(StepKind.CATEGORIES, column)])
        elif isinstance(column, Discrete) and plan.steps:
            step = steps.get(f"cells:{column.name}") or steps[f"marginal:{column.name}"]
            mean = plan.kept_in_rows / len(column.categories)
            if mean < _STANDS_OUT * step.noise:
                yield _declared(plan, column, step, mean)


def _discovered(plan: Plan, column: OpenCategorical, step: PlanStep) -> Values:
    assert isinstance(step.mechanism, CategoryDiscovery)
    kept_in = 1.0 - plan.canary_probability / 2.0
    least, rows = math.ceil(step.mechanism.threshold / kept_in), plan.rows or plan.declared_rows
    most = None if rows is None else rows // least
    return Values(
        column=column.name,
        categories=None,
        least=least,
        most=most,
        error=None,
        apart=plan.marginals.max_codes - 1,
    )


def _declared(plan: Plan, column: Discrete, step: PlanStep, mean: float) -> Values:
    least, categories = math.ceil(_STANDS_OUT * step.noise), len(column.categories)
    apart = (
        categories
        if categories <= plan.marginals.largest_identity
        else plan.marginals.max_codes - 1
    )
    return Values(
        column=column.name,
        categories=categories,
        least=least,
        most=min(categories, int(plan.kept_in_rows / least)),
        error=step.noise * _ABSOLUTE_ERROR / mean,
        apart=apart,
    )


def _pairs(plan: Plan, schema: Schema) -> Pairs | None:
    """The pairs whose expected error exceeds their mean cell."""
    columns, hidden = schema.modelled, Counter[int]()
    sizes, number = planned_sizes(columns, plan.marginals), 0
    noises = {step.kind: step.noise for step in plan.steps}
    for kind, pairs in pairs_at_once(schema, plan.marginals).items():
        for pair in pairs:
            number += 1
            halved = sum(sizes[column] == _TWO for column in pair) if kind in BY_DIFFERENCE else 0
            cells = math.prod(sizes[column] for column in pair)
            if noises[kind] * 2 ** (-halved / 2) * _ABSOLUTE_ERROR > plan.kept_in_rows / cells:
                hidden.update(pair)
    if not hidden:
        return None
    named = tuple(columns[place].name for place, _ in hidden.most_common(_NAMED))
    return Pairs(hidden=hidden.total() // 2, number=number, columns=named)
