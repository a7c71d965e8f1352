"""The privacy ledger: every look is charged, durably, before it happens.

It is append-only and hash-chained with a MAC. A run first reserves its whole (ε, δ) against the
table's lifetime budget. Then its stages are approved, and each step is charged. A crash may waste a
reservation, but never forgets it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from privgan.errors import NoLedgerError, UsageError
from privgan.ledger.account import DatasetAccount, account_of, check_lifetime
from privgan.ledger.anchor import Head
from privgan.ledger.backends import open_store
from privgan.ledger.database import LedgerStore
from privgan.ledger.evaluations import (
    Evaluation,
    check_not_refuted,
    check_open,
    check_stated,
    close_by_scan,
    close_candidate,
    count_evaluation,
)
from privgan.ledger.filter import Filter, Lifetime
from privgan.ledger.history import DatasetHistory
from privgan.ledger.identity import hashed
from privgan.ledger.restored import Spent, accept_restored
from privgan.ledger.runs import CheckpointKey, RunLedger, resume_run
from privgan.ledger.start import Customers, Reservation, RunFacts, reserve
from privgan.ledger.store import CLOCK, TIMEOUT, Entry, Transaction, account_name, check_named
from privgan.naming import call
from privgan.privacy.budget import PrivacyBudget

__all__ = ["DatasetAccount", "PrivacyLedger", "RunFacts", "RunLedger"]


class PrivacyLedger:
    """A ledger file, shared by all runs of all data sets.

    >>> PrivacyLedger.open("own.sqlite").account("shop")
    DatasetAccount('shop', ε spent 0, 0 runs, INTERNAL)
    """

    def __init__(self, store: LedgerStore) -> None:
        self._store = store

    @classmethod
    def open(
        cls, url: str | None = None, *, create: bool = True, timeout: float = TIMEOUT
    ) -> PrivacyLedger:
        """Open a ledger by path or URL.

        ``$PRIVGAN_LEDGER``, else the user's data folder, where none is given.

        Args:
            url: A file path, ``sqlite:///PATH`` or ``postgresql://user@host/database``.
            create: Whether to make it where there is none.
            timeout: Seconds to wait for another process that holds it.
        """
        return cls(open_store(url, create=create, timeout=timeout))

    @classmethod
    def find(cls, url: str | None = None) -> PrivacyLedger | None:
        """The ledger as ``open`` names it, or None where there is none yet."""
        try:
            return cls.open(url, create=False)
        except NoLedgerError:
            return None

    def __repr__(self) -> str:
        """The ledger's place; a password is hidden."""
        return f"PrivacyLedger({self.url!r})"

    @property
    def url(self) -> str:
        """The ledger's URL."""
        return self._store.url

    @property
    def key_path(self) -> Path:
        """The MAC key's file."""
        return self._store.key_path

    @property
    def created_now(self) -> bool:
        """Whether the ledger did not exist before it was opened."""
        return self._store.created_now

    def entries(self, dataset: str | None = None) -> tuple[Entry, ...]:
        """All entries, or those of one data set, oldest first."""
        found = self._store.entries()
        return tuple(entry for entry in found if dataset in (None, entry.dataset))

    def head(self) -> str:
        """The MAC of the newest entry: it fixes everything before it."""
        entries = self._store.entries()
        return entries[-1].mac if entries else ""

    def holds(self, head: str) -> bool:
        """Whether ``head`` is in this ledger; False if truncated or foreign."""
        return head in {entry.mac for entry in self._store.entries()}

    def problems(self) -> tuple[str, ...]:
        """Problems of the chain; empty when it is whole."""
        return self._store.problems()

    def history(self, dataset: str) -> DatasetHistory:
        """All that the ledger knows of a data set now, read at once."""
        return self._store.history(dataset)

    def account(self, dataset: str) -> DatasetAccount:
        """The spending on a data set so far, and what stands against more."""
        return DatasetHistory.of(self.url, dataset, self._store.entries()).account

    def newest_checkpoint(self, dataset: str, run: str) -> int:
        """The number of the newest checkpoint that a run recorded; 0 before the first."""
        found = [
            entry
            for entry in self.entries(dataset)
            if entry.run == run and entry.kind == "checkpoint"
        ]
        return int(found[-1].body["lineage"]) if found else 0

    def introduce(self, dataset: str) -> None:
        """Record that a person introduced a data set."""
        with self._store.transaction() as transaction:
            transaction.append(dataset, "", "introduce", {"who": account_name()})

    def set_lifetime(self, dataset: str, budget: PrivacyBudget, kind: Filter | None = None) -> None:
        """Set the lifetime budget of a data set.

        Runs of before count, and may not have spent more already.

        Args:
            dataset: The data set.
            budget: The most that all its runs may spend together.
            kind: How its runs compose; None for as before, and the sum where nothing was set
                before.
        """
        with self._whole() as transaction:
            entries = transaction.entries(dataset)
            account = account_of(dataset, entries)
            lifetime = Lifetime.of(budget, kind or (Filter.RDP if account.rdp else Filter.SUM))
            check_lifetime(account, lifetime, entries)
            transaction.append(
                dataset, "", "lifetime", {**lifetime.to_body(), "who": account_name()}
            )

    def clear(self, dataset: str, *, who: str, why: str) -> None:
        """A named person clears a data set that an audit had stopped.

        UsageError without a name, a reason or a stop.
        """
        check_named(who, why)
        with self._whole() as transaction:
            if not account_of(dataset, transaction.entries(dataset)).refuted:
                raise UsageError(
                    f"{dataset}: no audit has stopped this data set; there is nothing to clear"
                )
            transaction.append(dataset, "", "clear", {"who": who, "why": why, "by": account_name()})

    def record(self, dataset: str, run: str, kind: str, body: Mapping[str, Any]) -> None:
        """Record something that happened to a run: ``candidate`` or ``purge``."""
        with self._store.transaction() as transaction:
            own = [entry.kind for entry in transaction.entries(dataset) if entry.run == run]
            if kind == "candidate" and kind in own:
                raise UsageError(
                    f"run {run} of {dataset} has ended with a candidate already; it can have one"
                    " only"
                )
            transaction.append(dataset, run, kind, {**body, "who": account_name()})

    def judge(
        self, dataset: str, run: str, *, limit: int, policy: str, evidence: str
    ) -> DatasetHistory:
        """Count one evaluation of a candidate before it is made.

        Each may tell up to one bit about real rows.

        The same policy on the same evidence can only answer what it answered before, and is not
        counted again.

        Args:
            dataset: The data set.
            run: The candidate's run.
            limit: Evaluations that the policy allows on the data set, under all policies together.
            policy: Hash of the policy.
            evidence: Hash of the audit.

        Returns:
            The data set's history, the evaluation included.

        Raises:
            PolicyFailedError: when the limit is reached, or an internal gate closed the candidate
                before.
        """
        evaluation = Evaluation(policy=policy, evidence=evidence)
        with self._whole() as transaction:
            count_evaluation(transaction, dataset, run, evaluation, limit)
            return self._history(transaction, dataset)

    def close(self, dataset: str, run: str, *, policy: str, evidence: str) -> DatasetHistory:
        """Close a candidate that an internal gate failed.

        Only the evaluation that closed it can be asked for again.

        Returns:
            The data set's history, its closing included.
        """
        evaluation = Evaluation(policy=policy, evidence=evidence)
        with self._store.transaction() as transaction:
            close_candidate(transaction, dataset, run, evaluation)
            return self._history(transaction, dataset, transaction.problems())

    def close_by_scan(self, dataset: str, run: str) -> None:
        """Close a candidate in which a scan found what must stay inside.

        That counts as an evaluation.
        """
        with self._store.transaction() as transaction:
            close_by_scan(transaction, dataset, run)

    def release(
        self, dataset: str, run: str, body: Mapping[str, Any], *, stated: DatasetAccount
    ) -> None:
        """Record that a candidate is released; called when its whole bundle lies ready.

        Args:
            dataset: The data set.
            run: The candidate's run.
            body: What is recorded.
            stated: The account that the release states.

        Raises:
            PolicyFailedError: when it was closed, the guarantee of the data set was refuted, or
                more was spent on it than the release states.
        """
        with self._whole() as transaction:
            check_open(transaction, dataset, run)
            check_stated(stated, account_of(dataset, transaction.entries(dataset)))
            transaction.append(dataset, run, "release", {**body, "who": account_name()})

    def check_releasable(self, dataset: str, run: str) -> None:
        """Check that a candidate may be released.

        Raises:
            PolicyFailedError: when it was closed, or the guarantee of the data set was refuted.
        """
        with self._whole() as transaction:
            check_open(transaction, dataset, run)

    def refute(self, dataset: str, run: str) -> None:
        """Stop a data set whose guarantee an audit refuted, until a person clears it."""
        with self._store.transaction() as transaction:
            if not account_of(dataset, transaction.entries(dataset)).refuted:
                transaction.append(dataset, run, "refuted", {"who": account_name()})

    def _history(
        self, transaction: Transaction, dataset: str, problems: tuple[str, ...] = ()
    ) -> DatasetHistory:
        """The data set's history at the end of a transaction."""
        head = transaction.head().mac
        return DatasetHistory(self.url, dataset, transaction.entries(dataset), head, problems)

    @contextmanager
    def _whole(self, *, restored: bool = False) -> Iterator[Transaction]:
        """A transaction on a chain that is whole; UsageError where it is not."""
        with self._store.transaction(restored=restored) as transaction:
            problems = transaction.problems()
            if problems:
                raise UsageError(
                    f"{self.url}: the ledger's chain is not whole ({problems[0]}); restore it,"
                    " then verify it"
                )
            yield transaction

    def accept_customers(self, dataset: str, other: str, *, who: str, why: str) -> None:
        """A named person lets two data sets be about the same customers, or look alike."""
        check_named(who, why)
        if dataset == other:
            raise UsageError(
                f"{dataset}: is the same name twice; one data set has one budget anyway"
            )
        with self._whole() as transaction:
            if not transaction.entries(other):
                raise UsageError(
                    f"{other}: the ledger does not know this data set;"
                    f" {call('PrivacyLedger.entries')} lists all"
                )
            body = {"same_customers_as": other, "who": who, "why": why, "by": account_name()}
            transaction.append(dataset, "", "accept", body)

    def accept_restored(self, spent: Mapping[str, Spent], *, who: str, why: str) -> None:
        """A named person accepts a ledger put back from a copy; the gap is recorded and charged.

        Args:
            spent: By data set, what was spent in the lost entries; all others lose their budget for
                good.
            who: The person.
            why: The reason.

        Raises:
            UsageError: when the chain is not whole, nothing is wrong with its end, or no data set
                is known to be charged.
        """
        check_named(who, why)
        with self._whole(restored=True) as transaction:
            person = {"who": who, "why": why, "by": account_name()}
            accept_restored(transaction, transaction.entries(), spent, person)

    def repair_clock(self, *, who: str, why: str) -> None:
        """A named person records that the newest entry's clock stood in the future.

        Time goes on from this machine's clock.

        Raises:
            UsageError: when the newest entry is not ahead of this machine's clock.
        """
        check_named(who, why)
        with self._whole() as transaction:
            newest = transaction.newest_time()
            if newest is None:
                raise UsageError(
                    f"{self.url}: the newest entry is not ahead of this machine's clock; nothing is"
                    " to repair"
                )
            transaction.append(
                "", "", CLOCK, {"was": newest, "who": who, "why": why, "by": account_name()}
            )

    def anchored(self) -> Head | None:
        """The entry that the anchor on this machine names; None where there is no anchor yet."""
        return self._store.anchored()

    def accept(self, dataset: str, columns: Sequence[str], *, who: str, why: str) -> None:
        """A named person records that a table with these columns belongs to the data set."""
        check_named(who, why)
        with self._whole() as transaction:
            body = {
                "columns": hashed(transaction, columns),
                "who": who,
                "why": why,
                "by": account_name(),
            }
            transaction.append(dataset, "", "accept", body)

    @contextmanager
    def run(
        self,
        dataset: str,
        budget: PrivacyBudget,
        *,
        secret: bool,
        about: RunFacts | None = None,
    ) -> Iterator[RunLedger]:
        """Reserve a run's whole budget, then hand out what charges its steps.

        Args:
            dataset: The data set's name.
            budget: What the run may spend.
            secret: Whether its coins are secret; if not, the ledger records ε = ∞.
            about: Its steps, its table and its policy, as far as they are known.

        Raises:
            BudgetExceededError: when the lifetime budget does not allow it; nothing is recorded
                then.
            PolicyFailedError: when an audit stopped the data set, or its evaluations are used up;
                as above.
            UsageError: when the columns are another table's, or the customers another data set's.
        """
        about = about or RunFacts()
        asked = Reservation(dataset=dataset, budget=budget, secret=secret, about=about)
        known = Customers.of(self._store.sketcher(), about.customers)
        with self._whole() as transaction:
            if known is not None:
                transaction.entries()  # All are compared; this data set's are among them.
            check_not_refuted(transaction, dataset)
            run = reserve(self._store, transaction, asked, known)
        yield run

    def resume(
        self, dataset: str, run: str, *, lineage: int, digest: str, reserve: str
    ) -> RunLedger:
        """Go on with a run from its newest checkpoint; each checkpoint resumes once.

        Args:
            dataset: The data set's name.
            run: The run's identity.
            lineage: The checkpoint's number.
            digest: Hash of the checkpoint.
            reserve: The approved step, named after the step under way with ``:reserve`` at its end,
                that pays for the steps run again; it is charged here unless the checkpoint is
                clean.

        Raises:
            UsageError: when there is no such run, it has ended, or the checkpoint is not its newest
                or was used before.
            BudgetExceededError: when the reserve is spent or the plan has none.
            PolicyFailedError: when an audit refuted the guarantee and no person has cleared the
                data set.
        """
        with self._whole() as transaction:
            check_not_refuted(transaction, dataset)
            checkpoint = CheckpointKey(lineage=lineage, digest=digest, reserve=reserve)
            return resume_run(self._store, transaction, dataset, run, checkpoint)
