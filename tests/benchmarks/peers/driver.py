"""Run a peer: read the job, give it a typed table, time fit and sample, write the result.

It runs in the peer's own environment. That holds neither privgan nor the rest of the benchmark: it
needs pandas alone.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Column:
    """The public facts of one column, the same for every peer."""

    name: str
    discrete: bool
    missing: bool
    categories: tuple[str, ...] = ()
    lower: float = 0.0
    upper: float = 0.0
    decimals: int = 0


@dataclass(frozen=True)
class Job:
    """One fit: where the table is, what is public, what may be spent.

    ``target`` is the column that the table is used to predict. ``kept_rows`` is how many synthetic
    rows are sampled and written; None for as many as fitted.
    """

    train: Path
    out: Path
    method: str
    epsilon: float | None
    delta: float
    seed: int
    rows: int
    columns: tuple[Column, ...]
    schema: Path
    options: dict[str, Any]
    target: str = ""
    kept_rows: int | None = None

    @property
    def wanted(self) -> int:
        """The number of rows to sample."""
        return self.rows if self.kept_rows is None else min(self.rows, self.kept_rows)

    @property
    def discrete(self) -> list[Column]:
        """The columns with declared categories."""
        return [column for column in self.columns if column.discrete]

    @property
    def numeric(self) -> list[Column]:
        """The columns with declared bounds."""
        return [column for column in self.columns if not column.discrete]


Sampler = Callable[[int], pd.DataFrame]
Fit = Callable[[Job], Sampler]


def read_job(path: Path) -> Job:
    """A job file as the runner wrote it."""
    asked = json.loads(path.read_text(encoding="utf-8"))
    columns = tuple(
        Column(**{**column, "categories": tuple(column["categories"])})
        for column in asked.pop("columns")
    )
    paths = {name: Path(asked.pop(name)) for name in ("train", "out", "schema")}
    return Job(columns=columns, **paths, **asked)


def read_rows(job: Job) -> pd.DataFrame:
    """The table in types.

    Categories as text, whole numbers as integers, a missing value as None or NaN.
    """
    text = pd.read_csv(job.train, dtype=str, keep_default_na=False)
    return pd.DataFrame({column.name: typed(text[column.name], column) for column in job.columns})


def typed(text: pd.Series, column: Column) -> pd.Series:
    """One column of text in its type."""
    if column.discrete:
        return text.where(text != "", None).astype(object)
    numbers = pd.to_numeric(text.where(text != "", None))
    return (
        numbers.astype("int64")
        if column.decimals == 0 and not numbers.isna().any()
        else numbers.astype("float64")
    )


def as_text(table: pd.DataFrame, columns: tuple[Column, ...]) -> pd.DataFrame:
    """The sampled table in the original columns and value forms.

    An empty cell is a missing value.
    """
    return pd.DataFrame(
        {column.name: _values_as_text(table[column.name], column) for column in columns}
    )


def _values_as_text(values: pd.Series, column: Column) -> pd.Series:
    values = values.reset_index(drop=True)
    if column.discrete:
        return values.astype(object).where(values.notna(), "").astype(str)
    numbers = pd.to_numeric(values).astype("float64")
    form = f"{{:.{column.decimals}f}}"
    return numbers.map(lambda number: "" if np.isnan(number) else _shortest(form.format(number)))


def _shortest(number: str) -> str:
    return number.rstrip("0").rstrip(".") if "." in number else number


def main(
    fit: Fit, packages: tuple[str, ...], made: Callable[[Job], pd.DataFrame] | None = None
) -> None:
    """Run the job that the command line names: ``synthetic.csv`` and ``driver.json`` in its folder.

    Args:
        fit: Reads the rows, fits the peer and returns what samples from it.
        packages: Packages to name with their versions in the result.
        made: Reads the table that a fit made itself, within its time, where it is another than what
            is sampled.
    """
    job = read_job(Path(sys.argv[1]))
    started, fit_started = time.monotonic(), time.process_time()
    sample = fit(job)
    fitted, fit_ended = time.monotonic(), time.process_time()
    synthetic = sample(job.wanted)
    sampled, sample_ended = time.monotonic(), time.process_time()
    table = (synthetic if made is None else made(job))[: job.wanted]
    as_text(table, job.columns).to_csv(job.out / "synthetic.csv", index=False)
    facts = {
        "fit_seconds": fitted - started,
        "sample_seconds": sampled - fitted,
        "fit_processor_seconds": fit_ended - fit_started,
        "sample_processor_seconds": sample_ended - fit_ended,
        "rows": len(table),
        "peak_megabytes": _peak_megabytes(),
        "versions": {package: metadata.version(package) for package in packages},
    }
    (job.out / "driver.json").write_text(json.dumps(facts), encoding="utf-8")


def _peak_megabytes() -> float:
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(who).ru_maxrss for who in whose) / 1024
