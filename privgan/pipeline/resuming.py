"""Save checkpoints of DP-SGD, and resume a fit once with fresh noise. INTERNAL."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError

from privgan.domain.cells import cells_of
from privgan.domain.encoding import Encoder, encoder_from_json
from privgan.errors import InternalError, UsageError
from privgan.generator.mixture import GeneratorModel
from privgan.generator.state import Tensors, packed, restore, unpacked
from privgan.ledger.ledger import PrivacyLedger
from privgan.measurement.marginals import Groups, Marginal, Measurements
from privgan.measurement.noisy_counts import Counted, NoisyCounts
from privgan.naming import parameter
from privgan.owner.owners_table import OwnersTable
from privgan.pipeline.canaries import Canaries
from privgan.pipeline.fitting import check_all_charged, device
from privgan.pipeline.job import FitSettings, Fitted, Job, Refining, fitted_of
from privgan.pipeline.library_maps import check_libraries
from privgan.pipeline.private_training import phase_name, phase_of, resumed_network, run_phase
from privgan.planning.model_stage import RESERVE
from privgan.planning.plan import Plan
from privgan.planning.planner import with_domain
from privgan.schema.schema import Schema
from privgan.table.schema_file import dump_schema, parse_schema

FORMAT = "privgan.checkpoint/1"
_NAME = "internal-checkpoint-{}.safetensors"
_MARGINAL, _KEPT = "marginal.{}", "kept.{}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Checkpoint:
    """The state of DP-SGD.

    Attributes:
        lineage: Its number; the ledger lets each number go on once.
        digest: SHA-256 of the file, in hexadecimal.
        run: The run's identity in the ledger.
        step: Private steps done.
        plan: Fingerprint of the plan that was being run.
        rows: The row count that stage 2 was planned for.
        rows_of_each: Noisy share of the customers with 1, 2, … rows.
        schema: The schema, with every measured fact filled in.
        encoder: Rows to codes.
        measurements: Noisy marginals.
        kept: The noisy counts as their mechanisms gave them out; none of 0.5.0 and before.
        tensors: Networks, optimisers and codebook.
    """

    lineage: int
    digest: str
    run: str
    step: int
    plan: str
    rows: int
    rows_of_each: tuple[float, ...]
    schema: Schema
    encoder: Encoder
    measurements: Measurements
    kept: tuple[NoisyCounts, ...]
    tensors: Tensors


def save_checkpoint(folder: Path, refining: Refining, *, clean: bool) -> None:
    """Write the next checkpoint with mode 0600, record it, and remove earlier ones.

    Args:
        folder: The internal folder.
        refining: Where the fit stands.
        clean: Whether no private step will follow it in this process.
    """
    lineage = refining.ledger.lineage + 1
    path, step = folder / _NAME.format(lineage), refining.phase.step
    marginals = {
        _MARGINAL.format(i): part.counts
        for i, part in enumerate(refining.fitted.measurements.marginals)
    }
    kept = {_KEPT.format(i): part.figures for i, part in enumerate(refining.fitted.kept)}
    content = packed(
        refining.phase, marginals | kept, json.dumps(_facts(refining, lineage), ensure_ascii=False)
    )
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    refining.ledger.checkpoint(
        lineage=lineage, step=step, digest=hashlib.sha256(content).hexdigest(), clean=clean
    )
    for older in folder.glob(_NAME.format("*")):
        if older != path:
            older.unlink()


def _facts(refining: Refining, lineage: int) -> dict[str, Any]:
    fitted = refining.fitted
    return {
        "format": FORMAT,
        "lineage": lineage,
        "run": fitted.run,
        "step": refining.phase.step,
        "plan": fitted.plan.fingerprint(),
        "rows": fitted.plan.rows,
        "rows_of_each": list(fitted.plan.rows_of_each),
        "schema": dump_schema(fitted.schema),
        "columns": {column.name: column.to_json() for column in fitted.encoder.columns},
        "max_cells": fitted.plan.marginals.max_cells,
        "marginals": [
            {
                "clique": list(marginal.clique),
                "standard_deviation": marginal.standard_deviation,
                "interaction_only": marginal.interaction_only,
                "groups": marginal.groups,
            }
            for marginal in fitted.measurements.marginals
        ],
        "kept": [
            {
                "step": found.step,
                "columns": list(found.columns),
                "counted": found.counted,
                "noise": found.noise,
                "groups": found.groups,
            }
            for found in fitted.kept
        ],
    }


def newest_checkpoint(folder: Path, lineage: int) -> Checkpoint:
    """Read the newest checkpoint of an internal folder; reading runs no code from the file.

    Args:
        folder: The internal folder.
        lineage: The newest number in the ledger: a crash may have left a later file, which the
            ledger never heard of.

    Raises:
        UsageError: when there is none, or it is damaged.
    """
    numbers = sorted(int(path.stem.rpartition("-")[2]) for path in folder.glob(_NAME.format("*")))
    if not numbers:
        raise UsageError(
            f"{folder}: holds no checkpoint: the fit has ended, or it was not started with"
            f" {parameter('resumable')}, or its plan has no DP-SGD, or it stopped before its first"
            " checkpoint; there is nothing to go on with"
        )
    path = folder / _NAME.format(lineage if lineage in numbers else numbers[-1])
    try:
        text, tensors = unpacked(path)
        facts = json.loads(text)
        if facts["format"] != FORMAT:
            raise UsageError(
                f"{path}: is a checkpoint of another version; this privgan reads {FORMAT}"
            )
        return _read(facts, tensors, hashlib.sha256(path.read_bytes()).hexdigest())
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"{path}: the checkpoint cannot be read ({type(error).__name__}); it is damaged"
        ) from error


def _groups(written: list[list[int]] | None) -> Groups | None:
    """The groups of a coarse marginal; checkpoints of 0.4.0 and before hold none."""
    return None if written is None else tuple(tuple(part) for part in written)


def _read(facts: dict[str, Any], tensors: Tensors, digest: str) -> Checkpoint:
    schema = parse_schema(facts["schema"], name="the checkpoint's schema")
    encoder = encoder_from_json(
        {column.name: cells_of(column, facts["max_cells"]) for column in schema.modelled},
        facts["columns"],
    )
    marginals = [
        Marginal(
            clique=tuple(part["clique"]),
            counts=tensors.pop(_MARGINAL.format(index)).numpy(),
            standard_deviation=part["standard_deviation"],
            interaction_only=part["interaction_only"],
            groups=_groups(part.get("groups")),
        )
        for index, part in enumerate(facts["marginals"])
    ]
    kept = tuple(
        NoisyCounts(
            step=part["step"],
            columns=tuple(part["columns"]),
            counted=Counted(part["counted"]),
            noise=part["noise"],
            figures=tensors.pop(_KEPT.format(index)).numpy().astype(np.int64),
            groups=_groups(part["groups"]),
        )
        for index, part in enumerate(facts.get("kept", ()))
    )
    return Checkpoint(
        lineage=facts["lineage"],
        digest=digest,
        run=facts["run"],
        step=facts["step"],
        plan=facts["plan"],
        rows=facts["rows"],
        rows_of_each=tuple(facts["rows_of_each"]),
        schema=schema,
        encoder=encoder,
        measurements=Measurements(encoder.sizes, marginals),
        kept=kept,
        tensors=tensors,
    )


def resume(
    table: OwnersTable,
    plan: Plan,
    checkpoint: Checkpoint,
    canaries: Canaries,
    ledger: PrivacyLedger,
    settings: FitSettings,
) -> Fitted:
    """Continue DP-SGD from its checkpoint, with fresh coins and the same canaries.

    Args:
        table: The owner's table, mapped into the facts of the checkpoint's schema.
        plan: The plan, made again from the same request.
        checkpoint: Where the run stood; the ledger lets it go on once, and charges the steps that
            are run again.
        canaries: The run's canaries.
        ledger: The run's ledger.
        settings: As before, with fresh coins.

    Raises:
        UsageError: when the plan is not the run's, or the checkpoint is not its newest or was used
            before.
        BudgetExceededError: when the reserve for steps that are run again is spent.
    """
    plan = _same_plan(plan, checkpoint)
    check_libraries(plan)
    lineage, digest = checkpoint.lineage, checkpoint.digest
    name = phase_name(plan)
    run = ledger.resume(
        plan.dataset, checkpoint.run, lineage=lineage, digest=digest, reserve=RESERVE.format(name)
    )
    if run.secret != settings.coins.secret:
        raise InternalError("a run goes on with coins of the kind that it began with")
    private = table.private_table(canaries.left_out, settings.coins)
    job = Job(
        table=private,
        schema=checkpoint.schema,
        plan=plan,
        run=run,
        settings=settings,
        kept=list(checkpoint.kept),
    )
    seed = settings.seed + lineage
    model = GeneratorModel(checkpoint.measurements, plan.generator, seed=seed, device=device())
    fitted = fitted_of(job, checkpoint.encoder, checkpoint.measurements, model, canaries)
    fitted = resumed_network(plan, fitted)
    job.tell_spent()
    receipt = run.rest_of(name)
    phase = phase_of(job, fitted, receipt.event)
    restore(phase, checkpoint.tensors, checkpoint.step)
    fitted = run_phase(job, Refining(fitted=fitted, phase=phase, ledger=run), receipt)
    check_all_charged(job)
    return fitted


def _same_plan(plan: Plan, checkpoint: Checkpoint) -> Plan:
    """The plan with the checkpoint's stage 2.

    UsageError where it is not the plan of the interrupted run.
    """
    if not plan.steps:
        plan = with_domain(plan, checkpoint.schema, checkpoint.rows, checkpoint.rows_of_each)
    if plan.fingerprint() != checkpoint.plan:
        raise UsageError(
            "the plan made now is not the one that was being run: it is made from the request that"
            " the run began with, by the same version of privgan"
        )
    return plan
