"""Fit a synthesizer: the charged looks in the plan's order, and what is made from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
import torch

from privgan.errors import InternalError
from privgan.gan import warm_start
from privgan.gan.model import GeneratorModel
from privgan.gan.refine import refine
from privgan.measurement.marginals import Measurements
from privgan.measurement.measure import measure_encoder, measure_one_way, measure_rounds, measure_row_count
from privgan.pipeline.canaries import Canaries, draw_canaries
from privgan.planning.plan import Plan, StepKind, events_of
from privgan.planning.planner import with_rows
from privgan.privacy import accountant
from privgan.privacy.budget import condition_text
from privgan.privacy.events import Composed, DpEvent
from privgan.privacy.ledger import PrivacyLedger, RunLedger
from privgan.privacy.randomness import SecretStream
from privgan.privacy.receipts import Receipt
from privgan.progress import Progress
from privgan.table.columns import Source
from privgan.table.encoding import Encoder
from privgan.table.private import PrivateTable
from privgan.table.schema import Schema


@dataclass(frozen=True, kw_only=True, eq=False)
class Fitted:
    """What a fit hands on.

    Attributes:
        plan: The plan as it ran, with stage 2.
        encoder: Rows to codes.
        measurements: Noisy marginals.
        model: The generator and its codebook.
        run: The run's identity in the ledger.
        secret: Whether the coins were secret; if not, ε is infinite.
        canaries: INTERNAL.
    """

    plan: Plan
    encoder: Encoder
    measurements: Measurements
    model: GeneratorModel
    run: str
    secret: bool
    canaries: Canaries


class _Charger:
    """Charges steps and keeps the progress bar's ε up to date."""

    def __init__(self, run: RunLedger, plan: Plan, progress: Progress, condition: str) -> None:
        self._run, self._plan, self._progress, self._condition = run, plan, progress, condition

    def charge(self, step: str, event: DpEvent) -> Receipt:
        receipt = self._run.charge(step, event)
        charged = Composed(list(self._run.charged.values()))
        epsilon = min(self._plan.budget.epsilon, accountant.epsilon_by_rdp(charged, self._plan.budget.delta))
        self._progress.spent(epsilon, self._condition)
        return receipt


def fit(
    frame: pd.DataFrame,
    schema: Schema,
    plan: Plan,
    ledger: PrivacyLedger,
    *,
    seed: int,
    progress: Progress,
    coins: SecretStream | None = None,
    on_canaries: Callable[[Canaries], None] | None = None,
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
        on_canaries: Called with the canaries before the first look, to keep them safe inside.

    Returns:
        The fitted parts.
    """
    coins = coins or SecretStream()
    assumed = len(schema.facts_from(Source.ASSUMED_PUBLIC))
    with ledger.run(schema.dataset, plan.budget, secret=coins.secret, conditional_facts=assumed) as run:
        canaries = draw_canaries(len(frame), plan.canary_probability, coins)
        if on_canaries:
            on_canaries(canaries)
        kept = frame.loc[~canaries.left_out, [column.name for column in schema.modelled]].reset_index(drop=True)
        table = PrivateTable(schema.dataset, schema.unit, kept)
        plan = _with_measured_rows(table, schema, plan, run, coins, progress)
        run.approve("model", events_of(plan.steps), plan.model_budget)
        encoder, measurements, model = _train(table, schema, plan, run, coins, seed, progress)
        return Fitted(
            plan=plan,
            encoder=encoder,
            measurements=measurements,
            model=model,
            run=run.identity,
            secret=coins.secret,
            canaries=canaries,
        )


def _with_measured_rows(
    table: PrivateTable, schema: Schema, plan: Plan, run: RunLedger, coins: SecretStream, progress: Progress
) -> Plan:
    """Stage 1, where the row count is not public; stage 2 is planned from its outcome before its first look."""
    if plan.count_step is None or plan.count_budget is None:
        return plan
    run.approve("count", {plan.count_step.name: plan.count_step.event}, plan.count_budget)
    rows = measure_row_count(table, plan, run, coins)
    progress.say(f"row count measured with noise: {rows}")
    return with_rows(plan, schema, rows)


def _train(
    table: PrivateTable, schema: Schema, plan: Plan, run: RunLedger, coins: SecretStream, seed: int, progress: Progress
) -> tuple[Encoder, Measurements, GeneratorModel]:
    condition = condition_text(len(schema.facts_from(Source.ASSUMED_PUBLIC)))
    charger = _Charger(run, plan, progress, condition)
    settings = plan.generator
    encoder = measure_encoder(table, schema, plan, charger, coins)
    measurements = measure_one_way(table, encoder, plan, charger, coins)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = GeneratorModel(measurements, settings, seed=seed, device=device)
    rounds = len(plan.of_kind(StepKind.SELECTION))
    with progress.task("warm start: 1-way marginals") as task:
        warm_start.fit(
            model, measurements, steps=settings.first_steps, learning_rate=settings.learning_rate, progress=task.update
        )
    with progress.task("choosing and measuring marginals") as task:

        def refit(known: Measurements, index: int) -> GeneratorModel:
            loss = warm_start.fit(model, known, steps=settings.round_steps, learning_rate=settings.learning_rate)
            task.update(index, rounds, loss)
            return model

        measurements = measure_rounds(table, encoder, plan, charger, coins, measurements, refit, model)
    with progress.task("warm start: all marginals") as task:
        warm_start.fit(
            model,
            measurements,
            steps=settings.final_steps,
            learning_rate=settings.learning_rate,
            decay=True,
            progress=task.update,
        )
    if plan.critic is not None:
        _refine(table, encoder, measurements, model, plan, charger, coins, seed, progress)
    if len(run.charged) != len(plan.steps) + (plan.count_step is not None):
        raise InternalError(f"the plan has {len(plan.steps)} private steps; {len(run.charged)} were charged")
    return encoder, measurements, model


def _refine(
    table: PrivateTable,
    encoder: Encoder,
    measurements: Measurements,
    model: GeneratorModel,
    plan: Plan,
    charger: _Charger,
    coins: SecretStream,
    seed: int,
    progress: Progress,
) -> None:
    step = plan.step("critic")
    assert plan.critic is not None
    receipt = charger.charge(step.name, step.event)
    codes = table.codes(receipt, encoder.encode)
    with progress.task("private critic (DP-SGD)") as task:
        refine(model, measurements, codes, receipt.event, plan.critic, coins=coins, seed=seed, progress=task.update)
