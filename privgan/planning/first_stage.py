"""Stage 1 of a plan: what nobody can declare about the domain, measured with a fixed share of the budget."""

from __future__ import annotations

import math
from dataclasses import dataclass

from privgan.planning.domain import domain_steps
from privgan.planning.plan import PlanStep, StepKind, events_of
from privgan.privacy import accountant
from privgan.privacy.accountant import PrivacySpent
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.calibration import ORDERS, calibrate
from privgan.privacy.mechanisms import CountHistogram, TotalCount
from privgan.table.schema import Schema

ROW_COUNT, ROWS_OF_EACH = "row-count", "rows-of-each"
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
# A small ε needs large orders; no step of this stage is sampled, so that they cost nothing to reckon with.
_ORDERS = (*ORDERS, *(float(2**power) for power in range(11, 22)))


@dataclass(frozen=True, kw_only=True)
class FirstStage:
    """Stage 1.

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
    """Plan stage 1, with the least noise that its share of the budget allows.

    Args:
        schema: The public facts; its open columns are to be measured.
        budget: The run's (ε, δ).
        count_rows: Whether the row count is to be measured.

    Returns:
        The stage; None where there is nothing to measure.
    """
    several = schema.unit.max_rows > 1
    share = _COUNT_SHARE * count_rows + _ROWS_OF_EACH_SHARE * several + _COLUMN_SHARE * len(schema.open_columns)
    if share == 0:
        return None
    delta_share = _DOMAIN_DELTA if schema.open_columns else _COUNT_DELTA
    own = PrivacyBudget(epsilon=min(_LARGEST_SHARE, share) * budget.epsilon, delta=delta_share * budget.delta)

    def steps_at(scale: float) -> tuple[PlanStep, ...]:
        return _steps(schema, scale, own.delta * _DISCOVERY_DELTA, count_rows=count_rows, several=several)

    if count_rows and not several and not schema.open_columns:
        scale = 1 / (own.epsilon * _PURE)
        # The accountant's grid is coarse beside so small an ε: what it counts must fit.
        while accountant.spent(events_of(steps_at(scale)).values(), own.delta).epsilon > own.epsilon:
            scale *= _FINER
        steps = steps_at(scale)
    else:
        scale = calibrate(
            lambda s: list(events_of(steps_at(s)).values()), own, lowest=1e-3, highest=_LARGEST_NOISE, orders=_ORDERS
        )
        steps = steps_at(scale)
    rest = PrivacyBudget(epsilon=budget.epsilon - own.epsilon, delta=budget.delta - own.delta)
    return FirstStage(budget=own, rest=rest, steps=steps, cost=accountant.spent(events_of(steps).values(), own.delta))


def _steps(schema: Schema, scale: float, discovery_delta: float, *, count_rows: bool, several: bool) -> tuple[PlanStep, ...]:
    """All steps, with every noise multiplied by a scale; each has ρ = scale⁻²/2, or is shared out by the column's own rule."""
    steps: list[PlanStep] = []
    if count_rows:
        total = TotalCount(epsilon=1 / scale, sensitivity=schema.unit.count_sensitivity)
        noise = math.sqrt(2) * total.sensitivity / total.epsilon
        steps.append(PlanStep(name=ROW_COUNT, kind=StepKind.ROW_COUNT, event=total.event, noise=noise, mechanism=total))
    if several:
        # A customer is in one cell only, whatever its number of rows.
        sizes = CountHistogram(standard_deviation=scale, sensitivity=1)
        kind = StepKind.ROWS_OF_EACH
        steps.append(PlanStep(name=ROWS_OF_EACH, kind=kind, event=sizes.event, noise=scale, mechanism=sizes))
    return (*steps, *domain_steps(schema, scale=scale, discovery_delta=discovery_delta))
