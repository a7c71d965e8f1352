"""Compute the highest attack figures that a claimed (ε, δ) allows.

They stand beside every attack.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from privgan.errors import UsageError
from privgan.privacy import tradeoff
from privgan.privacy.tradeoff import TradeOff


@dataclass(frozen=True)
class Claim:
    """The claimed guarantee and the highest attack figures that it allows.

    Attributes:
        epsilon: The claimed ε; infinite if nothing is claimed.
        delta: The claimed δ.
    """

    epsilon: float
    delta: float

    def __post_init__(self) -> None:
        """Check the claim.

        Raises:
            UsageError: ε is below 0, or δ is not in [0, 1).
        """
        if not self.epsilon >= 0 or not 0 <= self.delta < 1:
            raise UsageError(
                f"the claimed (ε, δ) = ({self.epsilon}, {self.delta}); ε must be ≥ 0 and δ in"
                " [0, 1)"
            )

    @cached_property
    def curve(self) -> TradeOff:
        """Worst-case trade-off curve of (ε, δ) (Kairouz, Oh, Viswanath 2015, Theorem 2.1)."""
        return tradeoff.of_budget(self.epsilon, self.delta)

    def true_positive_rate(self, false_positive_rate: float) -> float:
        """Largest true-positive rate at a false-positive rate."""
        return self.curve.true_positive_rate(false_positive_rate)

    def advantage(self) -> float:
        """Largest difference of true- and false-positive rate."""
        return self.curve.advantage()

    def area_under_curve(self) -> float:
        """Largest area under the curve."""
        return self.curve.area_under_curve()
