"""Audit a candidate, and judge it by a policy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pandas as pd

from privgan.audit.reference_model import Game
from privgan.audit.suite import AuditInputs, AuditReport, run_audit
from privgan.errors import IncompleteError, PolicyFailedError, UsageError
from privgan.pipeline.canaries import load_canaries
from privgan.pipeline.candidate import AUDIT_FILE, Candidate
from privgan.pipeline.facts import audit_facts, public_facts
from privgan.pipeline.reference_fits import audit_by_reference_fits
from privgan.pipeline.scanning import read_scan, scan_facts
from privgan.pipeline.white_box import white_box_scores
from privgan.policy.context import Context
from privgan.policy.policy import Policy
from privgan.policy.schema_facts import column_facts
from privgan.policy.verdict import PASSED, GateStatus, Verdict, evaluate, explain
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.ledger import PrivacyLedger
from privgan.progress import Progress
from privgan.release.policy_check import refuse_impostor
from privgan.table.conform import conform
from privgan.table.measured import clamp_measured
from privgan.table.schema_file import load_schema


def audit_candidate(
    candidate: Candidate,
    frame: pd.DataFrame,
    ledger: PrivacyLedger,
    *,
    target: str | None = None,
    reference_fits: int = 0,
    progress: Progress | None = None,
) -> AuditReport:
    """Audit a candidate against the table it was fitted on. INTERNAL: it reads real rows and is not charged.

    Args:
        candidate: The candidate.
        frame: The same conforming table, in the same order [rows, columns].
        ledger: Where a refuted guarantee stops the data set at once.
        target: Column to predict; None for the audit's own rule.
        reference_fits: Small fits that attack the most exposed customers, at least 4; 0 for none.
        progress: Tells the owner.
    """
    game = Game(runs=reference_fits) if reference_fits else None
    record, schema = candidate.record(), load_schema(candidate.schema)
    refuse_changed(candidate, ledger)
    canaries = load_canaries(candidate.internal, frame, schema)
    if canaries.commitment != record["canaries"]["commitment"]:
        raise UsageError(f"{candidate.internal}: the list of canaries is not the one that the candidate was made with")
    frame = clamp_measured(frame, schema)
    modelled = frame[[column.name for column in schema.modelled]]
    unit = schema.unit.column
    units = None if unit is None else frame[unit].to_numpy()
    epsilon, delta = record["guarantee"]["epsilon"], record["guarantee"]["delta"]
    kept_in, left_out = (modelled[rows].reset_index(drop=True) for rows in (~canaries.left_out, canaries.left_out))
    mask = canaries.canary[~canaries.left_out]
    inputs = AuditInputs(
        schema=schema,
        kept_in=kept_in,
        canary_mask=mask,
        left_out=left_out,
        synthetic=conform(pd.read_parquet(candidate.parquet), schema)[list(modelled.columns)],
        epsilon=float("inf") if epsilon is None else epsilon,
        delta=delta,
        target=target,
        kept_in_units=None if units is None else units[~canaries.left_out],
        left_out_units=None if units is None else units[canaries.left_out],
        white_box=white_box_scores(candidate, pd.concat([kept_in[mask], left_out])),
    )
    report = run_audit(inputs, progress=_stages(progress))
    if game and epsilon is not None:
        if progress:
            progress.say(f"audit: {game.runs} reference fits")
        budget = PrivacyBudget(epsilon=epsilon, delta=delta)
        report = report.with_metrics(audit_by_reference_fits(schema, inputs.kept_in, budget, game))
    if report.verdict == "REFUTED":
        ledger.refute(schema.dataset, record["run"])
    candidate.write_internal(AUDIT_FILE, json.dumps(report.to_json(), indent=1, ensure_ascii=False, allow_nan=False))
    return report


def _stages(progress: Progress | None) -> Any:
    return (lambda stage, _share: progress.say(f"audit: {stage}")) if progress else None


def judge(candidate: Candidate, policy: Policy, ledger: PrivacyLedger, context: Context) -> Verdict:
    """Judge a candidate by a policy: one counted evaluation; a failed internal gate closes the candidate.

    Raises:
        PolicyFailedError: when the number of evaluations is used up, or the candidate was closed before.
    """
    record, schema, audit = candidate.record(), load_schema(candidate.schema), candidate.audit()
    evidence = hashlib.sha256(json.dumps([audit, read_scan(candidate)], sort_keys=True).encode()).hexdigest()
    evaluation = {"policy": policy.fingerprint(), "evidence": evidence}
    refuse_changed(candidate, ledger)
    ledger.judge(schema.dataset, record["run"], limit=policy.attempts_per_dataset, **evaluation)
    inside = audit_facts(audit) | scan_facts(candidate) | {"ledger.attempts": ledger.account(schema.dataset).attempts}
    facts = public_facts(record, schema, ledger, context) | inside
    verdict = evaluate(policy, facts, column_facts(schema))
    if any(outcome.status is GateStatus.FAIL for outcome in verdict.internal_outcomes):
        ledger.close(schema.dataset, record["run"], **evaluation)
    return verdict


def require_public_gates(
    candidate: Candidate,
    policy: Policy,
    ledger: PrivacyLedger,
    context: Context,
    tell: Callable[[Verdict], object] = lambda _: None,
) -> None:
    """Refuse a candidate whose public gates do not pass, before an evaluation is counted for it.

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
    refuse_impostor(policy.name, policy.version, policy.own_fingerprint())
    schema = load_schema(candidate.schema)
    facts = public_facts(candidate.record(), schema, ledger, context)
    verdict = evaluate(policy, facts, column_facts(schema))
    blocking = [outcome for outcome in verdict.public_outcomes if outcome.status not in PASSED]
    if not blocking:
        return
    tell(verdict)
    reasons = "\n".join(f"  {explain(outcome)}" for outcome in blocking)
    held = "its internal gates were not judged, and no attempt was counted"
    told = f"policy {policy.name} does not allow this release; {held}:\n{reasons}"
    failed = any(outcome.status is GateStatus.FAIL for outcome in blocking)
    raise PolicyFailedError(told) if failed else IncompleteError(told)


def refuse_changed(candidate: Candidate, ledger: PrivacyLedger) -> None:
    """Refuse a candidate whose files are not the ones that the fit wrote, by the hashes that the ledger keeps.

    What a crash kept the fit from removing at its end is removed now.

    Raises:
        UsageError: naming the files that were changed or removed.
    """
    record = candidate.record()
    entries = [entry for entry in ledger.entries(record["dataset"]) if entry.kind == "candidate" and entry.run == record["run"]]
    if not entries:
        raise UsageError(
            f"{candidate.folder}: the ledger {ledger.url} does not know this candidate; give the ledger it was fitted with"
        )
    found, kept = candidate.hashes(), entries[-1].body["files"]
    changed = sorted(name for name in {*found, *kept} if found.get(name) != kept.get(name))
    if changed:
        raise UsageError(f"{candidate.folder}: {', '.join(changed)} changed after the fit; a candidate is judged as it was made")
    candidate.remove_checkpoints()
