"""Fit a synthesizer: the charged looks in the plan's order, and what is made from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch

from privgan.domain.encoding import Encoder
from privgan.domain.measured import clamp_measured
from privgan.errors import InternalError, UsageError
from privgan.generator import warm_start
from privgan.generator.dpsgd import PrivateTrainer
from privgan.generator.mixture import GeneratorModel
from privgan.generator.networks import Critic
from privgan.generator.refine import CriticPhase, Refinement
from privgan.ledger.ledger import PrivacyLedger, RunLedger
from privgan.measurement.domain import measure_domain, measure_row_count, measure_rows_of_each
from privgan.measurement.marginals import Measurements
from privgan.measurement.measure import (
    measure_all,
    measure_encoder,
    measure_one_way,
    measure_rounds,
)
from privgan.pipeline.canaries import Canaries, draw_canaries
from privgan.pipeline.library_maps import check_libraries
from privgan.planning.domain_stage import ROW_COUNT, ROWS_OF_EACH
from privgan.planning.plan import CriticSettings, Plan, StepKind, events_of
from privgan.planning.planner import RESERVE, with_domain
from privgan.privacy import accountant
from privgan.privacy.budget import condition_text
from privgan.privacy.events import Composed, DpEvent
from privgan.privacy.randomness import SecretStream
from privgan.privacy.receipts import Receipt
from privgan.progress import Progress
from privgan.schema.columns import Column, Discrete, Numeric, Source, Temporal
from privgan.schema.schema import Schema
from privgan.table.customers import customer_names
from privgan.table.private import PrivateTable, bounded, numbered

Keep = Callable[["Refining", bool], None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Fitted:
    """What a fit hands on.

    Attributes:
        plan: The plan as it ran, with stage 2.
        schema: The schema, with every measured fact filled in.
        encoder: Rows to codes.
        measurements: Noisy marginals.
        model: The generator and its codebook.
        run: The run's identity in the ledger.
        secret: Whether the coins were secret; if not, ε is infinite.
        canaries: INTERNAL.
        critic: INTERNAL: the critic, where the plan has one.
    """

    plan: Plan
    schema: Schema
    encoder: Encoder
    measurements: Measurements
    model: GeneratorModel
    run: str
    secret: bool
    canaries: Canaries
    critic: Critic | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Refining:
    """Where a fit stands in its critic phase: what a checkpoint is made from.

    Attributes:
        fitted: All that was measured and fitted so far.
        refinement: Critic, generator and their optimisers.
        ledger: Charges the run's steps.
    """

    fitted: Fitted
    refinement: Refinement
    ledger: RunLedger


@dataclass(frozen=True, kw_only=True, eq=False)
class Job:
    """What every stage of one fit needs."""

    table: PrivateTable
    schema: Schema
    plan: Plan
    run: RunLedger
    coins: SecretStream
    seed: int
    progress: Progress
    trainer: Callable[..., PrivateTrainer] = PrivateTrainer

    def charge(self, step: str, event: DpEvent) -> Receipt:
        """Charge a step."""
        receipt = self.run.charge(step, event)
        self.tell_spent()
        return receipt

    def tell_spent(self) -> None:
        """Keep the progress bar's ε up to date."""
        charged, delta = Composed(list(self.run.charged.values())), self.plan.budget.delta
        epsilon = min(self.plan.budget.epsilon, accountant.epsilon_by_rdp(charged, delta))
        self.progress.spent(
            epsilon, delta, condition_text(len(self.schema.facts_from(Source.ASSUMED_PUBLIC)))
        )


