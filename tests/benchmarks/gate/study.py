"""Run and score the gate's cells: does DP-SGD pay, and on which tables?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from privgan.audit.coding import AuditCoder
from privgan.schema.columns import Discrete
from tests.benchmarks.cells import SYNTHETIC, Cell, Limits, result_of
from tests.benchmarks.collect import Scored
from tests.benchmarks.gate.tables import SCORED, GateTable, prepare_drawn, table_name
from tests.benchmarks.likelihood import likelihoods_of
from tests.benchmarks.running import Selection, run_one
from tests.benchmarks.scoring import Figures, score_tables, scored_once

_BOOSTER = {"max_iter": 300, "random_state": 0}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The gate's cells.

    Attributes:
        tables: Names of the drawn tables.
        rows: Numbers of rows to fit.
        methods: The methods' names.
        epsilons: The values of ε.
        seeds: Number of seeds.
    """

    tables: Sequence[str]
    rows: Sequence[int]
    methods: Sequence[str]
    epsilons: Sequence[float]
    seeds: int

    def drawn(self) -> Iterator[tuple[str, int]]:
        """Name and rows of every table, the smallest first."""
        yield from ((name, rows) for rows in self.rows for name in self.tables)

    def cells(self, name: str, rows: int) -> Iterator[Cell]:
        """All cells of one table."""
        selection = Selection(
            tables=[table_name(name, rows)],
            methods=self.methods,
            epsilons=self.epsilons,
            seeds=self.seeds,
        )
        return selection.cells()


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the gate reads and writes.

    Attributes:
        data: The folder of the published files.
        work: The benchmark's work folder.
        python: The interpreter that makes environments.
    """

    data: Path
    work: Path
    python: str


def run_gate(
    asked: Asked, place: Place, limits: Limits, say: Callable[[str], None]
) -> Iterator[Scored]:
    """Run and score every cell that is not finished; each is told and given as it ends."""
    for name, rows in asked.drawn():
        table = prepare_drawn(name, rows, place.data, place.work)
        for cell in asked.cells(name, rows):
            run_one(cell, table, place.work, limits, python=place.python, kept_rows=SCORED)
            found = scored(cell, table, place.work)
            assert found is not None
            say(told(found))
            yield found


def finished(asked: Asked, place: Place) -> Iterator[Scored]:
    """Every finished cell, scored; nothing is run."""
    for name, rows in asked.drawn():
        cells = [cell for cell in asked.cells(name, rows) if result_of(cell.folder(place.work))]
        if cells:
            table = prepare_drawn(name, rows, place.data, place.work)
            every = (scored(cell, table, place.work) for cell in cells)
            yield from (found for found in every if found is not None)


def scored(cell: Cell, table: GateTable, work: Path) -> Scored | None:
    """A finished cell with its figures; None where it is not finished."""
    folder = cell.folder(work)
    result = result_of(folder)
    if result is None:
        return None
    figures = scored_once(folder, lambda: figures_of(folder, table)) or {}
    return Scored(cell=cell, result=result, figures=figures, doubts=())


def figures_of(folder: Path, table: GateTable) -> Figures:
    """Every figure of one cell: against fresh rows of the truth, numbers cut at their quantiles.

    Args:
        folder: The cell's folder.
        table: Its table.
    """
    made, real, test = (
        table.typed(path)[:SCORED] for path in (folder / SYNTHETIC, table.real, table.test)
    )
    target = table.source.target
    found = score_tables(table.schema, real, test, made, target, to_test=True)
    return found | accuracy_of(table, made, test) | likelihoods_of(folder, test)


def accuracy_of(table: GateTable, made: pd.DataFrame, test: pd.DataFrame) -> Figures:
    """Accuracy on test rows of a plain booster fitted on synthetic ones; none for a number."""
    schema, target = table.schema, table.source.target
    if not isinstance(schema.column(target), Discrete):
        return {}
    coder = AuditCoder.from_reference(schema, test)
    place = coder.names.index(target)
    known, asked = coder.code(made), coder.code(test)
    others = [column for column in range(len(coder.names)) if column != place]
    with threadpool_limits(1):
        booster = HistGradientBoostingClassifier(**_BOOSTER)
        booster.fit(known.values[:, others], known.codes[:, place])
        right = booster.predict(asked.values[:, others]) == asked.codes[:, place]
    return {"accuracy": float(right.mean())}


_TOLD = ("tvd3", "tvd4", "c2st", "c2st_raw", "gap", "accuracy", "loglik", "loglik_values")


def told(found: Scored) -> str:
    """A cell in one line."""
    figures = " ".join(
        f"{name} {found.figures[name]:.4f}" for name in _TOLD if name in found.figures
    )
    seconds = f"({found.result['seconds']:.0f} s)"
    return f"{found.cell}: {figures or found.result['status']} {seconds}"
