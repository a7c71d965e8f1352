"""Define histories: a customer's rows in order of time, which are to fit together."""

from __future__ import annotations

from dataclasses import dataclass

from privgan.files.json_types import JsonDict

LONGEST = 100


@dataclass(frozen=True, kw_only=True)
class HistoryFacts:
    """Facts about the rows of a customer as a history of events.

    Attributes:
        order: The column that orders a customer's rows; rows of one moment stay in the order in
            which they stand in the table.
        constant: The columns that hold one value for all rows of a customer; where they do not,
            that of the customer's first row counts.
        spread: Numeric columns of which it is also modelled how much they vary within a customer.
        longest: The most events of a synthetic customer; of real ones, more count as so many.
    """

    order: str
    constant: tuple[str, ...] = ()
    spread: tuple[str, ...] = ()
    longest: int = LONGEST

    def to_json(self) -> JsonDict:
        """``order`` and ``history``, as in a schema file."""
        stated = {key: names for key, names in self.lists().items() if names}
        return {"order": self.order, "history": {"longest": self.longest} | stated}

    def lists(self) -> dict[str, list[str]]:
        """The columns that ``history`` names, by its keys."""
        return {"constant": list(self.constant), "spread": list(self.spread)}