def fit(
    frame: pd.DataFrame,
    schema: Schema,
    plan: Plan,
    ledger: PrivacyLedger,
    *,
    seed: int,
    progress: Progress,
    coins: SecretStream | None = None,
    on_canaries: Callable[[Canaries, str], None] | None = None,
    keep: Keep | None = None,
    trainer: Callable[..., PrivateTrainer] = PrivateTrainer,
    attempts: int | None = None,
) -> Fitted:
    """Run a plan on a conforming table.

    Args:
        frame: Typed rows that conform to the schema [rows, modelled columns and unit column].
        schema: The public facts.
        plan: The plan, made before.
        ledger: Where each look is charged.
        seed: Moves initial weights and fake rows, nothing that the guarantee rests on.
        progress: Tells the owner.
        coins: Secret coins; None for a fresh stream from the operating system.
        on_canaries: Called with the canaries and the run's identity before the first look, to keep
            them safe inside.
        keep: Writes a checkpoint of the critic phase; told whether no step will follow it.
        trainer: Makes the critic's trainer; another one than the usual only in the audit's test
            runs.
        attempts: Evaluations that the policy allows on the data set; None where no policy is at
            hand.

    Returns:
        The fitted parts.
    """
    coins = coins or SecretStream()
    check_libraries(plan)
    assumed = len(schema.facts_from(Source.ASSUMED_PUBLIC))
    with ledger.run(
        schema.dataset,
        plan.budget,
        secret=coins.secret,
        conditional_facts=assumed,
        planned=plan.events,
        columns=schema.names,
        customers=customer_names(frame, schema),
        attempts=attempts,
    ) as run:
        customers = customers_of(frame, schema)
        canaries = draw_canaries(customers, plan.canary_probability, coins)
        if on_canaries:
            on_canaries(canaries, run.identity)
        table = bounded_table(frame, customers, canaries, schema, coins)
        job = Job(
            table=table,
            schema=schema,
            plan=plan,
            run=run,
            coins=coins,
            seed=seed,
            progress=progress,
            trainer=trainer,
        )
        job = _with_measured_domain(job)
        check_libraries(job.plan)
        run.approve("model", events_of(job.plan.steps), job.plan.model_budget)
        fitted = _measured(job, canaries)
        if job.plan.critic is not None:
            receipt = job.charge("critic", job.plan.step("critic").event)
            refining = Refining(
                fitted=fitted, refinement=refinement_of(job, fitted, receipt.event), ledger=run
            )
            fitted = run_refinement(job, refining, receipt, keep)
        require_all_charged(job)
        return fitted


def customers_of(frame: pd.DataFrame, schema: Schema) -> np.ndarray:
    """Whose each row is [rows], as numbers."""
    unit = schema.unit.column
    return np.arange(len(frame)) if unit is None else numbered(frame[unit])


def bounded_table(
    frame: pd.DataFrame,
    customers: np.ndarray,
    canaries: Canaries,
    schema: Schema,
    coins: SecretStream,
) -> PrivateTable:
    """The private table of a run.

    Of each kept-in customer at most max_rows_per_unit rows, picked at random.
    """
    used = bounded(customers, schema.unit.max_rows, coins) & ~canaries.left_out
    kept = frame.loc[used, [column.name for column in schema.modelled]].reset_index(drop=True)
    return PrivateTable(schema.dataset, schema.unit, kept, customers[used])


def _with_measured_domain(job: Job) -> Job:
    """Stage 1, where something about the domain is not public.

    Stage 2 is planned from its outcome before its first look.
    """
    plan, run = job.plan, job.run
    if plan.domain_budget is None:
        return job
    run.approve("domain", events_of(plan.domain_steps), plan.domain_budget)
    names = {step.name for step in plan.domain_steps}
    rows, each = plan.declared_rows, plan.rows_of_each
    if ROW_COUNT in names:
        rows = measure_row_count(job.table, plan, job, job.coins)
        job.progress.say(f"row count measured with noise: {rows}")
    if ROWS_OF_EACH in names:
        each = measure_rows_of_each(job.table, plan, job, job.coins)
    left = [step for step in plan.domain_steps if step.name not in {ROW_COUNT, ROWS_OF_EACH}]
    schema = measure_domain(job.table, job.schema, left, job, job.coins)
    for open_column in job.schema.open_columns:
        job.progress.say(f"measured with noise: {_measured_text(schema.column(open_column.name))}")
    assert rows is not None
    table = job.table.mapped(lambda frame: clamp_measured(frame, schema))
    try:
        return replace(job, table=table, schema=schema, plan=with_domain(plan, schema, rows, each))
    except UsageError as error:
        stays = (
            f"ε = {plan.budget.epsilon:g}, δ = {plan.budget.delta:g} of this run stay charged to"
            f" {plan.dataset}"
        )
        raise UsageError(f"{error}; {stays}") from error


