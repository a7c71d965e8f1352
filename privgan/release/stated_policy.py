"""Read the policy and its public outcomes as a manifest states them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from privgan.json_object import JsonObject
from privgan.policy.facts import FactValue


@dataclass(frozen=True, kw_only=True)
class StatedWaiver:
    """A gate's waiver: who answers for it, why, and until when."""

    who: str
    why: str
    until: str

    @classmethod
    def of(cls, read: JsonObject) -> StatedWaiver:
        """Read it; ValueError names what is missing."""
        return cls(who=read.text("who"), why=read.text("why"), until=read.text("until"))


@dataclass(frozen=True, kw_only=True)
class StatedOutcome:
    """The outcome of one public gate.

    Attributes:
        raw: The outcome as JSON values.
        fact: What the gate is about.
        comparison: How value and threshold are compared.
        threshold: What is allowed.
        status: ``PASS`` or ``WAIVED``.
        value: What was found; None where the fact is missing.
        condition: The gate in words.
        explanation: The outcome in words.
        waiver: Who waived it; None where nobody did.
    """

    raw: Mapping[str, Any]
    fact: str
    comparison: str
    threshold: Any
    status: str
    value: FactValue | None
    condition: str
    explanation: str
    waiver: StatedWaiver | None

    @classmethod
    def of(cls, read: JsonObject) -> StatedOutcome:
        """Read it; ValueError names what is missing."""
        waived = "waiver" in read.raw
        return cls(
            raw=read.raw,
            fact=read.text("fact"),
            comparison=read.text("comparison"),
            threshold=read.raw.get("threshold"),
            status=read.text("status"),
            value=read.raw.get("value"),
            condition=read.text("condition"),
            explanation=read.text("explanation"),
            waiver=StatedWaiver.of(read.inner("waiver")) if waived else None,
        )

    def text(self, name: str) -> str:
        """One of the gate's own texts; empty where it states none."""
        return str(self.raw.get(name, ""))


@dataclass(frozen=True, kw_only=True)
class StatedPolicy:
    """The policy that a release was judged by.

    Attributes:
        name: Its name.
        version: Its version.
        hash: SHA-256 of the policy with the waivers in force.
        own_hash: SHA-256 of the policy alone; the same where the manifest states none.
        status: The verdict.
        public_checks: Whether public gates passed, or were waived.
        internal_checks: Whether internal gates passed, or there are none.
        outcomes: What became of each public gate.
    """

    name: str
    version: str
    hash: str
    own_hash: str
    status: str
    public_checks: str
    internal_checks: str
    outcomes: tuple[StatedOutcome, ...]

    @classmethod
    def of(cls, read: JsonObject) -> StatedPolicy:
        """Read it; ValueError names what is missing."""
        found = read.text("hash")
        return cls(
            name=read.text("name"),
            version=read.text("version"),
            hash=found,
            own_hash=read.text("own_hash") if "own_hash" in read.raw else found,
            status=read.text("status"),
            public_checks=read.text("public_checks"),
            internal_checks=read.text("internal_checks"),
            outcomes=read.each("outcomes", StatedOutcome.of),
        )
