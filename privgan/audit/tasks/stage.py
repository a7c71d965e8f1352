"""Compute the figures of all tasks that the schema declares."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from privgan.audit.tasks import (
    forecast,
    recommendation,
    regression,
    response,
    scorecard,
    segments,
    uplift,
)
from privgan.audit.tasks.figures import Figures, worst
from privgan.audit.tasks.tables import TaskTables
from privgan.metric import Metric
from privgan.schema.tasks import Task, TaskKind

# By kind: the names of its figures, and what computes them.
_FIGURES: dict[TaskKind, tuple[tuple[str, ...], Callable[[Any, TaskTables], Figures]]] = {
    TaskKind.RESPONSE: (response.NAMES, response.response_figures),
    TaskKind.SCORECARD: (scorecard.NAMES, scorecard.scorecard_figures),
    TaskKind.UPLIFT: (uplift.NAMES, uplift.uplift_figures),
    TaskKind.SEGMENTS: (segments.NAMES, segments.segment_figures),
    TaskKind.REGRESSION: (regression.NAMES, regression.regression_figures),
    TaskKind.RECOMMENDATION: (recommendation.NAMES, recommendation.recommendation_figures),
    TaskKind.FORECAST: (forecast.NAMES, forecast.forecast_figures),
}


def all_task_metrics(tasks: Sequence[Task], tables: TaskTables) -> tuple[Metric, ...]:
    """Metrics of every declared kind of task; of several tasks of a kind that which loses most.

    Args:
        tasks: The schema's tasks.
        tables: The audit's tables.
    """
    return tuple(_metrics(tasks, tables))


def _metrics(tasks: Sequence[Task], tables: TaskTables) -> Iterator[Metric]:
    for kind, (names, figures_of) in _FIGURES.items():
        found = [(task, figures_of(task, tables)) for task in tasks if task.kind is kind]
        if found:
            yield from (worst(f"utility.{kind}.{name}", found) for name in names)
