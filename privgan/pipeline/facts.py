"""Gather what a policy may ask: the claim, the ledger, the schema, the context, and the INTERNAL audit."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any

from privgan.policy.context import Context
from privgan.policy.facts import FactValue
from privgan.policy.schema_facts import schema_facts
from privgan.privacy import accountant, events
from privgan.privacy.ledger import DatasetAccount, PrivacyLedger
from privgan.privacy.ledger_runs import RESERVE
from privgan.table.schema import Schema

_SLACK = 1e-9


def public_facts(record: Mapping[str, Any], schema: Schema, ledger: PrivacyLedger, context: Context) -> dict[str, FactValue]:
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

    The chain is whole; the run reserved the claimed (ε, δ); exactly the plan's steps were charged, each with the event
    that the plan states (a reserve for steps run again may stay uncharged); and the charged events together cost no more
    than what the run's stages were given.
    """
    entries = [entry for entry in ledger.entries(schema.dataset) if entry.run == record["run"]]
    charged = {entry.body["step"]: _event(entry.body) for entry in entries if entry.kind == "charge"}
    planned = {step["name"]: step["event"] for step in record["accounting"]}
    claimed = (record["guarantee"]["epsilon"], record["guarantee"]["delta"])
    reserved = [(entry.body["epsilon"], entry.body["delta"]) for entry in entries if entry.kind == "run"]
    due = {name: event for name, event in planned.items() if name in charged or not name.endswith(RESERVE)}
    if ledger.problems() or charged != due or reserved != [claimed]:
        return False
    stages = {entry.body["stage"]: entry.body for entry in entries if entry.kind == "stage"}
    return all(
        accountant.spent(
            [events.from_json(step["event"]) for step in record["accounting"] if step["stage"] == name], stage["delta"]
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
