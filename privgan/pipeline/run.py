"""The main job: the stages of the design in order, one call a line."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from privgan.audit.utility import require_target
from privgan.errors import ReleaseExistsError, UsageError
from privgan.measurement.marginals import Measurements, exact_counts
from privgan.pipeline.canaries import FILE as CANARIES_FILE
from privgan.pipeline.canaries import Canaries
from privgan.pipeline.candidate import INTERNAL, LOG_FILE, RELEASE, RUN_FILE, Candidate
from privgan.pipeline.fitting import Fitted, fit
from privgan.pipeline.guarantee import accounting, claim, statement
from privgan.pipeline.judging import audit_candidate, judge, release_candidate, write_internal_report
from privgan.planning.plan import Plan
from privgan.planning.planner import make_plan
from privgan.policy.context import Context
from privgan.policy.policy import Policy
from privgan.policy.verdict import Verdict, VerdictStatus
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.ledger import PrivacyLedger
from privgan.progress import Progress
from privgan.synthesizer import Synthesizer
from privgan.table.conform import conform, unconfirmed
from privgan.table.files import read_table, write_tables
from privgan.table.schema import Schema
from privgan.table.schema_file import dump_schema, load_schema

_BYTES_PER_VALUE = 40
_FREE_BYTES = 50_000_000


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """What the owner asks for.

    Attributes:
        table: The table's file.
        schema: The schema's file.
        budget: (ε, δ).
        public_rows: The table's row count where it is public.
        rows: Rows to make; None for the planned row count.
        sep: Separator of a text file.
        seed: Public randomness.
        on_violation: refuse or clamp.
        effort: quick, standard or thorough.
        canary_probability: Probability of each customer to be a canary; None for the planner's.
        target: Column to predict in the audit; None for the audit's own rule.
    """

    table: Path
    schema: Path
    budget: PrivacyBudget
    public_rows: int | None = None
    rows: int | None = None
    sep: str = ","
    seed: int = 0
    on_violation: str = "refuse"
    effort: str = "standard"
    canary_probability: float | None = None
    target: str | None = None


@dataclass(frozen=True, kw_only=True)
class RunOutcome:
    """What a run ended in.

    Attributes:
        verdict: The policy's verdict.
        release: The release's folder, or None where the policy blocked it.
        candidate: The candidate's folder, or None where it was released.
        internal: The folder that stays inside.
        guarantee: The claim in one sentence.
    """

    verdict: Verdict
    release: Path | None
    candidate: Path | None
    internal: Path
    guarantee: str


def run(
    request: RunRequest,
    policy: Policy,
    context: Context,
    open_ledger: Callable[[], PrivacyLedger],
    out: Path,
    progress: Progress,
) -> RunOutcome:
    """From a table to a release, or to a candidate that the policy blocked.

    Args:
        request: What the owner asks for.
        policy: What is allowed.
        context: Who, for what, until when.
        open_ledger: Opens the ledger, after all else was found in order.
        out: The folder for ``release`` and ``internal``.
        progress: Tells the owner.
    """
    schema, frame, plan = prepare(request, out)
    ledger = open_ledger()
    candidate = fit_candidate(request, schema, frame, plan, ledger, out / INTERNAL / "candidate", out / INTERNAL, progress)
    audit_candidate(candidate, frame, ledger, target=request.target, progress=progress)
    verdict = judge(candidate, policy, ledger, context)
    write_internal_report(candidate, verdict, ledger, context, frame)
    told = candidate.record()["guarantee"]["statement"]
    if verdict.status is not VerdictStatus.PASS:
        progress.say(f"{verdict.status}: no release; the candidate stays in {candidate.folder}")
        return RunOutcome(verdict=verdict, release=None, candidate=candidate.folder, internal=candidate.internal, guarantee=told)
    release = release_candidate(candidate, verdict, ledger, context, out)
    candidate.discard()
    progress.say(f"PASS: released to {release}")
    return RunOutcome(verdict=verdict, release=release, candidate=None, internal=candidate.internal, guarantee=told)


def prepare(request: RunRequest, out: Path) -> tuple[Schema, pd.DataFrame, Plan]:
    """Read and check everything that can be wrong, and make the plan; nothing is written and nothing charged."""
    refuse_taken(out)
    schema = load_schema(request.schema)
    unconfirmed(schema)
    plan = plan_for(request, schema)
    if request.target is not None:
        require_target(schema.modelled, request.target)
    if request.rows is not None and request.rows < 1:
        raise UsageError(f"--rows is {request.rows}; it must be at least 1")
    raw = read_table(request.table, sep=request.sep)
    frame = conform(raw, schema, on_violation=request.on_violation).reset_index(drop=True)
    _refuse_useless_folder(out, request.rows or len(frame), len(schema.columns))
    return schema, frame, plan


def plan_for(request: RunRequest, schema: Schema) -> Plan:
    """The plan of a request: a function of public facts."""
    extra: dict[str, Any] = {}
    if request.canary_probability is not None:
        extra["canary_probability"] = request.canary_probability
    return make_plan(schema, request.budget, public_rows=request.public_rows, effort=request.effort, **extra)


def fit_table(request: RunRequest, ledger: PrivacyLedger, out: Path, *, quiet: bool = True) -> Candidate:
    """Fit a candidate from a table, as ``privgan fit`` does.

    Args:
        request: What the owner asks for.
        ledger: Where each look is charged.
        out: The candidate's folder.
        quiet: Say nothing.
    """
    schema, frame, plan = prepare(request, out)
    return fit_candidate(request, schema, frame, plan, ledger, out, out / INTERNAL, Progress(quiet=quiet))


def fit_candidate(
    request: RunRequest,
    schema: Schema,
    frame: pd.DataFrame,
    plan: Plan,
    ledger: PrivacyLedger,
    folder: Path,
    internal: Path,
    progress: Progress,
) -> Candidate:
    """Fit, sample and write a candidate."""
    candidate = Candidate(folder, internal)

    def begin(canaries: Canaries) -> None:
        candidate.create()
        candidate.write_internal(RUN_FILE, json.dumps({"dataset": schema.dataset}))
        progress.log_to(candidate.write_internal(LOG_FILE, ""))
        canaries.save(internal)
        progress.say(f"claim: {statement(plan.budget, schema)}")

    try:
        fitted = fit(frame, schema, plan, ledger, seed=request.seed, progress=progress, on_canaries=begin)
    except UsageError:
        candidate.undo()
        raise
    return _write_candidate(candidate, fitted, request, ledger, progress)


def _write_candidate(
    candidate: Candidate, fitted: Fitted, request: RunRequest, ledger: PrivacyLedger, progress: Progress
) -> Candidate:
    schema = fitted.schema
    synthesizer = synthesizer_of(fitted)
    synthesizer.save(candidate.model)
    candidate.schema.write_text(dump_schema(schema), encoding="utf-8")
    progress.say("sampling")
    rows = write_tables(synthesizer.chunks(request.rows, seed=request.seed), schema, candidate.parquet, candidate.csv)
    candidate.write_record(_record(fitted, synthesizer, rows, request.seed))
    ledger.record(schema.dataset, fitted.run, "candidate", {"files": candidate.hashes()})
    candidate.remove_checkpoints()
    return candidate


def synthesizer_of(fitted: Fitted) -> Synthesizer:
    """The frozen synthesizer of a fit."""
    assert fitted.plan.rows is not None
    return Synthesizer(
        schema=fitted.schema,
        encoder=fitted.encoder,
        network=fitted.model.network.cpu().eval(),
        latents=fitted.model.latents.cpu(),
        condition_codes=fitted.model.codes_of_conditions,
        frequencies=tuple(fitted.measurements.frequencies()),
        max_cells=fitted.plan.marginals.max_cells,
        rows=fitted.plan.rows,
        rows_of_each=fitted.plan.rows_of_each,
        guarantee=claim(fitted.plan, fitted.schema, secret=fitted.secret),
    )


def _record(fitted: Fitted, synthesizer: Synthesizer, rows: int, seed: int) -> Mapping[str, Any]:
    plan = fitted.plan
    costs = [cost for cost in (plan.domain_cost, plan.cost) if cost is not None]
    return {
        "dataset": plan.dataset,
        "run": fitted.run,
        "rows": rows,
        "guarantee": dict(synthesizer.guarantee),
        "plan": plan.to_json(),
        "accounting": accounting(plan),
        "cost": {
            "epsilon_pld": sum(cost.epsilon_pld for cost in costs),
            "epsilon_rdp": sum(cost.epsilon_rdp for cost in costs),
        },
        "figures": noisy_figures(synthesizer, fitted.measurements, seed),
        "canaries": {"probability": plan.canary_probability, "commitment": fitted.canaries.commitment},
    }


def noisy_figures(synthesizer: Synthesizer, measurements: Measurements, seed: int) -> dict[str, float]:
    """Distance of a synthetic sample to the noisy marginals: post-processing, so it may leave."""
    sample = synthesizer.sample(min(synthesizer.rows, 50_000), seed=seed)
    codes = synthesizer.encoder.encode(conform(sample, synthesizer.schema))
    distances: dict[int, list[float]] = {1: [], 2: []}
    for target in measurements.targets():
        if len(target.clique) in distances:
            shares = exact_counts(codes, target.clique, measurements.sizes) / len(codes)
            distances[len(target.clique)].append(0.5 * float(np.abs(shares - target.shares).sum()))
    return {f"noisy.tvd{width}": float(np.mean(found)) for width, found in distances.items() if found}


def refuse_taken(out: Path) -> None:
    """Refuse an output folder that is a file, or holds a release, a candidate or what stayed inside of an earlier run."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out}: is a file; --out must be a folder")
    if (out / RELEASE).exists():
        raise ReleaseExistsError(f"{out / RELEASE}: there is a release already; choose another --out")
    if (out / INTERNAL / "candidate").exists() or (out / "candidate.json").exists():
        raise ReleaseExistsError(f"{out}: holds a candidate already; choose another --out")
    if (out / INTERNAL / CANARIES_FILE).exists():
        raise ReleaseExistsError(
            f"{out / INTERNAL}: holds what stayed inside of an earlier run; choose another --out, or purge it"
        )


