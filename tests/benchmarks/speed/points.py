"""Run the points of the speed report, each once and by itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from privgan.errors import UsageError
from privgan.table.schema_file import load_schema
from tests.benchmarks.cells import Cell, Limits, result_of, run_cell
from tests.benchmarks.environments import python_of
from tests.benchmarks.methods import HERE, OWN, method_of
from tests.benchmarks.running import DELTA
from tests.benchmarks.speed.critic_step import measure_critic_step
from tests.benchmarks.speed.simulated import Size, write_table
from tests.benchmarks.tables import public_columns

CRITIC_STEP, EPSILON = "critic-step", 3.0
BY_ROWS = tuple(Size(rows=rows, columns=20, categories=8) for rows in (10_000, 100_000, 1_000_000))
LARGEST = Size(rows=1_000_000, columns=40, categories=8)
BY_COLUMNS = tuple(
    Size(rows=20_000, columns=columns, categories=count)
    for count in (8, 32)
    for columns in (10, 20, 40)
)
SIZES = {size.name: size for size in (*BY_ROWS, LARGEST, *BY_COLUMNS)}
POINTS = (CRITIC_STEP, *SIZES)


def run_points(
    names: Sequence[str], work: Path, limits: Limits, say: Callable[[str], None]
) -> None:
    """Measure every point that is not measured yet.

    Args:
        names: The points.
        work: The benchmark's work folder.
        limits: Limits of a fit.
        say: Tells the user.

    Raises:
        UsageError: for a point that there is not.
    """
    for name in names:
        if name not in POINTS:
            raise UsageError(f"point is {name!r}; allowed: {', '.join(POINTS)}")
        found = (
            critic_step(work, measure=True)
            if name == CRITIC_STEP
            else _fit(SIZES[name], work, limits)
        )
        say(f"{name}: {found}")


def critic_step(work: Path, *, measure: bool) -> dict[str, Any] | None:
    """Cost of the critic's step; None if it was not measured and is not to be."""
    path = work / "speed" / f"{CRITIC_STEP}.json"
    if measure and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(measure_critic_step(), indent=1), encoding="utf-8")
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _cell(size: Size) -> Cell:
    return Cell(table=size.name, method=OWN, epsilon=EPSILON, seed=0)


def _fit(size: Size, work: Path, limits: Limits) -> str:
    folder = work / "speed"
    table, schema = write_table(size, folder / "tables" / size.name)
    job = {
        "train": str(table),
        "schema": str(schema),
        "columns": public_columns(load_schema(schema)),
        "method": OWN,
        "epsilon": EPSILON,
        "delta": min(DELTA, 0.1 / size.rows),
        "seed": 0,
        "rows": size.rows,
        "options": {},
    }
    command = [python_of(OWN, work), str(HERE / "peers" / method_of(OWN).driver)]
    result = run_cell(_cell(size), folder, command, job, limits)
    return f"{result['status']} ({result['seconds']:.0f} s)"


def fitted(work: Path) -> list[dict[str, Any]]:
    """Every finished fit with its size, in order."""
    found = []
    for size in SIZES.values():
        result = result_of(_cell(size).folder(work / "speed"))
        if result is not None:
            figures = {
                "status": result["status"],
                "fit_s": None,
                "sample_rows_s": None,
                "peak_mb": None,
            }
            if result["status"] == "ok":
                # Seconds of the processor: other work on the machine does not lengthen them.
                speed = result["rows"] / result["sample_processor_seconds"]
                figures |= {
                    "fit_s": result["fit_processor_seconds"],
                    "sample_rows_s": speed,
                    "peak_mb": result["peak_megabytes"],
                }
            found.append({"point": size.name, **asdict(size), **figures})
    return found
