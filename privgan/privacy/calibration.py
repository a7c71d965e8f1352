"""How much noise a budget needs: bracketed by RDP, settled by PLD, checked again, never above what was asked."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from privgan.errors import UsageError
from privgan.privacy import accountant
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.events import Composed, DpEvent

_PLD_EVALUATIONS = 6
_TOLERANCE = 2e-3
_BRACKET_STEPS = 14


def calibrate(events_at: Callable[[float], Sequence[DpEvent]], budget: PrivacyBudget, *, lowest: float, highest: float) -> float:
    """The smallest noise scale found whose events cost at most the budget.

    Args:
        events_at: All events of a stage for a noise scale; their cost falls as the scale grows.
        budget: The stage's (ε, δ).
        lowest: The scale to search from.
        highest: The scale to search to.

    Returns:
        A scale whose cost, by the smaller of PLD and RDP, is at most ``budget.epsilon``: within 0.2 % of it where six
        PLD evaluations suffice.

    Raises:
        UsageError: when even the highest scale costs more than the budget.
    """

    def by_rdp(scale: float) -> float:
        return accountant.epsilon_by_rdp(Composed(list(events_at(scale))), budget.delta)

    def exact(scale: float) -> float:
        return accountant.spent(events_at(scale), budget.delta).epsilon

    safe = _bracket(by_rdp, budget.epsilon, lowest, highest)
    return _refine(exact, budget.epsilon, safe, lowest)


def _bracket(cost: Callable[[float], float], epsilon: float, lowest: float, highest: float) -> float:
    """A scale whose RDP cost fits, by bisection of the logarithm."""
    if cost(highest) > epsilon:
        text = f"epsilon = {epsilon:g} is too small for this plan: even noise {highest:g} costs more"
        raise UsageError(f"{text}; ask for more, or declare more rows")
    low, high = math.log(lowest), math.log(highest)
    for _ in range(_BRACKET_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if cost(math.exp(middle)) <= epsilon else (middle, high)
    return math.exp(high)


def _refine(cost: Callable[[float], float], epsilon: float, safe: float, lowest: float) -> float:
    """Less noise by PLD: secant steps in log scale, keeping the smallest scale that was checked to fit."""
    points = [(safe, cost(safe))]
    if points[0][1] > epsilon:
        raise UsageError(f"no noise was found that costs at most epsilon = {epsilon:g}")
    guess = safe * 0.93
    best = safe
    for _ in range(_PLD_EVALUATIONS - 1):
        guess = max(guess, lowest)
        value = cost(guess)
        points.append((guess, value))
        if value <= epsilon:
            best = min(best, guess)
            if value >= epsilon * (1 - _TOLERANCE):
                break
        guess = _secant(points, epsilon * (1 - _TOLERANCE / 2))
    return best


def _secant(points: list[tuple[float, float]], target: float) -> float:
    """The scale at which log cost, linear in log scale through the two points nearest the target, meets it."""
    nearest = sorted(points, key=lambda point: abs(point[1] - target))[:2]
    (first, first_cost), (second, second_cost) = nearest
    slope = (np.log(second_cost) - np.log(first_cost)) / (np.log(second) - np.log(first)) if first != second else -1.0
    slope = min(slope, -0.1)
    return float(np.exp(np.log(first) + (np.log(target) - np.log(first_cost)) / slope))
