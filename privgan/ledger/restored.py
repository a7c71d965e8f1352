"""Accept a ledger restored from a copy, after charging what was spent since."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from privgan.errors import UsageError
from privgan.files.json_types import JsonDict
from privgan.ledger.account import account_of
from privgan.ledger.store import GAP, RESTORED, Entry, Transaction
from privgan.naming import parameter


@dataclass(frozen=True, kw_only=True)
class Spent:
    """A person's statement of spending on a data set since the copy was made.

    Attributes:
        epsilon: ε, 0 or more.
        delta: δ, 0 or more and below 1.
    """

    epsilon: float
    delta: float = 0.0

    def __post_init__(self) -> None:
        """Check that the statement is meaningful."""
        if not (math.isfinite(self.epsilon) and self.epsilon >= 0):
            raise UsageError(f"{parameter('spent')}: ε is {self.epsilon}; it must be 0 or more")
        if not (math.isfinite(self.delta) and 0 <= self.delta < 1):
            raise UsageError(
                f"{parameter('spent')}: δ is {self.delta}; it must be 0 or more, and below 1"
            )
        if self.epsilon > 0 and self.delta == 0:
            raise UsageError(
                f"{parameter('spent')}: what was spent has a δ too; write DATASET=EPSILON,DELTA"
            )


def accept_restored(
    transaction: Transaction,
    entries: Sequence[Entry],
    spent: Mapping[str, Spent],
    person: Mapping[str, str],
) -> None:
    """Record the gap, and charge every data set for it.

    Args:
        transaction: A transaction that was begun for this.
        entries: All entries of the ledger.
        spent: By data set, what was spent in the lost entries; the rest of the budget for all
            others.
        person: Who accepts it and why.

    Raises:
        UsageError: when nothing is wrong with the ledger's end, or no data set could be charged.
    """
    if transaction.gap is None:
        raise UsageError("the ledger holds what its anchor names; there is nothing to accept")
    names = list(dict.fromkeys(entry.dataset for entry in entries if entry.dataset))
    names += [name for name in spent if name not in names]
    if not names:
        raise UsageError(
            "the ledger knows no data set that could be charged for what is lost; name each with "
            + parameter("spent", "DATASET=EPSILON,DELTA")
        )
    transaction.append("", "", GAP, {**_gap(transaction), **person})
    for name in names:
        own = [entry for entry in entries if entry.dataset == name]
        transaction.append(name, "", RESTORED, {**_charge(name, own, spent.get(name)), **person})


def _gap(transaction: Transaction) -> JsonDict:
    """The ledger's newest entry, and the lost one that its anchor names."""
    head, lost = transaction.head(), transaction.lost
    return {
        "found_sequence": head.sequence,
        "found_mac": head.mac,
        "anchor_sequence": lost.sequence if lost else None,
        "anchor_mac": lost.mac if lost else None,
    }


def _charge(name: str, entries: Sequence[Entry], stated: Spent | None) -> JsonDict:
    if stated is not None:
        return {"epsilon": stated.epsilon, "delta": stated.delta, "stated": True}
    account = account_of(name, entries)
    lifetime = account.lifetime
    if lifetime is None or not math.isfinite(account.epsilon):
        return {"epsilon": "infinite", "delta": 0.0, "stated": False}
    return {
        "epsilon": max(0.0, lifetime.epsilon - account.epsilon),
        "delta": max(0.0, lifetime.delta - account.delta),
        "stated": False,
    }
