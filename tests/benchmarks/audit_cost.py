"""Measure the cost of an audit of Adult, by stage, beside other tools' metrics."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from privgan.errors import UsageError
from privgan.schema.columns import Numeric
from tests.benchmarks.cells import Cell, Limits, run_cell
from tests.benchmarks.environments import python_of
from tests.benchmarks.methods import HERE, OWN
from tests.benchmarks.tables import Prepared, prepare

TABLE, TARGET = "adult", "income"
REAL_ROWS, HOLDOUT_ROWS, SYNTHETIC_ROWS = 39_000, 9_800, 39_000
MOST_SECONDS, MOST_MEGABYTES = 90, 2048
DRIVERS = HERE / "auditing"


@dataclass(frozen=True, kw_only=True)
class Tool:
    """One measured tool.

    Attributes:
        name: Its name in the table.
        driver: Its script.
        environment: Name of the environment that runs it.
        options: Further options of its driver.
    """

    name: str
    driver: str
    environment: str = OWN
    options: Mapping[str, Any] = field(default_factory=dict)


TOOLS = (
    Tool(name="privgan", driver="privgan_driver.py"),
    Tool(name="sdmetrics-quality", driver="sdmetrics_driver.py", options={"part": "quality"}),
    Tool(
        name="sdmetrics-dcr-1000",
        driver="sdmetrics_driver.py",
        options={"part": "distance", "rows": 1000},
    ),
    Tool(name="synthcity-style", driver="synthcity_style_driver.py"),
    *(
        Tool(
            name=f"anonymeter-{part}",
            driver="anonymeter_driver.py",
            environment="anonymeter",
            options={"part": part},
        )
        for part in ("univariate", "multivariate", "linkability", "inference")
    ),
    Tool(
        name="sdmetrics-dcr",
        driver="sdmetrics_driver.py",
        options={"part": "distance", "rows": None},
    ),
)


def write_tables(table: Prepared, folder: Path) -> dict[str, str]:
    """Real, hold-out and synthetic rows of the sizes of the target.

    The synthetic ones are drawn column by column in part.

    All published rows, shuffled with seed 0, are split into real and hold-out rows; synthetic rows
    are real ones drawn with replacement, of which a tenth of every column's values are permuted.

    Args:
        table: The benchmark's table.
        folder: Folder of the three files.
    """
    rows = pd.concat(
        [pd.read_csv(path, dtype=str, keep_default_na=False) for path in (table.train, table.test)]
    )
    rows = rows.sample(frac=1, random_state=0, ignore_index=True)
    real, holdout = rows[:REAL_ROWS], rows[REAL_ROWS : REAL_ROWS + HOLDOUT_ROWS]
    synthetic = real.sample(SYNTHETIC_ROWS, replace=True, random_state=1, ignore_index=True)
    for place, name in enumerate(synthetic):
        picked = synthetic.sample(frac=0.1, random_state=place).index
        synthetic.loc[picked, name] = (
            synthetic.loc[picked, name].sample(frac=1, random_state=place).to_numpy()
        )
    folder.mkdir(parents=True, exist_ok=True)
    paths = {"real": real, "holdout": holdout, "synthetic": synthetic}
    for name, frame in paths.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    return {name: str(folder / f"{name}.csv") for name in paths}


def measure(
    data: Path, work: Path, limits: Limits, *, python: str, say: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Run every tool that has no result yet, one after the other.

    Args:
        data: The folder of the published tables.
        work: The benchmark's work folder.
        limits: Limits of each tool.
        python: The interpreter for new environments.
        say: Tells the user.

    Returns:
        The results, in order; a tool whose packages cannot be installed has that as its status.
    """
    table = prepare(TABLE, data, work)
    paths = write_tables(table, work / "audit-cost")
    numeric = [column.name for column in table.schema.modelled if isinstance(column, Numeric)]
    job = {**paths, "schema": str(table.schema_file), "numeric": numeric, "target": TARGET}
    results = []
    for tool in TOOLS:
        result = _measured(tool, work / "audit-cost", work, job, limits, python)
        say(f"{tool.name}: {result['status']} ({result.get('seconds', 0.0):.0f} s)")
        results.append(result)
    return results


