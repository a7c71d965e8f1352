"""The main job: the stages of the design in order, one call a line."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from privgan.domain.measured import clamp_measured
from privgan.errors import BudgetExceededError, PolicyFailedError, ReleaseExistsError, UsageError
from privgan.files.atomic import held_alone
from privgan.ledger.ledger import PrivacyLedger
from privgan.pipeline.canaries import FILE as CANARIES_FILE
from privgan.pipeline.canaries import Canaries, load_canaries
from privgan.pipeline.candidate import INTERNAL, LOG_FILE, RELEASE, Candidate
from privgan.pipeline.fitting import Refining, fit
from privgan.pipeline.judging import audit_candidate, judge
from privgan.pipeline.preflight import Books, Preflight, preflight, terms
from privgan.pipeline.releasing import release_candidate, release_facts
from privgan.pipeline.reporting import NOT_RELEASED, write_internal_report
from privgan.pipeline.request import (
    RunRequest,
    read_aloud,
    read_note,
    refuse_useless_folder,
    tell_source,
    write_note,
)
from privgan.pipeline.resuming import newest_checkpoint, resume, save_checkpoint
from privgan.pipeline.scanning import leak_patterns_of, scan_candidate
from privgan.pipeline.writing import write_candidate
from privgan.planning.plan import Plan
from privgan.planning.planner import make_plan
from privgan.policy.context import Context
from privgan.policy.policy import Policy
from privgan.policy.verdict import Verdict, VerdictStatus
from privgan.progress import Progress
from privgan.release.guarantee import statement
from privgan.release.leak_scan.leak_patterns import LeakPatterns
from privgan.release.signing.keys import SigningKey
from privgan.schema.schema import Schema, with_target
from privgan.sources import read_source, source_name
from privgan.table.conform import conform, unconfirmed, unproven
from privgan.table.schema_file import load_schema

OpenLedger = Callable[[bool], PrivacyLedger | None]


@dataclass(frozen=True, kw_only=True)
class RunOutcome:
    """What a run ended in.

    Attributes:
        verdict: The policy's verdict.
        release: The release's folder, or None where the policy blocked it.
        candidate: The candidate's folder, or None where it was released or never fitted.
        internal: The folder that stays inside, or None where nothing was fitted.
        guarantee: The claim in one sentence.
        blocked: Why the run was not even begun, a sentence each; nothing was charged then.
        status: What it ended in: the verdict's, or that of what was judged before paying.
    """

    verdict: Verdict
    status: VerdictStatus
    release: Path | None
    candidate: Path | None
    internal: Path | None
    guarantee: str
    blocked: tuple[str, ...] = ()


def run(
    request: RunRequest,
    policy: Policy,
    context: Context,
    open_ledger: OpenLedger,
    out: Path,
    progress: Progress,
    *,
    key: SigningKey | None = None,
    language: str = "en",
) -> RunOutcome:
    """From a table to a release, or to a candidate that the policy blocked.

    Args:
        request: What the owner asks for.
        policy: What is allowed.
        context: Who, for what, until when.
        open_ledger: Opens the ledger; told whether to make it where there is none.
        out: The folder for ``release`` and ``internal``.
        progress: Tells the owner.
        key: Signs the manifest; None for an unsigned release.
        language: The language of both reports, ``en`` or ``zh``.

    Raises:
        BudgetExceededError: when the lifetime budget does not allow it; nothing is charged then.
    """
    schema, plan = planned(request, out)
    progress.say_all(terms(schema))
    books = Books.of(open_ledger(False), schema.dataset)
    first = preflight(policy, context, schema, plan, books, rows=request.rows)
    progress.say(str(first))
    if first.blocking:
        return _not_begun(first, plan, schema)
    first.require()
    raw, frame = read_conforming(request, schema, out, progress)
    leak_patterns = leak_patterns_of(raw, schema)
    del raw
    ledger = open_ledger(True)
    assert ledger is not None
    internal = out / INTERNAL
    candidate = fit_candidate(
        request,
        schema,
        frame,
        plan,
        ledger,
        internal / "candidate",
        internal,
        progress,
        attempts=first.attempts,
    )
    judging = Judging(
        policy=policy, context=context, key=key, language=language, target=request.target
    )
    return _finish(candidate, leak_patterns, frame, judging, ledger, out, progress)


def resume_run(
    table: Path | str,
    policy: Policy,
    context: Context,
    ledger: PrivacyLedger,
    out: Path,
    progress: Progress,
    *,
    key: SigningKey | None = None,
    language: str = "en",
    query: str | None = None,
) -> RunOutcome:
    """Go on with an interrupted run from its newest checkpoint, to a release or to a candidate that the policy blocked.

    A policy that the run can never pass ends it before the checkpoint is used.
    """
    begun = read_note(out, table, query)
    request, schema = begun.request, begun.schema
    progress.say_all(terms(schema))
    plan = plan_for(request, schema)
    books = Books.of(ledger, schema.dataset, reserved=True)
    first = preflight(policy, context, schema, plan, books, rows=request.rows)
    progress.say(str(first))
    if first.blocking:
        return _not_begun(first, plan, schema)
    first.require()
    candidate = resume_candidate(out, table, ledger, progress, query=query)
    raw = read_aloud(request, progress)
    released = load_schema(candidate.schema)
    frame = conform(raw, released, on_violation=request.on_violation).reset_index(drop=True)
    judging = Judging(
        policy=policy, context=context, key=key, language=language, target=request.target
    )
    return _finish(candidate, leak_patterns_of(raw, schema), frame, judging, ledger, out, progress)


@dataclass(frozen=True, kw_only=True)
class Judging:
    """How a candidate is judged and released.

    Attributes:
        policy: What is allowed.
        context: Who, for what, until when.
        key: Signs the manifest; None for an unsigned release.
        language: The language of both reports.
        target: Column that the audit predicts; None for its own rule.
    """

    policy: Policy
    context: Context
    key: SigningKey | None
    language: str
    target: str | None


def _not_begun(first: Preflight, plan: Plan, schema: Schema) -> RunOutcome:
    return RunOutcome(
        verdict=first.verdict,
        status=first.status,
        release=None,
        candidate=None,
        internal=None,
        guarantee=statement(plan.budget, schema),
        blocked=first.reasons,
    )


def _finish(
    candidate: Candidate,
    leak_patterns: LeakPatterns,
    frame: pd.DataFrame,
    judging: Judging,
    ledger: PrivacyLedger,
    out: Path,
    progress: Progress,
) -> RunOutcome:
    leak_patterns = scan_candidate(candidate, leak_patterns, ledger, progress)
    audit_candidate(candidate, frame, ledger, target=judging.target, progress=progress)
    context, language = judging.context, judging.language
    verdict = judge(candidate, judging.policy, ledger, context)
    facts = release_facts(candidate, ledger, context, NOT_RELEASED)
    write_internal_report(candidate, facts, verdict, ledger, frame, language)
    told = candidate.record()["guarantee"]["statement"]
    ended: dict[str, Any] = {
        "verdict": verdict,
        "status": verdict.status,
        "internal": candidate.internal,
        "guarantee": told,
    }
    if verdict.status is not VerdictStatus.PASS:
        progress.say(f"{verdict.status}: no release; the candidate stays in {candidate.folder}")
        return RunOutcome(**ended, release=None, candidate=candidate.folder)
    release = release_candidate(
        candidate, verdict, ledger, context, out, leak_patterns, key=judging.key, language=language
    )
    candidate.discard()
    progress.say(f"PASS: released to {release}")
    return RunOutcome(**ended, release=release, candidate=None)


def prepare(request: RunRequest, out: Path) -> tuple[Schema, pd.DataFrame, Plan]:
    """Read and check everything that can be wrong, and make the plan.

    Nothing is written and nothing charged.
    """
    schema, plan = planned(request, out)
    return schema, read_conforming(request, schema, out, Progress(quiet=True))[1], plan


def planned(request: RunRequest, out: Path) -> tuple[Schema, Plan]:
    """The schema, every fact of it confirmed, and the plan; no table is read."""
    refuse_taken(out)
    schema = schema_of(request)
    unconfirmed(schema)
    unproven(schema)
    plan = plan_for(request, schema)
    if request.rows is not None and request.rows < 1:
        raise UsageError(f"--rows is {request.rows}; it must be at least 1")
    return schema, plan


def read_conforming(
    request: RunRequest, schema: Schema, out: Path, progress: Progress
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table as read, and as typed rows that conform to the schema, once there is room for the result in a folder."""
    progress.say(f"reading {source_name(request.table)} and holding it against its schema")
    raw = read_aloud(request, progress)
    frame = conform(raw, schema, on_violation=request.on_violation).reset_index(drop=True)
    refuse_useless_folder(out, request.rows or len(frame), len(schema.columns))
    return raw, frame


