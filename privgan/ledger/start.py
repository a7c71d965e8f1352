"""Start a run in the ledger: reserve its whole budget, or record nothing."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
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
class RunFacts:
    """A run's steps, its table and its policy, as far as they are known when it starts.

    Attributes:
        conditional_facts: Number of schema facts assumed to be public, on which the guarantee is
            conditional.
        planned: Its steps, as far as they are planned; the rdp filter reserves their cost.
        columns: The table's column names; the ledger keeps a keyed hash of each, to tell two
            tables of one name apart.
        customers: A name of each customer; a sealed sketch recognises them under another name.
        attempts: Evaluations that its policy allows on the data set; None where no policy is at
            hand.
    """

    conditional_facts: int = 0
    planned: Sequence[events.DpEvent] = ()
    columns: Sequence[str] = ()
    customers: Sequence[bytes] = field(default=(), repr=False)
    attempts: int | None = None


@dataclass(frozen=True, kw_only=True)
class Reservation:
    """A run's request to the ledger when it starts.

    Attributes:
        dataset: The data set's name.
        budget: What the run may spend.
        secret: Whether its coins are secret; if not, the ledger records ε = ∞.
        about: Its steps, its table and its policy.
    """

    dataset: str
    budget: PrivacyBudget
    secret: bool
    about: RunFacts


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
    hashes = hashed(transaction, asked.about.columns)
    entries = transaction.entries(dataset)
    check_same_table(dataset, entries, hashes)
    sealed = customers.sealed_if_new(dataset, transaction.entries()) if customers else None
    account = account_of(dataset, entries)
    account.check_judging(asked.about.attempts)
    if asked.secret:
        account.check_run(asked.budget, asked.about.planned)
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
        "conditional_facts": asked.about.conditional_facts,
        "who": account_name(),
    }
    if account.rdp is not None and asked.about.planned:
        body["planned"] = [events.to_json(event) for event in asked.about.planned]
    return body
