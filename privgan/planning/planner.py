"""Make a full plan from (ε, δ, row count, schema), using public facts only."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from privgan.domain.cells import cells_of
from privgan.errors import UsageError
from privgan.planning.domain_stage import first_stage
from privgan.planning.plan import (
    EFFORTS,
    CriticSettings,
    Effort,
    GeneratorSettings,
    MarginalSettings,
    Plan,
    PlanStep,
    StepKind,
    events_of,
)
from privgan.planning.workload import (
    BY_DIFFERENCE,
    MOST_CODES,
    SHARE_OF_ROUNDS,
    longer_fit,
    measured_at_once,
    number_of_codes,
    share_of_one_way,
    share_of_triples,
    target_weight,
)
from privgan.privacy import accountant, events
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.calibration import calibrate
from privgan.privacy.mechanisms import CountHistogram, CountHistograms, Selection
from privgan.schema.schema import Schema

CANARY_PROBABILITY = 0.2
MINIMUM_ROWS = 500
CHECKPOINTS = 20
# Whatever the critic was given on four tables at ε 1, 3 and 10 was worth more as marginals
# (reports/benchmarks).
ALL_TO_MARGINALS = 1.0
RESERVE = "critic:reserve"
_FINE_SHARE = 0.20
_CELLS_BY_SIGNAL = 16.0
_FEWEST_CELLS, _MOST_CELLS = 192, 1_024
_SELECTION_SHARE = 0.10
_ROUND_GROWTH = 4.0
_LARGEST_NOISE = 1e4
_SMALLEST_NOISE = 0.3
_ABSOLUTE_ERROR = math.sqrt(2 / math.pi)
_PAIRS = (StepKind.TARGET_DIFFERENCES, StepKind.DIFFERENCES, StepKind.TARGET_PAIRS, StepKind.PAIRS)
_TRIPLES = (StepKind.TARGET_TRIPLES, StepKind.TRIPLES)
_OF_TARGET = frozenset(
    {StepKind.TARGET_DIFFERENCES, StepKind.TARGET_PAIRS, StepKind.TARGET_TRIPLES}
)
# Half the cost, for differences, gives the interaction with the noise of whole marginals.
_SHARE_OF_DIFFERENCES = 0.5
_NAMES = {
    StepKind.TARGET_DIFFERENCES: "differences:target",
    StepKind.DIFFERENCES: "differences",
    StepKind.TARGET_PAIRS: "pairs:target",
    StepKind.PAIRS: "pairs",
    StepKind.TARGET_TRIPLES: "triples:target",
    StepKind.TRIPLES: "triples",
}


@dataclass(frozen=True, kw_only=True)
class PlanOptions:
    """Rarely used options of a plan.

    Attributes:
        canary_probability: Probability of each customer to be a canary.
        widest: Columns of the widest marginal that is measured, 1 to 3; fewer than 3 leave more to
            the critic (ablations).
        resumable: Whether the critic phase writes checkpoints and holds steps in reserve to run
            again after a crash.

    Raises:
        UsageError: when one is out of range.
    """

    canary_probability: float = CANARY_PROBABILITY
    widest: int = 3
    resumable: bool = False

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not 0 <= self.canary_probability <= 0.5:
            raise UsageError(
                f"the canary probability is {self.canary_probability}; it must be in 0 to 0.5"
            )
        if self.widest not in {1, 2, 3}:
            raise UsageError(
                f"the widest marginal has {self.widest} columns; it must have 1, 2 or 3"
            )


def make_plan(
    schema: Schema,
    budget: PrivacyBudget,
    *,
    public_rows: int | None,
    effort: str = "standard",
    marginal_share: float = ALL_TO_MARGINALS,
    options: PlanOptions | None = None,
) -> Plan:
    """Plan a run.

    Args:
        schema: The public facts.
        budget: The run's (ε, δ).
        public_rows: The table's row count where it is public; None to measure it with noise, in
            stage 1.
        effort: quick, standard or thorough: how much free fitting.
        marginal_share: Share of stage 2 for marginals, the rest for the critic.
        options: What few runs ask for otherwise.

    Returns:
        A plan; its stage 2 is empty until ``with_domain`` where stage 1 has something to measure.

    Raises:
        UsageError: when the budget does not go with the row count, or a setting is out of range.
    """
    options = options or PlanOptions()
    _check_choices(effort, marginal_share, resumable=options.resumable)
    domain = first_stage(schema, budget, count_rows=public_rows is None)
    marginals, generator = _settings(EFFORTS[effort], options.widest)
    plan = Plan(
        dataset=schema.dataset,
        schema_fingerprint=schema.fingerprint(),
        unit=schema.unit,
        budget=budget,
        declared_rows=public_rows,
        canary_probability=options.canary_probability,
        domain_budget=domain.budget if domain else None,
        domain_steps=domain.steps if domain else (),
        domain_cost=domain.cost if domain else None,
        model_budget=domain.rest if domain else budget,
        rows=None,
        rows_of_each=(1.0,),
        marginal_share=marginal_share,
        steps=(),
        cost=None,
        marginals=marginals,
        generator=generator,
        critic=None,
        effort=effort,
        resumable=options.resumable,
    )
    return plan if public_rows is None or domain else with_domain(plan, schema, public_rows)


def _check_choices(effort: str, marginal_share: float, *, resumable: bool) -> None:
    if effort not in EFFORTS:
        raise UsageError(f"effort is {effort!r}; allowed: {', '.join(EFFORTS)}")
    if not 0.05 <= marginal_share <= 1:
        raise UsageError(f"the share of the marginals is {marginal_share}; it must be in 0.05 to 1")
    if resumable and marginal_share == 1:
        raise UsageError(
            "a resumable plan needs a critic phase, which is what is resumed: give the critic a"
            " share of the budget"
        )


def _settings(effort: Effort, widest: int) -> tuple[MarginalSettings, GeneratorSettings]:
    marginals = MarginalSettings(
        max_cells=_FEWEST_CELLS,
        max_codes=MOST_CODES,
        largest_identity=48,
        largest_marginal=12_000,
        max_candidates=1_500,
        widest=widest,
        choices_per_fit=3,
        largest_triple=2_000,
        triple_cells=150_000,
    )
    generator = GeneratorSettings(
        latent=64,
        width=128,
        entries=effort.entries,
        fake_rows=effort.batch,
        network_steps=effort.network_steps,
        round_steps=effort.round_steps,
        final_steps=effort.final_steps,
        learning_rate=2e-3,
        offset_learning_rate=0.03,
    )
    return marginals, generator


def with_domain(
    plan: Plan, schema: Schema, rows: int, rows_of_each: tuple[float, ...] = (1.0,)
) -> Plan:
    """Plan stage 2: for public facts, or for what stage 1 measured.

    Args:
        plan: A plan.
        schema: The schema, with every measured fact filled in.
        rows: The table's declared row count, or the noisy one.
        rows_of_each: Noisy share of the customers with 1, 2, … rows.

    Raises:
        UsageError: when there are too few rows or customers, or δ is not below 1/customers.
    """
    known = "declared" if plan.declared_rows is not None else "noisy"
    if rows < MINIMUM_ROWS:
        raise UsageError(
            f"the {known} row count is {rows}; a plan needs at least {MINIMUM_ROWS} rows to be of"
            " any use"
        )
    plan = replace(plan, rows=rows, rows_of_each=rows_of_each)
    customers = rows / plan.rows_per_customer
    plan.budget.check_size(
        customers,
        known=f"{known} row count" if schema.unit.max_rows == 1 else "noisy number of customers",
    )
    plan = replace(plan, marginals=_coded_by_signal(plan, schema))
    steps, critic = _calibrated(_Draft(plan, schema))
    cost = accountant.spent(events_of(steps).values(), plan.model_budget.delta)
    noises = [step.noise for step in steps if step.kind is StepKind.CELL_HISTOGRAM]
    cells = number_of_cells(plan.kept_in_rows, noises[0]) if noises else plan.marginals.max_cells
    final_steps = longer_fit(
        EFFORTS[plan.effort].final_steps, plan.model_budget.epsilon, plan.kept_in_customers
    )
    return replace(
        plan,
        steps=steps,
        critic=critic,
        cost=cost,
        marginals=replace(plan.marginals, max_cells=cells),
        generator=replace(plan.generator, final_steps=final_steps),
    )


def _coded_by_signal(plan: Plan, schema: Schema) -> MarginalSettings:
    """Settings with as many codes per column as the noise of pairs lets through."""
    return replace(
        plan.marginals, max_codes=number_of_codes(plan.kept_in_rows, _noise_of_pairs(plan, schema))
    )


def _noise_of_pairs(plan: Plan, schema: Schema) -> float:
    """Standard deviation of a pair's counts when all pairs share the whole budget."""
    columns = len(schema.modelled)
    pairs = max(1, columns * (columns - 1) // 2)
    return plan.unit.count_sensitivity * math.sqrt(
        pairs / (2 * zcdp_of(plan.model_budget) * plan.marginal_share)
    )


def number_of_cells(rows: float, noise: float) -> int:
    """The number of fine cells of a numeric column.

    It grows as noise falls relative to the rows; chosen on four public tables.
    """
    return round(min(_MOST_CELLS, max(_FEWEST_CELLS, _CELLS_BY_SIGNAL * math.sqrt(rows / noise))))


@dataclass(frozen=True)
class _Draft:
    """The inputs of stage 2's steps, for any noise."""

    plan: Plan
    schema: Schema

    def marginal_steps(self, scale: float) -> tuple[PlanStep, ...]:
        """All steps but the critic's, with every noise multiplied by a scale."""
        rho = scale**-2
        columns, merged = self.schema.modelled, self._merged
        fine_share = _FINE_SHARE * len(merged) / len(columns)
        fine = [
            self._histogram(
                f"cells:{name}", StepKind.CELL_HISTOGRAM, rho * fine_share / len(merged)
            )
            for name in merged
        ]
        rest = rho * (1 - fine_share)
        wider = min(self.plan.marginals.widest, len(columns)) > 1
        share = self._one_way_share if wider else 1.0
        ways = [
            self._histogram(
                f"marginal:{column.name}", StepKind.MARGINAL, rest * share / len(columns)
            )
            for column in columns
        ]
        return (*fine, *ways, *(self._wider(rest * (1 - share)) if wider else ()))

    def _wider(self, rho: float) -> list[PlanStep]:
        """All 2-way and small 3-way marginals at once, then rounds of choices by worst fit."""
        columns, sizes = len(self.schema.modelled), self._numbers
        pairs, triples = (
            {kind: sizes[kind] for kind in names if kind in sizes} for names in (_PAIRS, _TRIPLES)
        )
        of_triples = (
            share_of_triples(self.plan.model_budget.epsilon, self.plan.kept_in_customers, columns)
            if triples
            else 0.0
        )
        rounds = number_of_rounds(columns)
        of_rounds = SHARE_OF_ROUNDS if rounds else 0.0
        steps = self._at_once(rho * (1 - of_triples - of_rounds), pairs)
        if of_triples > 0:
            steps += self._at_once(rho * of_triples, triples)
        return [*steps, *self._rounds(rho * of_rounds, rounds)]

    @cached_property
    def _merged(self) -> list[str]:
        """The columns that get a fine histogram, whatever the noise."""
        settings = self.plan.marginals
        sizes = {
            column.name: cells_of(column, settings.max_cells).size
            for column in self.schema.modelled
        }
        return [name for name, size in sizes.items() if size > settings.largest_identity]

    @cached_property
    def _one_way_share(self) -> float:
        return share_of_one_way(self.plan.kept_in_rows, _noise_of_pairs(self.plan, self.schema))

    @cached_property
    def _numbers(self) -> Mapping[StepKind, int]:
        """The number of marginals of each step without a choice, whatever the noise."""
        return {
            kind: len(cliques)
            for kind, cliques in measured_at_once(self.schema, self.plan.marginals).items()
        }

    def _at_once(self, rho: float, numbers: Mapping[StepKind, int]) -> list[PlanStep]:
        """Steps that share ρ; marginals with the target get more, by ``target_weight``."""
        weights = {kind: self._weight(kind) for kind in numbers}
        total = sum(weights[kind] * number for kind, number in numbers.items())
        return [
            self._histograms(_NAMES[kind], kind, rho * weights[kind] * number / total, number)
            for kind, number in numbers.items()
        ]

    def _weight(self, kind: StepKind) -> float:
        """The cost of one marginal of a kind, relative to a whole one without the target."""
        facts = (self.plan.model_budget.epsilon, self.plan.kept_in_customers, self._one_way_share)
        by_difference = kind in BY_DIFFERENCE
        weight = target_weight(*facts, by_difference=by_difference) if kind in _OF_TARGET else 1.0
        return weight * (_SHARE_OF_DIFFERENCES if by_difference else 1.0)

    def _histograms(self, name: str, kind: StepKind, rho: float, number: int) -> PlanStep:
        one = self._histogram(name, kind, rho / number)
        assert isinstance(one.mechanism, CountHistogram)
        together = CountHistograms(histogram=one.mechanism, number=number)
        return replace(one, event=together.event, mechanism=together)

    def _rounds(self, rho: float, count: int) -> list[PlanStep]:
        """Rounds of choice and measurement, on a fixed and growing schedule."""
        weights = np.geomspace(1.0, _ROUND_GROWTH, count)
        steps = []
        for index, part in enumerate(rho * weights / weights.sum(), start=1):
            epsilon = math.sqrt(8 * _SELECTION_SHARE * part)
            choice = Selection(epsilon=epsilon, sensitivity=float(self.plan.unit.count_sensitivity))
            steps.append(
                PlanStep(
                    name=f"choice:{index}",
                    kind=StepKind.SELECTION,
                    event=choice.event,
                    noise=2 * choice.sensitivity / epsilon,
                    mechanism=choice,
                )
            )
            steps.append(
                self._histogram(
                    f"chosen:{index}", StepKind.CHOSEN_MARGINAL, (1 - _SELECTION_SHARE) * part
                )
            )
        return steps

    def _histogram(self, name: str, kind: StepKind, rho: float) -> PlanStep:
        sensitivity = self.plan.unit.count_sensitivity
        sigma = round(sensitivity / math.sqrt(2 * rho), 6)
        mechanism = CountHistogram(standard_deviation=sigma, sensitivity=sensitivity)
        error = sigma * _ABSOLUTE_ERROR / self.plan.kept_in_rows
        return PlanStep(
            name=name,
            kind=kind,
            event=mechanism.event,
            noise=sigma,
            expected_error=error,
            mechanism=mechanism,
        )

    def critic(self, noise_multiplier: float) -> CriticSettings:
        """The critic's settings for a noise multiplier."""
        effort = EFFORTS[self.plan.effort]
        customers = self.plan.kept_in_customers
        sample_rate = round(
            min(0.5, max(0.05, effort.batch / self.plan.rows_per_customer / customers)), 6
        )
        return CriticSettings(
            steps=effort.critic_steps,
            sample_rate=sample_rate,
            expected_batch_size=max(1, round(sample_rate * customers)),
            noise_multiplier=noise_multiplier,
            max_grad_norm=1.0,
            width=128,
            steps_per_generator_step=2,
            learning_rate=1e-3,
            generator_learning_rate=3e-4,
            marginal_weight=100.0,
            checkpoint_interval=(
                math.ceil(effort.critic_steps / CHECKPOINTS) if self.plan.resumable else 0
            ),
        )


def _calibrated(draft: _Draft) -> tuple[tuple[PlanStep, ...], CriticSettings | None]:
    """Stage 2's steps with the least noise that its budget allows."""
    budget, share = draft.plan.model_budget, draft.plan.marginal_share
    if share >= 1:
        scale = calibrate(
            lambda s: list(events_of(draft.marginal_steps(s)).values()),
            budget,
            lowest=1e-3,
            highest=_LARGEST_NOISE,
        )
        return draft.marginal_steps(scale), None
    rho = zcdp_of(budget) * share
    steps = draft.marginal_steps(rho**-0.5)
    fixed = list(events_of(steps).values())

    def all_events(noise_multiplier: float) -> Sequence[events.DpEvent]:
        return [*fixed, *events_of(_critic_steps(draft.critic(noise_multiplier))).values()]

    critic = draft.critic(
        round_up(calibrate(all_events, budget, lowest=_SMALLEST_NOISE, highest=_LARGEST_NOISE))
    )
    return (*steps, *_critic_steps(critic)), critic


def _critic_steps(critic: CriticSettings) -> tuple[PlanStep, ...]:
    """The critic phase, and the reserve for steps repeated after a crash."""
    phase = PlanStep(
        name="critic", kind=StepKind.CRITIC, event=critic.event, noise=critic.noise_multiplier
    )
    if not critic.checkpoint_interval:
        return (phase,)
    again = critic.event_of(critic.checkpoint_interval)
    return phase, PlanStep(
        name=RESERVE, kind=StepKind.CRITIC_AGAIN, event=again, noise=critic.noise_multiplier
    )


def number_of_rounds(columns: int) -> int:
    """The number of choices of wider marginals: one for every 3 columns, 3 to 12.

    0 for fewer than 3 columns.
    """
    return min(max(3, columns // 3), 12) if columns > 2 else 0


def round_up(noise: float) -> float:
    """Round a noise upwards to six decimals."""
    return math.ceil(noise * 1e6) / 1e6


def zcdp_of(budget: PrivacyBudget) -> float:
    """The largest ρ whose zCDP implies (ε, δ) (Canonne, Kamath, Steinke 2020, Prop. 12)."""
    orders = 1 + np.logspace(-2, 3, 2000)
    constant = orders * np.log1p(-1 / orders) - np.log(orders - 1) + (1 - orders) * budget.epsilon
    return float(np.max((math.log(budget.delta) - constant) / ((orders - 1) * orders)))
