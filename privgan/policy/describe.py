"""A policy in words: what each gate asks, why, who may learn its outcome, and where it stands in a standard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from privgan.policy.columns import ColumnGate
from privgan.policy.facts import fact_vocabulary
from privgan.policy.gates import Scope
from privgan.policy.policy import Policy, Rule

_WORDS = {
    "en": {
        "version": "version",
        "standard": "after",
        "attempts": "At most {} candidates of one data set may be judged.",
        Scope.PUBLIC: "public: the outcome may leave",
        Scope.INTERNAL: "internal: the outcome never leaves",
        "clause": "serves",
        "advice": "if it fails",
        "hash": "hash",
    },
    "zh": {
        "version": "版本",
        "standard": "依据",
        "attempts": "同一数据集最多可评判 {} 个候选结果。",
        Scope.PUBLIC: "公开：结论可随发布包给出",
        Scope.INTERNAL: "内部：结论绝不外传",
        "clause": "对应条款",
        "advice": "未通过时",
        "hash": "指纹",
    },
}


def describe(policy: Policy, lang: str = "en") -> Iterator[str]:
    """The policy as lines of text.

    Args:
        policy: The policy.
        lang: ``en`` or ``zh``; texts that the policy does not give in Chinese stay as written.
    """
    words = _WORDS[lang]
    yield f"{policy.name}, {words['version']} {policy.version}"
    yield (policy.purpose_zh if lang == "zh" else "") or policy.purpose
    if policy.standard:
        yield f"{words['standard']}: {policy.standard}"
    yield words["attempts"].format(policy.attempts_per_dataset)
    yield f"{words['hash']}: {policy.fingerprint()}"
    for scope in Scope:
        rules = [rule for rule in policy.rules if rule.scope is scope]
        if rules:
            yield ""
            yield words[scope]
            for rule in rules:
                yield from _of_rule(rule, lang)


def _of_rule(rule: Rule, lang: str) -> Iterator[str]:
    words, (reason, advice) = _WORDS[lang], rule.in_language(lang)
    yield f"- {rule.fact}: {rule.condition(lang)}"
    if lang == "en" and not isinstance(rule, ColumnGate):
        yield f"    {fact_vocabulary()[rule.fact].description}"
    yield f"    {reason}"
    if rule.clause:
        yield f"    {words['clause']}: {rule.clause}"
    yield f"    {words['advice']}: {advice}"


def description_json(policy: Policy, lang: str = "en") -> dict[str, Any]:
    """The policy as JSON values, with each condition in words and the fingerprint."""
    rules = [rule.to_json() | {"condition": rule.condition(lang)} for rule in policy.rules]
    told = {key: value for key, value in policy.to_json().items() if key not in {"gates", "columns"}}
    return told | {"hash": policy.fingerprint(), "rules": rules}


def fact_lines() -> Iterator[str]:
    """Every fact that a gate can name, one line each: type, who may see it, range and meaning."""
    for fact in fact_vocabulary().values():
        low, high = fact.minimum, fact.maximum
        bounds = f", {'-∞' if low is None else f'{low:g}'} to {'∞' if high is None else f'{high:g}'}"
        told = bounds if fact.type == "number" else f", one of {', '.join(fact.values)}" if fact.values else ""
        yield f"{fact.name} ({fact.type.value}{told}; {fact.exposure.value}): {fact.description}"
