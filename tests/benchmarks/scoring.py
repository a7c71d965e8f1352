"""Score a cell's table by privgan's audit, and compare with an external scorer if given.

There are two definitions of a distance. The judged one sees every table through cuts at the
training rows' 20-quantiles. So no method loses by how it writes numbers inside a cut. The other,
``raw``, sees the values.
"""

from __future__ import annotations

import itertools
import json
import math
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from privgan.audit.coding import AuditCoder, CodedTable
from privgan.audit.fidelity.marginals import c2st_metric, mean_tvd, tvd_metrics
from privgan.audit.utility.utility import trial_metrics, trial_of
from privgan.errors import UsageError
from privgan.metric import Metric
from privgan.schema.schema import Schema
from tests.benchmarks.cells import SYNTHETIC, result_of
from tests.benchmarks.likelihood import likelihoods_of
from tests.benchmarks.tables import Prepared

SCORES, EXTERNAL = "scores.json", "external.json"
SEED = 0
QUADRUPLES = 60
# How far the two scorers may be apart. Distances differ where one cuts what the other takes as
# categories; areas differ more: the audit fits on at most 20,000 rows without early stopping, and
# on other samples.
TOLERANCES = {"tvd1": 0.005, "tvd2": 0.005, "tvd3": 0.01, "tstr": 0.03, "trtr": 0.01, "c2st": 0.05}
_THEIRS = {"tstr": "tstr_auc", "c2st": "c2st_auc"}

Figures = dict[str, float]


def score_tables(
    schema: Schema,
    train: pd.DataFrame,
    test: pd.DataFrame,
    synthetic: pd.DataFrame,
    target: str,
    *,
    to_test: bool = False,
) -> Figures:
    """Every figure of one synthetic table.

    Args:
        schema: The public facts.
        train: The rows that were fitted.
        test: The rows that were not.
        synthetic: The synthetic rows.
        target: The column to predict.
        to_test: Whether cuts are the test rows' and distances are to them, instead of to the
            training rows.
    """
    coder = AuditCoder.from_reference(schema, test if to_test else train)
    raw = (coder.code(train), coder.code(test), coder.code(synthetic))
    cut = (_cut(raw[0]), _cut(raw[1]), _cut(raw[2]))
    with threadpool_limits(1):
        found = _distances(coder, raw[1 if to_test else 0], raw[2])
        for suffix, tables in {"": cut, "_raw": raw}.items():
            figures = (
                *trial_metrics(*trial_of(coder, *tables, target, SEED)),
                c2st_metric(coder, *tables, SEED),
            )
            found |= {f"{name}{suffix}": value for name, value in _named(figures).items()}
    return found


def _distances(coder: AuditCoder, real: CodedTable, synthetic: CodedTable) -> Figures:
    """tvd1 to tvd4; a table of fewer columns has fewer."""
    found, four = _named(tvd_metrics(coder, real, None, synthetic, SEED)), quadruples(coder.sizes)
    return found | ({"tvd4": mean_tvd(coder.sizes, real, synthetic, four)} if four else {})


def quadruples(sizes: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The 4-way marginals that are compared: 60 of a fixed seed, or all where there are fewer."""
    columns = len(sizes)
    if math.comb(columns, 4) <= QUADRUPLES:
        return list(itertools.combinations(range(columns), 4))
    rng, found = np.random.default_rng(SEED), dict[tuple[int, ...], None]()
    while len(found) < QUADRUPLES:
        found[tuple(sorted(rng.choice(columns, 4, replace=False).tolist()))] = None
    return list(found)


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
    figures = scored_once(folder, lambda: _figures_of(folder, table))
    if figures is not None and scorer is not None and not (folder / EXTERNAL).exists():
        _score_externally(folder, table, scorer)
    return figures


def scored_once(folder: Path, score: Callable[[], Figures]) -> Figures | None:
    """A finished cell's figures, computed once; None where the cell has no synthetic table."""
    result, kept = result_of(folder), folder / SCORES
    if result is None or result["status"] != "ok":
        return None
    if not kept.exists():
        kept.write_text(json.dumps(score(), indent=1), encoding="utf-8")
    figures = json.loads(kept.read_text(encoding="utf-8"))
    return {name: float(value) for name, value in figures.items()}


def _figures_of(folder: Path, table: Prepared) -> Figures:
    train, test = table.frames()
    found = score_tables(
        table.schema, train, test, table.typed(folder / SYNTHETIC), table.source.target
    )
    return found | likelihoods_of(folder, test)


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
