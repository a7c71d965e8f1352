"""Show the policy's gates, their outcomes, and the limits of the guarantee."""

from __future__ import annotations

from privgan.files.json_types import JsonMapping
from privgan.privacy.guarantee import ReleasedGuarantee
from privgan.report.document import Bullets, Column, Look, Paragraph, Run, Section, Table, Text
from privgan.report.text import Words, number

Facts = JsonMapping
_CONDITIONS = {
    "at_most": "policy.at_most",
    "at_least": "policy.at_least",
    "equals": "policy.equals",
    "one_of": "policy.one_of",
    "present": "policy.present",
    "dropped": "policy.dropped",
    "invented": "policy.invented",
    "at_most_values": "policy.at_most_values",
}
_WITHOUT_THRESHOLD = frozenset({"present", "dropped", "invented"})
_LOOKS = {"PASS": Look.GOOD, "FAIL": Look.BAD}


def policy_section(policy: Facts, words: Words) -> Section:
    """Section on the policy with every outcome that the reader may see."""
    text = words(
        "policy.text",
        name=Run(policy["name"], Look.STRONG),
        version=policy["version"],
        purpose=shown_purpose(policy, words),
        checks=words.term("checks", policy["internal_checks"]),
    )
    headings = ("policy.fact", "policy.outcome", "policy.must_be", "policy.is", "policy.why")
    table = Table(
        caption=words("policy.caption"),
        columns=tuple(Column(heading=words(heading)) for heading in headings),
        rows=tuple(_row(outcome, words) for outcome in policy["outcomes"]),
    )
    return Section(
        name="policy", heading=words("policy.heading"), blocks=(Paragraph(text=text), table)
    )


def promises_section(guarantee: ReleasedGuarantee, words: Words) -> Section:
    """Section on what the guarantee does not cover."""
    lines = tuple((Run(words.phrase(line), Look.NAME),) for line in guarantee.not_promised)
    return Section(
        name="not-promised", heading=words("promises.heading"), blocks=(Bullets(items=lines),)
    )


def shown_purpose(policy: Facts, words: Words) -> str:
    """Purpose of the policy, in the report's language if the policy has it."""
    return _said(policy, "purpose", words)


def explained(outcome: Facts, words: Words) -> Text:
    """Outcome of a gate with its reason and, unless it passed, advice."""
    fact = Run(outcome["fact"], Look.CODE)
    reason, condition = _said(outcome, "reason", words), _condition(outcome, words)
    if outcome["status"] == "PASS":
        return (Run(reason, Look.NAME),)
    if outcome["status"] == "WAIVED":
        waiver = outcome.get("waiver") or {}
        parts = {
            key: str(waiver.get(key) or words.text("policy.not_known"))
            for key in ("who", "until", "why")
        }
        return words(
            "policy.waived",
            fact=fact,
            value=_value(outcome, words),
            condition=condition,
            reason=reason,
            **parts,
        )
    advice = _said(outcome, "advice", words)
    if outcome["status"] == "MISSING" or outcome["value"] is None:
        return words("policy.missing", fact=fact, condition=condition, reason=reason, advice=advice)
    return words(
        "policy.failed",
        fact=fact,
        value=_value(outcome, words),
        condition=condition,
        reason=reason,
        advice=advice,
    )


def _row(outcome: Facts, words: Words) -> tuple[Text, ...]:
    status = outcome["status"]
    fact: Text = (Run(outcome["fact"], Look.CODE),)
    if outcome.get("clause"):
        fact += (Run(outcome["clause"], Look.SMALL),)
    return (
        fact,
        (Run(words.term("status", status), _LOOKS.get(status, Look.OPEN)),),
        (Run(_condition(outcome, words), Look.NAME),),
        (Run(_value(outcome, words), Look.NAME),),
        explained(outcome, words),
    )


def _said(holder: Facts, key: str, words: Words) -> str:
    translated = holder.get(f"{key}_{words.language}")
    return str(translated or words.phrase(holder[key]))


def _condition(outcome: Facts, words: Words) -> str:
    key = _CONDITIONS.get(outcome["comparison"])
    if key is None:
        return str(outcome["condition"])
    if outcome["comparison"] in _WITHOUT_THRESHOLD:
        return words.text(key)
    threshold = outcome["threshold"]
    many = threshold if isinstance(threshold, list | tuple) else [threshold]
    return words.text(key, threshold=", ".join(_in_words(value, words) for value in many))


def _value(outcome: Facts, words: Words) -> str:
    value = outcome["value"]
    return words.text("policy.not_known") if value is None else _in_words(value, words)


def _in_words(value: object, words: Words) -> str:
    if isinstance(value, bool):
        return words.text("number.yes" if value else "number.no")
    return number(value)
