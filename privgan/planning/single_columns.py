"""Share the budget of single columns among them: more for what is to be ranked or forecast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_FINE_SHARE, _MOST_FINE = 0.20, 0.4
# What is ranked are single values, most of which share one code: their counts get more.
_OF_RANKED = 4.0
# A forecast needs many periods, and each holds few of the rows.
_OF_TIMED = 10.0


@dataclass(frozen=True)
class SingleColumns:
    """Which columns are measured more closely.

    Attributes:
        ranked: The columns of which single values are to be ranked.
        timed: The column whose 1-way marginal is of periods that are to be forecast; None for none.
    """

    ranked: frozenset[str] = frozenset()
    timed: str | None = None

    def fine(self, merged: Sequence[str], new: int) -> Mapping[str, float]:
        """Share of the budget for the fine histogram of each merged column.

        Args:
            merged: The merged columns.
            new: How many columns there are whose codes are not known.
        """
        weights = {name: _OF_RANKED if name in self.ranked else 1.0 for name in merged}
        total = sum(weights.values())
        share = min(_MOST_FINE, _FINE_SHARE * total / max(1, new))
        return {name: share * weight / total for name, weight in weights.items()}

    def marginals(self, names: Sequence[str]) -> Mapping[str, float]:
        """Share of the 1-way marginals' budget for each column."""
        weights = {name: _OF_TIMED if name == self.timed else 1.0 for name in names}
        total = sum(weights.values())
        return {name: weight / total for name, weight in weights.items()}


ALL_ALIKE = SingleColumns()
