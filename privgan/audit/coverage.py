"""Which of the real values the synthetic rows reach: categories, rare categories, ranges of numbers.

A table with a differential-privacy guarantee should miss categories that only a few customers have; what it misses
is told, not blamed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privgan.audit.coding import AuditCoder, CodedTable
from privgan.audit.equivalence import NestedSamples, nested_samples
from privgan.audit.replicates import Replicates, whole
from privgan.metric import Better, Metric
from privgan.table.columns import Discrete

CATEGORIES, RARE, RANGES = "fidelity.category_coverage", "fidelity.rare_category_coverage", "fidelity.range_coverage"
RARE_SHARE = 0.01
WORST = 10
_SOURCE = "SDMetrics, CategoryCoverage and RangeCoverage"


@dataclass(frozen=True, eq=False)
class _Part:
    """What of one column is to be reached.

    Attributes:
        place: The column.
        reached: The share of it that each part of a table reaches [parts].
    """

    place: int
    reached: Callable[[CodedTable, Replicates], NDArray[np.float64]]


def coverage_metrics(
    coder: AuditCoder, kept_in: CodedTable, left_out: CodedTable | None, synthetic: CodedTable, seed: int
) -> tuple[Metric, ...]:
    """``fidelity.category_coverage``, ``fidelity.rare_category_coverage`` and ``fidelity.range_coverage``; 1 is all.

    Mean over columns of the share of the training rows' categories, of their categories with less than 1 % of the
    rows, and of the range of their numbers, that occurs in the synthetic rows. They are counted in this very table, so
    the interval is the figure itself.

    Args:
        coder: Names the columns.
        kept_in: The training rows.
        left_out: The hold-out rows for the baseline, or None.
        synthetic: The synthetic rows.
        seed: Draws the random samples.
    """
    discrete = [place for place, column in enumerate(coder.columns) if isinstance(column, Discrete)]
    numbers = [place for place in range(len(coder.columns)) if place not in discrete]
    tables, samples = (kept_in, left_out, synthetic), nested_samples(len(kept_in), seed)
    common = [part for place in discrete if (part := _categories(coder, kept_in, place, 1.0))]
    rare = [part for place in discrete if (part := _categories(coder, kept_in, place, RARE_SHARE))]
    ranges = [part for place in numbers if (part := _range(kept_in, place))]
    return (
        _metric(CATEGORIES, coder, common, tables, samples, "categories of the training rows"),
        _metric(RARE, coder, rare, tables, samples, f"categories with less than {RARE_SHARE:.0%} of the training rows"),
        _metric(RANGES, coder, ranges, tables, samples, "range of the training rows' numbers"),
    )


def _categories(coder: AuditCoder, kept_in: CodedTable, place: int, below: float) -> _Part | None:
    size = coder.sizes[place]
    shares = np.bincount(kept_in.codes[:, place], minlength=size)[:-2] / len(kept_in)  # without unseen and missing
    wanted = np.flatnonzero((shares > 0) & ((shares < below) | (below >= 1.0)))
    if not len(wanted):
        return None
    return _Part(place, lambda table, parts: (parts.sums(table.codes[:, place], size)[:, wanted] > 0).mean(axis=1))


def _range(kept_in: CodedTable, place: int) -> _Part | None:
    values = kept_in.values[:, place]
    values = values[~np.isnan(values)]
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)
    if low >= high:
        return None

    def reached(table: CodedTable, parts: Replicates) -> NDArray[np.float64]:
        found = table.values[:, place]
        inside = ~np.isnan(found)
        ends = np.array([_ends(found[inside & member[parts.block]]) for member in parts.members.astype(bool)])
        return np.maximum(0.0, np.minimum(ends[:, 1], high) - np.maximum(ends[:, 0], low)) / (high - low)

    return _Part(place, reached)


def _ends(values: NDArray[np.float64]) -> tuple[float, float]:
    return (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)


def _metric(
    name: str,
    coder: AuditCoder,
    wanted: list[_Part],
    tables: tuple[CodedTable, CodedTable | None, CodedTable],
    samples: NestedSamples,
    what: str,
) -> Metric:
    kept_in, left_out, synthetic = tables
    if not wanted:
        return Metric.not_run(name, f"no column has {what}", better=Better.HIGHER)

    def reached(table: CodedTable, parts: Replicates) -> NDArray[np.float64]:
        return np.array([part.reached(table, parts) for part in wanted])

    made = reached(synthetic, whole(len(synthetic)))[:, 0]
    held = None if left_out is None else reached(left_out, whole(len(left_out)))[:, 0]
    missed = 1.0 - reached(kept_in, samples.replicates).mean(axis=0)
    order = np.argsort(made, kind="stable")[:WORST]
    return Metric(
        name=name,
        value=float(made.mean()),
        low=float(made.mean()),
        high=float(made.mean()),
        better=Better.HIGHER,
        baseline=None if held is None else float(held.mean()),
        n=len(synthetic),
        method=f"{what}: mean share reached, over {len(wanted)} columns",
        source=_SOURCE,
        details={
            "columns": [
                {
                    "column": coder.names[wanted[i].place],
                    "reached": float(made[i]),
                    "left_out": None if held is None else float(held[i]),
                }
                for i in order
            ],
            "baseline_rows": 0 if left_out is None else len(left_out),
            "sample_equivalent": samples.equivalent(1.0 - float(made.mean()), missed),
        },
    )
