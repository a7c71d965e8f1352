"""Plan stage 2: for the table as a whole, or for the parts of its histories together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from privgan.parts.forms import parts_of
from privgan.parts.part import Part, step_of
from privgan.planning.dpsgd_settings import (
    CriticSettings,
    DpSgdSettings,
    NetworkSettings,
    RatioCriticSettings,
)
from privgan.planning.model_stage import (
    Draft,
    calibrated,
    dpsgd_steps,
    least_scale,
    noise_of_pairs,
)
from privgan.planning.plan import (
    EFFORTS,
    GeneratorKind,
    Plan,
    PlanPart,
    PlanStep,
    StepKind,
    events_of,
)
from privgan.planning.single_columns import SingleColumns
from privgan.planning.workload import (
    SHARE_BESIDE_CRITIC,
    SHARE_BESIDE_NETWORK,
    longer_fit,
    more_entries,
    network_pays,
    number_of_codes,
    planned_sizes,
)
from privgan.privacy import accountant, events
from privgan.privacy.accountant import PrivacySpent
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.calibration import zcdp_of
from privgan.schema.schema import Schema
from privgan.schema.tasks import forecast_of, ranked_by

_SHARES = {
    GeneratorKind.NETWORK: SHARE_BESIDE_NETWORK,
    GeneratorKind.GAN: SHARE_BESIDE_CRITIC,
}
# A pair's usual number of cells, by which the error of a view's measured rows is reckoned.
_USUAL_CELLS = 100
# Share of the parts' budget that goes to periods, where these are to be forecast.
_OF_FORECAST = 0.05
_NONE = 1e-12
_CELLS_BY_SIGNAL = 16.0
FEWEST_CELLS, _MOST_CELLS = 192, 1_024


def planned_whole(plan: Plan, schema: Schema) -> Plan:
    """A plan with stage 2 for rows that are exchangeable.

    Args:
        plan: A plan with its row count.
        schema: The schema, with every measured fact filled in.
    """
    plan = _coded(_with_kind(plan, schema), schema)
    steps, trained = calibrated(
        Draft(plan, schema, single=SingleColumns(ranked=ranked_by(schema.tasks)))
    )
    cost = accountant.spent(events_of(steps).values(), plan.model_budget.delta)
    return _finished(plan, schema, steps, trained, cost)


def planned_in_parts(plan: Plan, schema: Schema, parts: Sequence[Part] = ()) -> Plan:
    """A plan with stage 2 for histories: single columns of the rows, and all parts, together.

    One noise scale for all steps is the least that the budget allows for them together. Each part's
    zCDP is its share of the whole; what is left measures single columns.

    Args:
        plan: A plan with its row count.
        schema: The schema, with a history and every measured fact filled in.
        parts: The parts, where they are those of an earlier version; none for this one's.
    """
    parts, timed = parts or parts_of(schema), _timed(schema)
    if timed is not None:
        parts = [replace(part, share=part.share * (1.0 - _OF_FORECAST)) for part in parts]
    trains = plan.kind is GeneratorKind.NETWORK
    share = (plan.marginal_share or SHARE_BESIDE_NETWORK) if trains else 1.0
    kind = GeneratorKind.NETWORK if trains else GeneratorKind.MIXTURE
    plan = replace(plan, kind=kind, marginal_share=share, resumable=False)
    drafted = [_DraftedPart(part, _sub_plan(plan, part)) for part in parts]
    codes = min(one.plan.marginals.max_codes for one in drafted)
    plan = replace(plan, marginals=replace(plan.marginals, max_codes=codes))
    rows = _RowsAlone(plan, schema, 1.0 - sum(part.share for part in parts), timed)
    pieces: list[_RowsAlone | _DraftedPart] = [rows, *drafted]

    def events_at(scale: float) -> list[events.DpEvent]:
        return [step.event for one in pieces for step in one.steps(scale)]

    if trains:
        scale = zcdp_of(plan.model_budget) ** -0.5
        drafted = [one.trained(events_at(scale), plan.model_budget) for one in drafted]
    else:
        scale = least_scale(events_at, plan.model_budget)
    own = rows.steps(scale)
    steps = (*own, *(step for one in drafted for step in one.named_steps(scale)))
    cost = accountant.spent(events_of(steps).values(), plan.model_budget.delta)
    finished = _finished(plan, schema, own, None, cost)
    return replace(finished, steps=steps, parts=tuple(one.finished(scale) for one in drafted))


def _timed(schema: Schema) -> str | None:
    """The order of histories whose periods are to be forecast; None for none."""
    if schema.history is None or forecast_of(schema.tasks, schema.history.order) is None:
        return None
    return schema.history.order


@dataclass(frozen=True)
class _RowsAlone:
    """Single columns of the rows, for any noise."""

    plan: Plan
    schema: Schema
    share: float
    timed: str | None

    def steps(self, scale: float) -> tuple[PlanStep, ...]:
        """Their steps, with every noise multiplied by a scale."""
        alone = replace(self.plan, marginals=replace(self.plan.marginals, widest=1))
        single = SingleColumns(timed=self.timed)
        draft = Draft(alone, self.schema, frozenset(self.schema.names), single)
        return draft.marginal_steps(scale / math.sqrt(self.share))


@dataclass(frozen=True)
class _DraftedPart:
    """One part, for any noise."""

    part: Part
    plan: Plan
    network: DpSgdSettings | None = None

    @property
    def _draft(self) -> Draft:
        part = self.part
        single = SingleColumns(ranked=part.ranked)
        return Draft(self.plan, part.schema, frozenset(part.borrowed), single)

    def steps(self, scale: float) -> tuple[PlanStep, ...]:
        """Its steps, with every noise of a marginal multiplied by a scale."""
        assert self.plan.marginal_share is not None
        share = self.part.share * self.plan.marginal_share
        steps = self._draft.marginal_steps(scale / math.sqrt(share))
        return (*steps, *dpsgd_steps(self.network)) if self.network else steps

    def trained(self, others: Sequence[events.DpEvent], budget: PrivacyBudget) -> _DraftedPart:
        """The part with DP-SGD, where its plan has a network: with all noise that is left over.

        Args:
            others: The events of all other steps.
            budget: What all may cost together.
        """
        if self.plan.kind is not GeneratorKind.NETWORK:
            return self
        return replace(self, network=self._draft.calibrated_training(others, budget))

    def named_steps(self, scale: float) -> Iterator[PlanStep]:
        """Its steps by their names among those of all parts."""
        for step in self.steps(scale):
            yield replace(step, name=step_of(self.part.name, step.name))

    def finished(self, scale: float) -> PlanPart:
        """The part's plan."""
        plan = _finished(self.plan, self.part.schema, self.steps(scale), self.network, None)
        return PlanPart(name=self.part.name, share=self.part.share, plan=plan)


