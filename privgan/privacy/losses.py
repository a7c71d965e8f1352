"""Privacy loss distributions of our own events, and how finely losses are told apart.

Every distribution here dominates the true one on any grid: a coarser grid can only claim more.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from dp_accounting.pld import common, pld_pmf, privacy_loss_distribution

FINEST, COARSEST = 2.0**-15, 2.0**-7
_LONGEST = 3e4
_SHARE_OF_SPREAD, _ADDED_VARIANCE = 5e-4, 1e-3
_TAIL, _TAIL_MASS = 9.5, 1e-18  # Outcomes beyond 9.5 standard deviations have less mass than that.


def interval_for(variance: float, largest: float, compositions: int) -> float:
    """The grid's interval h for a composition: a power of two, so that calibration meets cached distributions again.

    Rounding a loss to a grid, masses and mean odds kept, adds at most h²/4 to its variance and h²/8 to its mean. The
    interval grows with the losses' spread, so that the grid's length hardly depends on ε: until the additions of all
    compositions reach a thousandth of the whole variance, which moves ε by about 1/2000. Few bounded losses, whose ε is
    their largest sum, would feel h itself: there it is held to 1/2000 of one loss's spread.

    Args:
        variance: Roughly the variance of the whole composition's loss; it moves the interval, never the validity.
        largest: Roughly the largest loss of the whole; at small sampling rates it lies far outside the spread, and the grid
            gives up some fineness to stay short.
        compositions: How many losses are added.
    """
    if not math.isfinite(variance) or variance <= 0 or compositions < 1:
        return COARSEST
    one = math.sqrt(variance / compositions)
    wanted = one * min(math.sqrt(4 * _ADDED_VARIANCE), _SHARE_OF_SPREAD * compositions)
    wanted = max(FINEST, wanted, largest / compositions / _LONGEST)
    return 2.0 ** math.floor(math.log2(min(COARSEST, wanted)))


def everything() -> Any:
    """The loss distribution of a release of the rows themselves: every loss is infinite."""
    return privacy_loss_distribution.from_privacy_parameters(common.DifferentialPrivacyParameters(0.0, 1.0))


@lru_cache(maxsize=1024)
def discrete_gaussian(standard_deviation: float, interval: float) -> Any:
    """The loss distribution of one count that moves by at most one (Canonne, Kamath, Steinke 2020).

    An outcome x has loss (1 − 2x) / 2σ². dp-accounting rounds each loss upwards, which costs half an interval for each
    count; connecting the exact δ at the grid's points (Doroshenko and others 2022) costs its square.
    """
    variance = standard_deviation**2
    last = math.ceil(_TAIL * standard_deviation) + 2
    outcomes = np.arange(-last, last + 2)
    before, after = (_cumulated(outcomes - centre, variance) for centre in (0, 1))
    top = math.ceil((1 + 2 * last) / (2 * variance * interval))
    levels = np.arange(-top, top + 1) * interval
    cuts = np.clip(np.ceil(0.5 - levels * variance).astype(int) + last, 0, len(outcomes))
    deltas = np.clip(before[cuts] - np.exp(np.minimum(levels, 700.0)) * after[cuts], 0.0, 1.0)
    deltas = np.minimum(1.0, deltas + _TAIL_MASS)
    pmf = pld_pmf.create_pmf_pessimistic_connect_dots_fixed_gap(interval, -top, top, np.minimum.accumulate(deltas))
    return privacy_loss_distribution.PrivacyLossDistribution(pmf)


def _cumulated(distance: np.ndarray, variance: float) -> np.ndarray:
    """Probability of the first i outcomes, for each i from 0 on."""
    weights = np.exp(-(distance**2) / (2 * variance))
    return np.concatenate([[0.0], np.cumsum(weights) / weights.sum()])


@lru_cache(maxsize=1024)
def bounded_range(epsilon: float, interval: float) -> Any:
    """The dominating loss distribution of an ε-bounded-range mechanism.

    Its hockey-stick divergence is the largest over all two-point losses {t, t − ε} (Dong, Durfee, Rogers 2020,
    Lemma 3.1): δ(e) = (exp(ε/2) − exp(e/2))² / (exp(ε) − 1) for |e| ≤ ε.
    """
    steps = max(1, math.ceil(epsilon / interval))
    rounded = np.arange(-steps, steps + 1)
    levels = np.minimum(rounded * interval, epsilon)
    inside = np.expm1((epsilon - levels) / 2) ** 2 * np.exp(levels) / np.expm1(epsilon)
    deltas = np.where(levels <= -epsilon, -np.expm1(levels), inside)
    pmf = pld_pmf.create_pmf_pessimistic_connect_dots(interval, rounded, np.clip(deltas, 0.0, 1.0))
    return privacy_loss_distribution.PrivacyLossDistribution(pmf)


@lru_cache(maxsize=256)
def concentrated(rho: float, interval: float) -> Any:
    """The dominating loss distribution of any ρ-zCDP mechanism.

    Its hockey-stick divergence is at most what the best RDP order gives (Canonne, Kamath, Steinke 2020, Proposition 12) and
    at most √(ρ/2) (Pinsker); being convex in exp(ε) it then also lies below the convex hull of that.
    """
    steps = math.ceil((rho + 9 * math.sqrt(2 * rho)) / interval)
    stride = max(1, steps // 4_000)
    positive = np.arange(0, steps + stride, stride)
    levels = positive * interval
    orders = 1 + np.logspace(-2.5, 5, 3_000)
    deltas = np.array([_delta_of_concentrated(rho, level, orders) for level in levels])
    mirrored = -np.expm1(-levels[:0:-1]) + np.exp(-levels[:0:-1]) * deltas[:0:-1]
    rounded = np.concatenate([-positive[:0:-1], positive])
    bounds = np.concatenate([mirrored, deltas])
    corners = _lower_hull(np.exp(rounded * interval), bounds)
    pmf = pld_pmf.create_pmf_pessimistic_connect_dots(interval, rounded[corners], bounds[corners])
    return privacy_loss_distribution.PrivacyLossDistribution(pmf)


def _delta_of_concentrated(rho: float, level: float, orders: np.ndarray) -> float:
    logs = (orders - 1) * (orders * rho - level) + orders * np.log1p(-1 / orders) - np.log(orders - 1)
    return min(math.sqrt(rho / 2), 1.0, math.exp(min(0.0, float(logs.min()))))


def _lower_hull(x: np.ndarray, y: np.ndarray) -> list[int]:
    """Indices of the corners of the lower convex hull of points sorted by x (Andrew 1979)."""
    hull: list[int] = []
    for i in range(len(x)):
        while len(hull) > 1:
            a, b = hull[-2], hull[-1]
            if (y[b] - y[a]) * (x[i] - x[a]) < (y[i] - y[a]) * (x[b] - x[a]):
                break
            hull.pop()
        hull.append(i)
    return hull
