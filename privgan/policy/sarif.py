"""A verdict as SARIF 2.1.0 (OASIS): one rule a gate, one result for each gate that did not pass."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import quote

from privgan.policy.junit import INTERNAL_MARK, SHAREABLE_MARK
from privgan.policy.plain import plain
from privgan.policy.verdict import GateStatus, Outcome, Verdict, explain

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif(verdict: Verdict, *, version: str, shareable: bool) -> str:
    """The verdict as the text of a SARIF file.

    A missing fact blocks as a failed gate does, so both are errors; a waived gate is a result with an accepted suppression.
    Passed gates are rules without a result: code hosts show every result as an alert.

    Args:
        verdict: The verdict.
        version: privgan's version.
        shareable: Only what may leave.

    Raises:
        InternalError: Something shareable is asked for, and the internal checks did not pass.
    """
    if shareable:
        verdict.to_public_json()  # Refuses where the internal checks did not pass.
    outcomes = verdict.public_outcomes if shareable else verdict.outcomes
    identities = [_identity(outcome) for outcome in outcomes]
    run = {
        "tool": {
            "driver": {
                "name": "privgan",
                "semanticVersion": version,
                "rules": [_rule(outcome, name) for outcome, name in zip(outcomes, identities, strict=True)],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(verdict, outcome, identities[place], place)
            for place, outcome in enumerate(outcomes)
            if outcome.status is not GateStatus.PASS
        ],
        "properties": {
            "exposure": SHAREABLE_MARK if shareable else INTERNAL_MARK,
            "policy": plain(f"{verdict.policy_name} {verdict.policy_version}"),
            "policyHash": verdict.policy_public_hash if shareable else verdict.policy_hash,
            "status": verdict.status.value,
            "internalChecks": verdict.internal_checks,
        },
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def _identity(outcome: Outcome) -> str:
    return f"{outcome.gate.fact}.{outcome.gate.comparison.value}"


def _rule(outcome: Outcome, name: str) -> dict[str, Any]:
    gate = outcome.gate
    tags = {"scope": gate.scope.value} | ({"clause": plain(gate.clause)} if gate.clause else {})
    return {
        "id": name,
        "shortDescription": {"text": plain(f"{gate.fact} must be {gate.condition()}")},
        "fullDescription": {"text": plain(gate.reason)},
        "help": {"text": plain(gate.advice)},
        "defaultConfiguration": {"level": "error"},
        "properties": tags,
    }


def _result(verdict: Verdict, outcome: Outcome, name: str, place: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": name,
        "ruleIndex": place,
        "kind": "fail",
        "level": "warning" if outcome.waiver else "error",
        "message": {"text": plain(explain(outcome))},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(verdict.policy_file or f"{verdict.policy_name}.yaml")},
                    "region": {"startLine": outcome.gate.line},
                }
            }
        ],
        "partialFingerprints": {"gate/v1": hashlib.sha256(f"{verdict.policy_name} {name}".encode()).hexdigest()},
        "properties": {"status": outcome.status.value},
    }
    if outcome.waiver:
        until = f"{outcome.waiver.why} ({outcome.waiver.who}, until {outcome.waiver.until.isoformat()})"
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": plain(until)}]
    return result
