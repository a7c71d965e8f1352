"""Make a full plan from (ε, δ, row count, schema), using public facts only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from privgan.errors import UsageError
from privgan.naming import parameter
from privgan.parts.part import Part
from privgan.planning.domain_stage import first_stage
from privgan.planning.model_settings import GeneratorSettings, MarginalSettings
from privgan.planning.plan import EFFORTS, Effort, GeneratorKind, Plan
from privgan.planning.second_stage import FEWEST_CELLS, planned_in_parts, planned_whole
from privgan.planning.workload import MOST_CODES
from privgan.privacy.budget import PrivacyBudget
from privgan.schema.schema import Schema

CANARY_PROBABILITY = 0.2
MINIMUM_ROWS = 500
WIDEST = 6
# What each kind that needs DP-SGD has trained by it.
_TRAINED = {GeneratorKind.NETWORK: "a network", GeneratorKind.GAN: "a GAN's critic"}


@dataclass(frozen=True, kw_only=True)
class PlanOptions:
    """Rarely used options of a plan.

    Attributes:
        canary_probability: Probability of each customer to be a canary.
        widest: Columns of the widest marginal that is measured, 1 to 6; fewer leave more to the
            critic (ablations).
        resumable: Whether DP-SGD writes checkpoints and holds steps in reserve to run again after a
            crash.

    Raises:
        UsageError: when one is out of range.
    """

    canary_probability: float = CANARY_PROBABILITY
    widest: int = WIDEST
    resumable: bool = False

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not 0 <= self.canary_probability <= 0.5:
            raise UsageError(
                f"the canary probability is {self.canary_probability}; it must be in 0 to 0.5"
            )
        if self.widest not in range(1, WIDEST + 1):
            raise UsageError(
                f"the widest marginal has {self.widest} columns; it must have 1 to {WIDEST}"
            )


def make_plan(
    schema: Schema,
    budget: PrivacyBudget,
    *,
    public_rows: int | None,
    effort: str = "standard",
    kind: GeneratorKind = GeneratorKind.AUTO,
    marginal_share: float | None = None,
    options: PlanOptions | None = None,
) -> Plan:
    """Plan a run.

    Args:
        schema: The public facts.
        budget: The run's (ε, δ).
        public_rows: The table's row count where it is public; None to measure it with noise, in
            stage 1.
        effort: quick, standard or thorough: how much free fitting.
        kind: The kind of generator; auto decides by (ε, customers, columns).
        marginal_share: Share of stage 2 for marginals, the rest for DP-SGD: of the network, or of
            the mixture's or the GAN's critic. None for what pays (``marginals_of``).
        options: What few runs ask for otherwise.

    Returns:
        A plan; its stage 2 is empty until ``with_domain`` where stage 1 has something to measure.

    Raises:
        UsageError: when the budget does not go with the row count, or a setting is out of range.
    """
    options = options or PlanOptions()
    _check_choices(effort, kind, marginal_share, resumable=options.resumable)
    if schema.history is not None or schema.tables:
        _check_parts(kind, marginal_share, schema, resumable=options.resumable)
    if schema.rare is not None:
        _check_rare(kind, marginal_share, schema, options)
    domain = first_stage(schema, budget, count_rows=public_rows is None)
    widest = 1 if kind == GeneratorKind.GAN else options.widest
    marginals, generator = _settings(EFFORTS[effort], widest)
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
        kind=GeneratorKind(kind),
        marginal_share=marginal_share,
        steps=(),
        cost=None,
        marginals=marginals,
        generator=generator,
        network=None,
        critic=None,
        effort=effort,
        resumable=options.resumable,
    )
    return plan if public_rows is None or domain else with_domain(plan, schema, public_rows)


def _check_choices(
    effort: str, kind: str, marginal_share: float | None, *, resumable: bool
) -> None:
    if effort not in EFFORTS:
        raise UsageError(f"effort is {effort!r}; allowed: {', '.join(EFFORTS)}")
    if kind not in set(GeneratorKind):
        raise UsageError(f"the generator is {kind!r}; allowed: {', '.join(GeneratorKind)}")
    if marginal_share is not None and not 0.05 <= marginal_share <= 1:
        raise UsageError(f"the share of the marginals is {marginal_share}; it must be in 0.05 to 1")
    needed = _TRAINED.get(GeneratorKind(kind))
    if needed and marginal_share == 1:
        raise UsageError(f"{needed} is trained by DP-SGD; the marginals' share must be below 1")
    marginals_alone = marginal_share == 1 or (
        kind == GeneratorKind.MIXTURE and marginal_share is None
    )
    if resumable and marginals_alone:
        raise UsageError(
            "a resumable plan needs DP-SGD, which is what is resumed: ask for a network, or give"
            " the critic a share of the budget"
        )


def _check_parts(
    kind: str, marginal_share: float | None, schema: Schema, *, resumable: bool
) -> None:
    """Check that nothing is asked for that a table in parts does not have."""
    what = "related tables" if schema.tables else "histories"
    kinds = [GeneratorKind.AUTO, GeneratorKind.MIXTURE]
    if schema.history is not None:
        kinds.append(GeneratorKind.NETWORK)
    if kind not in kinds:
        allowed = ", ".join(kinds)
        raise UsageError(f"of {what} the generator is {str(kind)!r}; allowed: {allowed}")
    if marginal_share not in {None, 1} and kind != GeneratorKind.NETWORK:
        raise UsageError(
            f"of {what} the share of the marginals is {marginal_share}; it must be 1, for"
            " only a network has DP-SGD there"
        )
    if resumable and kind == GeneratorKind.NETWORK:
        raise UsageError(f"a resumable plan writes checkpoints of DP-SGD, and {what} have none")


def _check_rare(
    kind: str, marginal_share: float | None, schema: Schema, options: PlanOptions
) -> None:
    """Check that nothing is asked for that a rare outcome does not go with."""
    told = f"{schema.target} is a rare outcome, which is told from noisy counts alone"
    if kind not in {GeneratorKind.AUTO, GeneratorKind.MIXTURE}:
        allowed = f"{GeneratorKind.AUTO}, {GeneratorKind.MIXTURE}"
        raise UsageError(f"{told}: the generator is {str(kind)!r}; allowed: {allowed}")
    if marginal_share not in {None, 1}:
        raise UsageError(f"{told}: the share of the marginals is {marginal_share}; it must be 1")
    if options.widest < 2 or len(schema.modelled) < 2:
        raise UsageError(f"{told}, of pairs with other columns; this plan would measure no pair")


def _settings(effort: Effort, widest: int) -> tuple[MarginalSettings, GeneratorSettings]:
    marginals = MarginalSettings(
        max_cells=FEWEST_CELLS,
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
    plan: Plan,
    schema: Schema,
    rows: int,
    rows_of_each: tuple[float, ...] = (1.0,),
    table_rows: Mapping[str, tuple[int, ...]] = MappingProxyType({}),
    parts: Sequence[Part] = (),
) -> Plan:
    """Plan stage 2: for public facts, or for what stage 1 measured.

    Args:
        plan: A plan.
        schema: The schema, with every measured fact filled in.
        rows: The table's declared row count, or the noisy one.
        rows_of_each: Noisy share of the customers with 1, 2, … rows.
        table_rows: Of each related table the noisy number of customers with 1, 2, … rows.
        parts: The parts, where they are those of an earlier version; none for this one's.

    Raises:
        UsageError: when there are too few rows or customers, or δ is not below 1/customers.
    """
    known = "declared" if plan.declared_rows is not None else "noisy"
    if rows < MINIMUM_ROWS:
        what = parameter("public_rows") if plan.declared_rows else "the noisy row count"
        raise UsageError(
            f"{what} is {rows}; a plan needs at least {MINIMUM_ROWS} rows to be of any use"
        )
    plan = replace(plan, rows=rows, rows_of_each=rows_of_each, table_rows=dict(table_rows))
    customers = rows / plan.rows_per_customer
    plan.budget.check_size(
        customers,
        known=f"{known} row count" if schema.unit.max_rows == 1 else "noisy number of customers",
    )
    if schema.history is not None or schema.tables:
        return planned_in_parts(plan, schema, parts)
    return planned_whole(plan, schema)
