"""What may be asked: counts, shares, sums, means and quantiles, and differences of two of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from privgan.domain.conditions import ColumnCondition
from privgan.schema.columns import Column

# Conditions that all hold, one a column.
Box = tuple[ColumnCondition, ...]


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
    event: Box = ()
    level: float | None = None
    where: Box = ()


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
    where: Box = ()
    by: tuple[Column, ...] = ()

    @property
    def boxes(self) -> Sequence[Box]:
        """All conditions."""
        return [self.where, *(box for one in self.statistics for box in (one.event, one.where))]
