"""Facts held against a policy: one outcome per gate, one verdict for the candidate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from privgan.errors import InternalError
from privgan.policy.facts import FactValue, fact_vocabulary
from privgan.policy.policy import Comparison, Gate, Policy, Scope, in_words


class GateStatus(StrEnum):
    """What became of one gate."""

    PASS = "PASS"
    FAIL = "FAIL"
    MISSING = "MISSING"


class VerdictStatus(StrEnum):
    """What became of the candidate."""

    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One gate's outcome.

    Attributes:
        gate: The gate.
        status: What became of it.
        value: The fact's value; None when it is missing.
    """

    gate: Gate
    status: GateStatus
    value: FactValue | None

    def to_json(self) -> dict[str, Any]:
        """The outcome as JSON values, with its explanation."""
        value = self.value
        # JSON has no infinity: a candidate made with test noise has ε = ∞ and must still be explained.
        plain = in_words(value) if isinstance(value, float) and not math.isfinite(value) else value
        found = {"status": self.status.value, "value": plain, "condition": self.gate.condition()}
        return self.gate.to_json() | found | {"explanation": explain(self)}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """All outcomes of one candidate under one policy.

    Attributes:
        policy_name: The policy's name.
        policy_version: The policy's version.
        policy_purpose: What kind of release the policy is for.
        policy_hash: The policy's fingerprint.
        outcomes: One outcome per gate, in the policy's order.
    """

    policy_name: str
    policy_version: str
    policy_purpose: str
    policy_hash: str
    outcomes: tuple[Outcome, ...]

    @property
    def status(self) -> VerdictStatus:
        """FAIL when a gate failed, else INCONCLUSIVE when a fact is missing, else PASS."""
        found = {outcome.status for outcome in self.outcomes}
        if GateStatus.FAIL in found:
            return VerdictStatus.FAIL
        return VerdictStatus.PASS if found == {GateStatus.PASS} else VerdictStatus.INCONCLUSIVE

    @property
    def public_outcomes(self) -> tuple[Outcome, ...]:
        """The outcomes that may leave."""
        return tuple(outcome for outcome in self.outcomes if outcome.gate.scope is Scope.PUBLIC)

    @property
    def internal_outcomes(self) -> tuple[Outcome, ...]:
        """The outcomes that never leave."""
        return tuple(outcome for outcome in self.outcomes if outcome.gate.scope is Scope.INTERNAL)

    @property
    def internal_passed(self) -> bool:
        """Whether every internal gate passed; True when the policy has none."""
        return all(outcome.status is GateStatus.PASS for outcome in self.internal_outcomes)

    def to_json(self) -> dict[str, Any]:
        """INTERNAL: everything, with explanations."""
        return self._heading() | {
            "internal_checks": self._internal_checks() if self.internal_passed else "not passed",
            "outcomes": [outcome.to_json() for outcome in self.outcomes],
        }

    def to_public_json(self) -> dict[str, Any]:
        """What may leave: the public outcomes, and that the internal checks passed.

        Raises:
            InternalError: The internal checks did not pass, so nothing about them may leave.
        """
        if not self.internal_passed:
            raise InternalError("a public verdict was asked for although the internal checks did not pass")
        public = all(outcome.status is GateStatus.PASS for outcome in self.public_outcomes)
        return self._heading() | {
            "public_checks": "passed" if public else "not passed",
            "internal_checks": self._internal_checks(),
            "outcomes": [outcome.to_json() for outcome in self.public_outcomes],
        }

    def _internal_checks(self) -> str:
        return "passed" if self.internal_outcomes else "none in this policy"

    def _heading(self) -> dict[str, Any]:
        return {
            "name": self.policy_name,
            "version": self.policy_version,
            "purpose": self.policy_purpose,
            "hash": self.policy_hash,
            "status": self.status.value,
        }


def evaluate(policy: Policy, facts: Mapping[str, FactValue]) -> Verdict:
    """Hold facts against a policy.

    Args:
        policy: The policy.
        facts: Name to value; a fact that is absent, NaN or an empty text is missing, and blocks.

    Raises:
        InternalError: A fact that a gate reads has not the type that the vocabulary gives it.
    """
    return Verdict(
        policy_name=policy.name,
        policy_version=policy.version,
        policy_purpose=policy.purpose,
        policy_hash=policy.fingerprint(),
        outcomes=tuple(_judge(gate, facts.get(gate.fact)) for gate in policy.gates),
    )


def explain(outcome: Outcome) -> str:
    """What became of a gate and, unless it passed, what to change; INTERNAL when the gate is."""
    gate = outcome.gate
    if outcome.status is GateStatus.MISSING or outcome.value is None:
        return f"{gate.fact} is not known; it must be {gate.condition()}. {gate.reason} {gate.advice}"
    value = in_words(outcome.value)
    if outcome.status is GateStatus.PASS:
        held = "as the policy asks" if gate.comparison is Comparison.PRESENT else f"{gate.condition()} as asked"
        return f"{gate.fact} is {value}, {held}."
    return f"{gate.fact} is {value}; it must be {gate.condition()}. {gate.reason} {gate.advice}"


def _judge(gate: Gate, value: FactValue | None) -> Outcome:
    if value is None:
        return Outcome(gate=gate, status=GateStatus.MISSING, value=None)
    known = fact_vocabulary().get(gate.fact)
    if known is None or not known.type.fits(value):
        wanted = "not in the vocabulary" if known is None else f"a {known.type.value} in the vocabulary"
        raise InternalError(f"fact {gate.fact} came as {type(value).__name__}, and is {wanted}")
    if (isinstance(value, float) and math.isnan(value)) or (isinstance(value, str) and not value.strip()):
        return Outcome(gate=gate, status=GateStatus.MISSING, value=None)
    return Outcome(gate=gate, status=GateStatus.PASS if gate.holds(value) else GateStatus.FAIL, value=value)
