"""The privacy ledger: every look is charged, durably, before it happens.

Append-only and hash-chained with a MAC. A run first reserves its whole (ε, δ) against the table's lifetime budget, then
has its stages approved, then charges each step. A crash may waste what was reserved but never forgets it.
"""

from __future__ import annotations

import getpass
import math
import socket
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from privgan.errors import BudgetExceededError, InternalError, PolicyFailedError, UsageError
from privgan.privacy import accountant, events
from privgan.privacy.budget import PrivacyBudget, condition_text
from privgan.privacy.ledger_store import Entry, LedgerStore, open_store
from privgan.privacy.receipts import Receipt, mint

_SLACK = 1e-9


@dataclass(frozen=True, kw_only=True)
class DatasetAccount:
    """What the ledger knows of one data set.

    Attributes:
        dataset: Its name.
        initialised: Whether a person introduced it with ``privgan ledger init``.
        lifetime: The lifetime budget, or None where none was set.
        epsilon: Sum of the ε of all runs so far.
        delta: Sum of the δ of all runs so far.
        runs: Number of runs so far.
        attempts: Number of candidates that were judged.
        refuted: Whether an audit refuted the guarantee and no person has cleared it since.
        conditional_facts: The most schema facts that one of the runs assumed to be public.
    """

    dataset: str
    initialised: bool
    lifetime: PrivacyBudget | None
    epsilon: float
    delta: float
    runs: int
    attempts: int
    refuted: bool
    conditional_facts: int

    @property
    def condition(self) -> str:
        """What stands beside the total: empty, or that it is conditional on assumed public facts."""
        return condition_text(self.conditional_facts)

    def would_fit(self, budget: PrivacyBudget) -> bool:
        """Whether one more run with a budget stays inside the lifetime budget: the sum of the runs' (ε, δ)."""
        if self.lifetime is None:
            return True
        inside_epsilon = self.epsilon + budget.epsilon <= self.lifetime.epsilon * (1 + _SLACK)
        return inside_epsilon and self.delta + budget.delta <= self.lifetime.delta * (1 + _SLACK)


