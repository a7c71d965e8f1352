"""Summarise the ledger's entries of one data set."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from privgan.errors import PolicyFailedError, UsageError
from privgan.ledger.filter import Lifetime, RdpCost, RdpFilter, check_sum, costs_of, total_of
from privgan.ledger.store import RESTORED, Entry
from privgan.notebook import card
from privgan.privacy import events
from privgan.privacy.budget import PrivacyBudget, condition_text


@dataclass(frozen=True, kw_only=True)
class DatasetAccount:
    """The ledger's summary of one data set.

    Attributes:
        dataset: Its name.
        known: Whether the ledger has any entry of it.
        initialised: Whether a person introduced it with ``privgan ledger init``.
        lifetime: The lifetime budget, or None where none was set.
        epsilon: Sum of the ε of all runs so far, and of what was charged for lost entries. Where
            nobody stated what those spent, no less than the lifetime's: they may have raised and
            spent it.
        delta: Sum of the δ likewise.
        rdp: The lifetime's privacy filter, or None where the runs' (ε, δ) are added.
        rdp_cost: What all runs cost at the filter's order; nothing where there is no filter.
        runs: Number of runs so far.
        attempts: Number of candidates that were judged.
        refuted: Whether an audit refuted the guarantee and no person has cleared it since.
        conditional_facts: The most schema facts that one of the runs assumed to be public.
    """

    dataset: str
    known: bool
    initialised: bool
    lifetime: PrivacyBudget | None
    epsilon: float
    delta: float
    rdp: RdpFilter | None
    rdp_cost: RdpCost
    runs: int
    attempts: int
    refuted: bool
    conditional_facts: int

    def __repr__(self) -> str:
        """The data set and what was spent. INTERNAL."""
        return (
            f"DatasetAccount({self.dataset!r}, ε spent {self.epsilon:g}, {self.runs} runs,"
            " INTERNAL)"
        )

    def _repr_html_(self) -> str:
        lifetime = (
            "none"
            if self.lifetime is None
            else f"ε = {self.lifetime.epsilon:g}, δ = {self.lifetime.delta:g}"
        )
        facts: list[tuple[str, object]] = [
            ("ε spent", self.epsilon),
            ("δ spent", f"{self.delta:g}"),
            ("lifetime budget", lifetime),
        ]
        facts += [
            ("runs", self.runs),
            ("candidates judged", self.attempts),
            ("stopped by an audit", "yes" if self.refuted else "no"),
        ]
        return card(f"Ledger account of {self.dataset}", facts, internal=True)

    @property
    def condition(self) -> str:
        """The condition on public facts to state beside the total; empty for none."""
        return condition_text(self.conditional_facts)

    @property
    def lifetime_spent(self) -> float:
        """The ε that counts against the lifetime budget, by the budget's filter."""
        return self.epsilon if self.rdp is None else self.rdp.epsilon(self.rdp_cost.rdp)

    def check_run(self, budget: PrivacyBudget, planned: Sequence[events.DpEvent]) -> None:
        """Check that a run fits the lifetime budget.

        Raises:
            BudgetExceededError: with what was asked, what is left and what is missing.
        """
        what = f"{self.dataset}: this run"
        if self.rdp is not None:
            self.rdp.check(what, self.rdp_cost, self.rdp.cost(planned))
        elif self.lifetime is not None:
            check_sum(what, self.lifetime, (self.epsilon, self.delta), budget)

    def check_judging(self, limit: int | None) -> None:
        """Check that a run's candidate could still be judged.

        Args:
            limit: Evaluations that the policy allows on the data set; None where no policy is at
                hand.

        Raises:
            PolicyFailedError: when they are used up.
        """
        if limit is not None and self.attempts >= limit:
            raise PolicyFailedError(
                f"{self.dataset}: candidates were judged {self.attempts} times and the policy"
                f" allows {limit}; a person must decide on a policy that allows more"
            )

    def after(
        self, budget: PrivacyBudget, planned: Sequence[events.DpEvent], conditional_facts: int = 0
    ) -> DatasetAccount:
        """The account after a run has reserved its budget.

        Args:
            budget: What the run may spend.
            planned: Its steps, as far as they are planned.
            conditional_facts: The schema facts that it assumes to be public.
        """
        return replace(
            self,
            known=True,
            epsilon=self.epsilon + budget.epsilon,
            delta=self.delta + budget.delta,
            rdp_cost=self.rdp_cost + self.rdp.cost(planned) if self.rdp else self.rdp_cost,
            runs=self.runs + 1,
            conditional_facts=max(self.conditional_facts, conditional_facts),
        )


