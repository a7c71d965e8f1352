"""What the ledger's entries say about one data set."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from privgan.privacy.budget import PrivacyBudget, condition_text
from privgan.privacy.ledger_store import Entry

SLACK = 1e-9


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
        inside_epsilon = self.epsilon + budget.epsilon <= self.lifetime.epsilon * (1 + SLACK)
        return inside_epsilon and self.delta + budget.delta <= self.lifetime.delta * (1 + SLACK)


def account_of(dataset: str, entries: Sequence[Entry]) -> DatasetAccount:
    """Read a data set's account from its entries, oldest first."""
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