class PrivacyLedger:
    """A ledger file, shared by all runs of all data sets.

    Args:
        store: Where the entries are kept.
    """

    def __init__(self, store: LedgerStore) -> None:
        self._store = store

    @classmethod
    def open(cls, url: str | None = None, *, create: bool = True) -> PrivacyLedger:
        """Open a ledger by path or URL; ``$PRIVGAN_LEDGER``, else the user's data folder, where none is given."""
        return cls(open_store(url, create=create))

    @property
    def url(self) -> str:
        """Where the ledger is."""
        return self._store.url

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

    def problems(self) -> tuple[str, ...]:
        """What is wrong with the chain; empty when it is whole."""
        return self._store.problems()

    def account(self, dataset: str) -> DatasetAccount:
        """What was spent on a data set so far, and what stands against more."""
        return _account(dataset, self.entries(dataset))

    def introduce(self, dataset: str) -> None:
        """Record that a person introduced a data set."""
        with self._store.transaction() as append:
            append(dataset, "", "introduce", {"who": _who()})

    def set_lifetime(self, dataset: str, budget: PrivacyBudget) -> None:
        """Set the lifetime budget of a data set; neither part may be below what was spent."""
        with self._store.transaction() as append:
            self._refuse_broken()
            account = self.account(dataset)
            if budget.epsilon < account.epsilon or budget.delta < account.delta:
                spent = f"ε = {account.epsilon:.4g}, δ = {account.delta:.3g} is already spent"
                asked = f"ε = {budget.epsilon:g}, δ = {budget.delta:g}"
                raise UsageError(f"the lifetime budget of {dataset} cannot be {asked}: {spent}")
            append(dataset, "", "lifetime", {"epsilon": budget.epsilon, "delta": budget.delta, "who": _who()})

    def clear(self, dataset: str, *, who: str, why: str) -> None:
        """A named person clears a data set that an audit had stopped."""
        with self._store.transaction() as append:
            append(dataset, "", "clear", {"who": who, "why": why})

    def record(self, dataset: str, run: str, kind: str, body: Mapping[str, Any]) -> None:
        """Record something that happened to a run: ``candidate`` or ``purge``."""
        with self._store.transaction() as append:
            append(dataset, run, kind, {**body, "who": _who()})

    def judge(self, dataset: str, run: str, *, limit: int, policy: str, evidence: str) -> None:
        """Count one evaluation of a candidate before it is made: each may tell up to one bit about real rows.

        The same policy on the same evidence can only answer what it answered before, and is not counted again.

        Args:
            dataset: The data set.
            run: The candidate's run.
            limit: Evaluations that the policy allows on the data set, under all policies together.
            policy: Hash of the policy.
            evidence: Hash of the audit.

        Raises:
            PolicyFailedError: when the limit is reached, or an internal gate closed the candidate before.
        """
        evaluation = {"policy": policy, "evidence": evidence}
        with self._store.transaction() as append:
            self._refuse_broken()
            entries = self.entries(dataset)
            self._refuse_refuted(dataset)
            attempts = [entry for entry in entries if entry.kind == "attempt"]
            closing = [_evaluation(entry) for entry in entries if entry.kind == "closed" and entry.run == run]
            if closing and evaluation not in closing:
                text = "an internal check closed this candidate; it cannot be judged in another way, fit another"
                raise PolicyFailedError(f"{dataset}: {text}")
            if any(entry.run == run and _evaluation(entry) == evaluation for entry in attempts):
                return
            if len(attempts) >= limit:
                raise PolicyFailedError(
                    f"{dataset}: candidates were judged {len(attempts)} times and the policy allows {limit}; "
                    "judging until one passes would leak; a person must decide on a policy that allows more"
                )
            append(dataset, run, "attempt", {**evaluation, "who": _who()})

    def close(self, dataset: str, run: str, *, policy: str, evidence: str) -> None:
        """Close a candidate that an internal gate failed; only the evaluation that closed it can be asked for again."""
        with self._store.transaction() as append:
            if not any(entry.kind == "closed" and entry.run == run for entry in self.entries(dataset)):
                append(dataset, run, "closed", {"policy": policy, "evidence": evidence, "who": _who()})

    def release(self, dataset: str, run: str, body: Mapping[str, Any]) -> None:
        """Record that a candidate is about to be released.

        Raises:
            PolicyFailedError: when it was closed, or the guarantee of the data set was refuted.
        """
        with self._store.transaction() as append:
            self._refuse_broken()
            self._refuse_refuted(dataset)
            if any(entry.kind == "closed" and entry.run == run for entry in self.entries(dataset)):
                raise PolicyFailedError(f"{dataset}: an internal check closed this candidate; fit another")
            append(dataset, run, "release", {**body, "who": _who()})

    def refute(self, dataset: str, run: str) -> None:
        """Stop a data set whose guarantee an audit refuted, until a person clears it."""
        with self._store.transaction() as append:
            if not self.account(dataset).refuted:
                append(dataset, run, "refuted", {"who": _who()})

    def _refuse_refuted(self, dataset: str) -> None:
        if self.account(dataset).refuted:
            raise PolicyFailedError(
                f"{dataset}: an audit refuted the guarantee; a person must clear it with 'privgan ledger clear'"
            )

    def _refuse_broken(self) -> None:
        problems = self.problems()
        if problems:
            raise UsageError(f"{self.url}: the ledger's chain is not whole ({problems[0]}); restore it, then verify it")

    @contextmanager
    def run(self, dataset: str, budget: PrivacyBudget, *, secret: bool, conditional_facts: int = 0) -> Iterator[RunLedger]:
        """Reserve a run's whole budget, then hand out what charges its steps.

        Args:
            dataset: The data set's name.
            budget: What the run may spend.
            secret: Whether its coins are secret; if not, the ledger records ε = ∞.
            conditional_facts: Number of schema facts assumed to be public, on which the guarantee is conditional.

        Raises:
            BudgetExceededError: when the lifetime budget does not allow it; nothing is recorded then.
            PolicyFailedError: when an audit refuted the guarantee and no person has cleared the data set.
        """
        identity = uuid.uuid4().hex
        with self._store.transaction() as append:
            self._refuse_broken()
            self._refuse_refuted(dataset)
            account = self.account(dataset)
            if secret and not account.would_fit(budget):
                assert account.lifetime is not None
                left = account.lifetime.epsilon - account.epsilon
                advice = "ask for less, or let the owner raise it with 'privgan ledger budget'"
                raise BudgetExceededError(
                    f"{dataset}: this run (δ = {budget.delta:g})", asked=budget.epsilon, left=left, advice=advice
                )
            epsilon = budget.epsilon if secret else "infinite"
            body = {"epsilon": epsilon, "delta": budget.delta, "conditional_facts": conditional_facts, "who": _who()}
            append(dataset, identity, "run", body)
        yield RunLedger(self._store, dataset, identity, budget, secret=secret)


