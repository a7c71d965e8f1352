"""Decide whether a run or a stage fits a data set's lifetime budget.

The kind ``sum`` adds the runs' (ε, δ). The kind ``rdp`` is a privacy filter at one Rényi order,
fixed with the budget (Feldman and Zrnic 2021). Runs may be planned adaptively; their RDP at that
order adds up to at most a fixed allowance.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from privgan.errors import BudgetExceededError, UsageError
from privgan.files.json_types import JsonDict
from privgan.ledger.store import RESTORED, Entry
from privgan.naming import call
from privgan.privacy import accountant, events
from privgan.privacy.budget import PrivacyBudget

SLACK = 1e-9
# Discoveries take a δ of their own; the theorem wants every bound fixed beforehand, so they get
# this share of δ for good.
DISCOVERY_SHARE = 0.25
# Whole orders: their RDP of a Poisson-sampled Gaussian is a finite sum, which never fails to
# converge.
ORDERS = tuple(
    int(order) for order in accountant.RDP_ORDERS if order >= 2 and float(order).is_integer()
)


def _advice() -> str:
    return f"ask for less, or let the owner raise it with {call('PrivacyLedger.set_lifetime')}"


class Filter(StrEnum):
    """The rule by which runs on one data set compose."""

    SUM = "sum"
    RDP = "rdp"


@dataclass(frozen=True, kw_only=True)
class RdpCost:
    """The cost of events at the filter's order.

    Attributes:
        rdp: Rényi differential privacy at that order.
        discovery_delta: The δ that discoveries take as their own.
    """

    rdp: float = 0.0
    discovery_delta: float = 0.0

    def __add__(self, other: RdpCost) -> RdpCost:
        """The sum of both costs."""
        return RdpCost(
            rdp=self.rdp + other.rdp, discovery_delta=self.discovery_delta + other.discovery_delta
        )

    def at_least(self, other: RdpCost) -> RdpCost:
        """The larger of each part."""
        return RdpCost(
            rdp=max(self.rdp, other.rdp),
            discovery_delta=max(self.discovery_delta, other.discovery_delta),
        )


INFINITE = RdpCost(rdp=math.inf, discovery_delta=0.0)


@dataclass(frozen=True, kw_only=True)
class RdpFilter:
    """A privacy filter, fixed when the budget is set.

    Attributes:
        order: The Rényi order α.
        allowance: The most RDP of that order that all runs may spend together.
        delta: The δ at which the allowance makes the lifetime ε, without the discoveries' share.
        discovery_delta: The most that the discoveries of all runs may take as their own δ.
    """

    order: int
    allowance: float
    delta: float
    discovery_delta: float

    @classmethod
    def of(cls, budget: PrivacyBudget) -> RdpFilter:
        """The filter with the largest allowance / order: it lets most noise-scaled counts pass.

        The RDP of a Gaussian is proportional to the order. The largest allowance alone would choose
        the largest order, where everything costs most.
        """
        delta = budget.delta * (1 - DISCOVERY_SHARE)
        order = max(ORDERS, key=lambda order: (budget.epsilon - _lost(order, delta)) / order)
        allowance = budget.epsilon - _lost(order, delta)
        if allowance <= 0:
            raise UsageError(
                f"a lifetime budget of ε = {budget.epsilon:g}, δ = {budget.delta:g} leaves nothing"
                " to the rdp filter; give a larger ε or δ, or"
                f" {call('PrivacyLedger.set_lifetime', kind='sum')}"
            )
        return cls(
            order=order, allowance=allowance, delta=delta, discovery_delta=budget.delta - delta
        )

    def epsilon(self, rdp: float) -> float:
        """Convert RDP at the filter's order to ε, by the standard improved conversion.

        0 where nothing was spent.
        """
        return max(0.0, rdp + _lost(self.order, self.delta)) if rdp > 0 else 0.0

    def cost(self, steps: Iterable[events.DpEvent]) -> RdpCost:
        """The cost of events at the filter's order."""
        together = events.Composed(list(steps))
        return RdpCost(
            rdp=accountant.rdp_of_order(together, self.order),
            discovery_delta=accountant.discovery_delta(together),
        )

    def admits(self, total: RdpCost) -> bool:
        """Whether a total fits."""
        return total.rdp <= self.allowance and total.discovery_delta <= self.discovery_delta * (
            1 + SLACK
        )

    def check(self, what: str, before: RdpCost, asked: RdpCost) -> None:
        """Check that a request fits beside the earlier spending.

        Raises:
            BudgetExceededError: with what was asked, what is left and what is missing.
        """
        parts = [
            (f"RDP of order {self.order}", asked.rdp, max(0.0, self.allowance - before.rdp)),
            (
                "δ of discoveries",
                asked.discovery_delta,
                max(0.0, self.discovery_delta - before.discovery_delta),
            ),
        ]
        if not self.admits(before + asked):
            quantity, wanted, left = next(
                (part for part in parts if part[1] > part[2] * (1 + SLACK)), parts[0]
            )
            raise BudgetExceededError(
                what, quantity=quantity, asked=wanted, left=left, advice=_advice()
            )


