"""The jobs of the pipeline as the Python API asks for them; the command line asks for the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from privgan.api.inputs import PathLike, known_ledger, ledger_of
from privgan.audit.lower_bounds.twin import TwinReport
from privgan.audit.suite import AuditReport
from privgan.ledger.ledger import PrivacyLedger
from privgan.owner.owners_table import TableAsRead
from privgan.pipeline.candidate import Candidate
from privgan.pipeline.folders import INTERNAL
from privgan.pipeline.interrupted import resume_candidate, resume_run
from privgan.pipeline.judging import audit_candidate, check_public_gates, judge, judgement_of
from privgan.pipeline.preflight import Books, Preflight, announce, preflight
from privgan.pipeline.read_candidate import read_candidate
from privgan.pipeline.releasing import release_candidate, release_facts
from privgan.pipeline.reporting import NOT_RELEASED, write_internal_report
from privgan.pipeline.request import RunRequest, begun_schema
from privgan.pipeline.run import (
    Judging,
    Run,
    RunOutcome,
    conforming,
    fit_candidate,
    planned,
    read_for_run,
    run,
    schema_of,
)
from privgan.pipeline.scanning import leak_patterns_of, scan_candidate
from privgan.pipeline.twin import run_twin
from privgan.planning.plan import Plan
from privgan.policy.verdict import Verdict
from privgan.privacy.budget import PrivacyBudget
from privgan.progress import Progress
from privgan.schema.schema import Schema
from privgan.sources import SourceOptions

Ledger = PrivacyLedger | PathLike | None


def judged_beforehand(
    judging: Judging, schema: Schema, plan: Plan, ledger: Ledger, rows: int | None
) -> Preflight:
    """What a policy says of a run before anything is charged; no row is read."""
    books = Books.of(known_ledger(ledger), schema.dataset)
    return preflight(judging.policy, judging.context, schema, plan, books, rows=rows)


def fit_job(
    request: RunRequest, judging: Judging | None, ledger: Ledger, out: Path, progress: Progress
) -> Candidate:
    """Fit a candidate, as ``privgan fit`` does: each look is charged before it happens.

    Args:
        request: What the owner asks for.
        judging: What is judged before anything is charged; None for nothing.
        ledger: Where each look is charged.
        out: The candidate's folder.
        progress: Tells the owner.
    """
    schema, plan = planned(request, out)
    announce(progress, schema, plan, made=request.rows, judged=False)
    first = judged_beforehand(judging, schema, plan, ledger, request.rows) if judging else None
    if first:
        first.check()
        progress.say(str(first))
    table = conforming(read_for_run(request, schema, progress), request, schema, out)
    opened = ledger_of(ledger, schema.dataset, create=True)
    begun = Run(request=request, plan=plan, table=table, ledger=opened, progress=progress)
    attempts = first.attempts if first else None
    return fit_candidate(begun, Candidate(out, out / INTERNAL), attempts=attempts).files


def run_job(
    request: RunRequest, judging: Judging, ledger: Ledger, out: Path, progress: Progress
) -> RunOutcome:
    """Everything from a table to a release, as ``privgan run`` does."""
    dataset = schema_of(request).dataset

    def opened(create: bool) -> PrivacyLedger | None:
        return ledger_of(ledger, dataset, create=True) if create else known_ledger(ledger)

    return run(request, judging, opened, out, progress)


def resume_fit_job(
    out: Path, table: Any, ledger: Ledger, progress: Progress, query: str | None
) -> Candidate:
    """Go on with an interrupted fit."""
    opened = ledger_of(ledger, create=False)
    return resume_candidate(out, table, opened, progress, query=query).files


def resume_run_job(
    out: Path, table: Any, judging: Judging, ledger: Ledger, progress: Progress, query: str | None
) -> RunOutcome:
    """Go on with an interrupted run."""
    opened = ledger_of(ledger, create=False)
    return resume_run(table, judging, opened, out, progress, query=query)


@dataclass(frozen=True, kw_only=True)
class CandidateAudit:
    """How a candidate is audited.

    Attributes:
        target: Column to predict; None for the audit's own rule.
        reference_fits: Small fits that attack the most exposed customers; 0 for none.
        on_violation: ``refuse`` or ``clamp``, as when it was fitted.
    """

    target: str | None = None
    reference_fits: int = 0
    on_violation: str = "refuse"


def audit_job(
    candidate: Candidate, table: Any, asked: CandidateAudit, ledger: Ledger, progress: Progress
) -> AuditReport:
    """Audit a candidate against the table that it was fitted on, and search its files. INTERNAL."""
    progress.begin()
    found = read_candidate(candidate)
    read = TableAsRead.read(table, SourceOptions(), found.schema)
    owned = read.conforming(found.schema, on_violation=asked.on_violation)
    leak_patterns = leak_patterns_of(read.undeclared_texts(begun_schema(candidate)))
    del read  # Only the typed rows stay.
    opened = ledger_of(ledger, create=False)
    report = audit_candidate(
        found,
        owned,
        opened,
        target=asked.target,
        reference_fits=asked.reference_fits,
        progress=progress,
    )
    # After the audit, which refuses a table that is not the candidate's.
    scan_candidate(found, leak_patterns, opened, progress)
    return report


def twin_job(
    budget: PrivacyBudget, trained: str, table: Any, schema: Schema | None, progress: Progress
) -> TwinReport:
    """Test this machine's DP-SGD by a run that is never charged nor released."""
    progress.begin()
    if schema is None:
        return run_twin(budget, progress, trained=trained)
    owned = TableAsRead.read(table, SourceOptions(), schema).conforming(schema)
    return run_twin(budget, progress, trained=trained, table=owned)


def check_job(
    candidate: Candidate,
    judging: Judging,
    ledger: Ledger,
    tell: Callable[[Verdict], object] = lambda _: None,
) -> tuple[Verdict, PrivacyLedger]:
    """Judge a candidate; where a public gate does not pass, no attempt is counted."""
    opened = ledger_of(ledger, create=False)
    found = read_candidate(candidate)
    check_public_gates(found, judging.policy, opened, judging.context, tell)
    return judge(found, judging.policy, opened, judging.context), opened


def release_job(candidate: Candidate, judging: Judging, ledger: Ledger, out: Path) -> Path:
    """Judge a candidate and, where it passes, write its release."""
    verdict, opened = check_job(candidate, judging, ledger)
    return release_candidate(candidate, verdict, opened, judging.terms, out)


def internal_report_job(candidate: Candidate, judging: Judging, ledger: Ledger, table: Any) -> Path:
    """Judge a candidate and write its internal report; one counted evaluation. INTERNAL."""
    opened = ledger_of(ledger, create=False)
    found, owned = read_candidate(candidate), None
    judged = judgement_of(found, judging.policy, opened, judging.context)
    if table is not None:
        read = TableAsRead.read(table, SourceOptions(), found.schema)
        owned = read.conforming(found.schema)
    facts = release_facts(found, judged.history, judging.context, NOT_RELEASED)
    return write_internal_report(
        found, facts, judged.verdict, judged.history, owned, judging.language
    )
