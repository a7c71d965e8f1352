"""Compute SDMetrics' quality score, which users of other synthesizers know."""

from __future__ import annotations

import contextlib
import io
import logging
import math
import warnings
from typing import Any

import numpy as np
import pandas as pd

from privgan.audit.coding import AuditCoder, CodedTable
from privgan.audit.randomness import stream
from privgan.metric import Metric
from privgan.schema.columns import Discrete

NAME = "fidelity.sdmetrics_quality"
MOST_ROWS = 5000
MOST_COLUMNS = 30
_PROPERTIES = ("Column Shapes", "Column Pair Trends")


def quality_metric(
    coder: AuditCoder,
    kept_in: CodedTable,
    left_out: CodedTable | None,
    synthetic: CodedTable,
    seed: int,
) -> Metric:
    """Metric ``fidelity.sdmetrics_quality``: mean of column shapes and column pair trends.

    1 is perfect. Computed on at most 5,000 rows of each table and 30 columns, drawn by the seed.
    SDMetrics leaves out pairs without a real association. If no pair is left, the score is that of
    the shapes.

    Args:
        coder: Names the columns.
        kept_in: The training rows.
        left_out: The hold-out rows for the baseline, or None.
        synthetic: The synthetic rows.
        seed: Draws rows and columns.

    Returns:
        The metric; NOT_RUN with the reason where SDMetrics fails.
    """
    generator = stream(seed, "fidelity.sdmetrics_quality")
    columns = np.sort(generator.permutation(len(coder.columns))[:MOST_COLUMNS])
    real = _frame(coder, kept_in.sample(MOST_ROWS, generator), columns)
    tables = [
        _frame(coder, table.sample(MOST_ROWS, generator), columns)
        for table in (synthetic, left_out)
        if table
    ]
    try:
        scores = [_report(coder, columns, real, table) for table in tables]
    # SDMetrics raises any kind of error; a missing figure must not end the audit.
    except Exception as error:
        return Metric.not_run(NAME, f"SDMetrics failed: {type(error).__name__}")
    means = [_mean(score) for score in scores]
    if means[0] is None:
        return Metric.not_run(NAME, "SDMetrics gave no score")
    return Metric(
        name=NAME,
        value=means[0],
        baseline=means[1] if len(means) > 1 else None,
        n=len(tables[0]),
        method=(
            f"QualityReport on {len(real)} training and {len(tables[0])} synthetic rows,"
            f" {len(columns)} of {len(coder.columns)} columns; moments as numbers"
        ),
        details={
            "properties": scores[0],
            "baseline_rows": len(tables[1]) if len(tables) > 1 else 0,
        },
    )


def _frame(coder: AuditCoder, table: CodedTable, columns: np.ndarray) -> pd.DataFrame:
    """Frame of numbers and category texts, so that SDMetrics guesses no kinds."""
    return pd.DataFrame(
        {coder.names[i]: _series(coder.columns[i], table.values[:, i]) for i in columns}
    )


def _series(column: object, values: np.ndarray) -> pd.Series:
    series = pd.Series(values)
    return (
        series.map(lambda place: f"c{place:g}", na_action="ignore")
        if isinstance(column, Discrete)
        else series
    )


def _report(
    coder: AuditCoder, columns: np.ndarray, real: pd.DataFrame, other: pd.DataFrame
) -> dict[str, float | None]:
    kinds = {
        coder.names[i]: "categorical" if isinstance(coder.columns[i], Discrete) else "numerical"
        for i in columns
    }
    metadata = {"columns": {name: {"sdtype": kind} for name, kind in kinds.items()}}
    with _silence():
        from sdmetrics.reports.single_table import QualityReport

        report = QualityReport()
        report.generate(real, other, metadata, verbose=False)
        found: Any = report.get_properties().set_index("Property")["Score"]
    return {name: _finite(found.get(name)) for name in _PROPERTIES}


def _finite(score: float | None) -> float | None:
    return float(score) if score is not None and math.isfinite(score) else None


def _mean(scores: dict[str, float | None]) -> float | None:
    present = [score for score in scores.values() if score is not None]
    return float(np.mean(present)) if present else None


@contextlib.contextmanager
def _silence() -> Any:
    """Silence stdout and stderr: SDMetrics prints progress and warnings."""
    level = logging.root.manager.disable
    with (
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        with contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            logging.disable(logging.CRITICAL)
            try:
                yield
            finally:
                logging.disable(level)
