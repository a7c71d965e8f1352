"""What a claimed (ε, δ) allows an attack to reach: printed beside every attack."""

from __future__ import annotations

import math
from dataclasses import dataclass

from privgan.errors import UsageError


@dataclass(frozen=True)
class Claim:
    """The guarantee that is claimed, and the highest figures it allows (Kairouz, Oh, Viswanath 2015, Thm 2.1).

    Attributes:
        epsilon: The claimed ε; infinite where nothing is claimed.
        delta: The claimed δ.
    """

    epsilon: float
    delta: float

    def __post_init__(self) -> None:
        """Refuse a claim that is none."""
        if not self.epsilon >= 0 or not 0 <= self.delta < 1:
            raise UsageError(
                f"the claimed (ε, δ) = ({self.epsilon}, {self.delta}); ε must be ≥ 0 and δ in"
                " [0, 1)"
            )

    @property
    def odds(self) -> float:
        """e^ε, kept finite."""
        return math.exp(min(self.epsilon, 700.0))

    def true_positive_rate(self, false_positive_rate: float) -> float:
        """The largest true-positive rate at a false-positive rate."""
        from_below = self.odds * false_positive_rate + self.delta
        from_above = 1.0 - (1.0 - self.delta - false_positive_rate) / self.odds
        return min(1.0, from_below, from_above)

    def advantage(self) -> float:
        """The largest difference of true- and false-positive rate."""
        return min(
            1.0, (1.0 - 1.0 / self.odds + 2.0 * self.delta / self.odds) / (1.0 + 1.0 / self.odds)
        )

    def area_under_curve(self) -> float:
        """The largest area under the curve of the same trade-off."""
        return 1.0 - (1.0 - self.delta) ** 2 / (1.0 + self.odds)
