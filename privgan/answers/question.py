"""What may be asked: counts, shares, sums, means and quantiles, and differences of two of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from privgan.domain.predicates import Predicate
from privgan.schema.columns import Column

# Predicates that all hold.
Conditions = tuple[Predicate, ...]


class Measure(StrEnum):
    """What is asked of the rows."""

    COUNT = "count"
    SHARE = "share"
    SUM = "sum"
    MEAN = "mean"
    QUANTILE = "quantile"


class Target(StrEnum):
    """What an interval is about.

    ``table``: the value that the whole real table has. ``population``: the value that the customers
    have of whom the table is a random sample.
    """

    TABLE = "table"
    POPULATION = "population"


@dataclass(frozen=True, kw_only=True)
class Statistic:
    """One figure of the rows.

    Attributes:
        measure: What is asked.
        column: The column of a sum, mean or quantile; None for rows.
        event: What a share counts; empty for any other.
        level: Of a quantile, in (0, 1); None for any other.
        where: The rows that are meant; empty for all.
    """

    measure: Measure
    column: Column | None = None
    event: Conditions = ()
    level: float | None = None
    where: Conditions = ()


@dataclass(frozen=True, kw_only=True)
class Question:
    """A figure, or the first less the second, of all rows or of each group.

    Attributes:
        text: As it was asked.
        statistics: One statistic, or two.
        where: The rows that are meant; empty for all.
        by: The columns whose values make the groups; none for one answer.
    """

    text: str
    statistics: tuple[Statistic, ...]
    where: Conditions = ()
    by: tuple[Column, ...] = ()

    @property
    def conditions(self) -> Conditions:
        """All conditions."""
        parts = [(*one.event, *one.where) for one in self.statistics]
        return (*self.where, *(condition for part in parts for condition in part))
