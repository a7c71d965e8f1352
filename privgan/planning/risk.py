"""Convert an allowed attack risk into ε, by the plan's own trade-off curve."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scipy.optimize import brentq

from privgan.errors import InternalError, UsageError
from privgan.planning.plan import Plan, events_of
from privgan.privacy import tradeoff
from privgan.privacy.budget import DEFAULT_DELTA, LARGEST_EPSILON, PrivacyBudget
from privgan.privacy.tradeoff import Gaussian, TradeOff

PLANS = 8
_SMALLEST_EPSILON = 1e-3
_TOLERANCE = 5e-3
_DIGITS = 4
_TOO_WEAK = "{limit}: this allows ε above {largest:g}, which protects nobody; ask for less risk"
_POWER = 1.1  # A Gaussian's shift grows about as ε^0.9 where plans are useful.


@dataclass(frozen=True)
class RiskLimit(ABC):
    """An upper limit on every membership attack."""

    @abstractmethod
    def risk(self, curve: TradeOff) -> float:
        """The limited figure's ceiling under a trade-off curve."""

    @abstractmethod
    def shift(self, risk: float) -> float:
        """The shift μ of unit-variance Gaussians that allows exactly a risk.

        μ measures the strength of the attack.
        """

    @property
    @abstractmethod
    def most(self) -> float:
        """The figure's allowed value."""

    @abstractmethod
    def __str__(self) -> str:
        """In words."""

    @abstractmethod
    def to_json(self) -> dict[str, float]:
        """As JSON values."""


@dataclass(frozen=True)
class MaxAdvantage(RiskLimit):
    """A limit on the true-positive minus the false-positive rate.

    Attributes:
        advantage: In (0, 1).
    """

    advantage: float

    def __post_init__(self) -> None:
        """Validate the limit."""
        if not 0 < self.advantage < 1:
            raise UsageError(
                f"the largest attack advantage is {self.advantage:g}; it must be above 0 and"
                " below 1"
            )

    def risk(self, curve: TradeOff) -> float:
        """The largest advantage under a curve."""
        return curve.advantage()

    def shift(self, risk: float) -> float:
        """μ with advantage 2·Φ(μ/2) − 1."""
        return Gaussian.of_advantage(risk).shift

    @property
    def most(self) -> float:
        """The advantage."""
        return self.advantage

    def __str__(self) -> str:
        """In words."""
        return f"attack advantage at most {self.advantage:g}"

    def to_json(self) -> dict[str, float]:
        """As JSON values."""
        return {"max_attack_advantage": self.advantage}


@dataclass(frozen=True)
class MaxTruePositiveRate(RiskLimit):
    """A limit on the true-positive rate at a false-positive rate.

    Attributes:
        true_positive_rate: Above the false-positive rate, below 1.
        false_positive_rate: In (0, 1).
    """

    true_positive_rate: float
    false_positive_rate: float

    def __post_init__(self) -> None:
        """Validate the limit."""
        found, alarms = self.true_positive_rate, self.false_positive_rate
        if not 0 < alarms < found < 1:
            raise UsageError(
                f"the largest true-positive rate is {found:g} at a false-positive rate of"
                f" {alarms:g}; both must be above 0 and below 1, and the first above the second:"
                " guessing already gives the second"
            )

    def risk(self, curve: TradeOff) -> float:
        """The largest true-positive rate under a curve."""
        return curve.true_positive_rate(self.false_positive_rate)

    def shift(self, risk: float) -> float:
        """μ with true-positive rate Φ(Φ⁻¹(false-positive rate) + μ)."""
        return Gaussian.of_rates(1 - risk, self.false_positive_rate).shift

    @property
    def most(self) -> float:
        """The true-positive rate."""
        return self.true_positive_rate

    def __str__(self) -> str:
        """In words."""
        return (
            f"true-positive rate at most {self.true_positive_rate:g} at a false-positive rate of"
            f" {self.false_positive_rate:g}"
        )

    def to_json(self) -> dict[str, float]:
        """As JSON values."""
        return {
            "max_true_positive_rate": self.true_positive_rate,
            "at_false_positive_rate": self.false_positive_rate,
        }


