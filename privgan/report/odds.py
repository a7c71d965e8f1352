"""Compute an attacker's limits: the worst case of (ε, δ), and the plan's trade-off curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from privgan.planning.accounted_step import AccountedStep
from privgan.privacy import tradeoff
from privgan.privacy.budget import WEAK_EPSILON
from privgan.report.data import Reach

RATES = tuple(
    (step / 40) ** 2 for step in range(41)
)  # Dense near 0, since the ceiling bends there.
_ONE_STAGE = {"model"}


@dataclass(frozen=True, kw_only=True)
class Odds:
    """Highest figures of any attacker against one customer.

    Attributes:
        advantage: Largest true minus false positive rate.
        hits: Largest true positive rate at 1 % false alarms.
        certainty: Largest chance of a right guess about a fair coin.
        posterior: Largest certainty of who starts at 50 %, apart from δ.
        weak: Whether the guarantee says next to nothing.
        curve: (false alarms, most hits) pairs, for the picture.
    """

    advantage: float
    hits: float
    certainty: float
    posterior: float
    weak: bool
    curve: tuple[tuple[float, float], ...]


def odds(epsilon: float, delta: float) -> Odds:
    """Attack ceilings that (ε, δ) implies."""
    ceilings = tradeoff.of_budget(epsilon, delta)
    return Odds(
        advantage=ceilings.advantage(),
        hits=ceilings.true_positive_rate(tradeoff.FALSE_ALARMS),
        certainty=ceilings.certainty(),
        posterior=after(0.5, epsilon),
        weak=epsilon > WEAK_EPSILON,
        curve=tuple((alarms, ceilings.true_positive_rate(alarms)) for alarms in RATES),
    )


def reach_of(epsilon: float | None, delta: float, steps: Sequence[AccountedStep]) -> Reach | None:
    """Attack limits by the plan's own trade-off curve; None if it has none.

    A plan with a first stage has none: the noise of the second stage depends on the first, and no
    fixed curve is known to bound both. An infinite ε has none either.

    Args:
        epsilon: The claimed ε; None if it is infinite.
        delta: The claimed δ.
        steps: The plan's steps.
    """
    if (
        epsilon is None
        or not math.isfinite(epsilon)
        or {step.stage for step in steps} != _ONE_STAGE
    ):
        return None
    own = tradeoff.of_events(step.cost for step in steps)
    curve = tradeoff.lower(tradeoff.of_budget(epsilon, delta), own)
    return Reach(
        certainty=curve.certainty(),
        advantage=curve.advantage(),
        hits=curve.true_positive_rate(tradeoff.FALSE_ALARMS),
        curve=[curve.true_positive_rate(rate) for rate in RATES],
    )


def after(prior: float, epsilon: float) -> float:
    """Largest posterior belief in membership after the release, apart from δ (Bayes' rule).

    Args:
        prior: The belief before, in (0, 1).
        epsilon: The guarantee's ε; the odds grow by at most e^ε.
    """
    return prior / (prior + (1 - prior) * math.exp(-epsilon))
