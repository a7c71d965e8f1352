"""Audit a candidate, gather its facts, and judge it by a policy."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from privgan.audit.attacks.reference_model import Game
from privgan.audit.suite import AuditInputs, AuditReport, MadeTable, run_audit
from privgan.errors import IncompleteError, PolicyFailedError, UsageError
from privgan.ledger.history import DatasetHistory
from privgan.ledger.ledger import DatasetAccount, PrivacyLedger
from privgan.ledger.runs import RESERVE
from privgan.owner.owners_table import OwnersTable, RealRows
from privgan.pipeline.canaries import Canaries
from privgan.pipeline.candidate import AUDIT_FILE
from privgan.pipeline.candidate_record import CandidateRecord
from privgan.pipeline.read_candidate import AnyCandidate, ReadCandidate, read_candidate
from privgan.pipeline.reference_fits import audit_by_reference_fits
from privgan.pipeline.scanning import scan_facts
from privgan.pipeline.stages import audit_teller
from privgan.pipeline.white_box import white_box_scores
from privgan.policy.context import Context
from privgan.policy.facts import FactValue
from privgan.policy.policy import Policy
from privgan.policy.schema_facts import column_facts, schema_facts
from privgan.policy.verdict import PASSED, GateStatus, Verdict, evaluate, explain
from privgan.privacy import accountant
from privgan.privacy.budget import PrivacyBudget
from privgan.progress import Progress
from privgan.release.verification.outcome import check_impostor
from privgan.schema.schema import Schema, check_one_table

_SLACK = 1e-9


def public_facts(
    record: CandidateRecord, schema: Schema, history: DatasetHistory, context: Context
) -> dict[str, FactValue]:
    """The facts of public gates: none was computed from real rows without noise.

    Args:
        record: The candidate's record.
        schema: The schema.
        history: The data set's; the ledger's MAC chain must be whole for the accounting to count as
            complete.
        context: Who, for what, until when.
    """
    facts: dict[str, FactValue] = {
        **claim_facts(record.guarantee.epsilon, record.guarantee.delta),
        "accounting.complete": accounting_complete(record, history),
        **ledger_facts(history.account),
        **schema_facts(schema),
        "synthetic.rows": record.rows,
        "marginals.number": record.marginals,
        **record.figures,
    }
    return facts | context.facts(dt.datetime.now(dt.UTC).date())


def claim_facts(epsilon: float | None, delta: float) -> dict[str, FactValue]:
    """The claim's figures; without ε where its coins were not secret."""
    facts: dict[str, FactValue] = {"guarantee.delta": delta}
    return facts if epsilon is None else facts | {"guarantee.epsilon": epsilon}


def ledger_facts(account: DatasetAccount) -> dict[str, FactValue]:
    """A data set's spending, this run included; no total where it is infinite."""
    facts: dict[str, FactValue] = {
        "ledger.total_delta": account.delta,
        "ledger.initialised": account.initialised,
        "ledger.budget_set": account.lifetime is not None,
    }
    if not math.isfinite(account.epsilon):
        return facts
    return facts | {"ledger.total_epsilon": account.epsilon} | _remaining(account)


def _remaining(account: DatasetAccount) -> dict[str, FactValue]:
    """The remaining lifetime budget; nothing where none was set."""
    lifetime = account.lifetime
    if lifetime is None:
        return {}
    return {"ledger.remaining_epsilon": max(0.0, lifetime.epsilon - account.lifetime_spent)}


def accounting_complete(record: CandidateRecord, history: DatasetHistory) -> bool:
    """Whether the ledger supports the candidate's claim.

    The chain is whole, and the run reserved the claimed (ε, δ). Exactly the plan's steps were
    charged, each with its planned event; a reserve for repeated steps may stay uncharged. The
    charged events together cost no more than the run's stages were given.
    """
    guarantee = record.guarantee
    starts = [entry.body for entry in history.of_run(record.run, "run")]
    reserved = [(body["epsilon"], body["delta"]) for body in starts]
    return (
        not history.problems
        and reserved == [(guarantee.epsilon, guarantee.delta)]
        and _charged_as_planned(record, history)
        and _within_stages(record, history)
    )


