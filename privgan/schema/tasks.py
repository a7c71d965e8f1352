"""Define tasks: what a data team wants the table for. Public facts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import ClassVar

from privgan.files.json_types import JsonDict

CLUSTERS = 5
FEWEST_CLUSTERS, MOST_CLUSTERS = 2, 20
HORIZON = 3


class TaskKind(StrEnum):
    """The kind of a task."""

    RESPONSE = "response"
    SCORECARD = "scorecard"
    UPLIFT = "uplift"
    SEGMENTS = "segments"
    REGRESSION = "regression"
    RECOMMENDATION = "recommendation"
    FORECAST = "forecast"


class Period(StrEnum):
    """The periods of a forecast."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"


@dataclass(frozen=True, kw_only=True)
class Task:
    """What all tasks have in common."""

    kind: ClassVar[TaskKind]
    predicted: ClassVar[str | None] = None  # The field that names the column to predict.

    @property
    def main(self) -> str | None:
        """The column that the others are to tell of; None where there is none."""
        return None if self.predicted is None else getattr(self, self.predicted)

    @property
    def named(self) -> tuple[str, ...]:
        """The columns that it names."""
        return () if self.main is None else (self.main,)

    @property
    def together(self) -> tuple[str, ...]:
        """The columns of which it needs what they have in common; empty for none in particular."""
        return ()

    def to_json(self) -> JsonDict:
        """The task as in a schema file; what is left as it is by default is left out."""
        stated = {
            part.name: getattr(self, part.name)
            for part in fields(self)
            if getattr(self, part.name) != part.default
        }
        lists = {key: list(value) for key, value in stated.items() if isinstance(value, tuple)}
        return {"kind": self.kind.value, **stated, **lists}


@dataclass(frozen=True, kw_only=True)
class ResponseTask(Task):
    """Who answers a campaign: the likeliest are addressed.

    Attributes:
        target: A discrete column.
        positive: The value that counts as an answer; of two, the last one where none is given.

    >>> print(ResponseTask(target="answered", positive="yes"))
    response: answered = yes
    """

    kind: ClassVar[TaskKind] = TaskKind.RESPONSE
    predicted: ClassVar[str | None] = "target"

    target: str
    positive: str | None = None

    def __str__(self) -> str:
        """The task in a few words."""
        return f"{self.kind}: {_valued(self.target, self.positive)}"


@dataclass(frozen=True, kw_only=True)
class ScorecardTask(ResponseTask):
    """Who defaults: columns are cut into bins, and weights of evidence are added up.

    Attributes:
        target: A discrete column.
        positive: The value that counts as the event; of two, the last one where none is given.

    >>> print(ScorecardTask(target="default", positive="1"))
    scorecard: default = 1
    """

    kind: ClassVar[TaskKind] = TaskKind.SCORECARD


@dataclass(frozen=True, kw_only=True)
class UpliftTask(Task):
    """Whom a treatment changes: how much likelier the outcome is with it than without it.

    Attributes:
        treatment: A column of two values.
        outcome: A discrete column.
        treated: The value of the treated; the last one where none is given.
        positive: The outcome that is wanted; of two, the last one where none is given.

    >>> print(UpliftTask(treatment="mailed", outcome="bought"))
    uplift: bought by mailed
    """

    kind: ClassVar[TaskKind] = TaskKind.UPLIFT
    predicted: ClassVar[str | None] = "outcome"

    treatment: str
    outcome: str
    treated: str | None = None
    positive: str | None = None

    @property
    def named(self) -> tuple[str, ...]:
        """Treatment and outcome."""
        return self.treatment, self.outcome

    def __str__(self) -> str:
        """The task in a few words."""
        outcome = _valued(self.outcome, self.positive)
        return f"{self.kind}: {outcome} by {_valued(self.treatment, self.treated)}"


