"""Tell what a plan does for the schema's tasks, in lines; public facts alone."""

from __future__ import annotations

from collections.abc import Iterator

from privgan.planning.plan import Plan, StepKind
from privgan.planning.task_marginals import task_marginals
from privgan.schema.schema import Schema

# What is measured more closely for a task, beside what is not.
_KINDS = {
    StepKind.TARGET_DIFFERENCES: ("pairs", StepKind.DIFFERENCES),
    StepKind.TARGET_PAIRS: ("pairs", StepKind.PAIRS),
    StepKind.TASK_TRIPLES: ("triples of treatment, outcome and another column", StepKind.TRIPLES),
    StepKind.TARGET_TRIPLES: ("triples", StepKind.TRIPLES),
}


def task_lines(plan: Plan, schema: Schema) -> Iterator[str]:
    """The tasks, and how closely what they need is measured; nothing without tasks.

    Args:
        plan: The plan; before its stage 2 the tasks alone are told.
        schema: The schema that it is for.
    """
    if not schema.tasks:
        return
    for task in schema.tasks:
        yield f"task {task}"
    if schema.history is not None or schema.tables:
        yield "of several rows a customer the first task's column alone is measured more closely"
    elif task_marginals(schema).declared:
        yield from _noises(plan)


def _noises(plan: Plan) -> Iterator[str]:
    noises = {step.kind: step for step in plan.steps}
    for kind, (what, others) in _KINDS.items():
        if kind not in noises:
            continue
        step = noises[kind]
        number = getattr(step.mechanism, "number", 1)
        beside = f"; of others {noises[others].noise:.3g}" if others in noises else ""
        yield f"  measured for the tasks: {number} {what}, noise {step.noise:.3g} rows{beside}"