def account_of(dataset: str, entries: Sequence[Entry]) -> DatasetAccount:
    """Read a data set's account from its entries, oldest first."""
    kinds = Counter(entry.kind for entry in entries)
    lost = [entry.body for entry in entries if entry.kind == RESTORED]
    lifetime = _newest_lifetime(entries)
    rdp = lifetime.rdp if lifetime else None
    epsilon, delta = _spent(entries, lost, lifetime)
    assumed = [entry.body["conditional_facts"] for entry in entries if entry.kind == "run"]
    return DatasetAccount(
        dataset=dataset,
        known=bool(entries),
        initialised=kinds["introduce"] > 0,
        lifetime=lifetime.budget if lifetime else None,
        epsilon=epsilon,
        delta=delta,
        rdp=rdp,
        rdp_cost=total_of(costs_of(rdp, entries)) if rdp else RdpCost(),
        # What was lost with a ledger's end, and charged, was at least one run.
        runs=kinds["run"] + sum(body["epsilon"] != 0 for body in lost),
        attempts=kinds["attempt"],
        refuted=_is_refuted(entries),
        conditional_facts=max(assumed, default=0),
    )


def _spent(
    entries: Sequence[Entry], lost: Sequence[Mapping[str, Any]], lifetime: Lifetime | None
) -> tuple[float, float]:
    """The sums of ε and of δ over all runs and lost entries.

    What lost entries spent and nobody stated may have been the whole lifetime budget.
    """
    spending = [entry.body for entry in entries if entry.kind in {"run", RESTORED}]
    epsilon = math.fsum(map(_epsilon, spending))
    delta = math.fsum(body["delta"] for body in spending)
    if lifetime and not all(body["stated"] for body in lost):
        return max(epsilon, lifetime.budget.epsilon), max(delta, lifetime.budget.delta)
    return epsilon, delta


def _epsilon(body: Mapping[str, Any]) -> float:
    return math.inf if body["epsilon"] == "infinite" else body["epsilon"]


def _newest_lifetime(entries: Sequence[Entry]) -> Lifetime | None:
    """The lifetime budget that was set last."""
    found = (Lifetime.from_entry(entry) for entry in reversed(entries) if entry.kind == "lifetime")
    return next(found, None)


def _is_refuted(entries: Sequence[Entry]) -> bool:
    """Whether an audit stopped the data set after a person cleared it last."""
    kinds = [entry.kind for entry in entries if entry.kind in {"refuted", "clear"}]
    return kinds[-1:] == ["refuted"]


def check_lifetime(account: DatasetAccount, lifetime: Lifetime, entries: Sequence[Entry]) -> None:
    """Check that earlier runs have not spent more than a new lifetime budget.

    Args:
        account: The data set's account.
        lifetime: The new lifetime budget.
        entries: The data set's entries, oldest first.

    Raises:
        UsageError: when more is spent already.
    """
    budget = lifetime.budget
    asked = (
        f"the lifetime budget of {account.dataset} cannot be ε = {budget.epsilon:g}, δ ="
        f" {budget.delta:g}"
    )
    if lifetime.rdp is None:
        if budget.epsilon < account.epsilon or budget.delta < account.delta:
            raise UsageError(
                f"{asked}: ε = {account.epsilon:.4g}, δ = {account.delta:.3g} is already spent"
            )
        return
    spent = total_of(costs_of(lifetime.rdp, entries))
    if not lifetime.rdp.admits(spent):
        told = f"ε = {lifetime.rdp.epsilon(spent.rdp):.4g} by RDP of order {lifetime.rdp.order}"
        raise UsageError(
            f"{asked}: {told}, {spent.discovery_delta:.3g} δ of discoveries is already spent"
        )


def check_stage(
    entries: Sequence[Entry], run: str, stage: str, steps: Sequence[events.DpEvent]
) -> None:
    """Check that a stage fits its run's reservation, or else the lifetime filter.

    Args:
        entries: The data set's entries, oldest first.
        run: The run's identity.
        stage: The stage's name.
        steps: The stage's events.

    Raises:
        BudgetExceededError: with what was asked, what is left and what is missing.
    """
    lifetime = _newest_lifetime(entries)
    if lifetime is None or lifetime.rdp is None:
        return
    costs = costs_of(lifetime.rdp, entries)
    before = [entry for entry in entries if entry.run == run and entry.kind == "stage"]
    own = lifetime.rdp.cost(
        events.from_json(event) for entry in before for event in entry.body["events"].values()
    )
    after = (own + lifetime.rdp.cost(steps)).at_least(costs[run])
    others = total_of({name: cost for name, cost in costs.items() if name != run})
    lifetime.rdp.check(f"stage {stage} of this run", others, after)
