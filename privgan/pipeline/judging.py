"""Audit a candidate, gather its facts, and judge it by a policy."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from privgan.audit.attacks.reference_model import Game
from privgan.audit.suite import AuditInputs, AuditReport, MadeTable, run_audit
from privgan.errors import IncompleteError, PolicyFailedError, UsageError
from privgan.ledger.ledger import DatasetAccount, PrivacyLedger
from privgan.ledger.runs import RESERVE
from privgan.owner.owners_table import OwnersTable, RealRows
from privgan.pipeline.canaries import Canaries, load_canaries
from privgan.pipeline.candidate import AUDIT_FILE, Candidate
from privgan.pipeline.reference_fits import audit_by_reference_fits
from privgan.pipeline.scanning import read_scan, scan_facts
from privgan.pipeline.stages import audit_teller
from privgan.pipeline.white_box import white_box_scores
from privgan.policy.context import Context
from privgan.policy.facts import FactValue
from privgan.policy.policy import Policy
from privgan.policy.schema_facts import column_facts, schema_facts
from privgan.policy.verdict import PASSED, GateStatus, Verdict, evaluate, explain
from privgan.privacy import accountant, events
from privgan.privacy.budget import PrivacyBudget
from privgan.progress import Progress
from privgan.release.verification.outcome import refuse_impostor
from privgan.schema.schema import Schema
from privgan.table.schema_file import load_schema

_SLACK = 1e-9


def public_facts(
    record: Mapping[str, Any], schema: Schema, ledger: PrivacyLedger, context: Context
) -> dict[str, FactValue]:
    """Facts whose gates' outcomes may leave: none was computed from real rows without noise.

    Args:
        record: The candidate's record.
        schema: The schema.
        ledger: The ledger; its MAC chain must be whole for the accounting to count as complete.
        context: Who, for what, until when.
    """
    guarantee = record["guarantee"]
    facts: dict[str, FactValue] = {
        **claim_facts(guarantee["epsilon"], guarantee["delta"]),
        "accounting.complete": accounting_complete(record, schema, ledger),
        **ledger_facts(ledger.account(schema.dataset)),
        **schema_facts(schema),
        "synthetic.rows": record["rows"],
        **record["figures"],
    }
    return facts | context.facts(dt.datetime.now(dt.UTC).date())


def claim_facts(epsilon: float | None, delta: float) -> dict[str, FactValue]:
    """What a run claims; without ε where its coins were not secret."""
    facts: dict[str, FactValue] = {"guarantee.delta": delta}
    return facts if epsilon is None else facts | {"guarantee.epsilon": epsilon}


def ledger_facts(account: DatasetAccount) -> dict[str, FactValue]:
    """What was spent on a data set, the run in question included; no total where it is infinite."""
    facts: dict[str, FactValue] = {
        "ledger.total_delta": account.delta,
        "ledger.initialised": account.initialised,
        "ledger.budget_set": account.lifetime is not None,
    }
    if not math.isfinite(account.epsilon):
        return facts
    return facts | {"ledger.total_epsilon": account.epsilon} | _remaining(account)


def _remaining(account: DatasetAccount) -> dict[str, FactValue]:
    """What is left of the lifetime budget; nothing where none was set."""
    lifetime = account.lifetime
    if lifetime is None:
        return {}
    return {"ledger.remaining_epsilon": max(0.0, lifetime.epsilon - account.lifetime_spent)}


def accounting_complete(record: Mapping[str, Any], schema: Schema, ledger: PrivacyLedger) -> bool:
    """Whether the ledger bears out the candidate's claim.

    The chain is whole; the run reserved the claimed (ε, δ); exactly the plan's steps were charged,
    each with the event that the plan states (a reserve for steps run again may stay uncharged); and
    the charged events together cost no more than what the run's stages were given.
    """
    entries = [entry for entry in ledger.entries(schema.dataset) if entry.run == record["run"]]
    charged = {
        entry.body["step"]: _event(entry.body) for entry in entries if entry.kind == "charge"
    }
    planned = {step["name"]: step["event"] for step in record["accounting"]}
    claimed = (record["guarantee"]["epsilon"], record["guarantee"]["delta"])
    reserved = [
        (entry.body["epsilon"], entry.body["delta"]) for entry in entries if entry.kind == "run"
    ]
    due = {
        name: event
        for name, event in planned.items()
        if name in charged or not name.endswith(RESERVE)
    }
    if ledger.problems() or charged != due or reserved != [claimed]:
        return False
    stages = {entry.body["stage"]: entry.body for entry in entries if entry.kind == "stage"}
    return all(
        accountant.spent(
            [
                events.from_json(step["event"])
                for step in record["accounting"]
                if step["stage"] == name
            ],
            stage["delta"],
        ).epsilon
        <= stage["epsilon"] * (1 + _SLACK)
        for name, stage in stages.items()
    ) and sum(stage["epsilon"] for stage in stages.values()) <= claimed[0] * (1 + _SLACK)


def _event(body: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != "step"}


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
    candidate: Candidate,
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
    record, schema = candidate.record(), load_schema(candidate.schema)
    refuse_changed(candidate, ledger)
    canaries = _canaries_of(candidate, table)
    rows, mask = (
        table.clamped(schema).real_rows(canaries.left_out),
        canaries.canary[~canaries.left_out],
    )
    inputs = _inputs(candidate, rows, mask, target)
    report = run_audit(inputs, progress=audit_teller(progress) if progress else None)
    if game and record["guarantee"]["epsilon"] is not None:
        if progress:
            progress.say(f"audit: {game.runs} reference fits")
        budget = PrivacyBudget(epsilon=inputs.epsilon, delta=inputs.delta)
        report = report.with_metrics(audit_by_reference_fits(rows, budget, game))
    if report.verdict == "REFUTED":
        ledger.refute(schema.dataset, record["run"])
    candidate.write_internal(
        AUDIT_FILE, json.dumps(report.to_json(), indent=1, ensure_ascii=False, allow_nan=False)
    )
    return report


def _canaries_of(candidate: Candidate, table: OwnersTable) -> Canaries:
    """The list that the candidate was made with.

    UsageError where the table or the list is another one.
    """
    canaries = load_canaries(candidate.internal, table)
    if canaries.commitment != candidate.record()["canaries"]["commitment"]:
        raise UsageError(
            f"{candidate.internal}: the list of canaries is not the one that the candidate was made"
            " with"
        )
    return canaries


def _inputs(
    candidate: Candidate, rows: RealRows, canary_mask: np.ndarray, target: str | None
) -> AuditInputs:
    guarantee = candidate.record()["guarantee"]
    epsilon = float("inf") if guarantee["epsilon"] is None else guarantee["epsilon"]
    made = MadeTable(
        synthetic=candidate.synthetic,
        epsilon=epsilon,
        delta=guarantee["delta"],
        white_box=white_box_scores(candidate, rows, canary_mask),
    )
    return AuditInputs.of_run(rows, canary_mask, made, target)


def judge(candidate: Candidate, policy: Policy, ledger: PrivacyLedger, context: Context) -> Verdict:
    """Judge a candidate by a policy: one counted evaluation.

    A failed internal gate closes the candidate.

    Raises:
        PolicyFailedError: when the number of evaluations is used up, or the candidate was closed
            before.
    """
    record, schema, audit = candidate.record(), load_schema(candidate.schema), candidate.audit()
    evidence = hashlib.sha256(
        json.dumps([audit, read_scan(candidate)], sort_keys=True).encode()
    ).hexdigest()
    evaluation = {"policy": policy.fingerprint(), "evidence": evidence}
    refuse_changed(candidate, ledger)
    ledger.judge(schema.dataset, record["run"], limit=policy.attempts_per_dataset, **evaluation)
    inside = (
        audit_facts(audit)
        | scan_facts(candidate)
        | {"ledger.attempts": ledger.account(schema.dataset).attempts}
    )
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
    entries = [
        entry
        for entry in ledger.entries(record["dataset"])
        if entry.kind == "candidate" and entry.run == record["run"]
    ]
    if not entries:
        raise UsageError(
            f"{candidate.folder}: the ledger {ledger.url} does not know this candidate; give the"
            " ledger it was fitted with"
        )
    found, kept = candidate.hashes(), entries[-1].body["files"]
    changed = sorted(name for name in {*found, *kept} if found.get(name) != kept.get(name))
    if changed:
        raise UsageError(
            f"{candidate.folder}: {', '.join(changed)} changed after the fit; a candidate is judged"
            " as it was made"
        )
    candidate.remove_checkpoints()
