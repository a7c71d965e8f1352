"""Format the ledger as a table of at most 100 columns: who, when, what, ε, δ and ε left."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from privgan.ledger.store import Entry

WIDTH = 100
_LONGEST_WHO = 20
_CHARGED = "charge"
_COSTLY = frozenset({"run", "restored"})
_MOVING = frozenset({*_COSTLY, "lifetime", "stage"})  # Entries that change the remaining ε.
_WORDS: Mapping[str, str] = {
    "announced": "announced: first seen by a run",
    "introduce": "introduce: named by a person",
    "lifetime": "lifetime: ε = {epsilon:g}, δ = {delta:g}",
    "run": "run {run}: budget reserved",
    "stage": "stage {stage} of run {run} approved",
    _CHARGED: "charge: {count} steps of run {run}",
    "checkpoint": "checkpoint of run {run}",
    "resume": "resume: run {run} goes on",
    "candidate": "candidate of run {run} written",
    "attempt": "attempt: run {run} judged",
    "release": "release of run {run} under {policy}",
    "closed": "closed: run {run} cannot be released",
    "refuted": "refuted: the audit of run {run}",
    "purge": "purge: inside of run {run} removed",
    "clear": "clear: goes on after an audit",
    "accept": "accept: a person's decision",
    "gap": "gap: entries were lost",
    "restored": "restored: charged for lost entries",
    "clock": "clock: mended by a person",
}


@dataclass(frozen=True, kw_only=True)
class _Line:
    """One row: an entry, or all charges of one run after each other."""

    number: str
    when: str
    who: str
    what: str
    epsilon: str = ""
    delta: str = ""
    left: str = ""


def ledger_table(entries: Sequence[Entry], who: Mapping[str, str]) -> str:
    """One data set's entries, oldest first, as lines of at most ``WIDTH`` columns.

    Args:
        entries: The entries.
        who: Who began each run.
    """
    from io import StringIO

    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="none")
    for name in ("No.", "When (UTC)"):
        table.add_column(name, no_wrap=True, justify="right" if name == "No." else "left")
    table.add_column("Who", no_wrap=True, overflow="ellipsis", max_width=_LONGEST_WHO)
    table.add_column("What", overflow="fold", ratio=1)
    for name in ("ε", "δ", "ε left"):
        table.add_column(name, no_wrap=True, justify="right")
    for line in _lines(entries, who):
        cells = (line.number, line.when, line.who, line.what, line.epsilon, line.delta, line.left)
        table.add_row(*map(_escaped, cells))
    text = StringIO()
    console = Console(
        file=text, width=WIDTH, color_system=None, force_terminal=False, highlight=False
    )
    console.print(table)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _lines(entries: Sequence[Entry], who: Mapping[str, str]) -> Iterator[_Line]:
    seen: list[Entry] = []
    for _, group in itertools.groupby(enumerate(entries), key=lambda pair: _together(*pair)):
        members = [entry for _, entry in group]
        first = members[0]
        seen += [entry for entry in members if entry.kind != _CHARGED]
        costly = first.kind in _COSTLY
        yield _Line(
            number=(
                str(first.sequence)
                if len(members) == 1
                else f"{first.sequence}-{members[-1].sequence}"
            ),
            when=first.time[:16].replace("T", " "),
            who=str(first.body.get("who") or who.get(first.run, "")),
            what=_what(first, len(members)),
            epsilon=_number(first.body["epsilon"]) if costly else "",
            delta=_number(first.body["delta"]) if costly else "",
            left=_left(first, seen) if first.kind in _MOVING else "",
        )


def _together(place: int, entry: Entry) -> Any:
    """One row for all charges of one run; one for every other entry."""
    return entry.run if entry.kind == _CHARGED else place


def _what(entry: Entry, count: int) -> str:
    facts = {"policy": "a policy", "stage": "", **entry.body, "run": entry.run[:8], "count": count}
    template = _WORDS.get(entry.kind, entry.kind)
    if count == 1 and entry.kind == _CHARGED:
        return f"charge: {entry.body.get('step', 'a step')} of run {entry.run[:8]}"
    return template.format_map(facts)


def _left(entry: Entry, seen: Sequence[Entry]) -> str:
    """The lifetime budget's remaining ε after an entry; a dash where none is set."""
    from privgan.ledger.account import account_of

    account = account_of(entry.dataset, seen)
    if account.lifetime is None:
        return "–" if entry.kind in _COSTLY else ""
    return _number(max(0.0, account.lifetime.epsilon - account.lifetime_spent))


def _number(value: float | str) -> str:
    return "∞" if isinstance(value, str) or not math.isfinite(value) else f"{value:.5g}"
