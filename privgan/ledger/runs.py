"""Record one run: its stages are approved, then its steps charged.

A checkpoint lets the run go on, once.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from privgan.errors import BudgetExceededError, InternalError, UsageError
from privgan.ledger.account import check_stage
from privgan.ledger.database import LedgerStore
from privgan.ledger.filter import SLACK
from privgan.ledger.store import Entry, Transaction, account_name
from privgan.privacy import accountant, events
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.receipts import Receipt, mint

RESERVE = ":reserve"


class RunLedger:
    """Charges one run's steps; made by PrivacyLedger.run and PrivacyLedger.resume only.

    Attributes:
        dataset: The data set.
        identity: The run's name in the ledger.
        budget: What the run may spend.
        secret: Whether its coins are secret; if not, its ε is infinite.
        lineage: The number of its newest checkpoint, 0 before the first.
    """

    def __init__(
        self,
        store: LedgerStore,
        dataset: str,
        identity: str,
        budget: PrivacyBudget,
        *,
        secret: bool,
    ) -> None:
        self._store, self.dataset, self.identity, self.budget, self.secret = (
            store,
            dataset,
            identity,
            budget,
            secret,
        )
        self._approved: dict[str, events.DpEvent] = {}
        self._charged: dict[str, events.DpEvent] = {}
        self._epsilon = self._delta = 0.0
        self._resumed, self._stopped, self._unfinished = 0, False, ""
        self.lineage = 0

    @classmethod
    def restored(cls, store: LedgerStore, entries: Sequence[Entry], *, step: str) -> RunLedger:
        """Restore a run from its own entries, to go on from its newest checkpoint.

        Args:
            store: Where the entries are.
            entries: All entries of the run, oldest first.
            step: The step whose rest may be run.
        """
        start = next(entry for entry in entries if entry.kind == "run")
        budget = PrivacyBudget(epsilon=start.body["planned_epsilon"], delta=start.body["delta"])
        run = cls(
            store, start.dataset, start.run, budget, secret=start.body["epsilon"] != "infinite"
        )
        for entry in entries:
            if entry.kind == "stage":
                run._approved |= {
                    name: events.from_json(event) for name, event in entry.body["events"].items()
                }
                run._epsilon += entry.body["epsilon"]
                run._delta += entry.body["delta"]
            elif entry.kind == "charge":
                run._charged[entry.body["step"]] = run._approved[entry.body["step"]]
            elif entry.kind == "checkpoint":
                run.lineage = entry.body["lineage"]
                run._unfinished = step if step in run._charged else ""
        run._resumed = sum(entry.kind == "resume" for entry in entries)
        return run

    def approve(
        self, stage: str, steps: Mapping[str, events.DpEvent], budget: PrivacyBudget
    ) -> None:
        """Store a stage's plan before its first look; the stages' (ε, δ) are added.

        Raises:
            BudgetExceededError: when its steps cost more than its budget, the stages more than the
                run's, or the run more than the lifetime filter has left.
        """
        cost = accountant.spent(steps.values(), budget.delta).epsilon
        if cost > budget.epsilon * (1 + SLACK):
            raise BudgetExceededError(
                f"stage {stage}",
                asked=cost,
                left=budget.epsilon,
                advice="the plan is wrong; make it again",
            )
        total = (self._epsilon + budget.epsilon, self._delta + budget.delta)
        advice = "the plan is wrong; make it again"
        if total[0] > self.budget.epsilon * (1 + SLACK):
            left = self.budget.epsilon - self._epsilon
            raise BudgetExceededError(
                f"stage {stage}", asked=budget.epsilon, left=left, advice=advice
            )
        if total[1] > self.budget.delta * (1 + SLACK):
            left = self.budget.delta - self._delta
            raise BudgetExceededError(
                f"stage {stage}", quantity="δ", asked=budget.delta, left=left, advice=advice
            )
        written = {name: events.to_json(event) for name, event in steps.items()}
        body = {
            "stage": stage,
            "epsilon": budget.epsilon,
            "delta": budget.delta,
            "steps": len(steps),
            "events": written,
        }
        with self._store.transaction() as transaction:
            self._check_not_stale(transaction)
            if self.secret:
                check_stage(
                    transaction.entries(self.dataset), self.identity, stage, list(steps.values())
                )
            transaction.append(self.dataset, self.identity, "stage", body)
        self._epsilon, self._delta = total
        self._approved |= steps

    def charge(self, step: str, event: events.DpEvent) -> Receipt:
        """Record a step durably and return the receipt for its look, or record nothing.

        Raises:
            InternalError: when the step is not in the approved plan, costs something else there, or
                was charged before.
            UsageError: when the run was resumed by another process.
        """
        if step in self._charged:
            raise InternalError(
                f"the step {step} was charged before; each look needs a charge of its own"
            )
        if self._approved.get(step) != event:
            raise InternalError(f"the step {step} is not what the approved plan says")
        with self._store.transaction() as transaction:
            self._check_not_stale(transaction)
            transaction.append(
                self.dataset, self.identity, "charge", charge_body(step, event, secret=self.secret)
            )
        self._charged[step] = event
        return mint(dataset=self.dataset, step=step, event=event)

    def checkpoint(self, *, lineage: int, step: int, digest: str, clean: bool) -> None:
        """Record that the run can go on from here, once.

        Args:
            lineage: One more than the number of the run's last checkpoint; the first is 1.
            step: How many steps inside the unfinished one were run.
            digest: Hash of the checkpoint, which the ledger compares before it lets the run go on.
            clean: Whether the run ends here, so that nothing after the checkpoint has looked at
                rows: then nothing more can be charged, and going on runs no step again.

        Raises:
            InternalError: when the number is not the next one.
            UsageError: when the run was resumed by another process.
        """
        if lineage != self.lineage + 1:
            raise InternalError(f"checkpoint {lineage} does not follow checkpoint {self.lineage}")
        with self._store.transaction() as transaction:
            self._check_not_stale(transaction)
            body = {"lineage": lineage, "step": step, "digest": digest, "clean": clean}
            transaction.append(self.dataset, self.identity, "checkpoint", body)
        self.lineage, self._stopped = lineage, clean

    def rest_of(self, step: str) -> Receipt:
        """The receipt for the rest of the step that was under way at the checkpoint.

        Once, after resume only.

        Its charge is in the ledger since before the checkpoint; what is run again is paid by the
        reserve.

        Raises:
            InternalError: when it is not that step, it was not charged, or its rest was handed out.
        """
        if not step or step != self._unfinished:
            raise InternalError(
                f"the step {step} was not under way at the checkpoint, or goes on already"
            )
        self._unfinished = ""
        return mint(dataset=self.dataset, step=step, event=self._charged[step])

    def check_current(self) -> None:
        """Check that this process still owns the run, and its entries exist.

        Raises:
            UsageError: when this process is the one that was left behind.
        """
        with self._store.transaction() as transaction:
            self._check_not_stale(transaction)

    @property
    def charged(self) -> Mapping[str, events.DpEvent]:
        """The charged steps so far, by name."""
        return dict(self._charged)

    def total(self) -> PrivacyBudget | None:
        """The (ε, δ) of the approved stages together.

        None (ε = ∞) when the coins are not secret.
        """
        return PrivacyBudget(epsilon=self._epsilon, delta=self._delta) if self.secret else None

    def _check_not_stale(self, transaction: Transaction) -> None:
        """Check that the ledger is as this run left it.

        Otherwise two processes could look at rows for one charge, or for none.
        """
        if self._stopped:
            raise InternalError(
                f"run {self.identity} ended with a clean checkpoint; only resuming goes on with it"
            )
        found = transaction.kinds(self.identity)
        name = f"run {self.identity} of {self.dataset}"
        if not found["run"] or found["charge"] < len(self._charged):
            raise UsageError(
                f"{name}: its entries are gone from the ledger {self._store.url}; this run ends,"
                " restore the ledger"
            )
        if found["resume"] != self._resumed:
            raise UsageError(f"{name} was resumed by another process; this one ends")


def charge_body(step: str, event: events.DpEvent, *, secret: bool) -> dict[str, object]:
    """The body of a charge.

    It holds the event, or no guarantee where the coins are not secret.
    """
    return {"step": step, **events.to_json(event if secret else events.NonPrivate())}


@dataclass(frozen=True, kw_only=True)
class CheckpointKey:
    """The checkpoint to resume from, and what pays for the repeated steps.

    Attributes:
        lineage: The checkpoint's number.
        digest: Hash of the checkpoint.
        reserve: The approved step that pays for the steps run again.
    """

    lineage: int
    digest: str
    reserve: str


def resume_run(
    store: LedgerStore, transaction: Transaction, dataset: str, run: str, checkpoint: CheckpointKey
) -> RunLedger:
    """Consume a checkpoint and restore its run; repeated steps are charged to the reserve.

    Raises:
        UsageError: when there is no such run, it has ended, or the checkpoint is not its newest or
            was used before.
        BudgetExceededError: when the reserve is spent or the plan has none.
    """
    own = [entry for entry in transaction.entries(dataset) if entry.run == run]
    clean = _check_checkpoint(f"run {run} of {dataset}", own, checkpoint)
    reserve = checkpoint.reserve
    restored = RunLedger.restored(store, own, step=reserve.removesuffix(RESERVE))
    if not clean:
        event = restored._approved.get(reserve)
        if event is None or reserve in restored._charged:
            raise BudgetExceededError(
                f"run {run} of {dataset}: the reserve for steps run again is spent; resuming",
                quantity="reserves",
                asked=1,
                left=0,
                advice="fit anew; the run stays paid for",
            )
        transaction.append(
            dataset, run, "charge", charge_body(reserve, event, secret=restored.secret)
        )
        restored._charged[reserve] = event
    step = next(entry.body["step"] for entry in reversed(own) if entry.kind == "checkpoint")
    body = {"lineage": checkpoint.lineage, "step": step, "clean": clean, "who": account_name()}
    transaction.append(dataset, run, "resume", body)
    restored._resumed += 1
    return restored


def _check_checkpoint(name: str, own: Sequence[Entry], checkpoint: CheckpointKey) -> bool:
    """Check that a run can go on from a checkpoint; returns whether it is clean.

    Args:
        name: The run, in words.
        own: The run's entries, oldest first.
        checkpoint: The checkpoint.
    """
    kinds = {entry.kind for entry in own}
    if "run" not in kinds:
        raise UsageError(
            f"{name}: the ledger does not know it; give the ledger and the data set that it was"
            " started with"
        )
    if "candidate" in kinds:
        raise UsageError(f"{name}: it has ended with a candidate; there is nothing to resume")
    newest = _check_newest(name, own, checkpoint)
    lineage = checkpoint.lineage
    if any(entry.kind == "resume" and entry.body["lineage"] == lineage for entry in own):
        raise UsageError(
            f"{name}: checkpoint {lineage} was resumed before; each checkpoint resumes once"
        )
    return bool(newest["clean"])


def _check_newest(name: str, own: Sequence[Entry], checkpoint: CheckpointKey) -> Mapping[str, Any]:
    """The body of the newest checkpoint's entry, after a check that it is this one."""
    newest = next((entry.body for entry in reversed(own) if entry.kind == "checkpoint"), None)
    if newest is None or newest["lineage"] != checkpoint.lineage:
        found = "none" if newest is None else str(newest["lineage"])
        raise UsageError(
            f"{name}: checkpoint {checkpoint.lineage} is not its newest ({found}); resume from the"
            " newest one"
        )
    if not hmac.compare_digest(str(newest["digest"]), checkpoint.digest):
        raise UsageError(
            f"{name}: checkpoint {checkpoint.lineage} is not what the run wrote; it was changed or"
            " belongs to another run"
        )
    return newest
