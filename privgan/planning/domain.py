"""The steps that measure what a schema leaves open, for any noise: a public function of the schema."""

from __future__ import annotations

import math

from privgan.planning.plan import PlanStep, StepKind
from privgan.privacy.mechanisms import CategoryDiscovery, CountHistogram, Selection
from privgan.table.columns import Open, OpenCategorical
from privgan.table.schema import Schema

_RANGE_SHARE, _BOUND_SHARE = 0.4, 0.3
_PREFIXES = {
    StepKind.RANGE_HISTOGRAM: "bounds-range",
    StepKind.LOWER_BOUND: "bounds-lower",
    StepKind.UPPER_BOUND: "bounds-upper",
    StepKind.CATEGORIES: "categories",
}


def domain_steps(schema: Schema, *, scale: float, discovery_delta: float) -> tuple[PlanStep, ...]:
    """All steps for all open columns of a schema, in the order in which they run.

    Args:
        schema: The schema; each of its open columns gets an equal part of the zCDP, two fifths of it for the range of a
            numeric or temporal column and three tenths for each bound.
        scale: Multiplies all noise: the steps together are scale⁻²-zCDP, beside the δ of the discoveries.
        discovery_delta: The δ of all discoveries together, split evenly over the open categorical columns.

    Returns:
        The steps; none where nothing is open.
    """
    columns = schema.open_columns
    discoveries = sum(isinstance(column, OpenCategorical) for column in columns)
    rows, steps = schema.unit.count_sensitivity, list[PlanStep]()
    for column in columns:
        rho = scale**-2 / len(columns)
        if isinstance(column, OpenCategorical):
            steps.append(_discovery(column, rho, rows, discovery_delta / discoveries))
        else:
            bounds = (StepKind.LOWER_BOUND, StepKind.UPPER_BOUND)
            steps += [
                _range(column, rho * _RANGE_SHARE, rows),
                *(_bound(column, kind, rho * _BOUND_SHARE, rows) for kind in bounds),
            ]
    return tuple(steps)


def step_name(kind: StepKind, column: Open) -> str:
    """The name of a column's step of a kind."""
    return f"{_PREFIXES[kind]}:{column.name}"


def _discovery(column: Open, rho: float, rows: int, delta: float) -> PlanStep:
    sigma = _sigma(rho, rows)
    mechanism = CategoryDiscovery(standard_deviation=sigma, max_rows=rows, delta=delta)
    return _step(StepKind.CATEGORIES, column, mechanism, sigma)


def _range(column: Open, rho: float, rows: int) -> PlanStep:
    sigma = _sigma(rho, rows)
    return _step(StepKind.RANGE_HISTOGRAM, column, CountHistogram(standard_deviation=sigma, sensitivity=rows), sigma)


def _bound(column: Open, kind: StepKind, rho: float, rows: int) -> PlanStep:
    mechanism = Selection(epsilon=math.sqrt(8 * rho), sensitivity=float(rows))
    return _step(kind, column, mechanism, 2 * rows / mechanism.epsilon)


def _step(kind: StepKind, column: Open, mechanism: CountHistogram | Selection | CategoryDiscovery, noise: float) -> PlanStep:
    return PlanStep(name=step_name(kind, column), kind=kind, event=mechanism.event, noise=noise, mechanism=mechanism)


def _sigma(rho: float, rows: int) -> float:
    """The σ of ρ-zCDP counts, rounded upwards to six decimals."""
    return math.ceil(rows / math.sqrt(2 * rho) * 1e6) / 1e6
