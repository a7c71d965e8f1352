"""A privacy budget: ε and δ, checked once and for all."""

from __future__ import annotations

import math
from dataclasses import dataclass

from privgan.errors import UsageError

LARGEST_EPSILON = 100.0
WEAK_EPSILON = 10.0
DEFAULT_DELTA = 1e-6


@dataclass(frozen=True, kw_only=True)
class PrivacyBudget:
    """The most that may be spent.

    Attributes:
        epsilon: ε, in (0, 100].
        delta: δ, in (0, 1).
    """

    epsilon: float
    delta: float = DEFAULT_DELTA

    def __post_init__(self) -> None:
        """Refuse a budget that means nothing."""
        if not (math.isfinite(self.epsilon) and 0 < self.epsilon <= LARGEST_EPSILON):
            raise UsageError(f"epsilon is {self.epsilon}; it must be above 0 and at most {LARGEST_EPSILON:g} (useful: 0.5 to 5)")
        if not (math.isfinite(self.delta) and 0 < self.delta < 1):
            raise UsageError(f"delta is {self.delta}; it must be above 0 and below 1/n (usual: 1e-6)")

    @property
    def weak(self) -> bool:
        """Whether ε is so large that every text must say that the guarantee is weak."""
        return self.epsilon > WEAK_EPSILON

    def check_size(self, customers: float, *, known: str) -> None:
        """Refuse a δ that is not below 1/n for a public or noisy n: it would allow whole customers to leak.

        Args:
            customers: The declared or the noisy number of customers, never the real one.
            known: What that number is, for the message, such as ``declared row count``.
        """
        if self.delta * customers >= 1:
            raise UsageError(f"delta is {self.delta:g}; with a {known} of {customers:.0f} it must be below {1 / customers:.3g}")


def condition_text(facts: int) -> str:
    """What must stand beside an ε: empty when nothing was assumed."""
    return f"conditional on {facts} assumed public fact{'' if facts == 1 else 's'}" if facts else ""