def _refuse_useless_folder(out: Path, rows: int, columns: int) -> None:
    """Refuse before the first charge when the result cannot be written, or the disk has no room for it."""
    folder = next(parent for parent in (out, *out.absolute().parents) if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise UsageError(f"{folder}: is {'no folder' if not folder.is_dir() else 'not writable'}; choose another --out")
    needed = _FREE_BYTES + rows * columns * _BYTES_PER_VALUE
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise UsageError(f"{out}: the disk has {free / 1e6:.0f} MB free; this run may need {needed / 1e6:.0f} MB")


def release_folder(path: Path) -> Path:
    """The release of a folder: the folder itself, or the ``release`` inside it."""
    return path / RELEASE if (path / RELEASE).is_dir() else path


def model_folder(path: Path) -> Path:
    """The model of a release, of a candidate, or of a run's folder."""
    inside = [path, path / "model", path / RELEASE / "model", path / INTERNAL / "candidate" / "model"]
    return next((folder for folder in inside if (folder / "model.json").exists()), path)


def purge(out: Path, ledger: PrivacyLedger) -> int:
    """Remove a run's or candidate's internal files, and record it.

    Returns:
        The number of files removed.
    """
    internal = out / INTERNAL
    if not internal.is_dir():
        raise UsageError(f"{out}: has no folder {INTERNAL}; nothing is left to purge")
    dataset, run_id = _whose(out)
    files = [path for path in internal.rglob("*") if path.is_file()]
    shutil.rmtree(internal)
    ledger.record(dataset, run_id, "purge", {"files": len(files)})
    return len(files)


def _whose(out: Path) -> tuple[str, str]:
    """The data set and, where a candidate is left, the run of a folder; known from the run's beginning on."""
    note = out / INTERNAL / RUN_FILE
    if not note.exists():
        raise UsageError(f"{note}: is missing, so that the purge cannot be recorded; remove the folder by hand")
    dataset = json.loads(note.read_text(encoding="utf-8"))["dataset"]
    try:
        return dataset, Candidate.find(out).record()["run"]
    except UsageError:
        return dataset, ""
