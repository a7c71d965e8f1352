"""Evaluate facts against a policy: one outcome per gate, one verdict for the candidate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from privgan.errors import InternalError
from privgan.files.json_types import JsonDict
from privgan.notebook import card
from privgan.policy.column_gates import ColumnFact, ColumnGate, listed
from privgan.policy.facts import FactValue, fact_vocabulary
from privgan.policy.gates import Comparison, Gate, Scope, in_words
from privgan.policy.policy import UNWAIVABLE, Policy, Rule, Waiver


class GateStatus(StrEnum):
    """Status of one gate."""

    PASS = "PASS"
    FAIL = "FAIL"
    MISSING = "MISSING"
    WAIVED = "WAIVED"


class VerdictStatus(StrEnum):
    """Status of the candidate."""

    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"


PASSED = frozenset({GateStatus.PASS, GateStatus.WAIVED})


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One gate's outcome.

    Attributes:
        gate: The gate.
        status: Its status; WAIVED if it did not pass and a waiver is in force.
        value: The fact's value, or how many columns break the condition; None when it is missing.
        breaking: Of a gate on columns: the columns that break it.
        waiver: The waiver in force, if the status is WAIVED.
        expired: The expired waiver, if there is one and the gate did not pass.
    """

    gate: Rule
    status: GateStatus
    value: FactValue | None
    breaking: tuple[str, ...] = ()
    waiver: Waiver | None = None
    expired: Waiver | None = None

    def to_json(self) -> JsonDict:
        """The outcome as JSON values, with its explanation."""
        value = self.value
        # JSON has no infinity, but a candidate with test noise has ε = ∞ and needs a verdict.
        plain = in_words(value) if isinstance(value, float) and not math.isfinite(value) else value
        found = {
            "status": self.status.value,
            "value": plain,
            "condition": self.gate.condition(),
            "explanation": explain(self),
        }
        return (
            self.gate.to_json() | found | ({"waiver": self.waiver.to_json()} if self.waiver else {})
        )


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """All outcomes of one candidate under one policy.

    Attributes:
        policy_name: The policy's name.
        policy_version: The policy's version.
        policy_purpose: The kind of release that the policy is for.
        policy_hash: INTERNAL: the policy's fingerprint, all waivers included.
        policy_public_hash: The policy's fingerprint, waivers of public gates included.
        policy_own_hash: The policy's fingerprint without waivers; all three are the same where
            there are none.
        outcomes: One outcome per gate, in the policy's order.
        policy_purpose_zh: The purpose in Simplified Chinese; empty if there is none.
        policy_standard: The standard that the policy is mapped to; empty if there is none.
        policy_file: The policy file's name.

    >>> result.verdict.status
    <VerdictStatus.FAIL: 'FAIL'>
    """

    policy_name: str
    policy_version: str
    policy_purpose: str
    policy_hash: str
    policy_public_hash: str
    policy_own_hash: str
    outcomes: tuple[Outcome, ...]
    policy_purpose_zh: str = ""
    policy_standard: str = ""
    policy_file: str = ""

    def __repr__(self) -> str:
        """Status and policy, without the outcomes."""
        return f"Verdict({self.status}, policy={self.policy_name!r}, {len(self.outcomes)} gates)"

    def _repr_html_(self) -> str:
        rows = [(outcome.status, outcome.gate.scope, explain(outcome)) for outcome in self.outcomes]
        title = f"Verdict by {self.policy_name}: {self.status}"
        return card(title, header=("status", "scope", "gate"), rows=rows, internal=True)

    @property
    def status(self) -> VerdictStatus:
        """FAIL if a gate failed, else INCONCLUSIVE if a fact is missing, else PASS.

        A waived gate blocks nothing.
        """
        found = {outcome.status for outcome in self.outcomes}
        if GateStatus.FAIL in found:
            return VerdictStatus.FAIL
        return VerdictStatus.PASS if found and found <= PASSED else VerdictStatus.INCONCLUSIVE

    @property
    def public_outcomes(self) -> tuple[Outcome, ...]:
        """Outcomes that may leave."""
        return tuple(outcome for outcome in self.outcomes if outcome.gate.scope is Scope.PUBLIC)

    @property
    def internal_outcomes(self) -> tuple[Outcome, ...]:
        """Outcomes that never leave."""
        return tuple(outcome for outcome in self.outcomes if outcome.gate.scope is Scope.INTERNAL)

    @property
    def internal_passed(self) -> bool:
        """Whether every internal gate passed or is waived; True if the policy has none."""
        return all(outcome.status in PASSED for outcome in self.internal_outcomes)

    def to_json(self) -> JsonDict:
        """INTERNAL: all outcomes, with explanations."""
        return self._heading(self.policy_hash) | {
            "internal_checks": self.internal_checks,
            "outcomes": [outcome.to_json() for outcome in self.outcomes],
        }

    def to_public_json(self) -> JsonDict:
        """The public outcomes, and whether the internal checks passed.

        A waiver of an internal gate is never shown.

        Raises:
            InternalError: The internal checks did not pass, so nothing about them may leave.
        """
        if not self.internal_passed:
            raise InternalError(
                "a public verdict was asked for although the internal checks did not pass"
            )
        return self._heading(self.policy_public_hash) | {
            "public_checks": self.public_checks,
            "internal_checks": self.internal_checks,
            "outcomes": [outcome.to_json() for outcome in self.public_outcomes],
        }

    @property
    def public_checks(self) -> str:
        """Summary of the public gates in words."""
        found = {outcome.status for outcome in self.public_outcomes}
        if not found <= PASSED:
            return "not passed"
        return "passed with waivers" if GateStatus.WAIVED in found else "passed"

    @property
    def internal_checks(self) -> str:
        """Summary of the internal gates in words; it leaves only if they passed."""
        if not self.internal_passed:
            return "not passed"
        return "passed" if self.internal_outcomes else "none in this policy"

    def _heading(self, fingerprint: str) -> JsonDict:
        optional = {"purpose_zh": self.policy_purpose_zh, "standard": self.policy_standard}
        return {
            "name": self.policy_name,
            "version": self.policy_version,
            "purpose": self.policy_purpose,
            "hash": fingerprint,
            "own_hash": self.policy_own_hash,
            "status": self.status.value,
            **{name: text for name, text in optional.items() if text},
        }