def _lost(order: int, delta: float) -> float:
    """The term that conversion from RDP adds to ε.

    Canonne, Kamath, Steinke 2020, Proposition 12.
    """
    return math.log1p(-1 / order) - math.log(delta * order) / (order - 1)


@dataclass(frozen=True, kw_only=True)
class Lifetime:
    """A lifetime budget as the ledger stores it.

    Attributes:
        budget: The most that all runs may spend.
        rdp: The privacy filter; None where the runs' (ε, δ) are added.
    """

    budget: PrivacyBudget
    rdp: RdpFilter | None

    @classmethod
    def of(cls, budget: PrivacyBudget, kind: Filter) -> Lifetime:
        """The lifetime budget that a person sets."""
        return cls(budget=budget, rdp=RdpFilter.of(budget) if kind is Filter.RDP else None)

    @classmethod
    def from_entry(cls, entry: Entry) -> Lifetime:
        """Read the lifetime budget from an entry."""
        body = entry.body
        budget = PrivacyBudget(epsilon=body["epsilon"], delta=body["delta"])
        return cls(budget=budget, rdp=RdpFilter(**body["rdp"]) if body.get("rdp") else None)

    @property
    def kind(self) -> Filter:
        """The rule by which runs compose."""
        return Filter.RDP if self.rdp else Filter.SUM

    def to_body(self) -> JsonDict:
        """The body of its entry."""
        rdp = None if self.rdp is None else dict(vars(self.rdp))
        return {
            "epsilon": self.budget.epsilon,
            "delta": self.budget.delta,
            "filter": self.kind.value,
            "rdp": rdp,
        }


def costs_of(found: RdpFilter, entries: Sequence[Entry]) -> dict[str, RdpCost]:
    """Each run's cost at the filter's order.

    It is the larger of its plan at the start and its approved stages. A run without secret coins
    costs infinity. So does one whose stages an earlier version wrote without events. Entries that a
    restored ledger lost cost what a person stated, else the whole allowance.
    """
    planned: dict[str, RdpCost] = {}
    stages: defaultdict[str, RdpCost] = defaultdict(RdpCost)
    for entry in entries:
        if entry.kind == "run":
            secret = entry.body["epsilon"] != "infinite"
            planned[entry.run] = (
                found.cost(_events(entry.body.get("planned", []))) if secret else INFINITE
            )
        elif entry.kind == "stage":
            steps = entry.body.get("events")
            stages[entry.run] += INFINITE if steps is None else found.cost(_events(steps.values()))
        elif entry.kind == RESTORED:
            planned[f"{RESTORED}:{entry.sequence}"] = _lost_cost(found, entry)
    return {run: cost.at_least(stages[run]) for run, cost in planned.items()}


def _lost_cost(found: RdpFilter, entry: Entry) -> RdpCost:
    """The cost of lost entries.

    An (ε, δ)-DP mechanism is dominated by revealing all with probability δ, and an ε randomised
    response otherwise (Kairouz, Oh and Viswanath 2015). Its δ adds up like a discovery's. Its RDP
    is the response's.
    """
    if entry.body["epsilon"] == "infinite":
        return INFINITE
    if not entry.body["stated"]:
        return RdpCost(rdp=found.allowance, discovery_delta=found.discovery_delta)
    return RdpCost(
        rdp=response_rdp(entry.body["epsilon"], found.order), discovery_delta=entry.body["delta"]
    )


def response_rdp(epsilon: float, order: int) -> float:
    """The RDP of ε-DP randomised response: the largest of any ε-DP mechanism."""
    if epsilon == 0:
        return 0.0
    # log(p^α q^(1-α) + q^α p^(1-α)) with log p = ε + log q.
    log_q = -epsilon - math.log1p(math.exp(-epsilon))
    high, low = log_q + order * epsilon, log_q + (1 - order) * epsilon
    return (high + math.log1p(math.exp(low - high))) / (order - 1)


def total_of(costs: Mapping[str, RdpCost]) -> RdpCost:
    """The sum of all runs' costs."""
    return RdpCost(
        rdp=math.fsum(cost.rdp for cost in costs.values()),
        discovery_delta=math.fsum(cost.discovery_delta for cost in costs.values()),
    )


def check_sum(
    what: str, lifetime: PrivacyBudget, spent: tuple[float, float], asked: PrivacyBudget
) -> None:
    """Check that a run's (ε, δ) fits beside the sum of earlier runs.

    Raises:
        BudgetExceededError: with what was asked, what is left and what is missing.
    """
    parts = [
        (f"{what} (δ = {asked.delta:g})", "ε", asked.epsilon, lifetime.epsilon, spent[0]),
        (f"{what} (ε = {asked.epsilon:g})", "δ", asked.delta, lifetime.delta, spent[1]),
    ]
    for named, quantity, wanted, most, before in parts:
        if before + wanted > most * (1 + SLACK):
            left = max(0.0, most - before)
            raise BudgetExceededError(
                named, quantity=quantity, asked=wanted, left=left, advice=_advice()
            )


def _events(written: Iterable[JsonDict]) -> list[events.DpEvent]:
    return [events.from_json(event) for event in written]
