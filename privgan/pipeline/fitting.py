"""Fit a synthesizer: the charged looks in the plan's order, then generator and DP-SGD."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial

import torch

from privgan.domain.encoding import ColumnCode, Encoder
from privgan.errors import IncompleteError, InternalError, UsageError
from privgan.generator import warm_start
from privgan.generator.mixture import GeneratorModel
from privgan.generator.part_model import chain_of
from privgan.generator.rare_entries import told_outcome
from privgan.ledger.ledger import PrivacyLedger, RunFacts, RunLedger
from privgan.measurement.domain import (
    measure_domain,
    measure_row_count,
    measure_rows_of_each,
    measure_table_rows,
)
from privgan.measurement.marginals import Marginal, Measurements
from privgan.measurement.measure import (
    measure_all,
    measure_column,
    measure_encoder,
    measure_one_way,
    measure_rounds,
)
from privgan.measurement.outcome_look import split_by_outcome
from privgan.owner.owners_table import OwnersTable
from privgan.parts.borrowing import Lender, borrowed_codes, period_codes
from privgan.parts.forms import lenders_of, parts_of
from privgan.parts.part import Part
from privgan.parts.related_form import RelatedForm
from privgan.pipeline.canaries import Canaries, draw_canaries
from privgan.pipeline.derived_pairs import Known, derived_pairs
from privgan.pipeline.job import FitSettings, Fitted, Job, Refining, fitted_of
from privgan.pipeline.library_maps import check_libraries
from privgan.pipeline.private_training import phase_name, phase_of, run_phase, with_network
from privgan.pipeline.stages import StageName
from privgan.planning.domain_stage import ROW_COUNT, ROWS_OF_EACH, rows_of_each_of
from privgan.planning.plan import RESERVED, Plan, StepKind, events_of
from privgan.planning.planner import with_domain
from privgan.planning.rare_outcome import RARE, check_hopeful
from privgan.planning.workload import place_of_target
from privgan.schema.columns import Column, Discrete, Numeric, Source, Temporal
from privgan.schema.rare import RareOutcome
from privgan.schema.schema import Schema
from privgan.table.rare_file import rare_line


def fit(table: OwnersTable, plan: Plan, ledger: PrivacyLedger, settings: FitSettings) -> Fitted:
    """Run a plan on a conforming table.

    Args:
        table: The owner's table, which knows its schema.
        plan: The plan, made before.
        ledger: Where each look is charged.
        settings: How the plan is run.

    Returns:
        The fitted parts.
    """
    check_libraries(plan)
    with _reserved(table, plan, ledger, settings) as run:
        canaries = draw_canaries(table.unit_numbers(), plan.canary_probability, settings.coins)
        if settings.on_canaries:
            settings.on_canaries(canaries, run.identity)
        private = table.private_table(canaries.left_out, settings.coins)
        job = _with_measured_domain(
            Job(table=private, schema=table.schema, plan=plan, run=run, settings=settings)
        )
        check_libraries(job.plan)
        run.approve("model", events_of(job.plan.steps), job.plan.model_budget)
        made = _measured_in_parts(job, canaries) if job.plan.parts else _measured(job, canaries)
        fitted = _refined(job, made)
        check_all_charged(job)
        return fitted


def _reserved(
    table: OwnersTable, plan: Plan, ledger: PrivacyLedger, settings: FitSettings
) -> AbstractContextManager[RunLedger]:
    """The run in the ledger, with its whole budget reserved."""
    schema = table.schema
    return ledger.run(
        schema.dataset,
        plan.budget,
        secret=settings.coins.secret,
        about=RunFacts(
            conditional_facts=len(schema.facts_from(Source.ASSUMED_PUBLIC)),
            planned=plan.events,
            columns=tuple(label for label, _ in schema.labelled),
            customers=table.customer_names(),
            attempts=settings.attempts,
        ),
    )


def _refined(job: Job, fitted: Fitted) -> Fitted:
    """The fit after DP-SGD, where the plan has it."""
    if job.plan.trained is None:
        return fitted
    fitted = with_network(job, fitted)
    name = phase_name(job.plan)
    receipt = job.charge(name, job.plan.step(name).event)
    phase = phase_of(job, fitted, receipt.event)
    return run_phase(job, Refining(fitted=fitted, phase=phase, ledger=job.run), receipt)


def _with_measured_domain(job: Job) -> Job:
    """Run stage 1, where part of the domain is not public.

    Stage 2 is planned from its outcome before its first look.
    """
    plan = job.plan
    if plan.domain_budget is None:
        return job
    job.run.approve("domain", events_of(plan.domain_steps), plan.domain_budget)
    rows, each = _measured_counts(job)
    table_rows = measure_table_rows(job.looks, plan, job.schema)
    counts = {ROW_COUNT, ROWS_OF_EACH, *map(rows_of_each_of, table_rows)}
    left = [step for step in plan.domain_steps if step.name not in counts]
    schema = measure_domain(job.looks, job.schema, left)
    for open_column in job.schema.open_columns:
        job.progress.say(f"measured with noise: {_measured_text(schema.column(open_column.name))}")
    job.progress.sized(rows)
    try:
        second = with_domain(plan, schema, rows, each, table_rows)
    except UsageError as error:
        stays = (
            f"ε = {plan.budget.epsilon:g}, δ = {plan.budget.delta:g} of this run stay charged to"
            f" {plan.dataset}"
        )
        raise UsageError(f"{error}; {stays}") from error
    return replace(job, table=job.table.clamped(schema), schema=schema, plan=second)


def _measured_counts(job: Job) -> tuple[int, tuple[float, ...]]:
    """The row count and the customers by number of rows.

    Measured with noise where they are not public.
    """
    plan, names = job.plan, {step.name for step in job.plan.domain_steps}
    rows, each = plan.declared_rows, plan.rows_of_each
    if ROW_COUNT in names:
        rows = measure_row_count(job.looks, plan)
        job.progress.say(f"row count measured with noise: {rows}")
    if ROWS_OF_EACH in names:
        each = measure_rows_of_each(job.looks, plan)
    if rows is None:
        raise InternalError("the plan neither declares nor measures the row count")
    return rows, each


def _measured_text(column: Column) -> str:
    """A column's measured facts in words; noisy, so that they may be shown."""
    if isinstance(column, Discrete):
        return f"{column.name} has {len(column.categories) - 1} categories beside {column.other}"
    assert isinstance(column, Numeric | Temporal)
    return f"{column.name} from {column.lower} to {column.upper}"