def evaluate(
    policy: Policy, facts: Mapping[str, FactValue], columns: Sequence[ColumnFact] | None = None
) -> Verdict:
    """Evaluate facts against a policy.

    Args:
        policy: The policy, with the waivers that hold; those of facts that nobody may waive count
            for nothing.
        facts: Name to value; a fact that is absent, NaN or an empty text is missing, and blocks.
        columns: What the released schema says of each column; None if it is not known, which
            blocks gates on columns.

    Raises:
        InternalError: A fact that a gate reads has not the type that the vocabulary gives it.
    """
    waivers = {waiver.fact: waiver for waiver in policy.waivers}
    expired = {waiver.fact: waiver for waiver in policy.expired}
    found = [
        *(_judge(gate, facts.get(gate.fact)) for gate in policy.gates),
        *(_judge_columns(gate, columns) for gate in policy.columns),
    ]
    return Verdict(
        policy_name=policy.name,
        policy_version=policy.version,
        policy_purpose=policy.purpose,
        policy_hash=policy.fingerprint(),
        policy_public_hash=policy.public_fingerprint(),
        policy_own_hash=policy.own_fingerprint(),
        outcomes=tuple(_with_waiver(outcome, waivers, expired) for outcome in found),
        policy_purpose_zh=policy.purpose_zh,
        policy_standard=policy.standard,
        policy_file=policy.file,
    )


def explain(outcome: Outcome, lang: str = "en") -> str:
    """Outcome of a gate and, unless it passed, advice; INTERNAL if the gate is.

    Args:
        outcome: The outcome.
        lang: ``en`` or ``zh``; texts that a policy does not give in Chinese stay as written.
    """
    gate, words = outcome.gate, _WORDS[lang]
    if outcome.status is GateStatus.PASS:
        return gate.fact + _passed(outcome, lang)
    told = gate.fact + _fell_short(outcome, lang)
    if outcome.waiver:
        return told + words["waived"].format(**outcome.waiver.to_json())
    ended = words["ended"].format(**outcome.expired.to_json()) if outcome.expired else ""
    return told + ended + words["space"].join(("", *gate.in_language(lang)))


