"""Define the privacy budget (ε, δ) and the protected unit: a row, or a customer's rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

from privgan.errors import UsageError

LARGEST_EPSILON = 100.0
WEAK_EPSILON = 10.0
DEFAULT_DELTA = 1e-6


@dataclass(frozen=True, kw_only=True)
class PrivacyBudget:
    """An upper limit (ε, δ) on spending.

    Attributes:
        epsilon: ε, in (0, 100].
        delta: δ, in (0, 1).

    >>> PrivacyBudget(epsilon=3)
    PrivacyBudget(epsilon=3, delta=1e-06)
    """

    epsilon: float
    delta: float = DEFAULT_DELTA

    def __post_init__(self) -> None:
        """Check that the budget is meaningful."""
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
        """Whether ε is so large that every text must call the guarantee weak."""
        return self.epsilon > WEAK_EPSILON

    def check_size(self, customers: float, *, known: str) -> None:
        """Check that δ is below 1/n for a public or noisy n.

        A larger δ would allow whole customers to leak.

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
    """The condition to state beside an ε; empty where nothing was assumed."""
    return f"conditional on {facts} assumed public fact{'' if facts == 1 else 's'}" if facts else ""


NEIGHBOURING_RELATION = "add or remove one privacy unit"


@dataclass(frozen=True, kw_only=True)
class PrivacyUnit:
    """The protected unit: a row or a customer.

    Attributes:
        column: The column that names the customer; None when each row is one customer.
        max_rows: The most rows that one unit may have in the table.
        events: Whether its row is made from its events, all of which are protected.
        related: Whether its rows in related tables are protected with it.

    >>> print(PrivacyUnit(column="customer_id", max_rows=5))
    one customer_id with its rows (at most 5)
    >>> print(PrivacyUnit(column="customer_id", events=True))
    one customer_id with all its events
    """

    column: str | None = None
    max_rows: int = 1
    events: bool = False
    related: bool = False

    def __post_init__(self) -> None:
        """Check that the unit is possible."""
        if self.max_rows < 1:
            raise ValueError(f"max_rows_per_unit is {self.max_rows}; it must be at least 1")
        if self.column is None and self.max_rows != 1:
            raise ValueError(
                "max_rows_per_unit needs a unit column; without one each row is a unit of its own"
            )
        if self.events and (self.column is None or self.max_rows != 1):
            raise ValueError("of events, each unit has a column that names it, and one row")
        if self.related and (self.column is None or self.max_rows != 1):
            raise ValueError("of related tables, each unit has a key, and one row in the first")

    @property
    def count_sensitivity(self) -> int:
        """The L1, hence L2, sensitivity of a vector of counts."""
        return self.max_rows

    def __str__(self) -> str:
        """The unit in words, as printed beside every ε."""
        if self.column is None:
            return "one row"
        if self.events:
            return f"one {self.column} with all its events"
        if self.related:
            return f"one {self.column} with all its rows in every table"
        rows = "row" if self.max_rows == 1 else f"rows (at most {self.max_rows})"
        return f"one {self.column} with its {rows}"
