"""Interval estimators, jackknife replicates, AUC, and Holm's correction.

Shares have exact limits (Clopper-Pearson). Differences of shares have joint exact limits, or
Newcombe's. Areas have Hanley and McNeil's interval. Figures of a whole table have a jackknife or a
bootstrap.

Rows are dealt to blocks and sums are taken by block. Each replicate adds up the blocks that belong
to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

JACKKNIFE_BLOCKS = 10


@dataclass(frozen=True, eq=False)
class Replicates:
    """Replicates of one table.

    Attributes:
        block: The block of each row [rows].
        members: Membership of blocks in parts, 1 or 0 [parts, blocks]; the first part is the
            whole table.
    """

    block: NDArray[np.int64]
    members: NDArray[np.float64]

    def sums(
        self, cells: NDArray[np.int64], size: int, weights: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Counts or sums of weights by part and cell [parts, size].

        ``cells`` has one cell in [0, size) per row.
        """
        blocks = self.members.shape[1]
        by_block = np.bincount(self.block * size + cells, weights=weights, minlength=blocks * size)
        return np.asarray(self.members @ by_block.reshape(blocks, size).astype(float))

    def totals(self, weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Number of rows, or sum of weights, of each part [parts]."""
        return self.sums(np.zeros(len(self.block), dtype=np.int64), 1, weights)[:, 0]


def whole(rows: int) -> Replicates:
    """The whole table as the only part."""
    return Replicates(np.zeros(rows, dtype=np.int64), np.ones((1, 1)))


def jackknife(rows: int, generator: np.random.Generator) -> Replicates:
    """The table, and ten times the table without a tenth of its rows."""
    members = np.vstack([np.ones(JACKKNIFE_BLOCKS), 1.0 - np.eye(JACKKNIFE_BLOCKS)])
    return Replicates(generator.permutation(rows) % JACKKNIFE_BLOCKS, members)


CONFIDENCE = 0.95


def upper_limit(count: float, trials: int, level: float) -> float:
    """One-sided exact upper limit of a share (Clopper and Pearson 1934).

    It errs with probability at most ``level``.
    """
    from scipy.special import betaincinv

    return 1.0 if count >= trials else float(betaincinv(count + 1, trials - count, 1.0 - level))


def lower_limit(count: float, trials: int, level: float) -> float:
    """One-sided exact lower limit of a share (Clopper and Pearson 1934)."""
    from scipy.special import betaincinv

    return 0.0 if count <= 0 else float(betaincinv(count, trials - count + 1, level))


def clopper_pearson(
    count: float, trials: int, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Exact two-sided interval of a share."""
    level = (1.0 - confidence) / 2.0
    return lower_limit(count, trials, level), upper_limit(count, trials, level)


def difference_interval(
    first: tuple[float, int], second: tuple[float, int], confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Interval of the difference of two shares, each given as (count, trials).

    Both exact intervals hold at once (Bonferroni), so the shares may depend on each other.
    """
    each = 1.0 - (1.0 - confidence) / 2.0
    first_low, first_high = clopper_pearson(*first, each)
    second_low, second_high = clopper_pearson(*second, each)
    return first_low - second_high, first_high - second_low


def wilson_interval(
    count: float, trials: int, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Score interval of a share (Wilson 1927)."""
    z = normal_quantile(confidence)
    share, scale = count / trials, 1.0 + z**2 / trials
    middle = (share + z**2 / (2 * trials)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def newcombe_interval(
    first: tuple[float, int], second: tuple[float, int], confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Interval of the difference of two independent shares, each as (count, trials).

    Newcombe 1998, method 10.
    """
    (low, high), (other_low, other_high) = (
        wilson_interval(*pair, confidence) for pair in (first, second)
    )
    share, other = first[0] / first[1], second[0] / second[1]
    below = math.hypot(share - low, other_high - other)
    above = math.hypot(high - share, other - other_low)
    return share - other - below, share - other + above


def fisher_p_value(
    hits: float | NDArray[np.int64],
    trials: int,
    control_hits: float | NDArray[np.int64],
    control_trials: int,
) -> float | NDArray[np.float64]:
    """One-sided exact p-value that a share is no larger than its control's (Fisher 1935).

    Args:
        hits: Successes, one number or one for each of several tests.
        trials: Of how many.
        control_hits: Successes of the control.
        control_trials: Of how many.
    """
    from scipy.stats import hypergeom

    found: float | NDArray[np.float64] = hypergeom.sf(
        hits - 1, trials + control_trials, hits + control_hits, trials
    )
    return found


def holm(p_values: Sequence[float] | NDArray[np.float64]) -> list[float]:
    """Holm-adjusted p-values.

    Rejecting those of at most α gives any false rejection with probability at most α. This holds
    under any dependence. Ties get one value, so the order of the tests never matters.

    Args:
        p_values: One p-value per test, each in [0, 1].

    Returns:
        One adjusted p-value per test, in the same order (Holm 1979).

    Raises:
        ValueError: A p-value is not in [0, 1].
    """
    values = np.asarray(p_values, dtype=float)
    if not ((values >= 0.0) & (values <= 1.0)).all():
        raise ValueError("a p-value is not in [0, 1]; leave out tests that could not be run")
    order = np.argsort(values, kind="stable")
    steps = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(1.0, steps)
    return [float(value) for value in adjusted]


def normal_quantile(confidence: float, tests: int = 1) -> float:
    """Normal quantile for intervals that hold for several tests at once (Bonferroni)."""
    from scipy.special import ndtri

    return float(ndtri(1.0 - (1.0 - confidence) / (2.0 * tests)))


def normal_interval(
    value: float, error: float, *, tests: int = 1, least: float = -math.inf, most: float = math.inf
) -> tuple[float, float]:
    """Interval of a figure from its standard error, at 95 %.

    Args:
        value: The figure.
        error: Its standard error.
        tests: Number of figures it was picked from; the interval holds for all at once.
        least: The figure's smallest possible value.
        most: The figure's largest possible value.
    """
    width = normal_quantile(CONFIDENCE, tests) * error
    return max(least, value - width), min(most, value + width)


def jackknife_error(values: NDArray[np.float64]) -> float:
    """Standard error of the delete-a-group jackknife (Wolter 2007, section 4.2).

    The first value is the whole table's.
    """
    left = values[1:]
    return math.sqrt((len(left) - 1) / len(left) * float(((left - left.mean()) ** 2).sum()))


def hanley_mcneil(
    area: float, positives: int, negatives: int, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Interval of an area under the curve.

    Hanley and McNeil 1982, eq. 1, inverted as a score interval (Newcombe 2006, method 5). It does
    not collapse to a point at 0 or 1.
    """
    width = normal_quantile(confidence)

    def excess(theta: float) -> float:
        return abs(area - theta) - width * math.sqrt(_area_variance(theta, positives, negatives))

    return _crossing(excess, area, 0.0), _crossing(excess, area, 1.0)


def _area_variance(area: float, positives: int, negatives: int) -> float:
    one = area / (2.0 - area)
    two = 2.0 * area**2 / (1.0 + area)
    numerator = (
        area * (1 - area) + (positives - 1) * (one - area**2) + (negatives - 1) * (two - area**2)
    )
    return max(0.0, numerator) / (positives * negatives)


def _crossing(excess: Callable[[float], float], inside: float, end: float) -> float:
    """Root of ``excess`` between an inner point and an end of [0, 1], by bisection."""
    outside = end
    if excess(outside) <= 0:
        return end
    for _ in range(60):
        middle = (inside + outside) / 2.0
        inside, outside = (middle, outside) if excess(middle) <= 0 else (inside, middle)
    return outside


def weighted_areas(
    labels: NDArray[np.bool_], scores: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Areas under the curve for several weightings of the same rows, ties counted half.

    Args:
        labels: Mask of the positive rows.
        scores: One score per row.
        weights: One weighting per line, one column per row.

    Returns:
        One area per weighting; 0.5 where a weighting holds one label only.
    """
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(scores[order]) > 0))
    positive = np.add.reduceat(weights[:, order] * labels[order], starts, axis=1)
    negative = np.add.reduceat(weights[:, order] * ~labels[order], starts, axis=1)
    below = np.cumsum(negative, axis=1) - negative / 2.0
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    return np.where(pairs > 0, (positive * below).sum(axis=1) / np.maximum(pairs, 1e-300), 0.5)


def area_under_curve(labels: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Share of (positive, negative) pairs in the right order, ties counted half."""
    return float(weighted_areas(labels, scores, np.ones((1, len(scores))))[0])


def bootstrap_weights(
    rows: int,
    repetitions: int,
    generator: np.random.Generator,
    customers: NDArray[np.int64] | None = None,
) -> NDArray[np.float64]:
    """Number of times each row is drawn [samples, rows].

    The first line is the rows themselves.

    Args:
        rows: The number of rows.
        repetitions: The number of samples.
        generator: Draws them.
        customers: Customer of each row [rows], to draw whole customers; None to draw rows.
    """
    places = np.arange(rows) if customers is None else np.unique(customers, return_inverse=True)[1]
    drawn = int(places.max(initial=-1)) + 1
    draws = generator.multinomial(drawn, np.full(drawn, 1.0 / drawn), size=repetitions)[:, places]
    return np.vstack([np.ones(rows), draws]).astype(float)


def bootstrap_interval(
    values: NDArray[np.float64], confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Percentile interval of bootstrap values; the first is the value itself (Efron 1979)."""
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(values[1:], [tail, 1.0 - tail])
    return float(min(low, values[0])), float(max(high, values[0]))


def area_p_value(is_member: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """One-sided p-value that an area is one half, by the normal approximation.

    Mann and Whitney 1947, with ties.
    """
    from scipy.stats import mannwhitneyu

    if not np.ptp(scores):
        return 1.0
    sides = scores[is_member], scores[~is_member]
    found = mannwhitneyu(*sides, use_continuity=False, alternative="greater", method="asymptotic")
    return float(found.pvalue)