@dataclass(frozen=True, kw_only=True)
class RiskBudget:
    """The budget that keeps a risk limit.

    Attributes:
        limit: What was asked.
        budget: The (ε, δ) whose plan keeps it.
        risk: The plan's own figure, at most the limit's.
        worst_case: Whether it rests on (ε, δ) alone, because the plan is not known before its first
            stage has run.
    """

    limit: RiskLimit
    budget: PrivacyBudget
    risk: float
    worst_case: bool

    def __str__(self) -> str:
        """In one line, for the terminal."""
        how = (
            "the worst case of (ε, δ): stage 2 is not known yet"
            if self.worst_case
            else "the plan's own trade-off curve"
        )
        return (
            f"asked: {self.limit}; ε = {self.budget.epsilon:g} at δ = {self.budget.delta:g} allows"
            f" {self.risk:.4g} by {how}"
        )

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        basis = "epsilon and delta" if self.worst_case else "plan"
        resulting = {
            "epsilon": self.budget.epsilon,
            "delta": self.budget.delta,
            "risk": self.risk,
            "by": basis,
        }
        return {**self.limit.to_json(), **resulting}


def curve_of(plan: Plan) -> TradeOff:
    """The ceilings on attacks under a plan.

    By its own losses where all its steps are known, else by (ε, δ) alone.
    """
    worst = tradeoff.of_budget(plan.budget.epsilon, plan.budget.delta)
    return (
        worst
        if not is_known(plan)
        else tradeoff.lower(worst, tradeoff.of_events(events_of(plan.steps).values()))
    )


def is_known(plan: Plan) -> bool:
    """Whether one stage holds all steps, so that the plan has its own curve.

    A second stage's noise depends on the first.
    """
    return bool(plan.steps) and plan.model_budget == plan.budget


def budget_for(
    limit: RiskLimit, make_plan: Callable[[PrivacyBudget], Plan], *, delta: float = DEFAULT_DELTA
) -> RiskBudget:
    """The largest ε found whose plan keeps a risk limit, from at most eight plans.

    Args:
        limit: The most that any attack may reach.
        make_plan: The plan for a budget: a function of public facts.
        delta: The run's δ.

    Returns:
        The budget, checked: the risk of the very plan that it gives is at most the limit.

    Raises:
        UsageError: when no useful ε keeps the limit, or the limit asks for no privacy.
    """
    safe = _worst_case_epsilon(limit, delta)
    target = limit.shift(limit.most)
    best: RiskBudget | None = None
    # A plan of many steps is near a Gaussian mechanism.
    guess, low, high = Gaussian(target).epsilon(delta), safe, math.inf
    for _ in range(PLANS - 1):
        wanted = _rounded_down(min(max(guess, low), LARGEST_EPSILON))
        tried = _attempt(limit, make_plan, PrivacyBudget(epsilon=wanted, delta=delta))
        if tried.worst_case:
            break
        strength = limit.shift(tried.risk)
        if tried.risk <= limit.most:
            best, low = tried, wanted
            if wanted >= LARGEST_EPSILON:
                raise UsageError(_TOO_WEAK.format(limit=limit, largest=LARGEST_EPSILON))
            if strength >= target * (1 - _TOLERANCE):
                break
        else:
            high = wanted
        guess = wanted * (target * (1 - _TOLERANCE / 2) / strength) ** _POWER
        if not low < guess < high:
            guess = math.sqrt(low * min(high, LARGEST_EPSILON))
    found = best or _attempt(limit, make_plan, PrivacyBudget(epsilon=safe, delta=delta))
    if found.risk > limit.most:
        raise InternalError(
            f"{limit}: the plan for ε = {found.budget.epsilon:g} allows {found.risk:g}"
        )
    return found


def _attempt(
    limit: RiskLimit, make_plan: Callable[[PrivacyBudget], Plan], budget: PrivacyBudget
) -> RiskBudget:
    plan = make_plan(budget)
    return RiskBudget(
        limit=limit, budget=budget, risk=limit.risk(curve_of(plan)), worst_case=not is_known(plan)
    )


def _worst_case_epsilon(limit: RiskLimit, delta: float) -> float:
    """The largest ε that keeps the limit for any plan, by (ε, δ) alone."""

    def over(epsilon: float) -> float:
        return limit.risk(tradeoff.of_budget(epsilon, delta)) - limit.most

    if over(_SMALLEST_EPSILON) > 0:
        raise UsageError(
            f"{limit}: no plan is that private at δ = {delta:g}; allow more risk, or ask for a"
            " smaller delta"
        )
    return _rounded_down(brentq(over, _SMALLEST_EPSILON, LARGEST_EPSILON, xtol=1e-9) * (1 - 1e-6))


def _rounded_down(epsilon: float) -> float:
    """Round ε down to four digits, so that the printed value is the checked one."""
    unit = 10.0 ** (math.floor(math.log10(epsilon)) + 1 - _DIGITS)
    return float(f"{math.floor(epsilon / unit + 1e-9) * unit:.{_DIGITS}g}")
