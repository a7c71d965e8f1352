"""INTERNAL: show the ledger: who spent what and when, and what is left."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from privgan.errors import PrivganError

if TYPE_CHECKING:
    from privgan.ledger.account import DatasetAccount

_MOST_ENTRIES = 500
_LONG = (list, dict)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One entry of the ledger."""

    number: int
    when: str
    who: str
    dataset: str
    run: str
    kind: str
    what: str


@dataclass(frozen=True, kw_only=True)
class Account:
    """One data set's spent and remaining budget.

    Attributes:
        dataset: Its name.
        epsilon: ε of all runs together.
        delta: δ of all runs together.
        lifetime: Its lifetime budget in words.
        left: ε left by the budget's own filter; None without a budget.
        share: Spent part of the lifetime ε, in percent, at most 100; None without a budget.
        runs: Number of runs.
        attempts: Number of candidates judged.
        refuted: Whether an audit stopped it and no person has cleared it.
        condition: What every ε of it rests on; may be empty.
    """

    dataset: str
    epsilon: float
    delta: float
    lifetime: str
    left: float | None
    share: float | None
    runs: int
    attempts: int
    refuted: bool
    condition: str


@dataclass(frozen=True, kw_only=True)
class Books:
    """The ledger's current content.

    Attributes:
        problems: What is wrong with its chain, or why it cannot be read.
        accounts: Each data set's account.
        lines: The newest entries, newest first.
        left_out: How many older entries are not shown.
    """

    problems: tuple[str, ...]
    accounts: tuple[Account, ...] = ()
    lines: tuple[Line, ...] = ()
    left_out: int = 0


def read_books(url: str) -> Books:
    """Read the ledger for display; never create one."""
    from privgan.ledger.ledger import PrivacyLedger

    try:
        ledger = PrivacyLedger.open(url, create=False)
        entries, problems = ledger.entries(), ledger.problems()
        accounts = [
            ledger.account(name)
            for name in dict.fromkeys(entry.dataset for entry in entries if entry.dataset)
        ]
    except PrivganError as error:
        return Books(problems=(str(error),))
    by_run = {entry.run: str(entry.body.get("who", "")) for entry in entries if entry.kind == "run"}
    shown = entries[-_MOST_ENTRIES:][::-1]
    return Books(
        problems=tuple(problems),
        accounts=tuple(_account(account) for account in accounts),
        lines=tuple(_line(entry, by_run) for entry in shown),
        left_out=len(entries) - len(shown),
    )


def _line(entry: Any, by_run: Mapping[str, str]) -> Line:
    plain = {
        key: value
        for key, value in entry.body.items()
        if key != "who" and not isinstance(value, _LONG)
    }
    return Line(
        number=entry.sequence,
        when=entry.time[:19].replace("T", " "),
        who=str(entry.body.get("who") or by_run.get(entry.run, "")),
        dataset=entry.dataset,
        run=entry.run[:8],
        kind=entry.kind,
        what=", ".join(
            f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in plain.items()
        ),
    )


def _account(account: DatasetAccount) -> Account:
    lifetime = account.lifetime
    # An infinite cost, as of a test run, leaves nothing.
    spent = 0.0 if lifetime is None else min(account.lifetime_spent, lifetime.epsilon)
    return Account(
        dataset=account.dataset,
        epsilon=account.epsilon,
        delta=account.delta,
        lifetime=(
            "none set" if lifetime is None else f"ε = {lifetime.epsilon:g}, δ = {lifetime.delta:g}"
        ),
        left=None if lifetime is None else lifetime.epsilon - spent,
        share=None if lifetime is None else 100 * spent / lifetime.epsilon,
        runs=account.runs,
        attempts=account.attempts,
        refuted=account.refuted,
        condition=account.condition,
    )