def schema_of(request: RunRequest) -> Schema:
    """The schema of a request, with the target that it asks for.

    TableError where that is no column to predict.
    """
    return with_target(load_schema(request.schema), request.target)


def plan_for(request: RunRequest, schema: Schema) -> Plan:
    """The plan of a request: a function of public facts."""
    extra: dict[str, Any] = {}
    if request.canary_probability is not None:
        extra["canary_probability"] = request.canary_probability
    if not 0 <= request.critic_share <= 0.95:
        raise UsageError(
            f"the critic's share of the budget is {request.critic_share}; it must be in 0 to 0.95"
        )
    return make_plan(
        schema,
        request.budget,
        public_rows=request.public_rows,
        effort=request.effort,
        marginal_share=1 - request.critic_share,
        resumable=request.resumable,
        **extra,
    )


def fit_table(
    request: RunRequest, ledger: PrivacyLedger, out: Path, *, quiet: bool = True
) -> Candidate:
    """Fit a candidate from a table, as ``privgan fit`` does.

    Args:
        request: What the owner asks for.
        ledger: Where each look is charged.
        out: The candidate's folder.
        quiet: Say nothing.
    """
    schema, frame, plan = prepare(request, out)
    return fit_candidate(
        request, schema, frame, plan, ledger, out, out / INTERNAL, Progress(quiet=quiet)
    )


