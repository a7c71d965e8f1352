"""A policy and its gates: what must hold before a table may leave."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from privgan.policy.facts import FactValue

Threshold: TypeAlias = float | bool | str | tuple[str, ...]


class Comparison(StrEnum):
    """How a fact is held against a threshold."""

    AT_MOST = "at_most"
    AT_LEAST = "at_least"
    EQUALS = "equals"
    ONE_OF = "one_of"
    PRESENT = "present"


class Scope(StrEnum):
    """Who may learn a gate's outcome."""

    PUBLIC = "public"
    INTERNAL = "internal"


@dataclass(frozen=True, kw_only=True)
class Gate:
    """One condition on one fact.

    Attributes:
        fact: The fact's name.
        comparison: How it is compared.
        threshold: What it is compared with; True for PRESENT.
        scope: INTERNAL when the outcome must never leave.
        reason: Why the gate stands.
        advice: What to change when it fails.
    """

    fact: str
    comparison: Comparison
    threshold: Threshold
    scope: Scope
    reason: str
    advice: str

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

    def condition(self) -> str:
        """The condition in words, e.g. ``at most 5``."""
        if self.comparison is Comparison.PRESENT:
            return "present"
        if isinstance(self.threshold, tuple):
            return "one of " + ", ".join(self.threshold)
        return f"{self.comparison.value.replace('_', ' ')} {in_words(self.threshold)}"

    def to_json(self) -> dict[str, Any]:
        """The gate as JSON values."""
        threshold = list(self.threshold) if isinstance(self.threshold, tuple) else self.threshold
        return {
            "fact": self.fact,
            "comparison": self.comparison.value,
            "threshold": threshold,
            "scope": self.scope.value,
            "reason": self.reason,
            "advice": self.advice,
        }

    def _single(self) -> FactValue:
        if isinstance(self.threshold, tuple):
            raise TypeError(f"gate {self.fact}: {self.comparison.value} takes one value, not a list")
        return self.threshold


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What must hold before a table may leave.

    Attributes:
        name: The policy's name.
        version: The policy's version.
        purpose: What kind of release it is for.
        attempts_per_dataset: Candidates that may be judged per data set.
        gates: The conditions, all of which must pass.
    """

    name: str
    version: str
    purpose: str
    attempts_per_dataset: int
    gates: tuple[Gate, ...]

    def fingerprint(self) -> str:
        """SHA-256 of everything the policy says, in hexadecimal."""
        text = json.dumps(self.to_json(), sort_keys=True, ensure_ascii=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """The policy as JSON values."""
        return {
            "name": self.name,
            "version": self.version,
            "purpose": self.purpose,
            "attempts_per_dataset": self.attempts_per_dataset,
            "gates": [gate.to_json() for gate in self.gates],
        }


def in_words(value: FactValue) -> str:
    """A value as it stands in a sentence."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    return f"{value:.6g}"
