"""Plan stage 2's steps: noisy marginals and DP-SGD, with the least noise that fits."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from privgan.planning.dpsgd_settings import (
    CriticSettings,
    DpSgdSettings,
    NetworkSettings,
    RatioCriticSettings,
)
from privgan.planning.plan import EFFORTS, GeneratorKind, Plan, PlanStep, StepKind, events_of
from privgan.planning.rare_outcome import (
    SHARE_OF_COLUMNS,
    SHARE_OF_COUNT,
    SHARE_OF_LOOK,
    SHARE_OF_OUTCOME,
    with_share,
)
from privgan.planning.single_columns import ALL_ALIKE, SingleColumns
from privgan.planning.task_marginals import task_marginals
from privgan.planning.workload import (
    BY_DIFFERENCE,
    SHARE_OF_ROUNDS,
    longer_training,
    measured_at_once,
    merged_columns,
    share_of_one_way,
    share_of_triples,
    target_weight,
    task_factor,
)
from privgan.privacy import events
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.calibration import calibrate, round_up, zcdp_of
from privgan.privacy.mechanisms import CountHistogram, CountHistograms, Selection
from privgan.schema.schema import Schema

CHECKPOINTS = 20
RESERVE = "{}:reserve"
# DP-SGD of the network: chosen on simulated tables of 100,000 to 1,000,000 rows
# (``reports/benchmarks``).
_NETWORK_RATE, _NETWORK_BATCH, _NETWORK_WIDTH = 0.05, 30_000, 64
# A GAN's critic begins at independent columns: it has more to learn (Adult).
_RATIO_RATE = 0.1
# A step moves a weight by at most this much noise, and a unit gradient by at most that.
_MOST_NOISE_MOVED, _MOST_MOVED = 0.02, 150.0
_SELECTION_SHARE = 0.10
_ROUND_GROWTH = 4.0
_LARGEST_NOISE = 1e4
_SMALLEST_NOISE = 0.3
_ABSOLUTE_ERROR = math.sqrt(2 / math.pi)
# An uplift's triples share the pairs' budget: without them nothing tells whom a treatment changes.
_PAIRS = (
    StepKind.TARGET_DIFFERENCES,
    StepKind.DIFFERENCES,
    StepKind.TARGET_PAIRS,
    StepKind.PAIRS,
    StepKind.TASK_TRIPLES,
)
_TRIPLES = (StepKind.TARGET_TRIPLES, StepKind.TRIPLES)
_OF_TARGET = frozenset(
    {
        StepKind.TARGET_DIFFERENCES,
        StepKind.TARGET_PAIRS,
        StepKind.TARGET_TRIPLES,
        StepKind.TASK_TRIPLES,
    }
)
# Half the cost, for differences, gives the interaction with the noise of whole marginals.
_SHARE_OF_DIFFERENCES = 0.5
_NAMES = {
    StepKind.TARGET_DIFFERENCES: "differences:target",
    StepKind.DIFFERENCES: "differences",
    StepKind.TARGET_PAIRS: "pairs:target",
    StepKind.PAIRS: "pairs",
    StepKind.TASK_TRIPLES: "triples:task",
    StepKind.TARGET_TRIPLES: "triples:target",
    StepKind.TRIPLES: "triples",
}


def noise_of_pairs(plan: Plan, schema: Schema) -> float:
    """Standard deviation of a pair's counts when all pairs share the whole budget."""
    columns = len(schema.modelled)
    pairs = max(1, math.comb(columns, 2) - math.comb(plan.derived, 2))
    return plan.unit.count_sensitivity * math.sqrt(
        pairs / (2 * zcdp_of(plan.model_budget) * (plan.marginal_share or 1.0))
    )


