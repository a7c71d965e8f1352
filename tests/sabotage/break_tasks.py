"""Ways for tasks to measure what nobody charged, to tell figures outside, or to take rows."""

from __future__ import annotations

from typing import Any

from privgan.measurement import measure
from privgan.planning.plan import StepKind
from privgan.report.sections import tasks as sections
from tests.sabotage import checks, doors
from tests.sabotage.registry import Patch, variant


@variant(
    "L13",
    checks.a_tasks_marginals_are_charged_as_many_as_are_measured,
    "are charged by triples:task",
)
def triples_of_a_task_uncharged(patch: Patch) -> None:
    """Of an uplift one triple more is measured than the plan has charged."""
    planned = measure.measured_at_once

    def more(*facts: Any) -> Any:
        found = dict(planned(*facts))
        triples = found[StepKind.TASK_TRIPLES]
        return found | {StepKind.TASK_TRIPLES: [*triples, (0, 1, 2)]}

    patch.setattr(measure, "measured_at_once", more)


@variant(
    "L31, L34",
    checks.a_shareable_report_tells_of_tasks_by_noisy_figures_alone,
    "a figure other than the noisy one is told",
)
def task_told_by_other_counts(patch: Patch) -> None:
    """The share of the positives is taken from other counts than the noisy ones."""
    named = sections._with_share

    def told(task: Any, shapes: Any, noises: Any, words: Any) -> Any:
        others = [_Other(shape) for shape in shapes]
        return named(task, others, noises, words)  # type: ignore[arg-type]

    patch.setattr(sections, "_with_share", told)


class _Other:
    """A shape whose noisy counts are others."""

    def __init__(self, shape: Any) -> None:
        self.column, self.labels, self.noisy = shape.column, shape.labels, shape.synthetic


@variant("L13", checks.the_source_reads_rows_by_its_doors_only, "calls task_violations")
def tasks_checked_on_rows_by_the_planner(patch: Patch) -> None:
    """The planner asks the rows whether both arms of a treatment occur."""
    module = "planning/task_marginals.py"
    asked = "\n\ndef _arms(rows, schema):\n    return task_violations(rows, schema)\n"
    patch.setitem(doors.SOURCES, module, doors.SOURCES[module] + asked)
