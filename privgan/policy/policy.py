"""Define a policy: gates that must hold before release, and signed waivers."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TypeAlias

from privgan.files.json_types import JsonDict
from privgan.notebook import card
from privgan.policy.column_gates import ColumnGate
from privgan.policy.gates import Comparison, Gate, Scope, Threshold, in_words

# Characters that XML 1.0 forbids, other control characters, and direction marks.
_UNTOLD = re.compile(
    "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


def plain(text: str) -> str:
    """The text with escapes for characters that a terminal or XML would not show as they are."""
    return _UNTOLD.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


__all__ = [
    "UNWAIVABLE",
    "Comparison",
    "Gate",
    "Policy",
    "Rule",
    "Scope",
    "Threshold",
    "Waiver",
    "in_words",
]

Rule: TypeAlias = Gate | ColumnGate
# These facts cannot be waived: without them nothing is guaranteed, or a known leak would leave.
UNWAIVABLE: Mapping[str, str] = MappingProxyType(
    {
        "accounting.complete": "without complete accounting there is no guarantee",
        "audit.verdict": (
            "a refuted guarantee stops the data set until a person clears it with 'privgan ledger"
            " clear'"
        ),
        "artefacts.findings": "what identifies a customer must not leave",
    }
)


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """A person's signed statement that a gate need not pass.

    Attributes:
        fact: The gate's fact.
        who: The person who answers for it.
        why: The reason.
        until: Last day on which it holds.
    """

    fact: str
    who: str
    why: str
    until: dt.date

    def to_json(self) -> dict[str, str]:
        """Signer, reason and end day, as JSON values."""
        return {"who": self.who, "why": self.why, "until": self.until.isoformat()}


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The gates that must hold before a table may leave.

    Attributes:
        name: The policy's name.
        version: The policy's version.
        purpose: The kind of release it is for.
        attempts_per_dataset: Candidates that may be judged per data set.
        gates: The conditions on facts, all of which must pass.
        columns: The conditions on columns, all of which must pass.
        purpose_zh: The purpose in Simplified Chinese; empty if there is none.
        standard: The written standard that the gates are mapped to; empty if there is none.
        waivers: Gates that need not pass, by a person's word that holds today.
        expired: Waivers that have ended; no part of what the policy says.
        file: Name of the file it was read from; no part of what the policy says.

    >>> load_policy("internal-analytics").gates[0].fact
    'guarantee.epsilon'
    """

    name: str
    version: str
    purpose: str
    attempts_per_dataset: int
    gates: tuple[Gate, ...]
    columns: tuple[ColumnGate, ...] = ()
    purpose_zh: str = ""
    standard: str = ""
    waivers: tuple[Waiver, ...] = ()
    expired: tuple[Waiver, ...] = field(default=(), compare=False)
    file: str = field(default="", compare=False)

    def __repr__(self) -> str:
        """Name, version and number of gates."""
        return f"Policy({self.name!r}, {self.version!r}, {len(self.rules)} gates)"

    def _repr_html_(self) -> str:
        facts: list[tuple[str, object]] = [
            ("purpose", self.purpose),
            ("candidates to be judged", f"at most {self.attempts_per_dataset} of a data set"),
        ]
        facts += [("standard", self.standard)] if self.standard else []
        facts += [("waived", ", ".join(sorted(each.fact for each in self.waivers)))] * bool(
            self.waivers
        )
        rows = [(rule.fact, rule.condition(), rule.scope) for rule in self.rules]
        title = f"Policy {self.name} {self.version}"
        return card(title, facts, header=("fact", "allowed", "scope"), rows=rows)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All conditions: those on facts, then those on columns."""
        return (*self.gates, *self.columns)

    def fingerprint(self) -> str:
        """INTERNAL: SHA-256 of the whole policy, all waivers included, in hexadecimal.

        It has no salt, so a waiver could be guessed from it. Released files bear
        ``public_fingerprint``.
        """
        text = json.dumps(self.to_json(), sort_keys=True, ensure_ascii=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def public_fingerprint(self) -> str:
        """The fingerprint with the waivers of public gates alone.

        It reveals nothing about waivers of internal gates.
        """
        public = {rule.fact for rule in self.rules if rule.scope is Scope.PUBLIC}
        return replace(
            self, waivers=tuple(waiver for waiver in self.waivers if waiver.fact in public)
        ).fingerprint()

    def own_fingerprint(self) -> str:
        """The fingerprint without waivers, which anybody with the policy file can compute."""
        return replace(self, waivers=()).fingerprint()

    def to_json(self) -> JsonDict:
        """The policy as JSON values.

        Empty parts are left out, so that a policy keeps its fingerprint.
        """
        optional = {
            "purpose_zh": self.purpose_zh,
            "standard": self.standard,
            "columns": [gate.to_json() for gate in self.columns],
            "waivers": [
                {"fact": waiver.fact, **waiver.to_json()}
                for waiver in sorted(self.waivers, key=lambda w: w.fact)
            ],
        }
        return {
            "name": self.name,
            "version": self.version,
            "purpose": self.purpose,
            "attempts_per_dataset": self.attempts_per_dataset,
            "gates": [gate.to_json() for gate in self.gates],
            **{name: value for name, value in optional.items() if value},
        }
