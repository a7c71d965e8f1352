"""Apply waivers in force; keep expired ones for the report.

A waiver is one person's signed statement that a gate need not pass, with a reason and an end day.
Waivers have a file of their own beside the policy. A policy serves many data sets for years, and a
shipped one keeps its name, version and fingerprint.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from privgan.errors import DocumentError
from privgan.files.documents import Document, did_you_mean, load_document, shown
from privgan.policy.policy import UNWAIVABLE, Policy, Waiver

WAIVERS_FORMAT = "privgan.waivers/1"
_TEXT_KEYS = frozenset({"format", "policy", "fact", "who", "why", "until"})


@dataclass(frozen=True)
class _Entry:
    place: int
    fact: str
    until: str


def load_waivers(path: Path, policy: Policy) -> tuple[Waiver, ...]:
    """Read a waivers file; DocumentError lists every mistake with its line.

    Args:
        path: The file.
        policy: The policy whose gates are waived.
    """
    document = load_document(path, format_name=WAIVERS_FORMAT, text_keys=_TEXT_KEYS)
    mistakes = sorted(_mistakes(document, policy), key=lambda found: found[0])
    if mistakes:
        raise DocumentError(document.name, [f"line {line}: {text}" for line, text in mistakes])
    return tuple(
        Waiver(
            fact=entry["fact"],
            who=entry["who"].strip(),
            why=entry["why"].strip(),
            until=dt.date.fromisoformat(entry["until"]),
        )
        for entry in document.data["waivers"]
    )


def waived(policy: Policy, waivers: Sequence[Waiver], today: dt.date) -> Policy:
    """Apply waivers in force; keep expired ones for the report.

    Args:
        policy: The policy.
        waivers: Waivers that a person signed.
        today: The day, UTC.
    """
    return replace(
        policy,
        waivers=tuple(waiver for waiver in waivers if today <= waiver.until),
        expired=tuple(waiver for waiver in waivers if today > waiver.until),
    )


def _mistakes(document: Document, policy: Policy) -> Iterator[tuple[int, str]]:
    if document.data["policy"] != policy.name:
        text = (
            f"policy: is for {shown(document.data['policy'])}, and the policy in use is"
            f" {policy.name!r}"
        )
        yield document.line_of(("policy",)), text
    facts = [rule.fact for rule in policy.rules]
    seen: set[str] = set()
    for place, entry in enumerate(document.data["waivers"]):
        for key, text in _mistakes_of(_Entry(place, entry["fact"], entry["until"]), facts, seen):
            yield document.line_of(("waivers", place, key)), f"waivers[{place}]: {text}"
        seen.add(entry["fact"])


def _mistakes_of(entry: _Entry, facts: list[str], seen: set[str]) -> Iterator[tuple[str, str]]:
    if entry.fact in UNWAIVABLE:
        yield "fact", f"{entry.fact} cannot be waived: {UNWAIVABLE[entry.fact]}"
    elif entry.fact not in facts:
        yield (
            "fact",
            f"the policy has no gate on {shown(entry.fact)}{did_you_mean(entry.fact, facts)}",
        )
    if entry.fact in seen:
        yield "fact", f"{shown(entry.fact)} is waived twice"
    try:
        dt.date.fromisoformat(entry.until)
    except ValueError:
        yield "until", f"there is no day {entry.until}; write YYYY-MM-DD"
