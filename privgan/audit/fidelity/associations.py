"""Measure the association of column pairs: Pearson's r, ω and Cramér's V.

ω and V are corrected for chance. For two independent columns the estimate is 0 on average, for any
number of categories; then it is cut off at 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privgan.audit.coding import AuditCoder, CodedTable
from privgan.audit.fidelity.column_sets import marginals
from privgan.audit.fidelity.queries import nested_samples
from privgan.audit.intervals import Replicates, jackknife, jackknife_error, normal_interval, whole
from privgan.audit.randomness import stream
from privgan.files.json_types import JsonDict
from privgan.metric import Metric
from privgan.schema.columns import Discrete

NAME = "fidelity.correlation_difference"
WORST = 10
_LEAST_VARIANCE = 1e-12


@dataclass(frozen=True, eq=False)
class Associations:
    """Association of pairs of columns.

    A missing category counts as a category of its own. A missing number leaves its row out of the
    pair.

    Attributes:
        discrete: Whether each column is discrete.
        sizes: Number of codes of each column.
        centres: Centre of each column's numbers, subtracted against rounding [columns].
        scales: Divisor of each column's centred numbers [columns].
        corrected: Whether the correlation ratio is corrected for chance: ω in place of η.
    """

    discrete: tuple[bool, ...]
    sizes: tuple[int, ...]
    centres: NDArray[np.float64]
    scales: NDArray[np.float64]
    corrected: bool = True

    @classmethod
    def from_reference(
        cls, coder: AuditCoder, reference: CodedTable, *, corrected: bool = True
    ) -> Associations:
        """Take centres and scales from a reference table; they change no association."""
        present = ~np.isnan(reference.values)
        count = np.maximum(1, present.sum(axis=0))
        filled = np.where(present, reference.values, 0.0)
        centres = filled.sum(axis=0) / count
        spread = np.sqrt((np.where(present, filled - centres, 0.0) ** 2).sum(axis=0) / count)
        discrete = tuple(isinstance(column, Discrete) for column in coder.columns)
        scales = np.where(spread > 0, spread, 1.0)
        return cls(discrete, coder.sizes, centres, scales, corrected)

    def measure(
        self, table: CodedTable, pairs: Sequence[tuple[int, ...]], parts: Replicates
    ) -> NDArray[np.float64]:
        """Association of each pair in each part of a table [pairs, parts].

        In [-1, 1] for two numbers, else in [0, 1]. NaN if one column of the pair is constant.
        """
        numbers = (table.values - self.centres) / self.scales
        return np.array(
            [self._pair(table.codes, numbers, first, second, parts) for first, second in pairs]
        )

    def _pair(
        self,
        codes: NDArray[np.int64],
        numbers: NDArray[np.float64],
        first: int,
        second: int,
        parts: Replicates,
    ) -> NDArray[np.float64]:
        if self.discrete[first] and self.discrete[second]:
            return _cramer(codes[:, first], codes[:, second], self.sizes[second], parts)
        if not self.discrete[first] and not self.discrete[second]:
            return _pearson(numbers[:, first], numbers[:, second], parts)
        groups, number = (first, second) if self.discrete[first] else (second, first)
        ratio = _omega if self.corrected else _eta
        return ratio(_Variance.of(codes[:, groups], self.sizes[groups], numbers[:, number], parts))


def _pearson(
    first: NDArray[np.float64], second: NDArray[np.float64], parts: Replicates
) -> NDArray[np.float64]:
    present = ~(np.isnan(first) | np.isnan(second))
    x, y = np.where(present, first, 0.0), np.where(present, second, 0.0)
    count = np.maximum(1.0, parts.totals(present.astype(float)))
    mean_x, mean_y = parts.totals(x) / count, parts.totals(y) / count
    variance_x, variance_y = (
        parts.totals(x * x) / count - mean_x**2,
        parts.totals(y * y) / count - mean_y**2,
    )
    defined = np.minimum(variance_x, variance_y) > _LEAST_VARIANCE
    scale = np.sqrt(np.where(defined, variance_x * variance_y, 1.0))
    return np.where(
        defined, np.clip((parts.totals(x * y) / count - mean_x * mean_y) / scale, -1.0, 1.0), np.nan
    )


@dataclass(frozen=True, eq=False)
class _Variance:
    """Sums of squares of a number, between groups and in total, by part [parts].

    Attributes:
        between: Of the groups' means around the mean of all.
        total: Of the numbers around the mean of all.
        count: Rows.
        groups: Groups that have a row.
    """

    between: NDArray[np.float64]
    total: NDArray[np.float64]
    count: NDArray[np.float64]
    groups: NDArray[np.int64]

    @classmethod
    def of(
        cls, codes: NDArray[np.int64], size: int, numbers: NDArray[np.float64], parts: Replicates
    ) -> _Variance:
        """Sums of squares from a code and a number a row; rows without a number are left out."""
        present = ~np.isnan(numbers)
        y = np.where(present, numbers, 0.0)
        counts = parts.sums(codes, size, present.astype(float))
        sums = parts.sums(codes, size, y)
        count = np.maximum(1.0, counts.sum(axis=1))
        correction = sums.sum(axis=1) ** 2 / count
        return cls(
            between=(sums**2 / np.maximum(1.0, counts)).sum(axis=1) - correction,
            total=parts.totals(y * y) - correction,
            count=count,
            groups=(counts > 0).sum(axis=1),
        )

    @property
    def defined(self) -> NDArray[np.bool_]:
        """Mask of the parts in which both the number and the group vary [parts]."""
        return (self.total / self.count > _LEAST_VARIANCE) & (self.groups > 1)


def _eta(of: _Variance) -> NDArray[np.float64]:
    """The correlation ratio (Fisher 1925), as reports before 0.4.0 hold it."""
    ratio = of.between / np.where(of.defined, of.total, 1.0)
    return np.where(of.defined, np.sqrt(np.clip(ratio, 0.0, 1.0)), np.nan)


def _omega(of: _Variance) -> NDArray[np.float64]:
    """Square root of ω² (Hays 1963); 0 if negative or if each row is a group."""
    free = of.count - of.groups
    within = np.maximum(0.0, of.total - of.between) / np.maximum(1.0, free)
    squared = (of.between - (of.groups - 1) * within) / np.where(of.defined, of.total + within, 1.0)
    kept = np.where(free > 0, np.clip(squared, 0.0, 1.0), 0.0)
    return np.where(of.defined, np.sqrt(kept), np.nan)


def _cramer(
    first: NDArray[np.int64], second: NDArray[np.int64], second_size: int, parts: Replicates
) -> NDArray[np.float64]:
    levels, cells = np.unique(first * second_size + second, return_inverse=True)
    row, column = (
        np.unique(place, return_inverse=True)[1]
        for place in (levels // second_size, levels % second_size)
    )
    counts = parts.sums(cells, len(levels))
    return np.array([_cramer_of(line, row, column) for line in counts])


def _cramer_of(
    counts: NDArray[np.float64], row: NDArray[np.int64], column: NDArray[np.int64]
) -> float:
    """Bias-corrected Cramér's V (Bergsma 2013, section 2).

    The squared contingency coefficient less its mean under independence, rescaled.
    """
    total = counts.sum()
    rows, columns = np.bincount(row, weights=counts), np.bincount(column, weights=counts)
    height, width = int((rows > 0).sum()), int((columns > 0).sum())
    if min(height, width) < 2:
        return float("nan")
    expected = rows[row] * columns[column]
    squared = float((counts**2 / np.where(expected > 0, expected, 1.0)).sum()) - 1.0
    squared = max(0.0, squared - (height - 1) * (width - 1) / (total - 1))
    least = (
        min(height - (height - 1) ** 2 / (total - 1), width - (width - 1) ** 2 / (total - 1)) - 1.0
    )
    return min(1.0, (squared / least) ** 0.5) if least > 0 else float("nan")


def correlation_metric(
    coder: AuditCoder,
    kept_in: CodedTable,
    left_out: CodedTable | None,
    synthetic: CodedTable,
    seed: int,
) -> Metric:
    """Metric ``fidelity.correlation_difference``: mean absolute difference of associations.

    0 is perfect. SDMetrics' correlation similarity covers pairs of numbers alone. If a column is
    constant, its pairs have association 0. Pairs without an association in the training rows are
    left out.

    Args:
        coder: Names the columns.
        kept_in: The training rows.
        left_out: The hold-out rows for the baseline, or None.
        synthetic: The synthetic rows.
        seed: Draws the jackknife's blocks and the random samples.
    """
    pairs = marginals(len(coder.columns), 2) if len(coder.columns) > 1 else ()
    measure = Associations.from_reference(coder, kept_in)
    samples = nested_samples(len(kept_in), seed)
    real = measure.measure(kept_in, pairs, samples.replicates) if pairs else np.empty((0, 1))
    defined = ~np.isnan(real[:, 0])
    if not defined.any():
        return Metric.not_run(NAME, "no pair of columns has an association in the training rows")
    kept = [pair for pair, keep in zip(pairs, defined, strict=True) if keep]
    real = np.nan_to_num(real[defined])

    def distances(table: CodedTable, parts: Replicates) -> NDArray[np.float64]:
        return np.asarray(np.abs(np.nan_to_num(measure.measure(table, kept, parts)) - real[:, :1]))

    made = distances(
        synthetic, jackknife(len(synthetic), stream(seed, "fidelity.correlation_difference"))
    )
    value = float(made[:, 0].mean())
    low, high = normal_interval(value, jackknife_error(made.mean(axis=0)), least=0.0)
    held = distances(left_out, whole(len(left_out)))[:, 0] if left_out is not None else None
    return Metric(
        name=NAME,
        value=value,
        low=low,
        high=high,
        confidence=0.95,
        baseline=None if held is None else float(held.mean()),
        n=len(synthetic),
        method=(
            f"mean over {len(kept)} pairs: Pearson's r, ω or Cramér's V, the last two corrected for"
            " chance; interval: jackknife over blocks of synthetic rows"
        ),
        details=_details([[coder.names[i] for i in pair] for pair in kept], made[:, 0], held)
        | {
            "sample_equivalent": samples.equivalent(value, np.abs(real - real[:, :1]).mean(axis=0)),
        },
    )


def _details(
    pairs: Sequence[list[str]], made: NDArray[np.float64], held: NDArray[np.float64] | None
) -> JsonDict:
    """Largest differences of the pairs' associations, the worst pair first."""
    order = np.argsort(-made, kind="stable")[:WORST]
    return {
        "largest": float(made.max()),
        "largest_baseline": None if held is None else float(held.max()),
        "worst": [
            {
                "columns": pairs[i],
                "difference": float(made[i]),
                "left_out": None if held is None else float(held[i]),
            }
            for i in order
        ],
    }