def _measured_text(column: Column) -> str:
    """What was measured of a column, in words; noisy, so that it may be told."""
    if isinstance(column, Discrete):
        return f"{column.name} has {len(column.categories) - 1} categories beside {column.other}"
    assert isinstance(column, Numeric | Temporal)
    return f"{column.name} from {column.lower} to {column.upper}"


def _measured(job: Job, canaries: Canaries) -> Fitted:
    """Measure, and fit the generator to what was measured."""
    settings, plan, progress = job.plan.generator, job.plan, job.progress
    encoder = measure_encoder(job.table, job.schema, plan, job, job.coins)
    measurements = measure_one_way(job.table, encoder, plan, job, job.coins)
    with progress.task("measuring pairs and triples of columns"):
        measurements = measure_all(
            job.table, job.schema, encoder, plan, job, job.coins, measurements
        )
    model = GeneratorModel(measurements, settings, seed=job.seed, device=device())
    rounds, rate = len(plan.of_kind(StepKind.SELECTION)), settings.offset_learning_rate
    with progress.task("warm start: the network") as task:
        warm_start.fit_network(
            model,
            measurements,
            steps=settings.network_steps,
            learning_rate=settings.learning_rate,
            progress=task.update,
        )
    with progress.task("choosing and measuring wider marginals") as task:

        def refit(known: Measurements, index: int) -> GeneratorModel:
            loss = warm_start.fit_offsets(
                model, known, steps=settings.round_steps, learning_rate=rate
            )
            task.update(index, rounds, loss)
            return model

        refit(measurements, 0)
        measurements = measure_rounds(
            job.table, encoder, plan, job, job.coins, measurements, refit, model
        )
    with progress.task("warm start: the offsets") as task:
        warm_start.fit_offsets(
            model,
            measurements,
            steps=settings.final_steps,
            learning_rate=rate,
            settle=True,
            progress=task.update,
        )
    return Fitted(
        plan=plan,
        schema=job.schema,
        encoder=encoder,
        measurements=measurements,
        model=model,
        run=job.run.identity,
        secret=job.coins.secret,
        canaries=canaries,
    )


def device() -> torch.device:
    """Where to compute."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def refinement_of(job: Job, fitted: Fitted, charged: DpEvent) -> Refinement:
    """Critic and generator at the start of the critic phase."""
    assert job.plan.critic is not None
    phase = CriticPhase(charged, job.plan.critic, job.coins, job.plan.rows_of_each)
    return Refinement(fitted.model, fitted.measurements, phase, seed=job.seed, trainer=job.trainer)


def run_refinement(job: Job, refining: Refining, receipt: Receipt, keep: Keep | None) -> Fitted:
    """The critic phase, with a checkpoint at its start and after each interval where the plan is resumable.

    Returns:
        The fit with its critic.
    """
    refinement, settings = refining.refinement, refining.refinement.settings
    samples = job.table.samples(receipt, refining.fitted.encoder.encode)
    with job.progress.task("private critic (DP-SGD)") as task:
        for until in _stops(settings, refinement.step):
            if keep and settings.checkpoint_interval:
                keep(refining, False)
            try:
                refinement.run(samples, until, task.update)
            except KeyboardInterrupt:
                if keep and settings.checkpoint_interval:
                    keep(refining, True)
                raise
    refining.fitted.model.use_average()
    return replace(refining.fitted, critic=refinement.critic)


def _stops(settings: CriticSettings, start: int) -> list[int]:
    """The steps at which a checkpoint is due, and the last step."""
    interval = settings.checkpoint_interval or settings.steps
    return [*range(start + interval, settings.steps, interval), settings.steps]


def require_all_charged(job: Job) -> None:
    """Every planned step but the reserve was charged, by the process that still has the run.

    An error otherwise.
    """
    job.run.check_current()
    planned = {step.name for step in (*job.plan.domain_steps, *job.plan.steps)}
    if planned - set(job.run.charged) - {RESERVE}:
        raise InternalError(
            f"the plan has {len(planned)} private steps; {len(job.run.charged)} were charged"
        )
