"""Define the plan: mechanisms, events and network sizes, frozen before the first look."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from privgan.notebook import card
from privgan.planning.accounted_step import AccountedStep
from privgan.planning.dpsgd_settings import (
    CriticSettings,
    DpSgdSettings,
    NetworkSettings,
    RatioCriticSettings,
)
from privgan.planning.model_settings import GeneratorSettings, MarginalSettings
from privgan.privacy import events
from privgan.privacy.accountant import PrivacySpent
from privgan.privacy.budget import NEIGHBOURING_RELATION, PrivacyBudget, PrivacyUnit
from privgan.privacy.mechanisms import (
    CategoryDiscovery,
    CountHistogram,
    CountHistograms,
    Selection,
    TotalCount,
)


@dataclass(frozen=True, kw_only=True)
class Effort:
    """Numbers of fitting steps for one level of effort.

    Attributes:
        entries: Codebook entries: components of the mixture.
        batch: Fake rows of one generator step, and about the smallest expected batch of a critic.
        network_steps: Fitting steps of the generator's network.
        round_steps: Fitting steps of its offsets between choices of marginals.
        final_steps: Fitting steps of its offsets on all marginals together.
        critic_steps: DP-SGD steps of a critic.
        likelihood_steps: DP-SGD steps of the conditional network.
        distil_steps: Free steps of the network on rows of the mixture.
        ratio_steps: DP-SGD steps of a GAN's critic.
        generator_steps: Free steps of a GAN's generator against it.
    """

    entries: int
    batch: int
    network_steps: int
    round_steps: int
    final_steps: int
    critic_steps: int
    likelihood_steps: int = 150
    distil_steps: int = 400
    ratio_steps: int = 300
    generator_steps: int = 1200


EFFORTS: Mapping[str, Effort] = {
    "quick": Effort(
        entries=500,
        batch=500,
        network_steps=150,
        round_steps=20,
        final_steps=200,
        critic_steps=300,
        generator_steps=600,
    ),
    "standard": Effort(
        entries=1000,
        batch=1000,
        network_steps=300,
        round_steps=50,
        final_steps=1000,
        critic_steps=1500,
    ),
    "thorough": Effort(
        entries=2000,
        batch=2000,
        network_steps=600,
        round_steps=100,
        final_steps=1000,
        critic_steps=4000,
    ),
}


FORMAT = "privgan.plan/1"
# One score and one bound, named before the first look, decide the audit's verdict.
AUDIT = {
    "score": "rank of the density ratio + 3 · rank of the nearness to a synthetic row",
    "bound": "one run, two-sided grid, 95 % (Steinke, Nasr, Jagielski 2023)",
}


class GeneratorKind(StrEnum):
    """The kind of generator that a plan asks for."""

    AUTO = "auto"
    MIXTURE = "mixture"
    NETWORK = "network"
    GAN = "gan"


class StepKind(StrEnum):
    """The kind of a step."""

    ROW_COUNT = "row count"
    ROWS_OF_EACH = "rows of each customer"
    CELL_HISTOGRAM = "fine histogram"
    OUTCOME_HISTOGRAM = "histogram by a rare outcome"
    MARGINAL = "1-way marginal"
    TARGET_PAIRS = "2-way marginals of the target"
    PAIRS = "2-way marginals"
    TARGET_DIFFERENCES = "differences in 2-way marginals of the target"
    DIFFERENCES = "differences in 2-way marginals"
    TASK_TRIPLES = "3-way marginals of a task"
    TARGET_TRIPLES = "small 3-way marginals of the target"
    TRIPLES = "small 3-way marginals"
    SELECTION = "choice of a marginal"
    CHOSEN_MARGINAL = "chosen marginal"
    NETWORK = "network by DP-SGD"
    NETWORK_AGAIN = "network's steps run again after a crash"
    CRITIC = "critic by DP-SGD"
    CRITIC_AGAIN = "critic's steps run again after a crash"
    RANGE_HISTOGRAM = "range of a column"
    LOWER_BOUND = "lower bound"
    UPPER_BOUND = "upper bound"
    CATEGORIES = "categories of a column"


# What DP-SGD may run again after a crash: charged only then.
RESERVED = frozenset({StepKind.NETWORK_AGAIN, StepKind.CRITIC_AGAIN})


@dataclass(frozen=True, kw_only=True)
class PlanStep:
    """One private step.

    Attributes:
        name: Its name in the ledger, unique within the plan.
        kind: What it does.
        event: What it costs.
        noise: Standard deviation of the noise in counts; for a choice the scale of its Gumbel
            noise; for DP-SGD the noise multiplier.
        expected_error: Expected absolute error of one released figure, as a share of the planned
            rows; None where that means nothing.
        mechanism: The mechanism that makes both event and release; None for DP-SGD.
    """

    name: str
    kind: StepKind
    event: events.DpEvent
    noise: float
    expected_error: float | None = None
    mechanism: (
        CountHistogram | CountHistograms | TotalCount | Selection | CategoryDiscovery | None
    ) = None

    def to_json(self) -> dict[str, Any]:
        """Encode the step as JSON values."""
        event = events.to_json(self.event)
        return {
            "name": self.name,
            "kind": self.kind.value,
            "noise": self.noise,
            "expected_error": self.expected_error,
            "event": event,
        }

    def accounted(self, epsilon: float, stage: str) -> AccountedStep:
        """The step as files state it, with its ε alone and its stage."""
        return AccountedStep(
            name=self.name,
            kind=self.kind.value,
            noise=self.noise,
            expected_error=self.expected_error,
            event=events.to_json(self.event),
            epsilon=epsilon,
            stage=stage,
        )


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All operations of a run on private rows, fixed before the first look.

    Attributes:
        dataset: The data set's name.
        schema_fingerprint: SHA-256 of the schema that the plan was made for.
        unit: Who is protected.
        budget: The run's (ε, δ).
        declared_rows: The public row count, or None where it is measured.
        canary_probability: Probability of each customer to be a canary; each canary is left out by
            a fair coin.
        domain_budget: Stage 1's (ε₁, δ₁), or None where nothing about the domain is measured.
        domain_steps: Stage 1's steps in the order in which they run.
        domain_cost: What stage 1's steps cost together.
        model_budget: Stage 2's (ε − ε₁, δ − δ₁).
        rows: The row count that stage 2 was planned for: declared, noisy, or None before stage 1.
        rows_of_each: Share of the customers that have 1, 2, … rows [max_rows_per_unit]; noisy, or
            (1,) for one row each.
        kind: The kind of generator; auto until the row count is known.
        marginal_share: Share of stage 2 that goes to marginals, the rest to DP-SGD; None until it
            is decided.
        steps: Stage 2's steps in the order in which they run; empty before stage 1.
        cost: What stage 2's steps cost together.
        marginals: How marginals are chosen.
        generator: The generator and its fitting.
        network: The conditional network and its DP-SGD, or None where the mixture is released.
        critic: The mixture's or the GAN's critic and its DP-SGD, or None where it gets no budget.
        effort: How much free fitting: quick, standard or thorough.
        resumable: Whether DP-SGD writes checkpoints and holds steps in reserve; False once it is
            known that the plan has no DP-SGD.
        derived: The number of its first columns among which alone nothing is measured, of a part;
            what they have in common follows from another part.
        table_rows: Of each related table the noisy number of customers with 1, 2, … rows
            [its max_rows_per_unit]; empty before stage 1, and of any other schema.
        parts: The plans of the parts of a table with histories, whose steps are among ``steps`` by
            the part's name; empty before stage 1, and of any other table.

    >>> plan(schema, epsilon=3, public_rows=600).budget
    PrivacyBudget(epsilon=3.0, delta=1e-06)
    """

    dataset: str
    schema_fingerprint: str
    unit: PrivacyUnit
    budget: PrivacyBudget
    declared_rows: int | None
    canary_probability: float
    domain_budget: PrivacyBudget | None
    domain_steps: tuple[PlanStep, ...]
    domain_cost: PrivacySpent | None
    model_budget: PrivacyBudget
    rows: int | None
    rows_of_each: tuple[float, ...]
    kind: GeneratorKind
    marginal_share: float | None
    steps: tuple[PlanStep, ...]
    cost: PrivacySpent | None
    marginals: MarginalSettings
    generator: GeneratorSettings
    network: NetworkSettings | None
    critic: CriticSettings | RatioCriticSettings | None
    effort: str
    resumable: bool
    derived: int = 0
    table_rows: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    parts: tuple[PlanPart, ...] = ()

    def __repr__(self) -> str:
        """The data set, the budget and the number of steps."""
        steps = len(self.domain_steps) + len(self.steps)
        return (
            f"Plan({self.dataset!r}, ε = {self.budget.epsilon:g}, δ = {self.budget.delta:g},"
            f" {steps} steps)"
        )

    def _repr_html_(self) -> str:
        facts: list[tuple[str, object]] = [
            ("ε", self.budget.epsilon),
            ("δ", f"{self.budget.delta:g}"),
            ("protects", self.unit),
        ]
        rows = [(step.name, step.kind) for step in (*self.domain_steps, *self.steps)]
        return card(f"Plan for {self.dataset}", facts, header=("step", "kind"), rows=rows)

    @property
    def trained(self) -> DpSgdSettings | None:
        """What DP-SGD trains: the network or the critic; None where the plan has none."""
        return self.network or self.critic

    @property
    def rows_per_customer(self) -> float:
        """Mean number of rows of a customer, from the noisy shares."""
        return sum(share * rows for rows, share in enumerate(self.rows_of_each, start=1))

    @property
    def kept_in_customers(self) -> float:
        """Expected number of customers after the canary coins."""
        return self.kept_in_rows / self.rows_per_customer

    @property
    def kept_in_rows(self) -> float:
        """Expected number of rows after the canary coins."""
        if self.rows is None:
            raise ValueError("the plan has no row count yet")
        return self.rows * (1.0 - self.canary_probability / 2.0)

    @property
    def events(self) -> tuple[events.DpEvent, ...]:
        """The event of every step that is planned so far."""
        return tuple(step.event for step in (*self.domain_steps, *self.steps))

    def step(self, name: str) -> PlanStep:
        """The step of a given name; KeyError where there is none."""
        for step in (*self.domain_steps, *self.steps):
            if step.name == name:
                return step
        raise KeyError(name)

    def of_kind(self, kind: StepKind) -> tuple[PlanStep, ...]:
        """All of stage 2's steps of a kind, in order."""
        return tuple(step for step in self.steps if step.kind is kind)

    def to_json(self) -> dict[str, Any]:
        """The plan as JSON values, following ``privgan.plan/1``."""
        parts: dict[str, Any] = (
            {"table_rows": {name: list(each) for name, each in self.table_rows.items()}}
            if self.table_rows
            else {}
        )
        parts |= {"parts": [part.to_json() for part in self.parts]} if self.parts else {}
        return {
            "format": FORMAT,
            "dataset": self.dataset,
            "schema_fingerprint": self.schema_fingerprint,
            "unit": str(self.unit),
            "neighbouring_relation": NEIGHBOURING_RELATION,
            "epsilon": self.budget.epsilon,
            "delta": self.budget.delta,
            "declared_rows": self.declared_rows,
            "rows": self.rows,
            "rows_of_each": list(self.rows_of_each),
            "resumable": self.resumable,
            "canary_probability": self.canary_probability,
            "effort": self.effort,
            "kind": self.kind.value,
            "marginal_share": self.marginal_share,
            "audit": AUDIT,
            "stages": self._stages(),
            "settings": self._settings(),
            **parts,
        }

    def _settings(self) -> dict[str, Any]:
        return {
            "marginals": asdict(self.marginals),
            "generator": asdict(self.generator),
            "network": asdict(self.network) if self.network else None,
            "critic": asdict(self.critic) if self.critic else None,
        }

    def _stages(self) -> list[dict[str, Any]]:
        stages = [_stage("model", self.model_budget, self.steps, self.cost)]
        if self.domain_budget:
            stages.insert(
                0, _stage("domain", self.domain_budget, self.domain_steps, self.domain_cost)
            )
        return stages

    def fingerprint(self) -> str:
        """SHA-256 of the plan, in hexadecimal."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class PlanPart:
    """The plan of one part of a table.

    Attributes:
        name: The part's name.
        share: Its share of the model's budget, in zCDP.
        plan: Its plan; its steps bear their names within the part, and its budget is what the share
            would buy alone.
    """

    name: str
    share: float
    plan: Plan

    def to_json(self) -> dict[str, Any]:
        """The part as JSON values; its steps stand among those of the model."""
        plan = self.plan
        # What DP-SGD's expected batch follows from.
        each = {"rows_of_each": list(plan.rows_of_each)} if plan.trained else {}
        return {
            **each,
            "name": self.name,
            "share": self.share,
            "schema_fingerprint": plan.schema_fingerprint,
            "max_rows_per_unit": plan.unit.max_rows,
            "rows": plan.rows,
            "kind": plan.kind.value,
            "marginal_share": plan.marginal_share,
            "settings": plan._settings(),
        }


def events_of(steps: tuple[PlanStep, ...]) -> Mapping[str, events.DpEvent]:
    """Step name to event."""
    return {step.name: step.event for step in steps}


def _stage(
    name: str, budget: PrivacyBudget, steps: tuple[PlanStep, ...], cost: PrivacySpent | None
) -> dict[str, Any]:
    written = [step.to_json() for step in steps]
    return {
        "name": name,
        **asdict(budget),
        "steps": written,
        "cost": asdict(cost) if cost else None,
    }
