"""Read lines of an earlier report, for cells that this machine has not run."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from privgan.errors import UsageError
from tests.benchmarks.cells import given_seconds
from tests.benchmarks.collect import Line
from tests.benchmarks.methods import METHODS
from tests.benchmarks.running import Selection
from tests.benchmarks.scoring import Figures
from tests.benchmarks.tables import SOURCES

_FACTS = frozenset(
    {
        "table",
        "rows",
        "epsilon",
        "method",
        "status",
        "seeds",
        "run",
        "tvd3_ratio",
        "gap_ratio",
        "doubts",
    }
)


def read_lines(path: Path) -> list[Line]:
    """The lines of a ``peers.csv``, each marked as of an earlier run.

    Raises:
        UsageError: when it is none.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    try:
        return [_line(row) for row in rows]
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise UsageError(
            f"{path}: is no peers.csv of this benchmark ({type(error).__name__})"
        ) from error


def _line(row: dict[str, str]) -> Line:
    figures: Figures = {
        name: float(value) for name, value in row.items() if name not in _FACTS and value
    }
    return Line(
        table=row["table"],
        rows=int(row["rows"]),
        epsilon=float(row["epsilon"]) if row["epsilon"] else None,
        method=row["method"],
        status=row["status"],
        seeds=int(row["seeds"]),
        seconds=given_seconds(row["status"]),
        figures=figures,
        doubts=tuple(part for part in row["doubts"].split("; ") if part),
        earlier=True,
    )


def with_earlier(
    lines: Iterable[Line], earlier: Iterable[Line], selection: Selection
) -> list[Line]:
    """Lines of this run, and earlier lines of missing selected cells, in run order."""
    here = {_key(line): line for line in lines}
    wanted = {(cell.table, cell.epsilon, cell.method) for cell in selection.cells()}
    missing = {_key(line): line for line in earlier if _key(line) in wanted}
    tables, methods = [*SOURCES, *selection.tables], list(METHODS)
    return sorted(
        (missing | here).values(),
        key=lambda line: (
            tables.index(line.table),
            methods.index(line.method),
            line.epsilon or 0.0,
        ),
    )


def _key(line: Line) -> tuple[str, float | None, str]:
    return line.table, line.epsilon, line.method
