"""Export a verdict for CI systems as JUnit XML and SARIF 2.1.0."""

from __future__ import annotations

import hashlib
import json
from urllib.parse import quote
from xml.etree import ElementTree

from privgan.files.json_types import JsonDict
from privgan.policy.policy import plain
from privgan.policy.verdict import GateStatus, Outcome, Verdict, explain

INTERNAL_MARK = "INTERNAL: holds figures computed from real rows; it must not be shared"
SHAREABLE_MARK = "shareable: the public gates, and that the internal checks passed"


def junit(verdict: Verdict, *, shareable: bool) -> str:
    """The verdict as the text of a JUnit XML file.

    A failed gate is a failure, a missing fact an error, and a waived gate is skipped.

    Args:
        verdict: The verdict.
        shareable: Only what may leave.

    Raises:
        InternalError: Something shareable is asked for, and the internal checks did not pass.
    """
    public = verdict.to_public_json() if shareable else None
    outcomes = verdict.public_outcomes if shareable else verdict.outcomes
    found = [outcome.status for outcome in outcomes]
    cases = len(outcomes) + (public is not None)
    counts = {
        "tests": cases,
        "failures": found.count(GateStatus.FAIL),
        "errors": found.count(GateStatus.MISSING),
        "skipped": found.count(GateStatus.WAIVED),
    }
    numbers = {name: str(number) for name, number in counts.items()} | {"time": "0"}
    name = f"{verdict.policy_name} {verdict.policy_version}"
    root = ElementTree.Element("testsuites", {"name": "privgan", **numbers})
    suite = ElementTree.SubElement(root, "testsuite", {"name": plain(name), **numbers})
    properties = ElementTree.SubElement(suite, "properties")
    about = {
        "exposure": SHAREABLE_MARK if shareable else INTERNAL_MARK,
        "policy.hash": verdict.policy_public_hash if shareable else verdict.policy_hash,
        "status": verdict.status.value,
        "internal_checks": verdict.internal_checks,
    }
    for key, value in about.items():
        ElementTree.SubElement(properties, "property", {"name": key, "value": plain(value)})
    for outcome in outcomes:
        _case(suite, verdict.policy_name, outcome)
    if public is not None:
        ElementTree.SubElement(
            suite,
            "testcase",
            _named(verdict.policy_name, f"internal_checks: {public['internal_checks']}"),
        )
    ElementTree.indent(root)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        + ElementTree.tostring(root, encoding="unicode")
        + "\n"
    )


def _case(suite: ElementTree.Element, policy: str, outcome: Outcome) -> None:
    gate = outcome.gate
    case = ElementTree.SubElement(
        suite,
        "testcase",
        _named(f"{policy}.{gate.scope.value}", f"{gate.fact}: {gate.condition()}"),
    )
    told = plain(explain(outcome))
    if outcome.status is GateStatus.FAIL:
        ElementTree.SubElement(case, "failure", {"type": "FAIL", "message": told}).text = told
    elif outcome.status is GateStatus.MISSING:
        ElementTree.SubElement(case, "error", {"type": "MISSING", "message": told}).text = told
    elif outcome.status is GateStatus.WAIVED:
        ElementTree.SubElement(case, "skipped", {"message": told})


def _named(classname: str, name: str) -> dict[str, str]:
    return {"classname": plain(f"privgan.{classname}"), "name": plain(name), "time": "0"}


SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def sarif(verdict: Verdict, *, version: str, shareable: bool) -> str:
    """The verdict as the text of a SARIF file.

    A missing fact blocks as a failed gate does, so both are errors. A waived gate is a result with
    an accepted suppression. Passed gates are rules without a result, since code hosts show every
    result as an alert.

    Args:
        verdict: The verdict.
        version: privgan's version.
        shareable: Only what may leave.

    Raises:
        InternalError: Something shareable is asked for, and the internal checks did not pass.
    """
    if shareable:
        verdict.to_public_json()  # Raises an error if the internal checks did not pass.
    outcomes = verdict.public_outcomes if shareable else verdict.outcomes
    identities = [_identity(outcome) for outcome in outcomes]
    run = {
        "tool": {
            "driver": {
                "name": "privgan",
                "semanticVersion": version,
                "rules": [
                    _rule(outcome, name) for outcome, name in zip(outcomes, identities, strict=True)
                ],
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


def _rule(outcome: Outcome, name: str) -> JsonDict:
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


def _result(verdict: Verdict, outcome: Outcome, name: str, place: int) -> JsonDict:
    result: JsonDict = {
        "ruleId": name,
        "ruleIndex": place,
        "kind": "fail",
        "level": "warning" if outcome.waiver else "error",
        "message": {"text": plain(explain(outcome))},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {
                        "uri": quote(verdict.policy_file or f"{verdict.policy_name}.yaml")
                    },
                    "region": {"startLine": outcome.gate.line},
                }
            }
        ],
        "partialFingerprints": {
            "gate/v1": hashlib.sha256(f"{verdict.policy_name} {name}".encode()).hexdigest()
        },
        "properties": {"status": outcome.status.value},
    }
    if outcome.waiver:
        until = (
            f"{outcome.waiver.why} ({outcome.waiver.who}, until {outcome.waiver.until.isoformat()})"
        )
        result["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": plain(until)}
        ]
    return result
