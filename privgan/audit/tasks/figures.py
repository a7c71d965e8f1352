"""Hold a task's figures, synthetic-trained beside real-trained, and make metrics of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from privgan.audit.intervals import bootstrap_interval
from privgan.metric import Metric
from privgan.metrics import Better, registered
from privgan.schema.tasks import Task

REPETITIONS = 200
_LEAST_BASE = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Figure:
    """One figure of one task, for the hold-out rows and for their bootstrap samples.

    Both sides see the same samples, so their difference is a paired one.

    Attributes:
        synthetic: Of what was trained on synthetic rows [weightings].
        real: Of what was trained on real rows [weightings].
        count: Number of rows behind it.
        method: The method in a few words.
        details: More of the task, as JSON values: curves, parts.
    """

    synthetic: NDArray[np.float64]
    real: NDArray[np.float64]
    count: int
    method: str
    details: Mapping[str, Any] = field(default_factory=dict)

    def kept(self, what: str) -> Figure | str:
        """The share of the real figure that the synthetic one reaches; a reason where it is none.

        Args:
            what: The figure, for the reason.
        """
        if self.real[0] <= _LEAST_BASE:
            return f"trained on real rows, {what} is not above 0: there is nothing to keep"
        usable = self.real > _LEAST_BASE
        return Figure(
            synthetic=self.synthetic[usable] / self.real[usable],
            real=np.ones(int(usable.sum())),
            count=self.count,
            method=f"{what}: trained on synthetic over trained on real rows; {self.method}",
        )

    def to_json(self) -> dict[str, Any]:
        """Both sides and their difference, each with its interval, and the details."""
        sides = {
            "synthetic": self.synthetic,
            "real": self.real,
            "difference": self.synthetic - self.real,
        }
        return {name: ended(values) for name, values in sides.items()} | dict(self.details)


# By the figure's name, without the kind: the figure, or the reason why there is none.
Figures: TypeAlias = Mapping[str, Figure | str]


def ended(values: NDArray[np.float64]) -> dict[str, float]:
    """A value with its bootstrap interval; the first is the value itself."""
    low, high = bootstrap_interval(values)
    return {"value": float(values[0]), "low": low, "high": high}


def worst(name: str, found: Sequence[tuple[Task, Figures]]) -> Metric:
    """One metric for all tasks of a kind: that of the task which loses most.

    Args:
        name: The metric's registered name; its last part names the figure.
        found: The tasks with their figures.
    """
    short, better = name.rpartition(".")[2], registered(name).better
    told = [(task, figures[short]) for task, figures in found]
    ran = [figure for _, figure in told if isinstance(figure, Figure)]
    details = {"tasks": [_told(task, figure) for task, figure in told]}
    if not ran:
        reason = next(figure for _, figure in told if isinstance(figure, str))
        return Metric.not_run(name, reason)
    sign = -1.0 if better is Better.LOWER else 1.0
    figure = min(ran, key=lambda one: sign * float(one.synthetic[0] - one.real[0]))
    ends = ended(figure.synthetic)
    return Metric(
        name=name,
        value=ends["value"],
        low=ends["low"],
        high=ends["high"],
        confidence=0.95,
        baseline=float(figure.real[0]),
        n=figure.count,
        method=figure.method,
        details=details,
    )


def _told(task: Task, figure: Figure | str) -> dict[str, Any]:
    found = {"reason": figure} if isinstance(figure, str) else figure.to_json()
    return {"task": str(task), **found}