@dataclass(frozen=True)
class Draft:
    """The inputs of stage 2's steps, for any noise.

    Attributes:
        plan: The plan without them.
        schema: The schema.
        known: The columns whose codes are known already.
        single: Which single columns are measured more closely.
    """

    plan: Plan
    schema: Schema
    known: frozenset[str] = frozenset()
    single: SingleColumns = ALL_ALIKE

    def marginal_steps(self, scale: float) -> tuple[PlanStep, ...]:
        """All steps but the critic's, with every noise multiplied by a scale."""
        rho, columns = scale**-2, self.schema.modelled
        shares = self.single.fine(
            self._merged, len([column for column in columns if column.name not in self.known])
        )
        # How often a rare outcome occurs is counted before all else.
        first = [name] if (name := self._outcome) else []
        rho -= (own := rho * SHARE_OF_COUNT * len(first))
        fine = self._fine(rho, shares)
        rest = rho * (1 - sum(shares.values()))
        wider = min(self.plan.marginals.widest, len(columns)) > 1
        share = self._one_way_share if wider else 1.0
        alone = [column.name for column in columns if column.name not in first]
        ways = [
            self._histogram(f"marginal:{name}", StepKind.MARGINAL, rest * share * part)
            for name, part in self.single.marginals(alone).items()
        ]
        counted = [self._histogram(f"marginal:{name}", StepKind.MARGINAL, own) for name in first]
        wide = self._wider(rest * (1 - share)) if wider else ()
        return (*counted, *fine, *ways, *wide)

    def _fine(self, rho: float, shares: Mapping[str, float]) -> list[PlanStep]:
        """Fine histograms by their shares, and then looks at their codes by a rare outcome."""
        looked = self._looked_at
        part = SHARE_OF_LOOK if looked else 0.0
        each = rho * part * sum(shares.values()) / max(1, len(looked))
        kinds = StepKind.CELL_HISTOGRAM, StepKind.OUTCOME_HISTOGRAM
        return [
            *(
                self._histogram(f"cells:{name}", kinds[0], rho * (1 - part) * share)
                for name, share in shares.items()
            ),
            *(self._histogram(f"outcome:{name}", kinds[1], each) for name in looked),
        ]

    @property
    def _outcome(self) -> str | None:
        """The column of a rare outcome; None for none, or where there is nothing beside it."""
        schema = self.schema
        return schema.target if schema.rare is not None and len(schema.modelled) > 1 else None

    def _wider(self, rho: float) -> list[PlanStep]:
        """All 2-way and small 3-way marginals at once, then rounds of choices by worst fit."""
        columns, sizes = len(self.schema.modelled), self._numbers
        pairs, triples = (
            {kind: sizes[kind] for kind in names if kind in sizes} for names in (_PAIRS, _TRIPLES)
        )
        of_triples = (
            share_of_triples(self.plan.model_budget.epsilon, self.plan.kept_in_customers, columns)
            if triples and self._outcome is None
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
        found = merged_columns(self.schema.modelled, self.plan.marginals)
        return [name for name in found if name not in self.known]

    @cached_property
    def _looked_at(self) -> list[str]:
        """The columns whose codes are counted by a rare outcome, to be split where it lies."""
        found = merged_columns(self.schema.modelled, self.plan.marginals, ordered=True)
        return [name for name in found if self._outcome is not None]

    @cached_property
    def _one_way_share(self) -> float:
        share = share_of_one_way(self.plan.kept_in_rows, noise_of_pairs(self.plan, self.schema))
        return share if self._outcome is None else max(share, SHARE_OF_COLUMNS)

    @cached_property
    def _numbers(self) -> Mapping[StepKind, int]:
        """The number of marginals of each step without a choice, whatever the noise."""
        return {
            kind: len(cliques)
            for kind, cliques in measured_at_once(
                self.schema, self.plan.marginals, self.plan.derived
            ).items()
        }

    def _at_once(self, rho: float, numbers: Mapping[StepKind, int]) -> list[PlanStep]:
        """Steps that share ρ; marginals with the target get more, by ``target_weight``.

        Of a rare outcome its pairs get their share of ρ in any case.
        """
        weights = {kind: self._weight(kind) for kind in numbers}
        if self._outcome is not None:
            weights = with_share(weights, numbers, _OF_TARGET, SHARE_OF_OUTCOME)
        total = sum(weights[kind] * number for kind, number in numbers.items())
        return [
            self._histograms(_NAMES[kind], kind, rho * weights[kind] * number / total, number)
            for kind, number in numbers.items()
        ]

    def _weight(self, kind: StepKind) -> float:
        """The cost of one marginal of a kind, relative to a whole one without the target."""
        facts = (self.plan.model_budget.epsilon, self.plan.kept_in_customers, self._one_way_share)
        by_difference = kind in BY_DIFFERENCE
        weight = 1.0
        if kind in _OF_TARGET:
            declared = task_marginals(self.schema).declared
            weight = target_weight(*facts, by_difference=by_difference) * task_factor(declared)
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

    def trained(self, noise_multiplier: float) -> DpSgdSettings:
        """The settings of what DP-SGD trains, for a noise multiplier."""
        if self.plan.kind is GeneratorKind.NETWORK:
            return self._network(noise_multiplier)
        if self.plan.kind is GeneratorKind.GAN:
            return self._ratio_critic(noise_multiplier)
        return self._critic(noise_multiplier)

    def calibrated_training(
        self, others: Sequence[events.DpEvent], budget: PrivacyBudget
    ) -> DpSgdSettings:
        """What DP-SGD trains, with the least noise that a budget leaves beside other events."""

        def all_events(noise_multiplier: float) -> Sequence[events.DpEvent]:
            return [*others, *events_of(dpsgd_steps(self.trained(noise_multiplier))).values()]

        return self.trained(
            round_up(calibrate(all_events, budget, lowest=_SMALLEST_NOISE, highest=_LARGEST_NOISE))
        )

    def _network(self, noise_multiplier: float) -> NetworkSettings:
        """The conditional network's settings."""
        effort = EFFORTS[self.plan.effort]
        return NetworkSettings(
            **self._likelihood(noise_multiplier, _NETWORK_RATE, effort.likelihood_steps),
            distil_steps=effort.distil_steps,
            raking_rounds=2,
        )

    def _ratio_critic(self, noise_multiplier: float) -> RatioCriticSettings:
        """The settings of a GAN's critic by likelihood ratio."""
        effort = EFFORTS[self.plan.effort]
        return RatioCriticSettings(
            **self._likelihood(noise_multiplier, _RATIO_RATE, effort.ratio_steps),
            distil_steps=effort.distil_steps // 2,
            generator_steps=effort.generator_steps,
            generator_rows=2 * effort.batch,
            marginal_weight=100.0,
        )

    def _likelihood(self, noise_multiplier: float, rate: float, steps: int) -> dict[str, Any]:
        """The settings of DP-SGD on a network's likelihood, for a rate and a number of steps."""
        epsilon, customers = self.plan.model_budget.epsilon, self.plan.kept_in_customers
        rate, steps = (
            round(min(rate, _NETWORK_BATCH / customers), 6),
            longer_training(steps, epsilon, customers),
        )
        batch = max(1, round(rate * customers))
        return {
            "steps": steps,
            "sample_rate": rate,
            "expected_batch_size": batch,
            "noise_multiplier": noise_multiplier,
            "max_grad_norm": 1.0,
            "width": _NETWORK_WIDTH,
            "learning_rate": min(_MOST_MOVED, _MOST_NOISE_MOVED * batch / noise_multiplier),
            "distil_rows": 1_000,
            "distil_learning_rate": 0.01,
            "checkpoint_interval": self._interval(steps),
        }

    def _critic(self, noise_multiplier: float) -> CriticSettings:
        """The critic's settings."""
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
            checkpoint_interval=self._interval(effort.critic_steps),
        )

    def _interval(self, steps: int) -> int:
        """Steps between checkpoints; 0 where the plan writes none."""
        return math.ceil(steps / CHECKPOINTS) if self.plan.resumable else 0


