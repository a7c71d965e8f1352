"""Audit a candidate, judge it by a policy, and release it: everything after the fit."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import uuid
from pathlib import Path
from typing import Any

import pandas as pd

from privgan.audit.reference_model import Game
from privgan.audit.suite import AuditInputs, AuditReport, run_audit
from privgan.errors import IncompleteError, PolicyFailedError, ReleaseExistsError, UsageError
from privgan.pipeline.canaries import load_canaries
from privgan.pipeline.candidate import AUDIT_FILE, RELEASE, Candidate
from privgan.pipeline.facts import accounting_complete, audit_facts, public_facts
from privgan.pipeline.reference_fits import audit_by_reference_fits
from privgan.pipeline.reporting import shareable_files
from privgan.pipeline.scanning import read_scan, refuse_findings, scan_facts, with_declared
from privgan.pipeline.white_box import white_box_scores
from privgan.policy.context import Context
from privgan.policy.policy import Policy
from privgan.policy.schema_facts import column_facts
from privgan.policy.verdict import GateStatus, Verdict, VerdictStatus, evaluate
from privgan.privacy import accountant
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.ledger import PrivacyLedger
from privgan.progress import Progress
from privgan.release.bundle import write_release
from privgan.release.guarantee import NOT_PROMISED, RETENTION, versions
from privgan.release.keys import SigningKey
from privgan.release.manifest import ReleaseFacts
from privgan.release.needles import Needles
from privgan.release.policy_check import refuse_impostor
from privgan.table.conform import conform
from privgan.table.measured import clamp_measured
from privgan.table.schema import Schema
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


def release_candidate(
    candidate: Candidate,
    verdict: Verdict,
    ledger: PrivacyLedger,
    context: Context,
    out: Path,
    needles: Needles | None = None,
    *,
    key: SigningKey | None = None,
    language: str = "en",
) -> Path:
    """Write ``out/release`` for a candidate that passed.

    Args:
        candidate: The candidate.
        verdict: The policy's verdict on it.
        ledger: The ledger.
        context: Who, for what, until when.
        out: The folder for ``release``.
        needles: What the finished bundle is searched for, where the table is at hand.
        key: Signs the manifest; None for an unsigned release.
        language: The language of the reports, ``en`` or ``zh``.

    Raises:
        PolicyFailedError: when a gate failed, or, whatever the policy asks, a scan has findings, the audit refuted the
            guarantee or the ledger does not bear it out.
        IncompleteError: when a fact is missing.
        ReleaseExistsError: when there is one already.
    """
    if verdict.status is VerdictStatus.FAIL:
        raise PolicyFailedError("the policy does not allow this release; 'privgan check' explains each gate")
    if verdict.status is VerdictStatus.INCONCLUSIVE:
        raise IncompleteError("the policy cannot be decided: a fact is missing; 'privgan check' explains each gate")
    refuse_impostor(verdict.policy_name, verdict.policy_version, verdict.policy_own_hash)
    target = out / RELEASE
    if target.exists():
        raise ReleaseExistsError(f"{target}: there is a release already; choose another --out")
    record, schema = candidate.record(), load_schema(candidate.schema)
    identity = uuid.uuid4().hex
    if record["guarantee"]["epsilon"] is None:
        raise PolicyFailedError("this candidate has no guarantee: the coins of its run were not secret; it cannot be released")
    refuse_findings(candidate)
    _refuse_unfounded(candidate, schema, ledger)
    refuse_changed(candidate, ledger)
    ledger.release(schema.dataset, record["run"], {"release": identity, "policy": verdict.policy_name})
    facts = release_facts(candidate, ledger, context, identity)
    files: dict[str, bytes | Path] = {
        "synthetic.parquet": candidate.parquet,
        "synthetic.csv": candidate.csv,
        "schema.yaml": candidate.schema,
        "model/model.safetensors": candidate.model / "model.safetensors",
        "model/model.json": candidate.model / "model.json",
        **shareable_files(candidate, facts, verdict, language),
    }
    declared = with_declared(needles or Needles(), verdict.to_public_json(), context.to_json())
    return write_release(target, files, facts, verdict, declared, key)


def _refuse_unfounded(candidate: Candidate, schema: Schema, ledger: PrivacyLedger) -> None:
    """Refuse what no policy may allow: a guarantee that the audit refuted, or that the ledger does not bear out."""
    if (candidate.audit() or {}).get("verdict") == "REFUTED":
        raise PolicyFailedError(f"{schema.dataset}: the audit refuted the guarantee of this candidate; it cannot be released")
    if not accounting_complete(candidate.record(), schema, ledger):
        raise PolicyFailedError(f"{schema.dataset}: the ledger does not bear out the guarantee; it cannot be released")


def release_facts(candidate: Candidate, ledger: PrivacyLedger, context: Context, identity: str) -> ReleaseFacts:
    """Everything a manifest says about a candidate, apart from files and policy."""
    record, schema = candidate.record(), load_schema(candidate.schema)
    account, guarantee = ledger.account(schema.dataset), record["guarantee"]
    name, _, version = accountant.accountant_version().partition(" ")
    cost = record["cost"]
    return ReleaseFacts(
        created=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        dataset=schema.dataset,
        release_id=identity,
        epsilon=guarantee["epsilon"],
        delta=guarantee["delta"],
        unit=guarantee["unit"],
        neighbouring_relation=guarantee["neighbouring_relation"],
        max_rows_per_unit=guarantee["max_rows_per_unit"],
        conditional_facts=guarantee["conditional_facts"],
        accountant_name=name,
        accountant_version=version,
        epsilon_pld=cost["epsilon_pld"],
        epsilon_rdp=cost["epsilon_rdp"],
        not_promised=NOT_PROMISED,
        total_epsilon=account.epsilon,
        total_delta=account.delta,
        total_runs=account.runs,
        plan=record["plan"],
        accounting=record["accounting"],
        schema_fingerprint=schema.fingerprint(),
        schema_sources={column.name: {fact: str(source) for fact, source in column.sources.items()} for column in schema.columns},
        context=context.to_json(),
        ledger_head=ledger.head(),
        versions=versions(),
        canary_probability=record["canaries"]["probability"],
        canary_commitment=record["canaries"]["commitment"],
        retention=RETENTION,
    )
