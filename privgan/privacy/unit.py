"""Who is protected: one row, or all rows of one customer."""

from __future__ import annotations

from dataclasses import dataclass

NEIGHBOURING_RELATION = "add or remove one privacy unit"


@dataclass(frozen=True, kw_only=True)
class PrivacyUnit:
    """The thing whose presence the guarantee hides.

    Attributes:
        column: The column that names the customer; None when each row is one customer.
        max_rows: The most rows that one unit may have in the table.
    """

    column: str | None = None
    max_rows: int = 1

    def __post_init__(self) -> None:
        """Refuse an impossible unit."""
        if self.max_rows < 1:
            raise ValueError(f"max_rows_per_unit is {self.max_rows}; it must be at least 1")
        if self.column is None and self.max_rows != 1:
            raise ValueError("max_rows_per_unit needs a unit column; without one each row is a unit of its own")

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