def _charged_as_planned(record: CandidateRecord, history: DatasetHistory) -> bool:
    """Whether exactly the plan's steps were charged; a reserve may stay uncharged."""
    bodies = [entry.body for entry in history.of_run(record.run, "charge")]
    charged = {
        body["step"]: {key: value for key, value in body.items() if key != "step"}
        for body in bodies
    }
    due = {
        step.name: step.event
        for step in record.accounting
        if step.name in charged or not step.name.endswith(RESERVE)
    }
    return charged == due


def _within_stages(record: CandidateRecord, history: DatasetHistory) -> bool:
    """Whether each stage's steps cost at most its share, and all stages at most the claim."""
    found = [entry.body for entry in history.of_run(record.run, "stage")]
    stages = {body["stage"]: body for body in found}
    claimed = record.guarantee.epsilon
    if claimed is None or sum(stage["epsilon"] for stage in stages.values()) > _most(claimed):
        return False
    return all(
        _cost_of(record, name, stage["delta"]) <= _most(stage["epsilon"])
        for name, stage in stages.items()
    )


def _cost_of(record: CandidateRecord, stage: str, delta: float) -> float:
    steps = [step.cost for step in record.accounting if step.stage == stage]
    return accountant.spent(steps, delta).epsilon


def _most(epsilon: float) -> float:
    return epsilon * (1 + _SLACK)


def audit_facts(audit: Mapping[str, Any] | None) -> dict[str, FactValue]:
    """The audit's figures as facts; INTERNAL. Empty where it has not run."""
    if audit is None:
        return {}
    facts: dict[str, FactValue] = {"audit.verdict": audit["verdict"]}
    for metric in audit["metrics"]:
        ends = {"": metric["value"], ".low": metric["low"], ".high": metric["high"]}
        facts |= {metric["name"] + end: value for end, value in ends.items() if value is not None}
    return facts


def audit_candidate(
    candidate: AnyCandidate,
    table: OwnersTable,
    ledger: PrivacyLedger,
    *,
    target: str | None = None,
    reference_fits: int = 0,
    progress: Progress | None = None,
) -> AuditReport:
    """Audit a candidate against the table it was fitted on.

    INTERNAL: it reads real rows and is not charged.

    Args:
        candidate: The candidate.
        table: The same table, in the same order.
        ledger: Where a refuted guarantee stops the data set at once.
        target: Column to predict; None for the audit's own rule.
        reference_fits: Small fits that attack the most exposed customers, at least 4; 0 for none.
        progress: Tells the owner.
    """
    game = Game(runs=reference_fits) if reference_fits else None
    found = read_candidate(candidate)
    record, schema = found.record, found.schema
    if game:
        check_one_table(schema, "an audit by reference fits")
    check_hashes(found, ledger.history(record.dataset))
    canaries = _canaries_of(found, table)
    rows, mask = (
        table.clamped(schema).real_rows(canaries.left_out),
        canaries.canary[~canaries.left_out],
    )
    inputs = _inputs(found, rows, mask, target)
    report = run_audit(inputs, progress=audit_teller(progress) if progress else None)
    if game and record.guarantee.epsilon is not None:
        if progress:
            progress.say(f"audit: {game.runs} reference fits")
        budget = PrivacyBudget(epsilon=inputs.epsilon, delta=inputs.delta)
        report = report.with_metrics(audit_by_reference_fits(rows, budget, game))
    if report.verdict == "REFUTED":
        ledger.refute(schema.dataset, record.run)
    found.files.write_internal(
        AUDIT_FILE, json.dumps(report.to_json(), indent=1, ensure_ascii=False, allow_nan=False)
    )
    return report


def _canaries_of(found: ReadCandidate, table: OwnersTable) -> Canaries:
    """The candidate's canary list.

    UsageError where the table or the list is another one.
    """
    canaries = found.canary_list.of(table)
    if canaries.commitment != found.record.canaries.commitment:
        raise UsageError(
            f"{found.files.internal}: the list of canaries is not the one that the candidate was"
            " made with"
        )
    return canaries


def _inputs(
    found: ReadCandidate, rows: RealRows, canary_mask: np.ndarray, target: str | None
) -> AuditInputs:
    guarantee = found.record.guarantee
    made = MadeTable(
        synthetic=found.synthetic[[column.name for column in found.schema.modelled]],
        epsilon=math.inf if guarantee.epsilon is None else guarantee.epsilon,
        delta=guarantee.delta,
        white_box=white_box_scores(found, rows, canary_mask),
        units=_synthetic_units(found),
        related=found.related,
    )
    return AuditInputs.of_run(rows, canary_mask, made, target)


