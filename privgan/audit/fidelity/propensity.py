"""Compute the propensity-score mean squared error against its null.

A model scored on its own training rows always seems to tell tables apart. Published null
expectations hold for other models and ways of sampling. Here all predictions are out of fold and
the null is measured. It is the same figure for pairs of disjoint samples of real rows of the same
size.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from privgan.audit.coding import AuditCoder, CodedTable, FeatureMap, stacked
from privgan.audit.intervals import CONFIDENCE, normal_interval
from privgan.audit.randomness import stream
from privgan.files.json_types import JsonDict
from privgan.metric import Metric, none_run

NAME, STANDARDISED = "fidelity.pmse", "fidelity.pmse_standardised"
MOST_ROWS, LEAST_ROWS = 2_000, 50
REPETITIONS, NULL_REPETITIONS = 10, 25
FOLDS = 2
COMMON_CATEGORIES = 12


def pmse_metrics(
    coder: AuditCoder,
    kept_in: CodedTable,
    left_out: CodedTable | None,
    synthetic: CodedTable,
    seed: int,
) -> tuple[Metric, ...]:
    """Metrics ``fidelity.pmse`` and ``_standardised``: mean of (p − ½)².

    p is a row's out-of-fold propensity of being synthetic. The second metric is the first less its
    mean under the null, over its standard deviation there. It is about 0 for rows of the same
    population, with a spread below 1. No equivalent sample size is given: a random sample of real
    rows scores 0 at any size.

    Args:
        coder: Names the columns.
        kept_in: The training rows.
        left_out: The hold-out rows, or None.
        synthetic: The synthetic rows.
        seed: Draws samples and folds.
    """
    size = 0 if left_out is None else min(len(left_out), len(synthetic), len(kept_in), MOST_ROWS)
    if left_out is None or size < LEAST_ROWS:
        reason = f"needs at least {LEAST_ROWS} left-out, kept-in and synthetic rows"
        return none_run((NAME, STANDARDISED), reason)
    real, generator = stacked(kept_in, left_out), stream(seed, "fidelity.pmse")
    features = FeatureMap.from_reference(coder.columns, real, COMMON_CATEGORIES)
    made = [
        _error(
            features(stacked(left_out.sample(size, generator), synthetic.sample(size, generator))),
            generator,
        )
        for _ in range(REPETITIONS)
    ]
    null = [
        _error(features(real.take(generator.permutation(len(real))[: 2 * size])), generator)
        for _ in range(NULL_REPETITIONS)
    ]
    return _metrics(np.array(made), np.array(null), size)


def _error(rows: NDArray[np.float32], generator: np.random.Generator) -> float:
    """Mean of (p − ½)² over all rows; the second half of them is one sample.

    p is out of fold.
    """
    from sklearn.linear_model import LogisticRegression

    label = np.arange(len(rows)) >= len(rows) // 2
    fold = np.empty(len(rows), dtype=np.int64)
    for half in (label, ~label):
        fold[half] = generator.permutation(int(half.sum())) % FOLDS
    propensity = np.empty(len(rows))
    for part in range(FOLDS):
        model = LogisticRegression(solver="newton-cholesky", max_iter=50)
        model.fit(rows[fold != part], label[fold != part])
        propensity[fold == part] = model.predict_proba(rows[fold == part])[:, 1]
    return float(((propensity - 0.5) ** 2).mean())


def _metrics(made: NDArray[np.float64], null: NDArray[np.float64], size: int) -> tuple[Metric, ...]:
    value = float(made.mean())
    low, high = normal_interval(value, float(made.std(ddof=1)))
    mean, deviation = float(null.mean()), max(float(null.std(ddof=1)), 1e-12)
    method = (
        f"logistic regression, {FOLDS} folds, {size} rows of each kind; mean of {REPETITIONS} draws"
        f" and where 95 % of single draws lie; null: {NULL_REPETITIONS} pairs of disjoint samples"
        " of real rows"
    )
    shared: JsonDict = {"confidence": CONFIDENCE, "n": 2 * size, "method": method}
    details = {"null_mean": mean, "null_deviation": deviation, "rows_of_each_kind": size}
    raw = Metric(
        name=NAME,
        value=value,
        low=max(0.0, low),
        high=min(0.25, high),
        baseline=mean,
        details=details,
        **shared,
    )
    standardised = Metric(
        name=STANDARDISED,
        value=(value - mean) / deviation,
        low=(low - mean) / deviation,
        high=(high - mean) / deviation,
        baseline=0.0,
        details=details,
        **shared,
    )
    return raw, standardised
