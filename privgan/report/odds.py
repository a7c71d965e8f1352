"""What (ε, δ) means for an attacker.

Ceilings, and odds by Bayes' rule (Kairouz, Oh, Viswanath 2015).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from privgan.privacy import tradeoff
from privgan.privacy.budget import WEAK_EPSILON

_CURVE = tuple((step / 40) ** 2 for step in range(41))  # Dense near 0, where the ceiling bends.


@dataclass(frozen=True, kw_only=True)
class Odds:
    """The most that any attacker can achieve against one customer.

    Attributes:
        advantage: Largest true minus false positive rate.
        hits: Largest true positive rate at 1 % false alarms.
        posterior: Largest certainty of who starts at 50 %, apart from δ.
        weak: Whether the guarantee says next to nothing.
        curve: (false alarms, most hits) pairs, for the picture.
    """

    advantage: float
    hits: float
    posterior: float
    weak: bool
    curve: tuple[tuple[float, float], ...]


def odds(epsilon: float, delta: float) -> Odds:
    """The ceilings that (ε, δ) implies."""
    ceilings = tradeoff.of_budget(epsilon, delta)
    return Odds(
        advantage=ceilings.advantage(),
        hits=ceilings.true_positive_rate(tradeoff.FALSE_ALARMS),
        posterior=after(0.5, epsilon),
        weak=epsilon > WEAK_EPSILON,
        curve=tuple((alarms, ceilings.true_positive_rate(alarms)) for alarms in _CURVE),
    )


def after(prior: float, epsilon: float) -> float:
    """The largest belief that somebody is in the table after seeing the release, apart from δ (Bayes' rule).

    Args:
        prior: The belief before, in (0, 1).
        epsilon: The guarantee's ε; the odds grow by at most e^ε.
    """
    return prior / (prior + (1 - prior) * math.exp(-epsilon))
