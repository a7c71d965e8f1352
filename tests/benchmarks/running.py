"""Run cells one after the other; finished cells are not run again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.benchmarks.cells import NO_RESULT, Cell, Limits, conclude, result_of, run_cell
from tests.benchmarks.environments import python_of
from tests.benchmarks.methods import HERE, method_of
from tests.benchmarks.tables import Prepared, prepare, public_columns

DELTA = 1e-6


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The selected cells.

    Attributes:
        tables: The tables' names.
        methods: The methods' names.
        epsilons: The values of ε.
        seeds: Number of privgan's seeds; a peer has one.
    """

    tables: Sequence[str]
    methods: Sequence[str]
    epsilons: Sequence[float]
    seeds: int

    def cells(self) -> Iterator[Cell]:
        """All cells, in order; a method without privacy has no ε."""
        for table in self.tables:
            for name in self.methods:
                method = method_of(name)
                for epsilon in self.epsilons if method.private else (None,):
                    for seed in range(self.seeds if method.own else 1):
                        yield Cell(table=table, method=name, epsilon=epsilon, seed=seed)


def run(
    selection: Selection,
    data: Path,
    work: Path,
    limits: Limits,
    *,
    python: str,
    say: Callable[[str], None],
) -> list[dict[str, Any]]:
    """Run every cell of a selection that is not finished.

    Args:
        selection: The selected cells.
        data: The folder of the published tables.
        work: The benchmark's work folder.
        limits: Limits of each cell.
        python: The interpreter for new environments.
        say: Tells the user.

    Returns:
        The results, in order.
    """
    results = []
    for cell in selection.cells():
        smaller = (
            None if result_of(cell.folder(work)) else ended_before(cell, selection, work, limits)
        )
        if smaller is not None:
            result = conclude(cell, work, smaller)
        else:
            result = run_one(cell, prepare(cell.table, data, work), work, limits, python=python)
        say(f"{cell}: {result['status']} ({result['seconds']:.0f} s)")
        results.append(result)
    return results


def run_one(
    cell: Cell,
    table: Prepared,
    work: Path,
    limits: Limits,
    *,
    python: str,
    kept_rows: int | None = None,
) -> dict[str, Any]:
    """Run one cell by its method's driver, or read what it ended in before.

    Args:
        cell: The cell.
        table: Its table.
        work: The benchmark's work folder.
        limits: Its limits.
        python: The interpreter for a new environment.
        kept_rows: Most synthetic rows to keep; None for all.

    Returns:
        The result, as :func:`run_cell`'s.
    """
    method = method_of(cell.method)
    driver = [
        python_of(method.environment, work, python=python),
        str(HERE / "peers" / method.driver),
    ]
    return run_cell(cell, work, driver, job_of(cell, table, kept_rows), limits)


def ended_before(cell: Cell, selection: Selection, work: Path, limits: Limits) -> Cell | None:
    """The cell at a smaller ε that ran out of the same time; None if there is none.

    This holds for methods whose ε only ends the training.
    """
    if not method_of(cell.method).epsilon_ends_training or cell.epsilon is None:
        return None
    for epsilon in sorted(epsilon for epsilon in selection.epsilons if epsilon < cell.epsilon):
        smaller = replace(cell, epsilon=epsilon)
        found = result_of(smaller.folder(work))
        if (
            found
            and found["status"].startswith(NO_RESULT)
            and found["minutes_allowed"] >= limits.minutes
        ):
            return smaller
    return None


def job_of(cell: Cell, table: Prepared, kept_rows: int | None = None) -> dict[str, Any]:
    """Job for a driver: the table, its public facts and the budget."""
    method, rows = method_of(cell.method), table.rows
    return {
        "train": str(table.train),
        "schema": str(table.schema_file),
        "columns": public_columns(table.schema, moments=method.own),
        "method": cell.method,
        "epsilon": cell.epsilon,
        "delta": delta_of(rows),
        "seed": cell.seed,
        "rows": rows,
        "target": table.source.target,
        "kept_rows": kept_rows,
        "options": dict(method.options),
    }


def delta_of(rows: int) -> float:
    """δ of a table: the benchmark's, or half of 1/rows where that is smaller."""
    return min(DELTA, 0.5 / rows)
