"""Fit privgan with and without tasks, and score what the tasks are decided by."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from privgan.audit.coding import AuditCoder
from privgan.audit.tasks import augmentation
from privgan.audit.tasks.ranked import Ranked
from privgan.audit.tasks.stage import all_task_metrics
from privgan.audit.tasks.tables import TaskTables
from privgan.audit.utility.tasks import BOOSTING, PredictionTask
from privgan.files.documents import parse_document
from privgan.schema.schema import Schema
from privgan.schema.tasks import ResponseTask
from privgan.table.schema_file import FORMAT, schema_items, written
from privgan.table.task_file import with_tasks
from tests.benchmarks.cells import SYNTHETIC, Cell, Limits, result_of
from tests.benchmarks.running import Selection
from tests.benchmarks.running import run as run_cells
from tests.benchmarks.tables import Prepared, prepare
from tests.benchmarks.uses.planted import NAME as PLANTED
from tests.benchmarks.uses.planted import TREATMENT, write_planted

EPSILON, SEED = 3.0, 0
FIGURES, ON_ALL_ROWS = "uses.json", "uses_all_rows.json"
TOP, _OK = 0.1, "ok"
_ONE_SIZE = (500,)
TASKS: Mapping[str, Sequence[Mapping[str, str]]] = {
    **{
        table: ({"kind": "response"}, {"kind": "scorecard"})
        for table in ("bank", "online_shoppers", "credit_default")
    },
    PLANTED: ({"kind": "uplift", "treatment": TREATMENT},),
}
PEERS = ("dpmm-privbayes", "dpmm-mst", "dpmm-aim")
# By table: the method that declares its tasks.
DECLARED = dict.fromkeys(TASKS, "privgan-tasks") | {PLANTED: "privgan-uplift"}
PLAIN = "privgan"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One finished cell.

    Attributes:
        cell: Which it is.
        figures: By metric its value and the one of real rows, and its details; none of a fit
            without a table.
        on_all_rows: By figure of a response the share of the real one, where both models are
            fitted on all rows; empty for other tasks, at another ε, and of peers.
        status: How the fit ended.
    """

    cell: Cell
    figures: Mapping[str, Mapping[str, Any]]
    on_all_rows: Mapping[str, float] = field(default_factory=dict)
    status: str = _OK


@dataclass(frozen=True, kw_only=True)
class Study:
    """What is measured, and where it is kept.

    Attributes:
        seeds: Number of fits of each table with tasks; without them there is one.
        epsilons: The values of ε; without tasks, and of peers, it is ``EPSILON`` alone.
        peers: The private peers, one fit each.
        python: Makes the peers' environments.
        data: The folder of the published tables.
        work: Where cells and results are kept.
        limits: Limits of each fit; None to fit nothing, and score what is finished.
        say: Tells the user.
    """

    seeds: int
    epsilons: Sequence[float] = (EPSILON,)
    peers: Sequence[str] = ()
    python: str = sys.executable
    data: Path
    work: Path
    limits: Limits | None
    say: Callable[[str], None]

    def measured(self, tables: Sequence[str]) -> list[Measured]:
        """Every finished cell of some tables, scored once."""
        return [found for table in tables for found in self._of(table)]

    def _of(self, table: str) -> Iterator[Measured]:
        data = self._folder(table)
        prepared = prepare(table, data, self.work)
        wanted = [(DECLARED[table], self.epsilons, self.seeds)]
        wanted += [(method, (EPSILON,), 1) for method in (PLAIN, *self.peers)]
        for method, epsilons, seeds in wanted:
            chosen = Selection(tables=[table], methods=[method], epsilons=epsilons, seeds=seeds)
            if self.limits is not None:
                place = (data, self.work, self.limits)
                run_cells(chosen, *place, python=self.python, say=self.say)
            for cell in chosen.cells():
                result = result_of(cell.folder(self.work))
                if result is not None:
                    yield self._measured(cell, str(result["status"]), prepared)

    def _measured(self, cell: Cell, status: str, prepared: Prepared) -> Measured:
        """A finished cell, scored once; a partner's rows and all rows for the main ones alone."""
        folder = cell.folder(self.work)
        if status != _OK:
            return Measured(cell=cell, figures={}, status=status)
        whole = cell.epsilon == EPSILON and cell.method not in PEERS
        score = partial(_scored, cell.table, prepared, folder, whole=whole)
        figures = _once(folder / FIGURES, score)
        self.say(f"{cell}: scored")
        if not whole:
            return Measured(cell=cell, figures=figures)
        score = partial(_on_all_rows, cell.table, prepared, folder)
        return Measured(cell=cell, figures=figures, on_all_rows=_once(folder / ON_ALL_ROWS, score))

    def _folder(self, table: str) -> Path:
        """The folder that a table is in."""
        if table != PLANTED:
            return self.data
        folder = self.work / "planted"
        write_planted(self.data, folder)
        return folder


def schema_of(table: str, prepared: Prepared) -> Schema:
    """The table's schema with its tasks."""
    target = prepared.source.target
    named = [
        dict(task) | ({"outcome": target} if task["kind"] == "uplift" else {"target": target})
        for task in TASKS[table]
    ]
    text = written(schema_items(prepared.schema) | {"tasks": named})
    document = parse_document(text, name=table, format_name=FORMAT)
    return with_tasks(document, prepared.schema)


def _once(kept: Path, score: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Figures of a cell, computed once."""
    if not kept.exists():
        kept.write_text(json.dumps(score(), indent=1), encoding="utf-8")
    found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    return found


def _tables(prepared: Prepared, folder: Path) -> TaskTables:
    """The tables as the audit codes them; the rows that nobody fitted are its hold-out."""
    train, test = prepared.frames()
    coder = AuditCoder.from_reference(prepared.schema, train)
    synthetic = prepared.typed(folder / SYNTHETIC)
    return TaskTables(coder, coder.code(train), coder.code(test), coder.code(synthetic), SEED)


def _scored(table: str, prepared: Prepared, folder: Path, *, whole: bool) -> dict[str, Any]:
    """The audit's figures of the tasks; a partner's own rows in one size where not ``whole``."""
    sizes = augmentation.SIZES if whole else _ONE_SIZE
    with threadpool_limits(1), mock.patch.object(augmentation, "SIZES", sizes):
        metrics = all_task_metrics(schema_of(table, prepared).tasks, _tables(prepared, folder))
    return {metric.name: metric.to_json() for metric in metrics}


def _on_all_rows(table: str, prepared: Prepared, folder: Path) -> dict[str, Any]:
    """Shares of the real figures where both models see all rows, not 20,000 of them."""
    for task in schema_of(table, prepared).tasks:
        if type(task) is ResponseTask and task.positive is not None:
            tables = _tables(prepared, folder).as_yes_or_no(task.target, task.positive)
            with threadpool_limits(1):
                return _kept(tables, task.target)
    return {}


def _kept(tables: TaskTables, target: str) -> dict[str, float]:
    assert tables.left_out is not None
    task = PredictionTask.of(tables.coder, tables.kept_in, target)
    test, positive = task.without_target(tables.left_out), task.target(tables.left_out) > 0
    made, real = (
        Ranked.of(positive, task.fit(BOOSTING, rows)(test)[:, -1], np.ones((1, len(positive))))
        for rows in (tables.synthetic, tables.kept_in)
    )
    return {
        "average_precision": float(made.average_precision()[0] / real.average_precision()[0]),
        "lift": float(made.lift(TOP)[0] / real.lift(TOP)[0]),
    }
