"""What an (ε, δ) guarantee means for an attacker, in odds (reference: audit.md, section 2.0)."""

from __future__ import annotations

import math
from dataclasses import dataclass

WEAK_EPSILON = 10.0
_FALSE_ALARMS = 0.01
_LARGEST_EXPONENT = 700.0
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
    inverse = math.exp(-min(epsilon, _LARGEST_EXPONENT))
    return Odds(
        advantage=min(1.0, (1 - inverse + 2 * delta * inverse) / (1 + inverse)),
        hits=most_hits(_FALSE_ALARMS, epsilon, delta),
        posterior=1 / (1 + inverse),
        weak=epsilon > WEAK_EPSILON,
        curve=tuple((alarms, most_hits(alarms, epsilon, delta)) for alarms in _CURVE),
    )


def most_hits(false_alarms: float, epsilon: float, delta: float) -> float:
    """The largest true positive rate at a given false positive rate."""
    exponent = min(epsilon, _LARGEST_EXPONENT)
    rising = math.exp(exponent) * false_alarms + delta
    falling = 1 - math.exp(-exponent) * (1 - delta - false_alarms)
    return max(0.0, min(1.0, rising, falling))