@dataclass(frozen=True, kw_only=True)
class SegmentsTask(Task):
    """Which groups of customers there are.

    Attributes:
        clusters: The number of groups, 2 to 20.
        columns: The columns that tell them apart; empty for all that are modelled.

    >>> print(SegmentsTask(clusters=4))
    segments: 4 clusters
    """

    kind: ClassVar[TaskKind] = TaskKind.SEGMENTS

    clusters: int = CLUSTERS
    columns: tuple[str, ...] = ()

    @property
    def named(self) -> tuple[str, ...]:
        """The columns that tell the groups apart, where they are named."""
        return self.columns

    @property
    def together(self) -> tuple[str, ...]:
        """The same columns."""
        return self.columns

    def __str__(self) -> str:
        """The task in a few words."""
        columns = f" of {', '.join(self.columns)}" if self.columns else ""
        return f"{self.kind}: {self.clusters} clusters{columns}"


@dataclass(frozen=True, kw_only=True)
class RegressionTask(Task):
    """How large a number is.

    Attributes:
        target: A numeric column.

    >>> print(RegressionTask(target="spend"))
    regression: spend
    """

    kind: ClassVar[TaskKind] = TaskKind.REGRESSION
    predicted: ClassVar[str | None] = "target"

    target: str

    def __str__(self) -> str:
        """The task in a few words."""
        return f"{self.kind}: {self.target}"


@dataclass(frozen=True, kw_only=True)
class RecommendationTask(Task):
    """What a customer takes next, or a row goes with: values are ranked.

    Attributes:
        column: A discrete column; of a history, one of its events.
        new: Of histories: leave out what a customer's past events hold.

    >>> print(RecommendationTask(column="product", new=True))
    recommendation: product, new ones
    """

    kind: ClassVar[TaskKind] = TaskKind.RECOMMENDATION
    predicted: ClassVar[str | None] = "column"

    column: str
    new: bool = False

    def __str__(self) -> str:
        """The task in a few words."""
        return f"{self.kind}: {self.column}{', new ones' if self.new else ''}"


@dataclass(frozen=True, kw_only=True)
class ForecastTask(Task):
    """How many rows there will be, or what they sum up to, in the periods that follow.

    Attributes:
        date: A date or datetime; None for the order of the schema's history.
        target: The numeric column that is summed up; None to count rows.
        period: What is counted over.
        horizon: How many periods are forecast, 1 to 24.

    >>> print(ForecastTask(date="day", target="amount"))
    forecast: amount by month of day
    """

    kind: ClassVar[TaskKind] = TaskKind.FORECAST

    date: str | None = None
    target: str | None = None
    period: str = Period.MONTH.value
    horizon: int = HORIZON

    @property
    def named(self) -> tuple[str, ...]:
        """The date, and what is summed up."""
        return tuple(name for name in (self.date, self.target) if name is not None)

    @property
    def together(self) -> tuple[str, ...]:
        """The same columns."""
        return self.named

    def __str__(self) -> str:
        """The task in a few words."""
        return f"{self.kind}: {self.target or 'rows'} by {self.period} of {self.date}"


TASKS: dict[TaskKind, type[Task]] = {
    task.kind: task
    for task in (
        *(ResponseTask, ScorecardTask, UpliftTask, SegmentsTask),
        *(RegressionTask, RecommendationTask, ForecastTask),
    )
}


def main_of(tasks: Iterable[Task]) -> str | None:
    """The column that the first of the tasks predicts; None where none predicts one."""
    return next((task.main for task in tasks if task.main is not None), None)


def forecast_of(tasks: Iterable[Task], date: str) -> ForecastTask | None:
    """The forecast of shortest periods of a column of moments; None where no task asks for one."""
    found = [task for task in tasks if isinstance(task, ForecastTask) and task.date == date]
    return min(found, key=lambda task: list(Period).index(Period(task.period)), default=None)


def ranked_by(tasks: Iterable[Task]) -> frozenset[str]:
    """The columns whose single values some of the tasks rank."""
    return frozenset(task.column for task in tasks if isinstance(task, RecommendationTask))


def _valued(column: str, value: str | None) -> str:
    return column if value is None else f"{column} = {value}"