def _measured_in_parts(job: Job, canaries: Canaries) -> Fitted:
    """Measure one part after another, and then single columns of the rows by their codes."""
    lenders: dict[str, Lender] = {}
    made: dict[str, Fitted] = {}
    for part, planned in zip(parts_of(job.schema), job.plan.parts, strict=True):
        plan = planned.plan
        view = job.table.view(part, job.schema, plan.unit, job.coins)
        own = replace(job, table=view, schema=part.schema, plan=plan, part=part.name, kept=[])
        most = plan.marginals.max_codes
        known = borrowed_codes(part.schema, part.borrowed, lenders, most)
        alike = {name: of for name, (lender, of) in part.borrowed.items() if lender == part.name}
        parent = made.get(part.parent or "") if part.derived else None
        above = _known_of(part, job.schema) if part.derived else None
        found = _measured(own, canaries, _Before(known, alike, part, parent, above))
        if plan.trained is not None:
            # One customer is one sample however many rows it has: as many as the schema allows.
            wide = job.table.view(part, job.schema, part.unit, job.coins)
            chain = chain_of(part, found.encoder.names)
            found = _refined(replace(own, table=wide, chain=chain), found)
        made[part.name] = found
        lenders[part.name] = Lender(found.encoder, found.measurements.frequencies())
    with job.progress.task(StageName.MEASURE):
        most = job.plan.marginals.max_codes
        codes = borrowed_codes(job.schema, lenders_of(job.schema), lenders, most)
        codes |= period_codes(job.schema, lenders)
        encoder = measure_encoder(job.looks, job.schema, job.plan, codes)
        measurements = measure_one_way(job.looks, encoder, job.plan)
    return replace(fitted_of(job, encoder, measurements, None, canaries), parts=made)


def _known_of(part: Part, schema: Schema) -> Known:
    """What follows from a parent's row for those of a related table."""
    return partial(RelatedForm(schema).known, schema.child(part.name))


@dataclass(frozen=True, eq=False)
class _Before:
    """What is known of a part before it is measured.

    Attributes:
        codes: Codes of columns that were measured before.
        alike: For some columns the one of the same rows whose codes they have.
        part: The part.
        parent: The result of the part whose model tells of this one's first columns; None for none.
        above: What follows from a parent's row, where there is such a part.
    """

    codes: Mapping[str, ColumnCode]
    alike: Mapping[str, str]
    part: Part
    parent: Fitted | None
    above: Known | None


