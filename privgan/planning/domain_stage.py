"""Plan stage 1: measure the parts of the domain that the schema leaves open."""

from __future__ import annotations

import math
from dataclasses import dataclass

from privgan.planning.plan import PlanStep, StepKind, events_of
from privgan.privacy import accountant
from privgan.privacy.accountant import PrivacySpent
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.calibration import ORDERS, calibrate
from privgan.privacy.mechanisms import CategoryDiscovery, CountHistogram, Selection, TotalCount
from privgan.schema.columns import Open, OpenCategorical
from privgan.schema.schema import Schema

_RANGE_SHARE, _BOUND_SHARE = 0.4, 0.3
_PREFIXES = {
    StepKind.RANGE_HISTOGRAM: "bounds-range",
    StepKind.LOWER_BOUND: "bounds-lower",
    StepKind.UPPER_BOUND: "bounds-upper",
    StepKind.CATEGORIES: "categories",
}


def domain_steps(schema: Schema, *, scale: float, discovery_delta: float) -> tuple[PlanStep, ...]:
    """All steps for the open columns of a schema, in running order.

    Args:
        schema: The schema; each of its open columns gets an equal part of the zCDP, two fifths of
            it for the range of a numeric or temporal column and three tenths for each bound.
        scale: Multiplies all noise: the steps together are scale⁻²-zCDP, beside the δ of the
            discoveries.
        discovery_delta: The δ of all discoveries together, split evenly over the open categorical
            columns.

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
    return _step(
        StepKind.RANGE_HISTOGRAM,
        column,
        CountHistogram(standard_deviation=sigma, sensitivity=rows),
        sigma,
    )


def _bound(column: Open, kind: StepKind, rho: float, rows: int) -> PlanStep:
    mechanism = Selection(epsilon=math.sqrt(8 * rho), sensitivity=float(rows))
    return _step(kind, column, mechanism, 2 * rows / mechanism.epsilon)


def _step(
    kind: StepKind,
    column: Open,
    mechanism: CountHistogram | Selection | CategoryDiscovery,
    noise: float,
) -> PlanStep:
    return PlanStep(
        name=step_name(kind, column),
        kind=kind,
        event=mechanism.event,
        noise=noise,
        mechanism=mechanism,
    )


def _sigma(rho: float, rows: int) -> float:
    """The σ of ρ-zCDP counts, rounded upwards to six decimals."""
    return math.ceil(rows / math.sqrt(2 * rho) * 1e6) / 1e6


ROW_COUNT, ROWS_OF_EACH = "row-count", "rows-of-each"


def rows_of_each_of(table: str) -> str:
    """The name of the step that counts the customers with 1, 2, … rows of a related table."""
    return f"{ROWS_OF_EACH}:{table}"


_COUNT_SHARE = 0.02
_ROWS_OF_EACH_SHARE = 0.03
_COLUMN_SHARE = 0.03
_LARGEST_SHARE = 0.3
_COUNT_DELTA, _DOMAIN_DELTA = 0.01, 0.1
_DISCOVERY_DELTA = 0.5
_LARGEST_NOISE = 1e7
# A lone count costs its pure ε; the accountant's grid rounds that up a little.
_PURE = 0.995
_FINER = 1.01
# A small ε needs large orders; no step of this stage is sampled, so that they cost nothing to
# reckon with.
_ORDERS = (*ORDERS, *(float(2**power) for power in range(11, 22)))


@dataclass(frozen=True, kw_only=True)
class FirstStage:
    """The plan of stage 1.

    Attributes:
        budget: Its (ε₁, δ₁).
        rest: What is left for stage 2.
        steps: Its steps, in order.
        cost: What they cost together.
    """

    budget: PrivacyBudget
    rest: PrivacyBudget
    steps: tuple[PlanStep, ...]
    cost: PrivacySpent


def first_stage(schema: Schema, budget: PrivacyBudget, *, count_rows: bool) -> FirstStage | None:
    """Plan stage 1 with the least noise that its share of the budget allows.

    Args:
        schema: The public facts; its open columns are to be measured.
        budget: The run's (ε, δ).
        count_rows: Whether the row count is to be measured.

    Returns:
        The stage; None where there is nothing to measure.
    """
    several = schema.unit.max_rows > 1
    share = (
        _COUNT_SHARE * count_rows
        + _ROWS_OF_EACH_SHARE * several
        + _ROWS_OF_EACH_SHARE * len(schema.tables)
        + _COLUMN_SHARE * len(schema.open_columns)
    )
    if share == 0:
        return None
    delta_share = _DOMAIN_DELTA if schema.open_columns else _COUNT_DELTA
    own = PrivacyBudget(
        epsilon=min(_LARGEST_SHARE, share) * budget.epsilon, delta=delta_share * budget.delta
    )

    def steps_at(scale: float) -> tuple[PlanStep, ...]:
        return _steps(
            schema, scale, own.delta * _DISCOVERY_DELTA, count_rows=count_rows, several=several
        )

    if count_rows and not several and not schema.open_columns and not schema.tables:
        scale = 1 / (own.epsilon * _PURE)
        # The accountant's grid is coarse beside so small an ε: what it counts must fit.
        while (
            accountant.spent(events_of(steps_at(scale)).values(), own.delta).epsilon > own.epsilon
        ):
            scale *= _FINER
        steps = steps_at(scale)
    else:
        scale = calibrate(
            lambda s: list(events_of(steps_at(s)).values()),
            own,
            lowest=1e-3,
            highest=_LARGEST_NOISE,
            orders=_ORDERS,
        )
        steps = steps_at(scale)
    rest = PrivacyBudget(epsilon=budget.epsilon - own.epsilon, delta=budget.delta - own.delta)
    return FirstStage(
        budget=own,
        rest=rest,
        steps=steps,
        cost=accountant.spent(events_of(steps).values(), own.delta),
    )


def _steps(
    schema: Schema, scale: float, discovery_delta: float, *, count_rows: bool, several: bool
) -> tuple[PlanStep, ...]:
    """All steps, with every noise multiplied by a scale.

    Each step has ρ = scale⁻²/2, or a share by its column's own rule.
    """
    steps: list[PlanStep] = []
    if count_rows:
        total = TotalCount(epsilon=1 / scale, sensitivity=schema.unit.count_sensitivity)
        noise = math.sqrt(2) * total.sensitivity / total.epsilon
        steps.append(
            PlanStep(
                name=ROW_COUNT,
                kind=StepKind.ROW_COUNT,
                event=total.event,
                noise=noise,
                mechanism=total,
            )
        )
    names = [ROWS_OF_EACH] * several + [rows_of_each_of(table.name) for table in schema.tables]
    for name in names:
        # A customer is in one cell only, whatever its number of rows.
        sizes = CountHistogram(standard_deviation=scale, sensitivity=1)
        kind = StepKind.ROWS_OF_EACH
        steps.append(
            PlanStep(name=name, kind=kind, event=sizes.event, noise=scale, mechanism=sizes)
        )
    return (*steps, *domain_steps(schema, scale=scale, discovery_delta=discovery_delta))
