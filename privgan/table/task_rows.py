"""Check that a table can serve its tasks: both values of what is told apart occur in it.

Like every check against the schema it is an unpaid look, and what it finds is INTERNAL.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from privgan.schema.schema import Schema
from privgan.schema.tasks import RecommendationTask, RegressionTask, Task, UpliftTask
from privgan.table.typed_values import Violation

_TWO = 2


def task_violations(typed: pd.DataFrame, schema: Schema) -> Iterator[Violation]:
    """Columns of a task that hold fewer than two values in the rows.

    Under ``clamp`` they refuse nothing: whether a table is taken then hangs on no customer. The
    audit measures such a task as far as it can.

    Args:
        typed: Rows in the schema's types [rows, columns]; columns that do not fit may lack.
        schema: The public facts.
    """
    for task in schema.tasks:
        for name in _told_apart(task):
            if name in typed and typed[name].nunique() < _TWO:
                problem = f"fewer than two values occur, and the task {task.kind} {_why(task)}"
                yield Violation(column=name, problem=problem)


def _told_apart(task: Task) -> tuple[str, ...]:
    """The columns of which a task needs two values."""
    return task.named if task.main is not None else ()


def _why(task: Task) -> str:
    if isinstance(task, UpliftTask):
        return "compares treated and untreated customers with and without the outcome"
    if isinstance(task, RegressionTask):
        return "predicts how it varies"
    if isinstance(task, RecommendationTask):
        return "ranks its values"
    return "tells customers with it from those without it"
