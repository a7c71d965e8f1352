"""Prepare a task's tables: the target as yes or no, and models of both kinds of rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from privgan.audit.coding import AuditCoder, CodedTable
from privgan.audit.histories.tables import HistoryTables
from privgan.audit.utility.tasks import BOOSTING, PredictionTask
from privgan.audit.utility.utility import Trial, trial_of
from privgan.schema.columns import Discrete, Kind
from privgan.schema.schema import next_by_name
from privgan.schema.tasks import Task

YES, NO = "yes", "no"


@dataclass(frozen=True, eq=False, repr=False)
class TaskTables:
    """The audit's three tables.

    Attributes:
        coder: Names the columns.
        kept_in: The real rows to train on.
        left_out: The real rows to test on, or None.
        synthetic: The synthetic rows to train on.
        seed: Draws samples, halves and bootstrap.
        histories: Whole customers of a schema with a history, or the reason why there are none;
            None without one.
    """

    coder: AuditCoder
    kept_in: CodedTable
    left_out: CodedTable | None
    synthetic: CodedTable
    seed: int
    histories: HistoryTables | str | None = None

    def missing(self, task: Task) -> str:
        """Why a task cannot be tried on these columns; empty if it can."""
        gone = [name for name in task.named if name not in self.coder.names]
        return f"the column {gone[0]!r} was left out" if gone else ""

    def trial(self, name: str) -> tuple[PredictionTask, Trial | str]:
        """Models of a column by gradient boosting, or the reason why there are none."""
        tables = (self.kept_in, self.left_out, self.synthetic)
        return trial_of(self.coder, *tables, name, self.seed, families=(BOOSTING,))

    def as_yes_or_no(self, name: str, positive: str) -> TaskTables:
        """The same tables with a discrete column as whether it holds one of its values.

        Args:
            name: The column.
            positive: The value that is yes; a missing value stays missing.
        """
        place = self.coder.names.index(name)
        column = next_by_name(self.coder.columns, name)
        assert isinstance(column, Discrete)
        value = column.categories.index(positive)
        plain = Discrete(name=name, kind=Kind.CATEGORICAL, categories=(NO, YES))
        columns = [*self.coder.columns]
        columns[place] = plain
        left_out = None if self.left_out is None else _marked(self.left_out, place, value)
        return replace(
            self,
            coder=replace(self.coder, columns=tuple(columns)),
            kept_in=_marked(self.kept_in, place, value),
            left_out=left_out,
            synthetic=_marked(self.synthetic, place, value),
        )


def _marked(table: CodedTable, place: int, value: int) -> CodedTable:
    values = table.values.copy()
    known = ~np.isnan(values[:, place])
    values[known, place] = values[known, place] == value
    return replace(table, values=values)


def probabilities(trial: Trial) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Probabilities of yes for the test rows: trained on synthetic and on real rows [rows]."""
    made, real = trial.predictions[BOOSTING]
    return made[:, -1], real[:, -1]