def calibrated(draft: Draft) -> tuple[tuple[PlanStep, ...], DpSgdSettings | None]:
    """Stage 2's steps with the least noise that its budget allows, and what DP-SGD trains."""
    budget, share = draft.plan.model_budget, draft.plan.marginal_share
    if share is None or share >= 1:
        scale = least_scale(lambda s: [step.event for step in draft.marginal_steps(s)], budget)
        return draft.marginal_steps(scale), None
    rho = zcdp_of(budget) * share
    steps = draft.marginal_steps(rho**-0.5)
    trained = draft.calibrated_training(list(events_of(steps).values()), budget)
    return (*steps, *dpsgd_steps(trained)), trained


def least_scale(
    events_at: Callable[[float], Sequence[events.DpEvent]], budget: PrivacyBudget
) -> float:
    """The least scale of all noise that a budget allows.

    Args:
        events_at: The events of all steps for a scale.
        budget: What they may cost together.
    """
    return calibrate(events_at, budget, lowest=1e-3, highest=_LARGEST_NOISE)


def dpsgd_steps(settings: DpSgdSettings) -> tuple[PlanStep, ...]:
    """The phase of DP-SGD, and the reserve for steps repeated after a crash."""
    network = isinstance(settings, NetworkSettings)
    name = "network" if network else "critic"
    phase = PlanStep(
        name=name,
        kind=StepKind.NETWORK if network else StepKind.CRITIC,
        event=settings.event,
        noise=settings.noise_multiplier,
    )
    if not settings.checkpoint_interval:
        return (phase,)
    again = PlanStep(
        name=RESERVE.format(name),
        kind=StepKind.NETWORK_AGAIN if network else StepKind.CRITIC_AGAIN,
        event=settings.event_of(settings.checkpoint_interval),
        noise=settings.noise_multiplier,
    )
    return phase, again


def number_of_rounds(columns: int) -> int:
    """The number of choices of wider marginals: one for every 3 columns, 3 to 12.

    0 for fewer than 3 columns.
    """
    return min(max(3, columns // 3), 12) if columns > 2 else 0
