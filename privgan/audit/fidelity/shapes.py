"""Compare each column's distribution on all rows, missing values included.

A χ² test tells which columns differ for sure. SDMetrics' column shapes ignore missing values and
are computed on a sample. These figures use all rows, and a missing value is a value.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from privgan.audit.coding import AuditCoder, CodedTable
from privgan.audit.fidelity.queries import nested_samples
from privgan.audit.intervals import (
    Replicates,
    holm,
    jackknife,
    jackknife_error,
    normal_interval,
    whole,
)
from privgan.audit.randomness import stream
from privgan.metric import Metric
from privgan.schema.columns import Discrete
from privgan.table.histogram import code_counts

NAME = "fidelity.column_shapes"
WORST = 10
LEAST_EXPECTED = 5.0


def shapes_metric(
    coder: AuditCoder,
    kept_in: CodedTable,
    left_out: CodedTable | None,
    synthetic: CodedTable,
    seed: int,
) -> Metric:
    """Metric ``fidelity.column_shapes``: mean over columns of 1 − distance to the training rows.

    1 is perfect. The distance of a number is the Kolmogorov-Smirnov statistic, with missing above
    all numbers. That of a category is the total variation distance. Details have each column's
    p-value of a χ² test, adjusted for all columns. The null is that synthetic and left-out rows
    have one distribution.

    Args:
        coder: Names the columns.
        kept_in: The training rows.
        left_out: The hold-out rows, or None.
        synthetic: The synthetic rows.
        seed: Draws the jackknife's blocks and the random samples.
    """
    parts, samples = (
        jackknife(len(synthetic), stream(seed, "fidelity.column_shapes")),
        nested_samples(len(kept_in), seed),
    )
    made = distances(coder, kept_in, synthetic, parts)
    held = (
        None
        if left_out is None
        else distances(coder, kept_in, left_out, whole(len(left_out)))[:, 0]
    )
    sampled = distances(coder, kept_in, kept_in, samples.replicates).mean(axis=0)
    value = 1.0 - float(made[:, 0].mean())
    low, high = normal_interval(value, jackknife_error(made.mean(axis=0)), least=0.0, most=1.0)
    adjusted = None if left_out is None else holm(_p_values(coder, left_out, synthetic))
    order = np.argsort(-made[:, 0], kind="stable")[:WORST]
    return Metric(
        name=NAME,
        value=value,
        low=low,
        high=high,
        confidence=0.95,
        baseline=None if held is None else 1.0 - float(held.mean()),
        n=len(synthetic),
        method=(
            f"mean over {len(coder.columns)} columns; interval: jackknife over blocks of synthetic"
            " rows"
        ),
        details={
            "columns": [
                {
                    "column": coder.names[i],
                    "score": 1.0 - float(made[i, 0]),
                    "left_out": None if held is None else 1.0 - float(held[i]),
                    "p_value_holm": None if adjusted is None else adjusted[i],
                }
                for i in order
            ],
            "columns_that_differ": (
                None if adjusted is None else sum(value <= 0.05 for value in adjusted)
            ),
            "sample_equivalent": samples.equivalent(1.0 - value, sampled),
        },
    )


def distances(
    coder: AuditCoder, real: CodedTable, other: CodedTable, parts: Replicates
) -> NDArray[np.float64]:
    """Distance of each part of another table to the real one, by column [columns, parts]."""
    return np.array(
        [
            _distance(
                real.values[:, place], other.values[:, place], parts, isinstance(column, Discrete)
            )
            for place, column in enumerate(coder.columns)
        ]
    )


def _distance(
    real: NDArray[np.float64], other: NDArray[np.float64], parts: Replicates, discrete: bool
) -> NDArray[np.float64]:
    # Sorted, all missing values as one level above the others.
    levels, places = np.unique(np.append(real, other), return_inverse=True)
    share = np.bincount(places[: len(real)], minlength=len(levels)) / len(real)
    counts = parts.sums(places[len(real) :], len(levels))
    gaps = counts / np.maximum(1.0, counts.sum(axis=1, keepdims=True)) - share
    if discrete:
        return 0.5 * np.asarray(np.abs(gaps).sum(axis=1))
    return np.asarray(np.abs(np.cumsum(gaps, axis=1)).max(axis=1))


def _p_values(coder: AuditCoder, left_out: CodedTable, synthetic: CodedTable) -> list[float]:
    return [
        two_sample_p_value(left_out.codes[:, place], synthetic.codes[:, place], size)
        for place, size in enumerate(coder.sizes)
    ]


def two_sample_p_value(first: NDArray[np.int64], second: NDArray[np.int64], size: int) -> float:
    """P-value of Pearson's χ² test that two samples of codes have one distribution.

    Codes with an expected count below five in a sample are pooled; 1 if one code is left.

    Args:
        first: Codes of the first sample.
        second: Codes of the second sample.
        size: The number of codes.
    """
    from scipy.special import chdtrc

    counts = np.array([code_counts(codes, size) for codes in (first, second)], dtype=float)
    totals = counts.sum(axis=1)
    expected = totals[:, None] * counts.sum(axis=0) / totals.sum()
    few = expected.min(axis=0) < LEAST_EXPECTED
    counts = np.column_stack([counts[:, ~few], counts[:, few].sum(axis=1)])
    expected = np.column_stack([expected[:, ~few], expected[:, few].sum(axis=1)])
    used = (
        expected.min(axis=0) >= LEAST_EXPECTED
        if (expected.min(axis=0) >= LEAST_EXPECTED).any()
        else expected[0] > 0
    )
    if used.sum() < 2:
        return 1.0
    statistic = float(((counts - expected)[:, used] ** 2 / expected[:, used]).sum())
    return float(chdtrc(int(used.sum()) - 1, statistic))