def _measured(
    tool: Tool, folder: Path, work: Path, job: Mapping[str, Any], limits: Limits, python: str
) -> dict[str, Any]:
    cell = Cell(table=TABLE, method=tool.name, epsilon=None, seed=0)
    try:
        interpreter = python_of(tool.environment, work, python=python)
    except UsageError as error:
        return {"method": tool.name, "status": f"not installed: {error}"}
    return run_cell(
        cell, folder, [interpreter, str(DRIVERS / tool.driver)], {**job, **tool.options}, limits
    )


def write_markdown(path: Path, results: Sequence[Mapping[str, Any]]) -> None:
    """Write one table of all steps, and whether privgan is within its target."""
    head = ["| tool | step | s | processor s | peak MB |", "|---|---|---|---|---|"]
    lines = [line for result in results for line in _lines(result)]
    versions = {
        f"{name} {version}"
        for result in results
        for name, version in result.get("versions", {}).items()
    }
    told = [
        "# What an audit costs\n",
        "Made by `python -m tests.benchmarks audit-cost --data DATA --work WORK`.\n",
        (
            f"Adult: {REAL_ROWS:,} real, {HOLDOUT_ROWS:,} hold-out and {SYNTHETIC_ROWS:,} synthetic"
            " rows, 15 columns; each tool in a process of its own with one thread, on"
            f" {os.cpu_count()} shared cores: seconds on the clock hold what others took, processor"
            " seconds do not. The peak is the process's up to then.\n"
        ),
        _judged(results),
        *head,
        *lines,
        "",
        f"Versions, each in its own environment: {', '.join(sorted(versions))}.",
        "",
        (
            "The tools compute different things. SDMetrics' quality report has shapes and pair"
            " trends; privgan computes it too, on 5,000 rows, and the same on all rows by its own"
            " means. SDMetrics' distances are a cross join of all pairs of rows. anonymeter runs"
            " 500 attacks of each kind, univariate and multivariate being those of singling out."
            " What synthcity is known for is computed after the papers, by scikit-learn; synthcity"
            " itself was not measured."
        ),
        "",
    ]
    path.write_text("\n".join(told), encoding="utf-8")


def _lines(result: Mapping[str, Any]) -> list[str]:
    steps = result.get("steps", [])
    if not steps:
        return [f"| {result['method']} | {result['status']} | | | |"]
    shown = [
        f"| {result['method']} | {step['step']} | {step['seconds']:.1f} |"
        f" {step['processor_seconds']:.1f} | {step['peak_megabytes']:.0f} |"
        for step in steps
    ]
    whole = (sum(step[name] for step in steps) for name in ("seconds", "processor_seconds"))
    sums = " | ".join(f"**{number:.1f}**" for number in whole)
    return [
        *shown,
        f"| {result['method']} | **all** | {sums} | **{steps[-1]['peak_megabytes']:.0f}** |",
    ]


def _judged(results: Sequence[Mapping[str, Any]]) -> str:
    steps = next(
        (
            result["steps"]
            for result in results
            if result["method"] == "privgan" and "steps" in result
        ),
        None,
    )
    if steps is None:
        return "privgan was not measured.\n"
    seconds, processor = (
        sum(step[name] for step in steps) for name in ("seconds", "processor_seconds")
    )
    peak = steps[-1]["peak_megabytes"]
    within = {True: "met", False: "**missed**"}
    return (
        f"privgan's target is {MOST_SECONDS} s and {MOST_MEGABYTES:,} MB on two cores. Measured"
        f" {processor:.1f} s of processor, what one free core takes:"
        f" {within[processor <= MOST_SECONDS]}; {seconds:.1f} s on the clock beside other work:"
        f" {within[seconds <= MOST_SECONDS]}; {peak:.0f} MB: {within[peak <= MOST_MEGABYTES]}.\n"
    )