class RunLedger:
    """Charges one run's steps; made by PrivacyLedger.run only."""

    def __init__(self, store: LedgerStore, dataset: str, identity: str, budget: PrivacyBudget, *, secret: bool) -> None:
        self._store, self.dataset, self.identity, self.budget, self.secret = store, dataset, identity, budget, secret
        self._approved: dict[str, events.DpEvent] = {}
        self._charged: dict[str, events.DpEvent] = {}
        self._epsilon = self._delta = 0.0

    def approve(self, stage: str, steps: Mapping[str, events.DpEvent], budget: PrivacyBudget) -> None:
        """Store a stage's plan before its first look; the stages' (ε, δ) are added.

        Raises:
            BudgetExceededError: when its steps cost more than its budget, or the stages more than the run's.
        """
        cost = accountant.spent(steps.values(), budget.delta).epsilon
        if cost > budget.epsilon * (1 + _SLACK):
            raise BudgetExceededError(
                f"stage {stage}", asked=cost, left=budget.epsilon, advice="the plan is wrong; make it again"
            )
        total, delta = self._epsilon + budget.epsilon, self._delta + budget.delta
        if total > self.budget.epsilon * (1 + _SLACK) or delta > self.budget.delta * (1 + _SLACK):
            left = self.budget.epsilon - self._epsilon
            raise BudgetExceededError(
                f"stage {stage}", asked=budget.epsilon, left=left, advice="the plan is wrong; make it again"
            )
        body = {"stage": stage, "epsilon": budget.epsilon, "delta": budget.delta, "steps": len(steps)}
        with self._store.transaction() as append:
            append(self.dataset, self.identity, "stage", body)
        self._epsilon, self._delta = total, delta
        self._approved |= steps

    def charge(self, step: str, event: events.DpEvent) -> Receipt:
        """Record a step durably and hand out the receipt for its look, or refuse and touch nothing.

        Raises:
            InternalError: when the step is not in the approved plan, costs something else there, or was charged before.
        """
        if step in self._charged:
            raise InternalError(f"the step {step} was charged before; each look needs a charge of its own")
        if self._approved.get(step) != event:
            raise InternalError(f"the step {step} is not what the approved plan says")
        written = events.to_json(event if self.secret else events.NonPrivate())
        with self._store.transaction() as append:
            append(self.dataset, self.identity, "charge", {"step": step, **written})
        self._charged[step] = event
        return mint(dataset=self.dataset, step=step, event=event)

    @property
    def charged(self) -> Mapping[str, events.DpEvent]:
        """What was charged so far, by step."""
        return dict(self._charged)

    def total(self) -> PrivacyBudget | None:
        """The (ε, δ) of the approved stages together; None (ε = ∞) when the coins are not secret."""
        return PrivacyBudget(epsilon=self._epsilon, delta=self._delta) if self.secret else None


def _account(dataset: str, entries: tuple[Entry, ...]) -> DatasetAccount:
    lifetime, epsilon, delta, refuted = None, [], [], False
    for entry in entries:
        if entry.kind == "lifetime":
            lifetime = PrivacyBudget(epsilon=entry.body["epsilon"], delta=entry.body["delta"])
        elif entry.kind == "run":
            epsilon.append(math.inf if entry.body["epsilon"] == "infinite" else entry.body["epsilon"])
            delta.append(entry.body["delta"])
        elif entry.kind in {"refuted", "clear"}:
            refuted = entry.kind == "refuted"
    return DatasetAccount(
        dataset=dataset,
        initialised=any(entry.kind == "introduce" for entry in entries),
        lifetime=lifetime,
        epsilon=math.fsum(epsilon),
        delta=math.fsum(delta),
        runs=len(epsilon),
        attempts=sum(entry.kind == "attempt" for entry in entries),
        refuted=refuted,
        conditional_facts=max((entry.body["conditional_facts"] for entry in entries if entry.kind == "run"), default=0),
    )


def _evaluation(entry: Entry) -> dict[str, str]:
    return {key: entry.body[key] for key in ("policy", "evidence")}


def _who() -> str:
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (OSError, KeyError):
        return f"unknown@{socket.gethostname()}"