def _sub_plan(plan: Plan, part: Part) -> Plan:
    """A part's plan without its steps, with the budget that its share would buy alone."""
    assert plan.rows is not None
    customers, each = plan.rows / plan.rows_per_customer, plan.rows_of_each
    if part.name in plan.table_rows:
        counts = np.maximum(1, plan.table_rows[part.name])
        customers, each = float(counts.sum()), tuple(counts / counts.sum())
    kept_in = customers * (1.0 - plan.canary_probability / 2.0)
    budget = PrivacyBudget(
        epsilon=plan.model_budget.epsilon * math.sqrt(part.share), delta=plan.model_budget.delta
    )
    most = _measured_rows(part, each, kept_in, zcdp_of(budget))
    shares = _bounded_shares(part, each, most)
    sub = replace(
        plan,
        schema_fingerprint=part.schema.fingerprint(),
        unit=replace(part.unit, max_rows=most),
        domain_budget=None,
        domain_steps=(),
        domain_cost=None,
        model_budget=budget,
        rows=max(1, round(customers * float(shares @ np.arange(1, most + 1)))),
        rows_of_each=tuple((shares / max(shares.sum(), _NONE)).tolist()),
        kind=plan.kind if part.chain else GeneratorKind.MIXTURE,
        marginal_share=plan.marginal_share if part.chain else 1.0,
        derived=part.derived,
        table_rows={},
    )
    return _coded(sub, part.schema)