def fit_candidate(
    request: RunRequest,
    schema: Schema,
    frame: pd.DataFrame,
    plan: Plan,
    ledger: PrivacyLedger,
    folder: Path,
    internal: Path,
    progress: Progress,
    *,
    attempts: int | None = None,
) -> Candidate:
    """Fit, sample and write a candidate.

    Nothing is charged where the data set was judged ``attempts`` times.
    """
    candidate = Candidate(folder, internal)
    candidate.create()

    def begin(canaries: Canaries, run: str) -> None:
        write_note(candidate, request, schema, run=run, commitment=canaries.commitment)
        progress.log_to(candidate.write_internal(LOG_FILE, ""))
        canaries.save(internal, frame, schema)
        progress.say(f"claim: {statement(plan.budget, schema)}")

    def keep(refining: Refining, clean: bool) -> None:
        save_checkpoint(internal, refining, clean=clean)
        if clean:
            progress.say(
                f"checkpoint at step {refining.refinement.step}; 'privgan resume' goes on from it"
            )

    with held_alone(internal):
        if (internal / CANARIES_FILE).exists():
            raise ReleaseExistsError(
                f"{internal}: another run has begun there meanwhile; choose another --out"
            )
        try:
            fitted = fit(
                frame,
                schema,
                plan,
                ledger,
                seed=request.seed,
                progress=progress,
                on_canaries=begin,
                keep=keep,
                attempts=attempts,
            )
        except (UsageError, BudgetExceededError, PolicyFailedError):
            candidate.undo()
            raise
        return write_candidate(
            candidate, fitted, ledger, rows=request.rows, seed=request.seed, progress=progress
        )


def resume_candidate(
    out: Path,
    table: Path | str,
    ledger: PrivacyLedger,
    progress: Progress,
    *,
    query: str | None = None,
) -> Candidate:
    """Go on with a fit that was interrupted, from its newest checkpoint.

    Args:
        out: The folder that the fit or run was started with.
        table: The same table, in the same order.
        ledger: The run's ledger.
        progress: Tells the owner.
        query: The same query, where a query makes the table.
    """
    begun = read_note(out, table, query)
    request, candidate, schema = begun.request, begun.candidate, begun.schema
    checkpoint = newest_checkpoint(
        candidate.internal, ledger.newest_checkpoint(schema.dataset, begun.run)
    )
    read = read_source(table, request.source)
    frame = conform(read.frame(), schema, on_violation=request.on_violation).reset_index(drop=True)
    canaries = load_canaries(candidate.internal, frame, schema)
    frame = clamp_measured(frame, checkpoint.schema)
    if canaries.commitment != begun.commitment:
        raise UsageError(
            f"{candidate.internal}: the list of canaries is not the one that the run began with"
        )
    progress.log_to(candidate.internal / LOG_FILE)
    tell_source(read, progress)
    progress.say(f"resuming from checkpoint {checkpoint.lineage} at step {checkpoint.step}")
    fitted = resume(
        frame,
        plan_for(request, schema),
        checkpoint,
        canaries,
        ledger,
        seed=request.seed,
        progress=progress,
        keep=lambda refining, clean: save_checkpoint(candidate.internal, refining, clean=clean),
    )
    candidate.create()
    return write_candidate(
        candidate, fitted, ledger, rows=request.rows, seed=request.seed, progress=progress
    )


def refuse_taken(out: Path) -> None:
    """Refuse an output folder that is a file, or holds a release, a candidate or what stayed inside of an earlier run."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out}: is a file; --out must be a folder")
    if os.path.lexists(out / RELEASE):  # A link that leads nowhere is in the way too.
        raise ReleaseExistsError(
            f"{out / RELEASE}: there is a release already; choose another --out"
        )
    if (out / INTERNAL / "candidate").exists() or (out / "candidate.json").exists():
        raise ReleaseExistsError(f"{out}: holds a candidate already; choose another --out")
    if (out / INTERNAL / CANARIES_FILE).exists():
        raise ReleaseExistsError(
            f"{out / INTERNAL}: holds what stayed inside of an earlier run; choose another --out,"
            " or purge it"
        )


def release_folder(path: Path) -> Path:
    """The release of a folder: the folder itself, or the ``release`` inside it."""
    return path / RELEASE if (path / RELEASE).is_dir() else path


def model_folder(path: Path) -> Path:
    """The model of a release, of a candidate, or of a run's folder."""
    inside = [
        path,
        path / "model",
        path / RELEASE / "model",
        path / INTERNAL / "candidate" / "model",
    ]
    return next((folder for folder in inside if (folder / "model.json").exists()), path)