def _measured(job: Job, canaries: Canaries, known: _Before | None = None) -> Fitted:
    """Measure, and fit the generator to the marginals.

    Args:
        job: The inputs.
        canaries: INTERNAL.
        known: What is known of a part; None of a whole table.
    """
    looks, settings = job.looks, job.plan.generator
    codes, alike = (known.codes, known.alike) if known else (None, None)
    with job.progress.task(StageName.MEASURE) as task:
        counted = _counted_outcome(job)
        encoder = measure_encoder(looks, job.schema, job.plan, codes, alike)
        if counted:
            outcome = _outcome_of(job.schema)
            total = float(counted[0].counts[outcome[1]])
            encoder = split_by_outcome(looks, encoder, job.plan, outcome, total)
        measurements = measure_one_way(looks, encoder, job.plan, counted)
        _tell_rare(job, measurements)
        measurements = measure_all(
            looks, job.schema, encoder, job.plan, measurements, progress=task.update
        )
    if known is not None and known.parent is not None:
        seed = job.settings.seed
        assert known.above is not None
        most = job.plan.unit.max_rows
        derived = derived_pairs(
            known.part, known.parent, encoder, measurements, known.above, most, seed
        )
        measurements = measurements.with_marginals(derived)
    model = GeneratorModel(measurements, settings, seed=job.settings.seed, device=device())
    _fit_network(job, model, measurements)
    measurements = _measured_in_rounds(job, encoder, model, measurements)
    with job.progress.task(StageName.OFFSETS) as task:
        warm_start.fit_offsets(
            model,
            measurements,
            steps=settings.final_steps,
            learning_rate=settings.offset_learning_rate,
            settle=True,
            progress=task.update,
        )
        if job.schema.rare is not None:
            told_outcome(model, measurements, encoder, *_outcome_of(job.schema))
    return fitted_of(job, encoder, measurements, model, canaries)


def _counted_outcome(job: Job) -> list[Marginal]:
    """The noisy counts of a rare outcome, the first look of all; none without one.

    Raises:
        IncompleteError: It is so rare that all further looks would be in vain.
    """
    if job.schema.rare is None:
        return []
    place, positive = _outcome_of(job.schema)
    name = job.schema.modelled[place].name
    found = measure_column(job.looks, job.schema, job.plan, name)
    try:
        check_hopeful(job.plan, job.schema, float(found.counts[positive]))
    except IncompleteError as error:
        stays = f"what the count of {name} cost stays charged to {job.plan.dataset}"
        raise IncompleteError(f"{error}; {stays}") from error
    return [found]


def _tell_rare(job: Job, measurements: Measurements) -> None:
    """Say where a target of two values seldom has one, by its noisy counts, and is not said to.

    How the budget is divided stands in the plan, before the first look: so it is for another run.
    """
    schema, place = job.schema, place_of_target(job.schema)
    if schema.target is None or schema.rare is not None or place is None or job.part:
        return
    column, shares = schema.modelled[place], measurements.one_way(place)
    share, rows = float(shares.min()), job.plan.rows
    if not isinstance(column, Discrete) or not len(column.categories) == len(shares) == 2:
        return
    if rows is not None and share < RARE:
        value, positives = column.categories[int(shares.argmin())], max(1, round(share * rows))
        rare = RareOutcome(positive=value, positives=positives)
        job.progress.say(
            f"by a noisy count, which is paid for, {column.name} is {value} in {share:.1%} of the"
            f" rows; with this line in the schema another run tells more of it:"
            f" {rare_line(replace(schema, rare=rare))}"
        )


def _outcome_of(schema: Schema) -> tuple[int, int]:
    """A rare outcome's place among the modelled columns, and the code of its positive value."""
    place = place_of_target(schema)
    assert place is not None
    assert schema.rare is not None
    column = schema.modelled[place]
    assert isinstance(column, Discrete)
    return place, column.categories.index(schema.rare.positive)


def _fit_network(job: Job, model: GeneratorModel, measurements: Measurements) -> None:
    settings = job.plan.generator
    with job.progress.task(StageName.NETWORK) as task:
        warm_start.fit_network(
            model,
            measurements,
            steps=settings.network_steps,
            learning_rate=settings.learning_rate,
            progress=task.update,
        )


def _measured_in_rounds(
    job: Job, encoder: Encoder, model: GeneratorModel, measurements: Measurements
) -> Measurements:
    """Choose and measure wider marginals, fitting the offsets in between."""
    settings, rounds = job.plan.generator, len(job.plan.of_kind(StepKind.SELECTION))
    with job.progress.task(StageName.ROUNDS) as task:

        def refit(known: Measurements, index: int) -> GeneratorModel:
            rate = settings.offset_learning_rate
            loss = warm_start.fit_offsets(
                model, known, steps=settings.round_steps, learning_rate=rate
            )
            task.update(index, rounds, loss)
            return model

        refit(measurements, 0)
        known = job.looks, encoder, job.plan, measurements
        return measure_rounds(*known, refit, model, target=place_of_target(job.schema))


def check_all_charged(job: Job) -> None:
    """Check that every planned step but the reserve was charged.

    It must have been charged by the process that still owns the run.
    """
    job.run.check_current()
    planned = {step.name for step in (*job.plan.domain_steps, *job.plan.steps)}
    reserve = {step.name for step in job.plan.steps if step.kind in RESERVED}
    if planned - set(job.run.charged) - reserve:
        raise InternalError(
            f"the plan has {len(planned)} private steps; {len(job.run.charged)} were charged"
        )


def device() -> torch.device:
    """The device to compute on."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
