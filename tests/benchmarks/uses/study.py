"""Fit privgan with and without tasks, and score what the tasks are decided by."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from privgan.audit.coding import AuditCoder
from privgan.audit.tasks.stage import all_task_metrics
from privgan.audit.tasks.tables import TaskTables
from privgan.files.documents import parse_document
from privgan.schema.schema import Schema
from privgan.table.schema_file import FORMAT, schema_items, written
from privgan.table.task_file import with_tasks
from tests.benchmarks.cells import SYNTHETIC, Cell, Limits, result_of
from tests.benchmarks.running import Selection
from tests.benchmarks.running import run as run_cells
from tests.benchmarks.tables import Prepared, prepare
from tests.benchmarks.uses.planted import NAME as PLANTED
from tests.benchmarks.uses.planted import TREATMENT, write_planted

EPSILON, SEED = 3.0, 0
FIGURES = "uses.json"
TASKS: Mapping[str, Sequence[Mapping[str, str]]] = {
    **{
        table: ({"kind": "response"}, {"kind": "scorecard"})
        for table in ("bank", "online_shoppers", "credit_default")
    },
    PLANTED: ({"kind": "uplift", "treatment": TREATMENT},),
}
# By table: the method that declares its tasks.
DECLARED = dict.fromkeys(TASKS, "privgan-tasks") | {PLANTED: "privgan-uplift"}
PLAIN = "privgan"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One finished cell.

    Attributes:
        cell: Which it is.
        figures: By metric its value and the one of real rows, and its details.
    """

    cell: Cell
    figures: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Study:
    """What is measured, and where it is kept.

    Attributes:
        seeds: Number of fits of each table with tasks; without them there is one.
        data: The folder of the published tables.
        work: Where cells and results are kept.
        limits: Limits of each fit; None to fit nothing, and score what is finished.
        say: Tells the user.
    """

    seeds: int
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
        for method, seeds in ((DECLARED[table], self.seeds), (PLAIN, 1)):
            chosen = Selection(tables=[table], methods=[method], epsilons=[EPSILON], seeds=seeds)
            if self.limits is not None:
                place = (data, self.work, self.limits)
                run_cells(chosen, *place, python=sys.executable, say=self.say)
            for cell in chosen.cells():
                folder = cell.folder(self.work)
                result = result_of(folder)
                if result is not None and result["status"] == "ok":
                    yield Measured(cell=cell, figures=_scored_once(table, prepared, folder))
                    self.say(f"{cell}: scored")

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


def _scored_once(table: str, prepared: Prepared, folder: Path) -> dict[str, Any]:
    kept = folder / FIGURES
    if not kept.exists():
        kept.write_text(json.dumps(_scored(table, prepared, folder), indent=1), encoding="utf-8")
    found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    return found


def _scored(table: str, prepared: Prepared, folder: Path) -> dict[str, Any]:
    """The audit's figures of the tasks; the rows that nobody fitted are its hold-out."""
    schema = schema_of(table, prepared)
    train, test = prepared.frames()
    coder = AuditCoder.from_reference(schema, train)
    synthetic = prepared.typed(folder / SYNTHETIC)
    tables = TaskTables(coder, coder.code(train), coder.code(test), coder.code(synthetic), SEED)
    with threadpool_limits(1):
        metrics = all_task_metrics(schema.tasks, tables)
    return {metric.name: metric.to_json() for metric in metrics}
