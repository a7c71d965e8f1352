"""Define a gate: one condition on one fact, its reason, and advice for when it fails."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from privgan.files.json_types import JsonDict
from privgan.policy.facts import FactValue

Threshold: TypeAlias = float | bool | str | tuple[str, ...]


class Comparison(StrEnum):
    """Comparison of a fact with a threshold."""

    AT_MOST = "at_most"
    AT_LEAST = "at_least"
    EQUALS = "equals"
    ONE_OF = "one_of"
    PRESENT = "present"


class Scope(StrEnum):
    """The readers who may learn a gate's outcome."""

    PUBLIC = "public"
    INTERNAL = "internal"


@dataclass(frozen=True, kw_only=True)
class Texts:
    """Reason and advice of a gate.

    Attributes:
        reason: The reason for the gate.
        advice: The change to make if the gate fails.
        reason_zh: The reason in Simplified Chinese; empty if there is none.
        advice_zh: The advice in Simplified Chinese; empty if there is none.
        clause: The clause of the policy's standard that the gate serves; empty if there is none.
        line: Its line in the policy file, counted from 1; no part of what the policy says.
    """

    reason: str
    advice: str
    reason_zh: str = ""
    advice_zh: str = ""
    clause: str = ""
    line: int = field(default=1, compare=False)

    def in_language(self, lang: str) -> tuple[str, str]:
        """Reason and advice in ``zh`` if given, else as written."""
        chinese = lang == "zh"
        return (self.reason_zh if chinese else "") or self.reason, (
            self.advice_zh if chinese else ""
        ) or self.advice

    def texts_json(self) -> dict[str, str]:
        """The texts as JSON values, without empty ones."""
        more = {"reason_zh": self.reason_zh, "advice_zh": self.advice_zh, "clause": self.clause}
        return {"reason": self.reason, "advice": self.advice} | {
            name: text for name, text in more.items() if text
        }


@dataclass(frozen=True, kw_only=True)
class Gate(Texts):
    """One condition on one fact.

    Attributes:
        fact: The fact's name.
        comparison: The comparison.
        threshold: The threshold; True for PRESENT.
        scope: INTERNAL when the outcome must never leave.
    """

    fact: str
    comparison: Comparison
    threshold: Threshold
    scope: Scope

    def holds(self, value: FactValue) -> bool:
        """Whether a value passes the gate."""
        if self.comparison is Comparison.AT_MOST:
            return float(value) <= float(self._single())
        if self.comparison is Comparison.AT_LEAST:
            return float(value) >= float(self._single())
        if self.comparison is Comparison.ONE_OF:
            return isinstance(self.threshold, tuple) and value in self.threshold
        if self.comparison is Comparison.EQUALS:
            return value == self._single()
        return True

    def condition(self, lang: str = "en") -> str:
        """The condition in words, e.g. ``at most 5``; in Chinese if ``lang`` is ``zh``."""
        words = _CONDITIONS[self.comparison][lang == "zh"]
        if self.comparison is Comparison.PRESENT:
            return words
        if isinstance(self.threshold, tuple):
            return words + ("、" if lang == "zh" else ", ").join(self.threshold)
        return words + in_words(self.threshold, lang)

    def to_json(self) -> JsonDict:
        """The gate as JSON values."""
        threshold = list(self.threshold) if isinstance(self.threshold, tuple) else self.threshold
        return {
            "fact": self.fact,
            "comparison": self.comparison.value,
            "threshold": threshold,
            "scope": self.scope.value,
            **self.texts_json(),
        }

    def _single(self) -> FactValue:
        if isinstance(self.threshold, tuple):
            raise TypeError(
                f"gate {self.fact}: {self.comparison.value} takes one value, not a list"
            )
        return self.threshold


_CONDITIONS = {
    Comparison.AT_MOST: ("at most ", "不大于 "),
    Comparison.AT_LEAST: ("at least ", "不小于 "),
    Comparison.EQUALS: ("equals ", "等于 "),
    Comparison.ONE_OF: ("one of ", "属于："),
    Comparison.PRESENT: ("present", "必须提供"),
}


def in_words(value: FactValue, lang: str = "en") -> str:
    """A value as written in a sentence."""
    if isinstance(value, bool):
        return ("是" if value else "否") if lang == "zh" else "yes" if value else "no"
    if isinstance(value, str):
        return value
    return f"{value:.6g}"
