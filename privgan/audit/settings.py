"""Set up the audit of a table that any tool made."""

from __future__ import annotations

from dataclasses import dataclass

from privgan.audit.lower_bounds.ceilings import Claim
from privgan.naming import parameter


@dataclass(frozen=True, kw_only=True)
class AuditSettings:
    """Claimed guarantee of a foreign table, and the settings of its audit.

    Attributes:
        target: The column to predict; None to let the schema decide.
        epsilon: The claimed ε, or None.
        delta: The claimed δ; 0 if an ε is claimed without one.
        seed: Draws every sample, fold and split.
        fair_coins: Whether a fair coin of its own decided for each customer on which side it is.
            Only then is there a lower bound on ε. Without one the verdict is REFUTED if the
            table holds copies, else INCONCLUSIVE.
    """

    target: str | None = None
    epsilon: float | None = None
    delta: float | None = None
    seed: int = 0
    fair_coins: bool = False

    @property
    def claim(self) -> Claim | None:
        """The claimed guarantee, or None."""
        return None if self.epsilon is None else Claim(self.epsilon, self.delta or 0.0)

    @property
    def no_bound(self) -> str:
        """The reason why no bound on ε may be given; empty if one may."""
        told = f"the split was not made by fair coins; give {parameter('fair_coins')} if it was"
        return "" if self.fair_coins else told