def _measured_rows(part: Part, rows_of_each: Sequence[float], customers: float, rho: float) -> int:
    """How many rows of a customer a view measures: as many as give its pairs the least error.

    More rows have less error of sampling, and more noise.

    Args:
        part: The part.
        rows_of_each: Share of the customers with 1, 2, … rows in the table.
        customers: How many customers there are.
        rho: The part's zCDP.
    """
    pairs = math.comb(len(part.schema.modelled), 2) - math.comb(part.derived, 2)
    noise = math.sqrt(pairs / (2 * rho))

    def error(most: int) -> float:
        rows = customers * _bounded_shares(part, rows_of_each, most) @ np.arange(1, most + 1)
        cell = max(float(rows), 1.0) / _USUAL_CELLS
        return 1 / cell + (most * noise / cell) ** 2

    return min(range(1, part.unit.max_rows + 1), key=error)


def _bounded_shares(part: Part, rows_of_each: Sequence[float], most: int) -> np.ndarray:
    """Share of the customers with 1, 2, … rows in a view of at most so many [most]."""
    if part.unit.max_rows == 1:
        return np.ones(1)
    numbers = np.arange(1, len(rows_of_each) + 1)
    seen = np.asarray(rows_of_each) * (numbers >= part.least)
    return np.bincount(np.minimum(numbers, most) - 1, weights=seen, minlength=most)


def _finished(
    plan: Plan,
    schema: Schema,
    steps: Sequence[PlanStep],
    trained: DpSgdSettings | None,
    cost: PrivacySpent | None,
) -> Plan:
    """The plan with its steps and all that follows from their noise."""
    noises = [step.noise for step in steps if step.kind is StepKind.CELL_HISTOGRAM]
    cells = number_of_cells(plan.kept_in_rows, max(noises)) if noises else plan.marginals.max_cells
    sizes = planned_sizes(schema.modelled, plan.marginals)
    entries = more_entries(EFFORTS[plan.effort].entries, len(sizes), sum(sizes))
    return replace(
        plan,
        steps=tuple(steps),
        network=trained if isinstance(trained, NetworkSettings) else None,
        critic=trained if isinstance(trained, CriticSettings | RatioCriticSettings) else None,
        cost=cost,
        marginals=replace(plan.marginals, max_cells=cells),
        generator=replace(plan.generator, final_steps=_final_steps(plan), entries=entries),
    )


def _with_kind(plan: Plan, schema: Schema) -> Plan:
    """The plan with its kind of generator and the marginals' share decided."""
    kind, share = plan.kind, plan.marginal_share
    if kind is GeneratorKind.AUTO:
        facts = plan.model_budget.epsilon, plan.kept_in_customers, len(schema.modelled)
        pays = share is None and schema.rare is None and network_pays(*facts)
        kind = GeneratorKind.NETWORK if pays else GeneratorKind.MIXTURE
    if share is None:
        share = _SHARES.get(kind, 1.0)
    # Only DP-SGD writes checkpoints: a plan without it has nothing to resume.
    return replace(plan, kind=kind, marginal_share=share, resumable=plan.resumable and share < 1)


def _final_steps(plan: Plan) -> int:
    """The number of final fitting steps; few where single columns alone are measured."""
    effort = EFFORTS[plan.effort]
    if plan.kind is GeneratorKind.GAN:
        return effort.network_steps
    return longer_fit(effort.final_steps, plan.model_budget.epsilon, plan.kept_in_customers)


def _coded(plan: Plan, schema: Schema) -> Plan:
    """The plan with as many codes per column as the noise of pairs lets through."""
    codes = number_of_codes(plan.kept_in_rows, noise_of_pairs(plan, schema))
    return replace(plan, marginals=replace(plan.marginals, max_codes=codes))


def number_of_cells(rows: float, noise: float) -> int:
    """The number of fine cells of a numeric column.

    It grows as noise falls relative to the rows; chosen on four public tables.
    """
    return round(min(_MOST_CELLS, max(FEWEST_CELLS, _CELLS_BY_SIGNAL * math.sqrt(rows / noise))))