def _synthetic_units(found: ReadCandidate) -> np.ndarray | None:
    """The invented customer of each synthetic row; None without histories."""
    unit = found.schema.unit.column
    known = found.schema.history is not None and unit in found.synthetic
    return found.synthetic[unit].to_numpy() if known else None


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A policy's verdict on a candidate, and the ledger's history when it was made.

    Attributes:
        verdict: The policy's verdict.
        history: The data set's history, this evaluation included.
    """

    verdict: Verdict
    history: DatasetHistory


def judge(
    candidate: AnyCandidate, policy: Policy, ledger: PrivacyLedger, context: Context
) -> Verdict:
    """Judge a candidate by a policy: one counted evaluation.

    A failed internal gate closes the candidate.

    Raises:
        PolicyFailedError: when the number of evaluations is used up, or the candidate was closed
            before.
    """
    return judgement_of(candidate, policy, ledger, context).verdict


def judgement_of(
    candidate: AnyCandidate, policy: Policy, ledger: PrivacyLedger, context: Context
) -> Judgement:
    """Judge a candidate, and return the verdict with the history that it rests on."""
    found = read_candidate(candidate)
    record, schema, evidence = found.record, found.schema, found.evidence
    evaluation = {"policy": policy.fingerprint(), "evidence": evidence.fingerprint}
    check_hashes(found, ledger.history(record.dataset))
    limit = policy.attempts_per_dataset
    history = ledger.judge(schema.dataset, record.run, limit=limit, **evaluation)
    attempts = {"ledger.attempts": history.account.attempts}
    inside = audit_facts(evidence.audit) | scan_facts(found) | attempts
    facts = public_facts(record, schema, history, context) | inside
    verdict = evaluate(policy, facts, column_facts(schema))
    if any(outcome.status is GateStatus.FAIL for outcome in verdict.internal_outcomes):
        history = ledger.close(schema.dataset, record.run, **evaluation)
    return Judgement(verdict=verdict, history=history)


def check_public_gates(
    candidate: AnyCandidate,
    policy: Policy,
    ledger: PrivacyLedger,
    context: Context,
    tell: Callable[[Verdict], object] = lambda _: None,
) -> None:
    """Check that a candidate's public gates pass, before an evaluation is counted.

    Args:
        candidate: The candidate.
        policy: The policy.
        ledger: The ledger.
        context: Who, for what, until when.
        tell: Called with the verdict before it is refused; internal gates are MISSING in it.

    Raises:
        PolicyFailedError: when one fails, with all reasons.
        IncompleteError: when a fact is missing.
    """
    check_impostor(policy.name, policy.version, policy.own_fingerprint())
    found = read_candidate(candidate)
    history = ledger.history(found.record.dataset)
    facts = public_facts(found.record, found.schema, history, context)
    verdict = evaluate(policy, facts, column_facts(found.schema))
    blocking = [outcome for outcome in verdict.public_outcomes if outcome.status not in PASSED]
    if not blocking:
        return
    tell(verdict)
    reasons = "\n".join(f"  {explain(outcome)}" for outcome in blocking)
    held = "its internal gates were not judged, and no attempt was counted"
    told = f"policy {policy.name} does not allow this release; {held}:\n{reasons}"
    failed = any(outcome.status is GateStatus.FAIL for outcome in blocking)
    raise PolicyFailedError(told) if failed else IncompleteError(told)


def check_hashes(found: ReadCandidate, history: DatasetHistory) -> None:
    """Check a candidate's files against the hashes that the ledger keeps.

    Checkpoints that a crash left behind are removed now.

    Args:
        found: The candidate, with its files' hashes as they were when it was read.
        history: Its data set's.

    Raises:
        UsageError: naming the files that were changed or removed.
    """
    folder, entries = found.files.folder, history.of_run(found.record.run, "candidate")
    if not entries:
        raise UsageError(
            f"{folder}: the ledger {history.url} does not know this candidate; give the ledger it"
            " was fitted with"
        )
    hashes, kept = found.hashes, entries[-1].body["files"]
    changed = sorted(name for name in {*hashes, *kept} if hashes.get(name) != kept.get(name))
    if changed:
        raise UsageError(
            f"{folder}: {', '.join(changed)} changed after the fit; a candidate is judged as it was"
            " made"
        )
    found.files.remove_checkpoints()
