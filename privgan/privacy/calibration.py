"""Calibrate noise to a budget: bracketed by RDP, refined by PLD, never above the budget."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from privgan.errors import UsageError
from privgan.privacy import accountant
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.events import Composed, DpEvent

PLD_EVALUATIONS = 6
_TOLERANCE = 2e-3
_BRACKET_STEPS = 11
_SMALLEST_DELTA = 1e-14
_TARGET_EXCESS = -0.01
_FIRST_SLOPE = -30.0  # Of log δ at a fixed ε against log scale, for δ near 1e-6.
# Few and mostly whole: a fractional order of a sampled Gaussian takes long, and the bracket need
# not be tight.
ORDERS = (1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 128, 256, 512, 1024)


def calibrate(
    events_at: Callable[[float], Sequence[DpEvent]],
    budget: PrivacyBudget,
    *,
    lowest: float,
    highest: float,
    orders: Sequence[float] = ORDERS,
) -> float:
    """The smallest noise scale found whose events cost at most the budget.

    Args:
        events_at: All events of a stage for a noise scale; their cost falls as the scale grows.
        budget: The stage's (ε, δ).
        lowest: The scale to search from.
        highest: The scale to search to.
        orders: The Rényi orders of the bracket.

    Returns:
        A scale whose cost, by the smaller of PLD and RDP, is at most ``budget.epsilon``: within 0.2
        % of it where six PLD evaluations suffice.

    Raises:
        UsageError: when even the highest scale costs more than the budget.
    """

    def by_rdp(scale: float) -> float:
        return accountant.epsilon_by_rdp(Composed(list(events_at(scale))), budget.delta, orders)

    safe = _bracket(by_rdp, budget.epsilon, lowest, highest)
    return _refine(
        lambda scale: _evaluate(events_at(scale), budget, scale),
        budget.epsilon,
        safe,
        by_rdp(safe),
        lowest,
    )


@dataclass(frozen=True)
class _Point:
    """A scale evaluated by PLD: its ε, and log(δ at the asked ε / asked δ)."""

    scale: float
    epsilon: float
    excess: float


def _evaluate(events: Sequence[DpEvent], budget: PrivacyBudget, scale: float) -> _Point:
    together = Composed(list(events))
    left = budget.delta - accountant.discovery_delta(together)
    loss = accountant.loss_distribution(together)
    epsilon = float(loss.get_epsilon_for_delta(left)) if left > 0 else math.inf
    excess = math.log(
        max(float(loss.get_delta_for_epsilon(budget.epsilon)), _SMALLEST_DELTA)
        / max(left, _SMALLEST_DELTA)
    )
    return _Point(scale, epsilon, excess)


def _bracket(
    cost: Callable[[float], float], epsilon: float, lowest: float, highest: float
) -> float:
    """Bisect log scale for a scale whose RDP cost fits."""
    if cost(highest) > epsilon:
        text = (
            f"epsilon = {epsilon:g} is too small for this plan: even noise {highest:g} costs more"
        )
        raise UsageError(f"{text}; ask for more, or declare more rows")
    low, high = math.log(lowest), math.log(highest)
    for _ in range(_BRACKET_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if cost(math.exp(middle)) <= epsilon else (middle, high)
    return math.exp(high)


def _refine(
    evaluate: Callable[[float], _Point],
    epsilon: float,
    safe: float,
    safe_cost: float,
    lowest: float,
) -> float:
    """Lower the noise by PLD; return the smallest evaluated scale that fits."""
    points, best, too_low = [evaluate(safe)], safe, 0.0
    if min(points[0].epsilon, safe_cost) > epsilon:
        raise UsageError(f"no noise was found that costs at most epsilon = {epsilon:g}")
    while len(points) < PLD_EVALUATIONS:
        last = points[-1]
        if last.epsilon <= epsilon and (
            last.epsilon >= epsilon * (1 - _TOLERANCE) or best <= lowest
        ):
            break
        points.append(evaluate(_next(points, max(lowest, too_low), best)))
        last = points[-1]
        best, too_low = (last.scale, too_low) if last.epsilon <= epsilon else (best, last.scale)
    return best


def _next(points: Sequence[_Point], low: float, high: float) -> float:
    """Interpolate the next scale inside the bracket, in log scale, through the two nearest points.

    δ at a fixed ε changes smoothly with the noise. ε at a fixed δ can jump, as it does at small
    sampling rates.
    """
    nearest = sorted(points, key=lambda point: abs(point.excess - _TARGET_EXCESS))[:2]
    first, slope = nearest[0], _FIRST_SLOPE
    if len(nearest) == 2 and nearest[1].excess != first.excess:
        slope = min(
            -1.0, (nearest[1].excess - first.excess) / math.log(nearest[1].scale / first.scale)
        )
    wanted = min(max(first.scale * math.exp((_TARGET_EXCESS - first.excess) / slope), low), high)
    known = any(math.isclose(wanted, point.scale, rel_tol=1e-6) for point in points)
    return math.sqrt(low * high) if known else wanted


def round_up(noise: float) -> float:
    """Round a noise upwards to six decimals."""
    return math.ceil(noise * 1e6) / 1e6


def zcdp_of(budget: PrivacyBudget) -> float:
    """The largest ρ whose zCDP implies (ε, δ) (Canonne, Kamath, Steinke 2020, Prop. 12)."""
    # The orders from 1,000 on serve a small ε: each gives a valid ρ.
    orders = 1 + np.concatenate([np.logspace(-2, 3, 2000), np.logspace(3, 14, 2200)[1:]])
    constant = orders * np.log1p(-1 / orders) - np.log(orders - 1) + (1 - orders) * budget.epsilon
    return float(np.max((math.log(budget.delta) - constant) / ((orders - 1) * orders)))
