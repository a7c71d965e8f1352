"""Measure the cost of wide and many-valued tables.

``python -m tests.benchmarks.wide [columns] [categories] [--size ROWS COLUMNS CATEGORIES]``.

*columns*: 50,000 rows of 200 columns. *categories*: 1,000,000 rows with one measured column of
100,000 categories. Each is a whole ``privgan`` command on a CSV, in a process of its own with one
thread.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import pandas as pd

from tests.benchmarks.cells import ONE_THREAD
from tests.benchmarks.speed.simulated import Size, write_table

WIDE = Size(rows=50_000, columns=200, categories=8)
MANY_ROWS, MANY_CATEGORIES = 1_000_000, 100_000
EPSILON, DELTA, SEED = 3.0, 1e-7, 0
_KILOBYTES = 1_024


@dataclass(frozen=True, kw_only=True)
class Taken:
    """Cost of a command.

    Attributes:
        code: Its exit code.
        seconds: By the clock on the wall.
        processor: Seconds of the processor, of all that it started too.
        megabytes: The most memory that it held.
        first_line: Seconds until it told its first line.
    """

    code: int
    seconds: float
    processor: float
    megabytes: float
    first_line: float


def main_of(command: str, table: Path, schema: Path, folder: Path, *, rows: int) -> list[str]:
    """The command line of ``privgan run`` or ``privgan fit`` on a table of so many rows."""
    policy = ["--policy", "internal-analytics"] if command == "run" else []
    budget = [
        "--epsilon",
        str(EPSILON),
        "--delta",
        str(DELTA),
        "--public-rows",
        str(rows),
        "--effort",
        "quick",
    ]
    out = ["--out", str(folder / "out"), "--ledger", str(folder / "ledger.db")]
    return [
        sys.executable,
        "-m",
        "privgan",
        command,
        str(table),
        "--schema",
        str(schema),
        *policy,
        *budget,
        *out,
    ]


def many_valued(
    folder: Path, *, rows: int = MANY_ROWS, categories: int = MANY_CATEGORIES
) -> tuple[Path, Path]:
    """Write a table with a column of very many categories, by Zipf's law, and its schema, once."""
    table, schema = folder / "train.csv", folder / "schema.yaml"
    if not schema.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _many_rows(rows, categories).to_csv(table, index=False)
        schema.write_text(json.dumps(_many_schema()), encoding="utf-8")
    return table, schema


def _many_rows(rows: int, categories: int) -> pd.DataFrame:
    rng = np.random.default_rng(SEED)
    shares = 1 / np.arange(1, categories + 1)
    # Every category occurs; the rest of the rows are drawn.
    drawn = rng.choice(categories, size=rows - categories, p=shares / shares.sum())
    product = rng.permutation(np.concatenate([np.arange(categories), drawn]))
    return pd.DataFrame(
        {
            "product": np.char.add("item-", np.char.zfill(product.astype(str), 6)),
            "region": np.char.add("r", (product % 7).astype(str)),
            "amount": rng.integers(0, 500, rows) + product % 500,
            "returned": np.where(rng.random(rows) < 0.1, "yes", "no"),
        }
    )


def _many_schema() -> Mapping[str, object]:
    columns = [
        {
            "name": "product",
            "kind": "categorical",
            "other": "other",
            "source": {"categories": "measured"},
        },
        {
            "name": "region",
            "kind": "categorical",
            "categories": [f"r{place}" for place in range(7)],
        },
        {"name": "amount", "kind": "integer", "lower": 0, "upper": 1_000},
        {"name": "returned", "kind": "categorical", "categories": ["no", "yes"]},
    ]
    return {
        "format": "privgan.schema/1",
        "dataset": "many-valued",
        "unit": "row",
        "columns": columns,
    }


@dataclass(frozen=True, kw_only=True)
class Point:
    """A table to measure.

    Attributes:
        rows: Its rows.
        make: Writes table and schema into a folder, once, and returns their files.
    """

    rows: int
    make: Callable[[Path], tuple[Path, Path]]


def wide_point(size: Size) -> Point:
    """A table of many columns."""
    return Point(rows=size.rows, make=lambda folder: write_table(size, folder / size.name))


POINTS: Mapping[str, Point] = {
    "columns": wide_point(WIDE),
    "categories": Point(rows=MANY_ROWS, make=lambda folder: many_valued(folder / "many-valued")),
}


def measured(command: list[str], log: Path) -> Taken:
    """Run a command; what it tells goes to a log file."""
    started, first = time.monotonic(), list[float]()
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL}
    process = subprocess.Popen(command, env=os.environ | ONE_THREAD, **pipes)  # type: ignore[call-overload]

    def listen() -> None:
        with log.open("wb") as out:
            for line in process.stdout:
                first.append(time.monotonic() - started)
                out.write(line)
                out.flush()

    listener = threading.Thread(target=listen)
    listener.start()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - started
    listener.join()
    return Taken(
        code=os.waitstatus_to_exitcode(status),
        seconds=seconds,
        processor=usage.ru_utime + usage.ru_stime,
        megabytes=usage.ru_maxrss / _KILOBYTES,
        first_line=first[0] if first else seconds,
    )


def told(name: str, taken: Taken) -> str:
    """A point in one line."""
    return (
        f"{name}: {taken.processor:.0f} s of the processor, {taken.seconds:.0f} s by the clock,"
        f" peak {taken.megabytes:.0f} MB, first line after {taken.first_line:.1f} s, exit code"
        f" {taken.code}"
    )


@click.command()
@click.argument("points", nargs=-1, type=click.Choice(list(POINTS)))
@click.option("--command", type=click.Choice(["run", "fit"]), default="run", show_default=True)
@click.option(
    "--work",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where tables are kept [default: a folder that goes].",
)
@click.option(
    "--size",
    type=(click.IntRange(500), click.IntRange(2), click.IntRange(2)),
    metavar="ROWS COLUMNS CATEGORIES",
    help="Measure a table of this size in place of 50,000 rows of 200 columns of 8 categories.",
)
def main(
    points: tuple[str, ...], command: str, work: Path | None, size: tuple[int, int, int] | None
) -> None:
    """Measure wide and many-valued tables."""
    known = dict(POINTS)
    if size is not None:
        rows, columns, categories = size
        known["columns"] = wide_point(Size(rows=rows, columns=columns, categories=categories))
    with tempfile.TemporaryDirectory() as passing:
        kept = (work or Path(passing)).absolute()
        for name in points or tuple(known):
            table, schema = known[name].make(kept)
            folder = Path(tempfile.mkdtemp(dir=passing))
            line = main_of(command, table, schema, folder, rows=known[name].rows)
            click.echo(told(f"{command} {name}", measured(line, kept / f"{name}-{command}.log")))


if __name__ == "__main__":
    main()
