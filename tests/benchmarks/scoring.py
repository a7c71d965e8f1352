"""Score a cell's table by privgan's audit, and compare with an external scorer if given.

There are two definitions of a distance. The judged one sees every table through cuts at the
training rows' 20-quantiles. So no method loses by how it writes numbers inside a cut. The other,
``raw``, sees the values.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from privgan.audit.coding import AuditCoder, CodedTable
from privgan.audit.fidelity.marginals import c2st_metric, tvd_metrics
from privgan.audit.utility.utility import trial_metrics, trial_of
from privgan.errors import UsageError
from privgan.metric import Metric
from privgan.schema.schema import Schema
from tests.benchmarks.cells import SYNTHETIC, result_of
from tests.benchmarks.tables import Prepared

SCORES, EXTERNAL = "scores.json", "external.json"
SEED = 0
# How far the two scorers may be apart. Distances differ where one cuts what the other takes as
# categories; areas differ more: the audit fits on at most 20,000 rows without early stopping, and
# on other samples.
TOLERANCES = {"tvd1": 0.005, "tvd2": 0.005, "tvd3": 0.01, "tstr": 0.03, "trtr": 0.01, "c2st": 0.05}
_THEIRS = {"tstr": "tstr_auc", "c2st": "c2st_auc"}

Figures = dict[str, float]


def score_tables(
    schema: Schema, train: pd.DataFrame, test: pd.DataFrame, synthetic: pd.DataFrame, target: str
) -> Figures:
    """Every figure of one synthetic table.

    Args:
        schema: The public facts.
        train: The rows that were fitted.
        test: The rows that were not.
        synthetic: The synthetic rows.
        target: The column to predict.
    """
    coder = AuditCoder.from_reference(schema, train)
    raw = (coder.code(train), coder.code(test), coder.code(synthetic))
    cut = (_cut(raw[0]), _cut(raw[1]), _cut(raw[2]))
    with threadpool_limits(1):
        found = _named(tvd_metrics(coder, raw[0], None, raw[2], SEED))
        for suffix, tables in {"": cut, "_raw": raw}.items():
            figures = (
                *trial_metrics(*trial_of(coder, *tables, target, SEED)),
                c2st_metric(coder, *tables, SEED),
            )
            found |= {f"{name}{suffix}": value for name, value in _named(figures).items()}
    return found


def _cut(table: CodedTable) -> CodedTable:
    return CodedTable(table.codes, table.codes.astype(np.float64))


def _named(metrics: tuple[Metric, ...]) -> Figures:
    short = (metric.name.split(".")[1].removesuffix("_auc") for metric in metrics)
    return {
        name: float(metric.value)
        for name, metric in zip(short, metrics, strict=True)
        if metric.value is not None
    }


def score_cell(folder: Path, table: Prepared, scorer: Path | None) -> Figures | None:
    """A finished cell's figures, computed once; None where the cell has no synthetic table.

    Args:
        folder: The cell's folder.
        table: Its table.
        scorer: The external scorer; None for none.
    """
    result = result_of(folder)
    if result is None or result["status"] != "ok":
        return None
    own = folder / SCORES
    if not own.exists():
        found = score_tables(
            table.schema, *table.frames(), table.typed(folder / SYNTHETIC), table.source.target
        )
        own.write_text(json.dumps(found, indent=1), encoding="utf-8")
    if scorer is not None and not (folder / EXTERNAL).exists():
        _score_externally(folder, table, scorer)
    figures = json.loads(own.read_text(encoding="utf-8"))
    return {name: float(value) for name, value in figures.items()}


def _score_externally(folder: Path, table: Prepared, scorer: Path) -> None:
    files = {
        "--train": table.train,
        "--test": table.test,
        "--synthetic": folder / SYNTHETIC,
        "--json": folder / EXTERNAL,
    }
    command = [sys.executable, str(scorer), "--target", table.source.target]
    done = subprocess.run(
        [*command, *(str(part) for pair in files.items() for part in pair)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise UsageError(f"{scorer.name}: exit code {done.returncode} on {folder}: {lines[-1]}")


def external_of(folder: Path) -> Figures:
    """The external scorer's figures under privgan's names; empty where it was not run."""
    path = folder / EXTERNAL
    if not path.exists():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    theirs = {
        name: found["synthetic"][_THEIRS.get(name, name)] for name in TOLERANCES if name != "trtr"
    }
    return theirs | {"trtr": found["trtr_auc"]}


def disagreements(own: Mapping[str, float], external: Mapping[str, float]) -> tuple[str, ...]:
    """Every figure on which the two scorers are farther apart than the tolerance allows."""
    return tuple(
        f"{name} {own[name]:.4f} against {external[name]:.4f}"
        for name, tolerance in TOLERANCES.items()
        if name in own and name in external and abs(own[name] - external[name]) > tolerance
    )
