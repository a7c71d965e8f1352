"""Find the marginals that a schema's tasks need, from public facts alone."""

from __future__ import annotations

from dataclasses import dataclass

from privgan.schema.schema import Schema, choose_target
from privgan.schema.tasks import UpliftTask


@dataclass(frozen=True)
class TaskMarginals:
    """What of a table its tasks need, in places among the modelled columns.

    Attributes:
        targets: Columns whose marginals with any other are measured more closely: the target, what
            the tasks predict, and treatments.
        groups: Sets of columns whose marginals among themselves are.
        triples: 3-way marginals that are measured whatever their size: of treatment, outcome and
            each other column.
        declared: Whether the schema names a task that predicts a column.
    """

    targets: frozenset[int]
    groups: tuple[frozenset[int], ...] = ()
    triples: tuple[tuple[int, ...], ...] = ()
    declared: bool = False

    def need(self, clique: tuple[int, ...]) -> bool:
        """Whether a marginal is measured more closely."""
        members = frozenset(clique)
        return bool(members & self.targets) or any(members <= group for group in self.groups)


def task_marginals(schema: Schema) -> TaskMarginals:
    """The marginals of the schema's tasks, and of its target or the one of the fixed rule."""
    names = [column.name for column in schema.modelled]
    places = {name: place for place, name in enumerate(names)}
    target = schema.target or choose_target(schema.modelled)
    targets = {places[name] for task in schema.tasks if task.main for name in task.named}
    groups = (task.together for task in schema.tasks)
    return TaskMarginals(
        targets=frozenset(targets | ({places[target]} if target else set())),
        groups=tuple(frozenset(places[name] for name in group) for group in groups if group),
        triples=tuple(
            dict.fromkeys(
                tuple(sorted((places[task.treatment], places[task.outcome], other)))
                for task in schema.tasks
                if isinstance(task, UpliftTask)
                for other in range(len(names))
                if names[other] not in task.named
            )
        ),
        declared=bool(targets),
    )
