"""Fit privgan as ``privgan fit`` does, or one of its ablations.

Runs in the runner's own environment.

The row count is public, as every peer takes it to be, and there are no canaries: a peer loses none
of its rows to an audit either. The ledger is a throw-away one in the cell's folder.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from driver import Job, Sampler, main

from privgan.errors import UsageError
from privgan.ledger.ledger import PrivacyLedger
from privgan.owner.private_table import PrivateTable, Samples
from privgan.pipeline import fitting, private_training
from privgan.pipeline.candidate import Candidate
from privgan.pipeline.folders import INTERNAL
from privgan.pipeline.job import Fitted
from privgan.pipeline.job import Job as FitJob
from privgan.pipeline.request import RunRequest, read_aloud
from privgan.pipeline.run import Run, conforming, fit_candidate, planned
from privgan.planning import model_stage, second_stage
from privgan.planning.dpsgd_settings import NetworkSettings
from privgan.planning.model_stage import Draft
from privgan.planning.plan import GeneratorKind, Plan
from privgan.planning.planner import WIDEST, PlanOptions, make_plan
from privgan.privacy.budget import PrivacyBudget
from privgan.progress import Progress
from privgan.schema.schema import Schema
from privgan.table.presenting import as_written
from privgan.table.schema_file import load_schema, schema_items, written

# What this privgan can be asked for besides the plan of its own.
_OF_THE_PLAN = frozenset({"kind", "marginal_share", "widest"})
SUPPORTED = _OF_THE_PLAN | {"dp_sgd_sees_rows", "distil", "choices", "tasks"}
CANDIDATE = "candidate"


def fit(job: Job) -> Sampler:
    """Fit a candidate, its table included, and sample from its saved model."""
    _refuse_unsupported(job.options)
    request = RunRequest(
        table=job.train,
        schema=_with_tasks(job),
        budget=PrivacyBudget(epsilon=job.epsilon or 0.0, delta=job.delta),
        public_rows=job.rows,
        seed=job.seed,
        on_violation="clamp",
        canary_probability=0.0,
    )
    folder = job.out / CANDIDATE
    shutil.rmtree(folder, ignore_errors=True)
    for left in job.out.glob("ledger.sqlite*"):
        left.unlink()
    ledger = PrivacyLedger.open(str(job.out / "ledger.sqlite"))
    _change_choices(**job.options.get("choices", {}))
    schema, plan = planned(request, folder)
    if not job.options.get("dp_sgd_sees_rows", True):
        _blind_dp_sgd()
    if job.options.get("distil"):
        fitting._refined = _distilled
    if asked := {name: job.options[name] for name in _OF_THE_PLAN & set(job.options)}:
        plan = _ablated(schema, request, asked)
    progress = Progress(quiet=True)
    table = conforming(read_aloud(request, schema, progress), request, schema, folder)
    begun = Run(request=request, plan=plan, table=table, ledger=ledger, progress=progress)
    synthesizer = fit_candidate(begun, Candidate(folder, folder / INTERNAL)).synthesizer
    return lambda rows: as_written(synthesizer.sample(rows, seed=job.seed), schema)


def made(job: Job) -> pd.DataFrame:
    """The candidate's own table: what a release would hold."""
    candidate = Candidate.find(job.out / CANDIDATE)
    table = pd.read_parquet(candidate.parquet)
    if job.kept_rows is not None:
        # Many cells of a million rows would fill the disk.
        candidate.parquet.unlink()
        candidate.csv.unlink()
    return as_written(table[: job.wanted], load_schema(candidate.schema))


def _with_tasks(job: Job) -> Path:
    """The job's schema, with the tasks that are asked for on its target."""
    tasks = job.options.get("tasks", ())
    if not tasks:
        return job.schema
    named = [
        task | {"outcome" if task["kind"] == "uplift" else "target": job.target} for task in tasks
    ]
    items = schema_items(load_schema(job.schema)) | {"tasks": named}
    path = job.out / "tasks.yaml"
    path.write_text(written(items), encoding="utf-8")
    return path


def _ablated(schema: Schema, request: RunRequest, asked: dict[str, Any]) -> Plan:
    """The plan of an ablation, which no public option need be able to ask for."""
    more = PlanOptions(canary_probability=0.0, widest=asked.pop("widest", WIDEST))
    return make_plan(schema, request.budget, public_rows=request.public_rows, options=more, **asked)


def _distilled(job: FitJob, fitted: Fitted) -> Fitted:
    """The fit with the network that its mixture is distilled into, brought back to its marginals.

    All is done as with DP-SGD, but no private step: nothing is charged besides the mixture.
    """
    settings = Draft(replace(job.plan, kind=GeneratorKind.NETWORK), job.schema).trained(1.0)
    assert isinstance(settings, NetworkSettings)
    free = replace(job, plan=replace(job.plan, network=settings))
    begun = private_training.with_network(free, fitted)
    phase = private_training.phase_of(free, begun, settings.event)
    return private_training._trained(free, begun, phase)


def _change_choices(codes: float = 1.0, triples: float = 0.0, target: float = 1.0) -> None:
    """Let the planner choose otherwise than it would, in this process.

    Args:
        codes: Factor of the number of codes.
        triples: Increase of the share of triples, in 0 to 0.9.
        target: Factor of the target's weight, at least 1.
    """
    number = second_stage.number_of_codes
    share, weight = model_stage.share_of_triples, model_stage.target_weight
    second_stage.number_of_codes = lambda *facts: round(codes * number(*facts))
    model_stage.share_of_triples = lambda *facts: min(0.9, max(0.0, share(*facts) + triples))
    model_stage.target_weight = lambda *facts, **kind: max(1.0, target * weight(*facts, **kind))


def _refuse_unsupported(options: dict[str, Any]) -> None:
    unknown = sorted(set(options) - SUPPORTED)
    if unknown:
        raise UsageError(
            f"options {unknown}: this privgan cannot be asked for them; allowed:"
            f" {sorted(SUPPORTED)}"
        )


def _blind_dp_sgd() -> None:
    """The control: no batch of DP-SGD holds a real row; a critic's has fakes, and all have noise.

    All else is charged and done as planned.
    """
    samples = PrivateTable.samples

    def none(self: PrivateTable, *args: Any) -> Samples:
        codes = samples(self, *args).batch(np.arange(0))[0]
        return Samples(codes, np.arange(0))

    PrivateTable.samples = none  # type: ignore[method-assign]


if __name__ == "__main__":
    main(fit, ("privgan", "torch", "numpy", "pandas"), made)
