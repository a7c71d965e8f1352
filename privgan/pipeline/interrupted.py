"""Resume an interrupted fit or run from its newest checkpoint."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from privgan.errors import UsageError
from privgan.ledger.ledger import PrivacyLedger
from privgan.owner.owners_table import TableAsRead
from privgan.pipeline.canaries import load_canaries
from privgan.pipeline.candidate import LOG_FILE
from privgan.pipeline.preflight import Books, terms
from privgan.pipeline.read_candidate import ReadCandidate
from privgan.pipeline.request import Begun, read_note
from privgan.pipeline.resuming import Checkpoint, newest_checkpoint, resume
from privgan.pipeline.run import (
    Judging,
    Run,
    RunOutcome,
    beforehand,
    finish,
    keep,
    not_begun,
    plan_for,
)
from privgan.pipeline.scanning import leak_patterns_of
from privgan.pipeline.writing import write_candidate
from privgan.progress import Progress


def resume_run(
    table: Path | str,
    judging: Judging,
    ledger: PrivacyLedger,
    out: Path,
    progress: Progress,
    *,
    query: str | None = None,
) -> RunOutcome:
    """Go on with an interrupted run from its newest checkpoint to its outcome.

    The outcome is a release, or a candidate that the policy blocked. A policy that the run can
    never pass ends it before the checkpoint is used.
    """
    begun = read_note(out, table, query)
    request, schema = begun.request, begun.schema
    progress.begin()
    progress.say_all(terms(schema))
    plan = plan_for(request, schema)
    books = Books.of(ledger, schema.dataset, reserved=True)
    first = beforehand(request, judging, schema, plan, books, progress)
    if first.blocking:
        return not_begun(first, plan, schema)
    first.check()
    checkpoint = _newest(begun, ledger)
    read = TableAsRead.read(request.table, request.source, schema)
    owned, said = read.conforming(schema, on_violation=request.on_violation), read.said
    leak_patterns = leak_patterns_of(read.undeclared_texts(schema))
    del read  # Only the typed rows stay.
    again = Run(request=request, plan=plan, table=owned, ledger=ledger, progress=progress)
    return finish(again, _resumed(begun, checkpoint, again, said), leak_patterns, judging, out)


def resume_candidate(
    out: Path,
    table: Path | str,
    ledger: PrivacyLedger,
    progress: Progress,
    *,
    query: str | None = None,
) -> ReadCandidate:
    """Go on with a fit that was interrupted, from its newest checkpoint.

    Args:
        out: The folder that the fit or run was started with.
        table: The same table, in the same order.
        ledger: The run's ledger.
        progress: Tells the owner.
        query: The same query, where a query makes the table.
    """
    progress.begin()
    begun = read_note(out, table, query)
    request, schema = begun.request, begun.schema
    checkpoint = _newest(begun, ledger)
    read = TableAsRead.read(request.table, request.source, schema)
    owned, said = read.conforming(schema, on_violation=request.on_violation), read.said
    del read  # Only the typed rows stay.
    plan = plan_for(request, schema)
    again = Run(request=request, plan=plan, table=owned, ledger=ledger, progress=progress)
    return _resumed(begun, checkpoint, again, said)


def _newest(begun: Begun, ledger: PrivacyLedger) -> Checkpoint:
    lineage = ledger.newest_checkpoint(begun.schema.dataset, begun.run)
    return newest_checkpoint(begun.candidate.internal, lineage)


def _resumed(
    begun: Begun, checkpoint: Checkpoint, run: Run, said: tuple[str, ...]
) -> ReadCandidate:
    """Fit to the end from a checkpoint, and write the candidate.

    What was recognised is said once the log is open.
    """
    candidate, progress = begun.candidate, run.progress
    canaries = load_canaries(candidate.internal, run.table)
    if canaries.commitment != begun.commitment:
        raise UsageError(
            f"{candidate.internal}: the list of canaries is not the one that the run began with"
        )
    progress.log_to(candidate.internal / LOG_FILE)
    progress.say_all(said)
    progress.say(f"resuming from checkpoint {checkpoint.lineage} at step {checkpoint.step}")
    settings = run.settings(keep=partial(keep, run, candidate.internal))
    table = run.table.clamped(checkpoint.schema)
    fitted = resume(table, run.plan, checkpoint, canaries, run.ledger, settings)
    candidate.create()
    request = run.request
    return write_candidate(
        candidate, fitted, run.ledger, rows=request.rows, seed=request.seed, progress=progress
    )
