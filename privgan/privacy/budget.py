"""The privacy budget (ε, δ) and the protected unit: a row, or all rows of a customer."""

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

    >>> PrivacyBudget(epsilon=3)
    PrivacyBudget(epsilon=3, delta=1e-06)
    """

    epsilon: float
    delta: float = DEFAULT_DELTA

    def __post_init__(self) -> None:
        """Refuse a budget that means nothing."""
        if not (math.isfinite(self.epsilon) and 0 < self.epsilon <= LARGEST_EPSILON):
            raise UsageError(
                f"epsilon is {self.epsilon}; it must be above 0 and at most {LARGEST_EPSILON:g}"
                " (useful: 0.5 to 5)"
            )
        if not (math.isfinite(self.delta) and 0 < self.delta < 1):
            raise UsageError(
                f"delta is {self.delta}; it must be above 0 and below 1/n (usual: 1e-6)"
            )

    @property
    def weak(self) -> bool:
        """Whether ε is so large that every text must say that the guarantee is weak."""
        return self.epsilon > WEAK_EPSILON

    def check_size(self, customers: float, *, known: str) -> None:
        """Refuse a δ that is not below 1/n for a public or noisy n.

        It would allow whole customers to leak.

        Args:
            customers: The declared or the noisy number of customers, never the real one.
            known: What that number is, for the message, such as ``declared row count``.
        """
        if self.delta * customers >= 1:
            raise UsageError(
                f"delta is {self.delta:g}; with a {known} of {customers:.0f} it must be below"
                f" {1 / customers:.3g}"
            )


def condition_text(facts: int) -> str:
    """What must stand beside an ε: empty when nothing was assumed."""
    return f"conditional on {facts} assumed public fact{'' if facts == 1 else 's'}" if facts else ""


NEIGHBOURING_RELATION = "add or remove one privacy unit"


@dataclass(frozen=True, kw_only=True)
class PrivacyUnit:
    """The thing whose presence the guarantee hides.

    Attributes:
        column: The column that names the customer; None when each row is one customer.
        max_rows: The most rows that one unit may have in the table.

    >>> print(PrivacyUnit(column="customer_id", max_rows=5))
    one customer_id with its rows (at most 5)
    """

    column: str | None = None
    max_rows: int = 1

    def __post_init__(self) -> None:
        """Refuse an impossible unit."""
        if self.max_rows < 1:
            raise ValueError(f"max_rows_per_unit is {self.max_rows}; it must be at least 1")
        if self.column is None and self.max_rows != 1:
            raise ValueError(
                "max_rows_per_unit needs a unit column; without one each row is a unit of its own"
            )

    @property
    def count_sensitivity(self) -> int:
        """How far one unit can move a vector of counts, in L1 and hence in L2."""
        return self.max_rows

    def __str__(self) -> str:
        """In words, as it stands beside every printed epsilon."""
        if self.column is None:
            return "one row"
        rows = "row" if self.max_rows == 1 else f"rows (at most {self.max_rows})"
        return f"one {self.column} with its {rows}"
