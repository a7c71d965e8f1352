"""The start of a run in the ledger.

Its whole budget is reserved, or it is refused and nothing is recorded.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from privgan.ledger.account import DatasetAccount, account_of
from privgan.ledger.database import LedgerStore
from privgan.ledger.identity import (
    Sketch,
    Sketcher,
    check_new_customers,
    check_same_table,
    hashed,
    known_sketches,
)
from privgan.ledger.runs import RunLedger
from privgan.ledger.store import Entry, Transaction, account_name
from privgan.privacy import events
from privgan.privacy.budget import PrivacyBudget


@dataclass(frozen=True, kw_only=True)
class Reservation:
    """What a run asks of the ledger when it starts.

    Attributes:
        dataset: The data set's name.
        budget: What the run may spend.
        secret: Whether its coins are secret; if not, the ledger records ε = ∞.
        conditional_facts: Number of schema facts assumed to be public.
        planned: Its steps, as far as they are planned.
        columns: The table's column names.
        attempts: Evaluations that its policy allows on the data set; None where no policy is at
            hand.
    """

    dataset: str
    budget: PrivacyBudget
    secret: bool
    conditional_facts: int
    planned: Sequence[events.DpEvent]
    columns: Sequence[str]
    attempts: int | None


@dataclass(frozen=True)
class Customers:
    """A run's customers, as a sketch that recognises them under another name."""

    sketcher: Sketcher
    sketch: Sketch

    @classmethod
    def of(cls, sketcher: Sketcher, names: Sequence[bytes]) -> Customers | None:
        """The sketch of named customers; None where there are none."""
        return cls(sketcher, sketcher.sketch(names)) if names else None

    def sealed_if_new(self, dataset: str, entries: Sequence[Entry]) -> str | None:
        """The sealed sketch; None where it is known.

        UsageError where it is known under another name.

        Args:
            dataset: The data set's name.
            entries: All entries of the ledger.
        """
        known = known_sketches(self.sketcher, entries)
        check_new_customers(dataset, self.sketch, known, entries)
        if any(name == dataset and self.sketch.is_same(before) for name, before in known):
            return None
        return self.sketcher.seal(self.sketch)


def reserve(
    store: LedgerStore, transaction: Transaction, asked: Reservation, customers: Customers | None
) -> RunLedger:
    """Reserve a run's whole budget, in a transaction whose chain was found whole.

    Raises:
        BudgetExceededError: when the lifetime budget does not allow it.
        PolicyFailedError: when the data set's evaluations are used up.
        UsageError: when the columns are another table's, or the customers another data set's.
    """
    dataset, identity = asked.dataset, uuid.uuid4().hex
    hashes = hashed(transaction, asked.columns)
    entries = transaction.entries(dataset)
    check_same_table(dataset, entries, hashes)
    sealed = customers.sealed_if_new(dataset, transaction.entries()) if customers else None
    account = account_of(dataset, entries)
    account.check_judging(asked.attempts)
    if asked.secret:
        account.check_run(asked.budget, asked.planned)
    if not account.known:
        transaction.append(dataset, "", "announced", {"who": account_name()})
    body = _start_of(asked, account)
    if hashes:
        body["columns"] = hashes
    if sealed is not None:
        body["customers"] = {"sealed": sealed}
    transaction.append(dataset, identity, "run", body)
    return RunLedger(store, dataset, identity, asked.budget, secret=asked.secret)


def _start_of(asked: Reservation, account: DatasetAccount) -> dict[str, Any]:
    body: dict[str, Any] = {
        "epsilon": asked.budget.epsilon if asked.secret else "infinite",
        "planned_epsilon": asked.budget.epsilon,
        "delta": asked.budget.delta,
        "conditional_facts": asked.conditional_facts,
        "who": account_name(),
    }
    if account.rdp is not None and asked.planned:
        body["planned"] = [events.to_json(event) for event in asked.planned]
    return body
