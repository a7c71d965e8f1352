"""The commands whose time and memory are told by stage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from privgan.errors import UsageError
from tests.benchmarks.cells import Cell, Limits, run_cell
from tests.benchmarks.environments import python_of
from tests.benchmarks.methods import OWN
from tests.benchmarks.running import DELTA
from tests.benchmarks.speed.simulated import Size, write_table
from tests.benchmarks.tables import prepare

DRIVER = Path(__file__).parent / "driver.py"
EPSILON, POLICY, ADULT = 3.0, "internal-analytics", "adult"
COLUMNS, CATEGORIES = 20, 8


@dataclass(frozen=True, kw_only=True)
class Point:
    """One command on one table.

    Attributes:
        name: Its name: ``run-adult-csv``, or ``run-ROWS-csv``; sample and verify use its release.
        command: ``run``, ``sample`` or ``verify``.
        table: ``adult``, or the rows of a simulated table of 20 columns.
        form: ``csv`` or ``parquet``, of the table that is read; of ``sample`` the rows drawn.
    """

    name: str
    command: str
    table: str
    form: str

    @classmethod
    def named(cls, name: str) -> Point:
        """The point of a name.

        Raises:
            UsageError: for a name of another form.
        """
        parts = name.split("-")
        known = len(parts) == 3 and (parts[1] == ADULT or parts[1].isdigit())
        of = {"run": parts[-1] in ("csv", "parquet"), "sample": parts[-1].isdigit()}
        if not known or not of.get(parts[0], parts[0] == "verify" and of["run"]):
            raise UsageError(
                f"point is {name!r}; allowed: run-TABLE-csv, run-TABLE-parquet, verify-TABLE-csv,"
                " sample-TABLE-ROWS; TABLE is adult or a number of rows"
            )
        return cls(name=name, command=parts[0], table=parts[1], form=parts[2])

    @property
    def cell(self) -> Cell:
        """Where its result is kept."""
        return Cell(table=self.name, method=OWN, epsilon=EPSILON, seed=0)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where tables and results are.

    Attributes:
        data: The folder of the published tables, for Adult alone.
        work: Tables that were written, and results.
        label: The state of the package that is measured, such as ``before``.
        limits: Limits of one command.
    """

    data: Path | None
    work: Path
    label: str
    limits: Limits

    @property
    def results(self) -> Path:
        """The folder of the results of this state."""
        return self.work / "stages" / self.label


def measure(points: Sequence[Point], place: Place, say: Callable[[str], None]) -> dict[str, Any]:
    """Run every point that has no result yet; the results by name."""
    found = {}
    for point in points:
        job = {"command": _arguments(point, place)}
        folder = point.cell.folder(place.results)
        for left in ("out", "ledger.db"):
            _check_gone(folder / left, folder)
        command = [python_of(OWN, place.work), str(DRIVER)]
        found[point.name] = run_cell(point.cell, place.results, command, job, place.limits)
        say(f"{point.name}: {found[point.name]['status']}")
    return found


def _check_gone(path: Path, folder: Path) -> None:
    if path.exists() and not (folder / "result.json").exists():
        raise UsageError(f"{path}: is left of a run that did not end; remove {folder}")


def _arguments(point: Point, place: Place) -> list[str]:
    folder = point.cell.folder(place.results)
    run = Point.named(f"run-{point.table}-csv") if point.command == "sample" else point
    release = Point.named(f"run-{run.table}-{run.form}").cell.folder(place.results) / "out/release"
    if point.command == "verify":
        return ["verify", str(release)]
    if point.command == "sample":
        out = ["--out", str(folder / "sample.parquet")]
        return ["sample", str(release), "--rows", point.form, *out]
    table, schema, rows = _table(point, place)
    return [
        *("run", str(table), "--schema", str(schema), "--policy", POLICY),
        *("--epsilon", str(EPSILON), "--delta", str(min(DELTA, 0.1 / rows))),
        *("--public-rows", str(rows)),
        *("--out", str(folder / "out"), "--ledger", str(folder / "ledger.db")),
    ]


def _table(point: Point, place: Place) -> tuple[Path, Path, int]:
    """The table's file, its schema and its rows; written once."""
    if point.table == ADULT:
        if place.data is None:
            raise UsageError("Adult is among the published tables; give their folder")
        made = prepare(ADULT, place.data, place.work)
        table, schema, rows = made.train, made.schema_file, made.rows
    else:
        rows = int(point.table)
        size = Size(rows=rows, columns=COLUMNS, categories=CATEGORIES)
        table, schema = write_table(size, place.work / "stages" / "tables" / size.name)
    if point.form == "parquet":
        table = _as_parquet(table)
    return table, schema, rows


def _as_parquet(table: Path) -> Path:
    """The same table as a Parquet file beside it."""
    path = table.with_suffix(".parquet")
    if not path.exists():
        pd.read_csv(table).to_parquet(path, index=False)
    return path
