"""What a guarantee means for an attacker.

The worst case of (ε, δ), and the plan's own trade-off curve.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from privgan.planning.accounted_step import AccountedStep
from privgan.privacy import tradeoff
from privgan.privacy.budget import WEAK_EPSILON
from privgan.report.data import Reach

RATES = tuple((step / 40) ** 2 for step in range(41))  # Dense near 0, where the ceiling bends.
_ONE_STAGE = {"model"}


@dataclass(frozen=True, kw_only=True)
class Odds:
    """The most that any attacker can achieve against one customer.

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
    """The ceilings that (ε, δ) implies."""
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
    """What an attacker reaches by the plan's own trade-off curve.

    None where the plan has a first stage: the noise of the second depends on what the first found,
    and no fixed curve is known to bound both. None where ε is infinite, too.

    Args:
        epsilon: The claimed ε; None where it is infinite.
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
    """The largest belief that somebody is in the table after seeing the release, apart from δ (Bayes' rule).

    Args:
        prior: The belief before, in (0, 1).
        epsilon: The guarantee's ε; the odds grow by at most e^ε.
    """
    return prior / (prior + (1 - prior) * math.exp(-epsilon))
