"""Run the main job: a run's stages in order, one call a line."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from privgan.errors import (
    BudgetExceededError,
    IncompleteError,
    InternalError,
    PolicyFailedError,
    ReleaseExistsError,
    UsageError,
)
from privgan.files.atomic import held_alone
from privgan.ledger.ledger import PrivacyLedger
from privgan.naming import call, parameter
from privgan.owner.owners_table import OwnersTable, TableAsRead
from privgan.pipeline.canaries import FILE as CANARIES_FILE
from privgan.pipeline.canaries import Canaries
from privgan.pipeline.candidate import LOG_FILE, Candidate
from privgan.pipeline.fitting import fit
from privgan.pipeline.folders import INTERNAL, RELEASE
from privgan.pipeline.job import FitSettings, Refining
from privgan.pipeline.judging import audit_candidate, judgement_of
from privgan.pipeline.preflight import Books, Preflight, announce, claim_lines, preflight
from privgan.pipeline.read_candidate import ReadCandidate
from privgan.pipeline.releasing import ReleaseTerms, release_candidate, release_facts
from privgan.pipeline.reporting import NOT_RELEASED, write_internal_report
from privgan.pipeline.request import (
    RunRequest,
    check_folder,
    read_aloud,
    write_note,
)
from privgan.pipeline.resuming import save_checkpoint
from privgan.pipeline.scanning import leak_patterns_of, scan_candidate
from privgan.pipeline.stages import StageName
from privgan.pipeline.writing import write_candidate
from privgan.planning.plan import GeneratorKind, Plan
from privgan.planning.planner import CANARY_PROBABILITY, PlanOptions, make_plan
from privgan.planning.rare_outcome import check_hopeful
from privgan.policy.context import Context
from privgan.policy.policy import Policy
from privgan.policy.verdict import Verdict, VerdictStatus
from privgan.progress import Progress
from privgan.release.guarantee import statement
from privgan.release.leak_scan.leak_patterns import LeakPatterns
from privgan.release.signing.keys import SigningKey
from privgan.schema.schema import Schema, with_target
from privgan.sources import source_name
from privgan.table.conform import check_confirmed, check_not_claimed
from privgan.table.schema_file import load_schema

OpenLedger = Callable[[bool], PrivacyLedger | None]


@dataclass(frozen=True, kw_only=True)
class RunOutcome:
    """The outcome of a run.

    Attributes:
        verdict: The policy's verdict.
        release: The release's folder, or None where the policy blocked it.
        candidate: The candidate's folder, or None where it was released or never fitted.
        internal: The folder that stays inside, or None where nothing was fitted.
        guarantee: The claim in one sentence.
        summary: What an attacker reaches, the worst case, and how exact the shares are; a line
            each.
        blocked: Why the run was not even begun, a sentence each; nothing was charged then.
        status: What it ended in: the verdict's, or that of what was judged before paying.
    """

    verdict: Verdict
    status: VerdictStatus
    release: Path | None
    candidate: Path | None
    internal: Path | None
    guarantee: str
    summary: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Judging:
    """Policy, context and signing key of a judgement.

    Attributes:
        policy: What is allowed.
        context: Who, for what, until when.
        key: Signs the manifest; None for an unsigned release.
        language: The language of both reports, ``en`` or ``zh``.
    """

    policy: Policy
    context: Context
    key: SigningKey | None = None
    language: str = "en"

    @property
    def terms(self) -> ReleaseTerms:
        """The context, signing key and language of its release."""
        return ReleaseTerms(self.context, self.key, self.language)


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """The inputs of one fit; its table was read and checked against its schema before.

    Attributes:
        request: What the owner asks for.
        plan: The plan.
        table: The owner's table, which knows its schema.
        ledger: Where each look is charged.
        progress: Tells the owner.
    """

    request: RunRequest
    plan: Plan
    table: OwnersTable
    ledger: PrivacyLedger
    progress: Progress

    @property
    def schema(self) -> Schema:
        """The public facts."""
        return self.table.schema

    def settings(self, **more: Any) -> FitSettings:
        """The settings of the fit."""
        return FitSettings(seed=self.request.seed, progress=self.progress, **more)


def run(
    request: RunRequest, judging: Judging, open_ledger: OpenLedger, out: Path, progress: Progress
) -> RunOutcome:
    """Make a release from a table, or a candidate that the policy blocked.

    Args:
        request: What the owner asks for.
        judging: How the candidate is judged and released.
        open_ledger: Opens the ledger; told whether to make it where there is none.
        out: The folder for ``release`` and ``internal``.
        progress: Tells the owner.

    Raises:
        BudgetExceededError: when the lifetime budget does not allow it; nothing is charged then.
    """
    schema, plan = planned(request, out)
    announce(progress, schema, plan, made=request.rows)
    books = Books.of(open_ledger(False), schema.dataset)
    first = beforehand(request, judging, schema, plan, books, progress)
    if first.blocking:
        return not_begun(first, plan, schema)
    first.check()
    read = read_for_run(request, schema, progress)
    table = conforming(read, request, schema, out)
    leak_patterns = leak_patterns_of(read.undeclared_texts(schema))
    del read  # Only the typed rows stay.
    ledger = open_ledger(True)
    if ledger is None:
        raise InternalError("no ledger was made to charge the run to")
    begun = Run(request=request, plan=plan, table=table, ledger=ledger, progress=progress)
    internal = out / INTERNAL
    candidate = fit_candidate(
        begun, Candidate(internal / "candidate", internal), attempts=first.attempts
    )
    return finish(begun, candidate, leak_patterns, judging, out)


def beforehand(
    request: RunRequest,
    judging: Judging,
    schema: Schema,
    plan: Plan,
    books: Books,
    progress: Progress,
) -> Preflight:
    """Judge what is known before the first look, and print it."""
    first = preflight(judging.policy, judging.context, schema, plan, books, rows=request.rows)
    progress.say(str(first))
    return first


def not_begun(first: Preflight, plan: Plan, schema: Schema) -> RunOutcome:
    """The outcome of a run that can never pass; nothing was charged."""
    return RunOutcome(
        verdict=first.verdict,
        status=first.status,
        release=None,
        candidate=None,
        internal=None,
        guarantee=statement(plan.budget, schema),
        blocked=first.reasons,
    )


def finish(
    run: Run, candidate: ReadCandidate, leak_patterns: LeakPatterns, judging: Judging, out: Path
) -> RunOutcome:
    """Scan, audit, judge and report a candidate, and release it where it passed."""
    ledger, progress, context = run.ledger, run.progress, judging.context
    leak_patterns = scan_candidate(candidate, leak_patterns, ledger, progress)
    audit_candidate(candidate, run.table, ledger, target=run.request.target, progress=progress)
    progress.stage(StageName.REPORT)
    judged = judgement_of(candidate, judging.policy, ledger, context)
    verdict, files, record = judged.verdict, candidate.files, candidate.record
    facts = release_facts(candidate, judged.history, context, NOT_RELEASED)
    write_internal_report(candidate, facts, verdict, judged.history, run.table, judging.language)
    ended = RunOutcome(
        verdict=verdict,
        status=verdict.status,
        release=None,
        candidate=files.folder,
        internal=files.internal,
        guarantee=record.guarantee.statement,
        summary=claim_lines(record.guarantee, record.accounting),
    )
    if verdict.status is not VerdictStatus.PASS:
        progress.say(f"{verdict.status}: no release; the candidate stays in {files.folder}")
        return ended
    release = release_candidate(candidate, verdict, ledger, judging.terms, out, leak_patterns)
    files.discard()
    progress.say(f"PASS: released to {release}")
    return replace(ended, release=release, candidate=None)


def planned(request: RunRequest, out: Path) -> tuple[Schema, Plan]:
    """The schema, every fact of it confirmed, and the plan; no table is read."""
    check_free(out)
    schema = schema_of(request)
    check_confirmed(schema)
    check_not_claimed(schema)
    plan = plan_for(request, schema)
    check_hopeful(plan, schema)
    if request.rows is not None and request.rows < 1:
        raise UsageError(f"{parameter('rows')} is {request.rows}; it must be at least 1")
    return schema, plan


def read_for_run(request: RunRequest, schema: Schema, progress: Progress) -> TableAsRead:
    """Read the table of a request, once."""
    progress.stage(StageName.READ)
    progress.say(f"the table is {source_name(request.table)}")
    return read_aloud(request, schema, progress)


def conforming(read: TableAsRead, request: RunRequest, schema: Schema, out: Path) -> OwnersTable:
    """Type the rows by the schema, once the output folder has room for the result."""
    table = read.conforming(schema, on_violation=request.on_violation)
    check_folder(out, request.rows or table.row_count(), len(schema.labelled))
    return table


def schema_of(request: RunRequest) -> Schema:
    """The schema of a request, with the requested target.

    TableError where the target is no column to predict.
    """
    given = request.schema if isinstance(request.schema, Schema) else load_schema(request.schema)
    return with_target(given, request.target)


def plan_for(request: RunRequest, schema: Schema) -> Plan:
    """The plan of a request: a function of public facts."""
    asked = request.canary_probability
    probability = CANARY_PROBABILITY if asked is None else asked
    share = request.dp_sgd_share
    if share is not None and not 0 <= share <= 0.95:
        raise UsageError(f"the budget's share for DP-SGD is {share}; it must be in 0 to 0.95")
    return make_plan(
        schema,
        request.budget,
        public_rows=request.public_rows,
        effort=request.effort,
        kind=GeneratorKind(request.generator),
        marginal_share=None if share is None else 1 - share,
        options=PlanOptions(canary_probability=probability, resumable=request.resumable),
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
    schema, plan = planned(request, out)
    progress = Progress(quiet=quiet)
    table = conforming(read_for_run(request, schema, progress), request, schema, out)
    begun = Run(request=request, plan=plan, table=table, ledger=ledger, progress=progress)
    return fit_candidate(begun, Candidate(out, out / INTERNAL)).files


def fit_candidate(run: Run, candidate: Candidate, *, attempts: int | None = None) -> ReadCandidate:
    """Fit, sample and write a candidate.

    Nothing is charged where the data set was judged ``attempts`` times.

    Args:
        run: What is fitted.
        candidate: Where to write.
        attempts: Evaluations that the policy allows on the data set; None where no policy is at
            hand.
    """
    run.progress.stage(StageName.PREPARE)
    candidate.create()
    internal, request, progress = candidate.internal, run.request, run.progress
    with held_alone(internal):
        if (internal / CANARIES_FILE).exists():
            raise ReleaseExistsError(
                f"{internal}: another run has begun there meanwhile; choose another"
                f" {parameter('out')}"
            )
        begin, kept = partial(_begin, run, candidate), partial(keep, run, internal)
        settings = run.settings(on_canaries=begin, keep=kept, attempts=attempts)
        try:
            fitted = fit(run.table, run.plan, run.ledger, settings)
        except (UsageError, BudgetExceededError, IncompleteError, PolicyFailedError):
            candidate.undo()
            raise
        return write_candidate(
            candidate, fitted, run.ledger, rows=request.rows, seed=request.seed, progress=progress
        )


def _begin(run: Run, candidate: Candidate, canaries: Canaries, identity: str) -> None:
    """Store request and canaries inside, before the first look."""
    write_note(candidate, run.request, run.schema, run=identity, commitment=canaries.commitment)
    run.progress.log_to(candidate.write_internal(LOG_FILE, ""))
    canaries.save(candidate.internal, run.table)
    run.progress.say(f"claim: {statement(run.plan.budget, run.schema)}")


def keep(run: Run, internal: Path, refining: Refining, clean: bool) -> None:
    """Write a checkpoint."""
    save_checkpoint(internal, refining, clean=clean)
    if clean:
        step = refining.phase.step
        run.progress.say(f"checkpoint at step {step}; {call('Synthesizer.resume')} goes on from it")


def check_free(out: Path) -> None:
    """Check that an output folder is free.

    It is no file, and holds no release, candidate or internal files of an earlier run.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out}: is a file; {parameter('out')} must be a folder")
    if os.path.lexists(out / RELEASE):  # A dangling link blocks the name too.
        raise ReleaseExistsError(
            f"{out / RELEASE}: there is a release already; choose another {parameter('out')}"
        )
    if (out / INTERNAL / "candidate").exists() or (out / "candidate.json").exists():
        raise ReleaseExistsError(
            f"{out}: holds a candidate already; choose another {parameter('out')}"
        )
    if (out / INTERNAL / CANARIES_FILE).exists():
        raise ReleaseExistsError(
            f"{out / INTERNAL}: holds what stayed inside of an earlier run; choose another"
            f" {parameter('out')}, or purge it"
        )
