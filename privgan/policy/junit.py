"""A verdict as JUnit XML, as GitLab, Jenkins and others read it: one test case a gate."""

from __future__ import annotations

from xml.etree import ElementTree

from privgan.policy.plain import plain
from privgan.policy.verdict import GateStatus, Outcome, Verdict, explain

INTERNAL_MARK = "INTERNAL: holds figures computed from real rows; it must not be shared"
SHAREABLE_MARK = "shareable: the public gates, and that the internal checks passed"


def junit(verdict: Verdict, *, shareable: bool) -> str:
    """The verdict as the text of a JUnit XML file.

    A gate that failed is a failure, one whose fact is missing an error, a waived one is skipped.

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
        ElementTree.SubElement(suite, "testcase", _named(verdict.policy_name, f"internal_checks: {public['internal_checks']}"))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _case(suite: ElementTree.Element, policy: str, outcome: Outcome) -> None:
    gate = outcome.gate
    case = ElementTree.SubElement(suite, "testcase", _named(f"{policy}.{gate.scope.value}", f"{gate.fact}: {gate.condition()}"))
    told = plain(explain(outcome))
    if outcome.status is GateStatus.FAIL:
        ElementTree.SubElement(case, "failure", {"type": "FAIL", "message": told}).text = told
    elif outcome.status is GateStatus.MISSING:
        ElementTree.SubElement(case, "error", {"type": "MISSING", "message": told}).text = told
    elif outcome.status is GateStatus.WAIVED:
        ElementTree.SubElement(case, "skipped", {"message": told})


def _named(classname: str, name: str) -> dict[str, str]:
    return {"classname": plain(f"privgan.{classname}"), "name": plain(name), "time": "0"}