def _passed(outcome: Outcome, lang: str) -> str:
    gate, words = outcome.gate, _WORDS[lang]
    condition = gate.condition(lang)
    if isinstance(gate, ColumnGate):
        return words["columns hold"].format(condition)
    held = (
        words["given"] if gate.comparison is Comparison.PRESENT else words["held"].format(condition)
    )
    return words["is"].format(_value(outcome, lang)) + held


def _fell_short(outcome: Outcome, lang: str) -> str:
    words, gate = _WORDS[lang], outcome.gate
    if isinstance(gate, ColumnGate) and outcome.value is not None:
        return words["columns break"].format(listed(outcome.breaking), gate.condition(lang))
    wanted = gate.condition(lang)
    if gate.comparison is Comparison.EQUALS and not isinstance(gate.threshold, tuple):
        wanted = in_words(gate.threshold, lang)
    found = words["missing"] if outcome.value is None else words["is"].format(_value(outcome, lang))
    return found + words["must"].format(wanted)


def _value(outcome: Outcome, lang: str) -> str:
    return "" if outcome.value is None else in_words(outcome.value, lang)


_WORDS = {
    "en": {
        "missing": " is not known",
        "is": " is {}",
        "columns hold": " holds: {}, as asked.",
        "columns break": " is broken by {}; asked: {}.",
        "given": ", as the policy asks.",
        "held": ", {} as asked.",
        "must": "; it must be {}.",
        "waived": " Waived by {who} until {until}: {why}",
        "ended": " The waiver by {who} ended on {until} and counts no more.",
        "space": " ",
    },
    "zh": {
        "missing": "：未知",
        "is": "：{}",
        "columns hold": "：符合要求（{}）。",
        "columns break": "：{} 不符合；要求：{}。",
        "given": "，符合策略要求。",
        "held": "，符合要求（{}）。",
        "must": "；要求：{}。",
        "waived": "由 {who} 豁免，有效期至 {until}，理由：{why}",
        "ended": "{who} 的豁免已于 {until} 到期，不再有效。",
        "space": "",
    },
}


def _with_waiver(
    outcome: Outcome, waivers: Mapping[str, Waiver], expired: Mapping[str, Waiver]
) -> Outcome:
    if outcome.status is GateStatus.PASS or outcome.gate.fact in UNWAIVABLE:
        return outcome
    fact, waiver = outcome.gate.fact, waivers.get(outcome.gate.fact)
    status = GateStatus.WAIVED if waiver else outcome.status
    return Outcome(
        gate=outcome.gate,
        status=status,
        value=outcome.value,
        breaking=outcome.breaking,
        waiver=waiver,
        expired=None if waiver else expired.get(fact),
    )


def _judge(gate: Gate, value: FactValue | None) -> Outcome:
    if value is None:
        return Outcome(gate=gate, status=GateStatus.MISSING, value=None)
    known = fact_vocabulary().get(gate.fact)
    if known is None or not known.type.fits(value):
        wanted = (
            "not in the vocabulary" if known is None else f"a {known.type.value} in the vocabulary"
        )
        raise InternalError(f"fact {gate.fact} came as {type(value).__name__}, and is {wanted}")
    if (isinstance(value, float) and math.isnan(value)) or (
        isinstance(value, str) and not value.strip()
    ):
        return Outcome(gate=gate, status=GateStatus.MISSING, value=None)
    return Outcome(
        gate=gate, status=GateStatus.PASS if gate.holds(value) else GateStatus.FAIL, value=value
    )


def _judge_columns(gate: ColumnGate, columns: Sequence[ColumnFact] | None) -> Outcome:
    if columns is None:
        return Outcome(gate=gate, status=GateStatus.MISSING, value=None)
    breaking = gate.breaking(columns)
    status = GateStatus.FAIL if breaking else GateStatus.PASS
    return Outcome(gate=gate, status=status, value=len(breaking), breaking=breaking)
