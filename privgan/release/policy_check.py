"""Whether the policy of a release is the one that it calls itself, and its public outcomes are what its rules give."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from privgan.errors import UsageError
from privgan.policy.document import load_policy, shipped_policies
from privgan.policy.policy import UNWAIVABLE, Comparison, Gate, Policy, Scope, Threshold
from privgan.policy.verdict import GateStatus
from privgan.release.integrity import shown

_COMPARISONS = frozenset(Comparison)


def policy_problems(manifest: Mapping[str, Any], given: Policy | None) -> Iterator[str]:
    """Hold what a manifest says of its policy against the policy itself, and each public outcome against its rule.

    Args:
        manifest: A manifest that follows its JSON Schema.
        given: The policy that the release must have been judged by; None to know shipped ones by their names alone.
    """
    stated = manifest["policy"]
    yield from _outcome_problems(stated, manifest["created"])
    policy = given or shipped_policy(stated["name"], stated["version"])
    if policy is None:
        return
    named = shown(f"{policy.name} {policy.version}")
    if (policy.name, policy.version) != (stated["name"], stated["version"]):
        found = shown(f"{stated['name']} {stated['version']}")
        yield f"policy: is {found}, and was to be {named}"
    elif not _is(policy, stated):
        yield f"policy: is called {named}, and is another one: its hash is not that policy's"
    else:
        rules = [rule.to_json() for rule in policy.rules if rule.scope is Scope.PUBLIC]
        outcomes: Sequence[Mapping[str, Any]] = stated["outcomes"]
        if len(rules) != len(outcomes) or not all(
            rule == {key: outcome.get(key) for key in rule} for rule, outcome in zip(rules, outcomes, strict=True)
        ):
            yield f"policy: the outcomes are not those of the public gates of {named}"


def shipped_policy(name: str, version: str) -> Policy | None:
    """The shipped policy of a name and version; None where this privgan ships none such."""
    if name not in shipped_policies():
        return None
    policy = load_policy(name)
    return policy if policy.version == version else None


def refuse_impostor(name: str, version: str, fingerprint: str) -> None:
    """Refuse a policy under the name and version of a shipped one that says something else: its release would not verify.

    Args:
        name: The policy's name.
        version: Its version.
        fingerprint: Its fingerprint without waivers.

    Raises:
        UsageError: It is such a policy.
    """
    shipped = shipped_policy(name, version)
    if shipped is not None and shipped.own_fingerprint() != fingerprint:
        raise UsageError(
            f"the policy calls itself {name} {version}, and is not the one that privgan ships under that name; "
            "give it a name or a version of its own"
        )


def _is(policy: Policy, stated: Mapping[str, Any]) -> bool:
    """A policy with waivers is known by the hash that bears those of its public gates, one without by its own."""
    own = stated.get("own_hash", stated["hash"])
    return policy.own_fingerprint() == own and (not policy.waivers or policy.public_fingerprint() == stated["hash"])


def _outcome_problems(stated: Mapping[str, Any], created: str) -> Iterator[str]:
    waived = False
    for outcome in stated["outcomes"]:
        fact = shown(outcome["fact"])
        if outcome["status"] != GateStatus.PASS:
            waived = True
            yield from (f"policy: {fact} {problem}" for problem in _waiver_problems(outcome, created))
        elif not _holds(outcome["comparison"], outcome["threshold"], outcome["value"]):
            condition = shown(f"{outcome['comparison']} {outcome['threshold']}")
            yield f"policy: {fact} is {shown(outcome['value'])}, which is not {condition}, and is said to pass"
    if waived != (stated["public_checks"] == "passed with waivers"):
        yield "policy: whether public gates were waived is not what their outcomes say"
    if waived and stated.get("own_hash", stated["hash"]) == stated["hash"]:
        yield "policy: a gate is said to be waived, and the policy's hash is that without waivers"


def _waiver_problems(outcome: Mapping[str, Any], created: str) -> Iterator[str]:
    waiver = outcome.get("waiver")
    if outcome["fact"] in UNWAIVABLE:
        yield f"did not pass, and cannot be waived: {UNWAIVABLE[outcome['fact']]}"
    if waiver is None:
        yield "did not pass, and nobody waived it"
        return
    try:
        ended = dt.date.fromisoformat(waiver["until"]) < dt.date.fromisoformat(created[:10])
    except ValueError:
        yield f"is waived until {shown(waiver['until'])}, which is no day"
        return
    if ended:
        yield f"is waived until {shown(waiver['until'])}, before the release was made"


def _holds(comparison: str, threshold: Any, value: Any) -> bool:
    """Whether a value passes; of a gate on columns it is the number of columns that break it."""
    if comparison not in _COMPARISONS:
        return value == 0
    limit: Threshold = tuple(threshold) if isinstance(threshold, list) else threshold
    gate = Gate(fact="", comparison=Comparison(comparison), threshold=limit, scope=Scope.PUBLIC, reason="", advice="")
    try:
        return gate.holds(value)
    except (TypeError, ValueError):
        return False
