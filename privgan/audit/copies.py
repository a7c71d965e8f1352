"""Exact matches: do synthetic rows equal training rows more often than they equal rows never seen?"""

from __future__ import annotations

import numpy as np

from privgan.audit.coding import CodedTable
from privgan.audit.intervals import difference_interval
from privgan.metric import Better, Metric

NAME = "attack.copies.excess"


def copies_metric(kept_in: CodedTable, left_out: CodedTable | None, synthetic: CodedTable, seed: int) -> Metric:
    """``attack.copies.excess``: share of synthetic rows equal to a training row, less that for left-out rows.

    In a table of few categories rows are equal by chance; the left-out rows, as many as the training rows compared
    with, show how often. A row equal to both counts for neither side, so ties cannot hide copies or make any.

    Args:
        kept_in: The training rows.
        left_out: The hold-out rows, or None.
        synthetic: The synthetic rows.
        seed: Draws the equal-size sample of training rows.
    """
    if left_out is None or not len(left_out):
        return Metric.not_run(NAME, "there are no left-out rows to compare with", better=Better.LOWER)
    size, generator = min(len(kept_in), len(left_out)), np.random.default_rng((seed, 7))
    keys, rows = synthetic.keys(), len(synthetic)
    in_training = np.isin(keys, kept_in.sample(size, generator).keys())
    in_left_out = np.isin(keys, left_out.sample(size, generator).keys())
    only_training, only_left_out = int((in_training & ~in_left_out).sum()), int((in_left_out & ~in_training).sum())
    low, high = difference_interval((only_training, rows), (only_left_out, rows))
    return Metric(
        name=NAME,
        value=(only_training - only_left_out) / rows,
        low=low,
        high=high,
        confidence=0.95,
        better=Better.LOWER,
        baseline=0.0,
        n=rows,
        method=f"all columns equal after the schema's rounding; {size} training and {size} left-out rows; "
        "Clopper-Pearson limits of both shares, Bonferroni",
        source="audit reference, sections 0.1 (R1) and 1a; Clopper and Pearson 1934",
        details={
            "share_in_training": float(in_training.mean()),
            "share_in_left_out": float(in_left_out.mean()),
            "share_in_all_training_rows": float(np.isin(keys, kept_in.keys()).mean()),
        },
    )
