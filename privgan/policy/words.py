"""Describe a policy in words, and compare two policies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from privgan.files.json_types import JsonDict
from privgan.policy.column_gates import ColumnComparison, ColumnGate
from privgan.policy.facts import fact_vocabulary
from privgan.policy.gates import Comparison, Scope
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
    if not isinstance(rule, ColumnGate) and (meaning := fact_vocabulary()[rule.fact].meaning(lang)):
        yield f"    {meaning}"
    yield f"    {reason}"
    if rule.clause:
        yield f"    {words['clause']}: {rule.clause}"
    yield f"    {words['advice']}: {advice}"


def description_json(policy: Policy, lang: str = "en") -> JsonDict:
    """The policy as JSON values, with each condition in words and the fingerprint."""
    rules = [rule.to_json() | {"condition": rule.condition(lang)} for rule in policy.rules]
    told = {
        key: value for key, value in policy.to_json().items() if key not in {"gates", "columns"}
    }
    return told | {"hash": policy.fingerprint(), "rules": rules}


def fact_lines() -> Iterator[str]:
    """One line for each fact that a gate can name: type, exposure, range and meaning."""
    for fact in fact_vocabulary().values():
        low, high = fact.minimum, fact.maximum
        bounds = (
            f", {'-∞' if low is None else f'{low:g}'} to {'∞' if high is None else f'{high:g}'}"
        )
        told = (
            bounds
            if fact.type == "number"
            else f", one of {', '.join(fact.values)}"
            if fact.values
            else ""
        )
        unit = f", {fact.unit}" if fact.unit else ""
        yield (
            f"{fact.name} ({fact.type.value}{told}{unit}; {fact.exposure.value}):"
            f" {fact.description}"
        )


class Change(StrEnum):
    """Kind of difference of a rule in the second policy."""

    ADDED = "added"
    REMOVED = "removed"
    STRICTER = "stricter"
    LOOSER = "looser"
    CHANGED = "changed"
    REWORDED = "reworded"


_LESS_IS_STRICTER = frozenset({Comparison.AT_MOST, ColumnComparison.AT_MOST_VALUES})


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One difference between two policies.

    Attributes:
        change: The kind of difference.
        what: The gate's fact and comparison, or another part of the policy.
        before: The condition in the first policy; empty if there is none.
        after: The condition in the second policy; empty if there is none.
    """

    change: Change
    what: str
    before: str = ""
    after: str = ""

    @property
    def decides(self) -> bool:
        """Whether it can change a verdict; a new wording cannot."""
        return self.change is not Change.REWORDED

    def __str__(self) -> str:
        """The difference as one line."""
        if self.change in {Change.CHANGED, Change.STRICTER, Change.LOOSER}:
            return f"{self.change.value}: {self.what}: {self.before} -> {self.after}"
        told = self.after or self.before
        return f"{self.change.value}: {self.what}{': ' + told if told else ''}"

    def to_json(self) -> JsonDict:
        """The difference as JSON values."""
        return {
            "change": self.change.value,
            "what": self.what,
            "before": self.before,
            "after": self.after,
        }


def differences(first: Policy, second: Policy) -> tuple[Difference, ...]:
    """All differences, seen from the first policy.

    ``stricter`` means that the second one is. A second policy that only adds gates, or makes them
    stricter, never passes what the first one fails.
    """
    return (*_about(first, second), *_of_rules(first, second))


def _about(first: Policy, second: Policy) -> Iterator[Difference]:
    before, after = first.attempts_per_dataset, second.attempts_per_dataset
    if before != after:
        change = Change.STRICTER if after < before else Change.LOOSER
        yield Difference(
            change=change, what="attempts_per_dataset", before=str(before), after=str(after)
        )
    for part in ("name", "version", "purpose", "purpose_zh", "standard"):
        if getattr(first, part) != getattr(second, part):
            yield Difference(change=Change.REWORDED, what=part)


def _of_rules(first: Policy, second: Policy) -> Iterator[Difference]:
    before, after = ({_key(rule): rule for rule in policy.rules} for policy in (first, second))
    for key in [*before, *(key for key in after if key not in before)]:
        if found := _diff_of_rule(" ".join(key), before.get(key), after.get(key)):
            yield found


def _diff_of_rule(what: str, old: Rule | None, new: Rule | None) -> Difference | None:
    if old is None:
        return (
            None
            if new is None
            else Difference(change=Change.ADDED, what=what, after=new.condition())
        )
    if new is None:
        return Difference(change=Change.REMOVED, what=what, before=old.condition())
    if old == new:
        return None
    return Difference(change=_change(old, new), what=what, before=_told(old), after=_told(new))


def _key(rule: Rule) -> tuple[str, str]:
    return rule.fact, rule.comparison.value


def _told(rule: Rule) -> str:
    return f"{rule.condition()} ({rule.scope.value})"


def _change(old: Rule, new: Rule) -> Change:
    if old.scope is not new.scope:
        return Change.CHANGED
    if old.threshold == new.threshold:
        return Change.REWORDED
    one, other = old.threshold, new.threshold
    if isinstance(one, tuple) and isinstance(other, tuple):
        return _change_of_values(set(one), set(other))
    if (
        old.comparison is Comparison.EQUALS
        or isinstance(one, str | tuple)
        or isinstance(other, str | tuple)
    ):
        return Change.CHANGED
    return (
        Change.STRICTER if (other < one) == (old.comparison in _LESS_IS_STRICTER) else Change.LOOSER
    )


def _change_of_values(old: set[str], new: set[str]) -> Change:
    """Kind of change of a list of allowed values; its order means nothing."""
    if old == new:
        return Change.REWORDED
    if new < old:
        return Change.STRICTER
    return Change.LOOSER if old < new else Change.CHANGED
