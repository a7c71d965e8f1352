"""Error and power of the deciding bound by simulation, with the search over its grid.

A statement of "at most 5 %" allows three standard errors more. A rule that errs in exactly 5 %
would fail with probability 0.15 % a case; the rule here errs in about 2 %. Seeds are fixed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from scipy.stats import binom, norm

from privgan.audit.lower_bounds.bounds import (
    guesses_on_grid,
    one_run_bound,
    one_run_p_value,
    one_run_search,
)
from privgan.audit.lower_bounds.power import critical_counts

ALPHA = 0.05


def _allowed(runs: int) -> float:
    return runs * ALPHA + 3 * math.sqrt(runs * ALPHA * (1 - ALPHA))


def _randomised_response(
    generator: np.random.Generator, canaries: int, epsilon: float, *, ties: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Members first, as tables list them; with ties every score is one of two values."""
    coins = np.sort(generator.random(canaries) < 0.5)[::-1]
    right = generator.random(canaries) < 1 / (1 + math.exp(-epsilon))
    scores = np.where(right, coins, ~coins) * 1.0
    return (scores if ties else scores + generator.random(canaries) * 0.5), coins


def _exceeds(scores: np.ndarray, coins: np.ndarray, needed: Sequence[int]) -> bool:
    """Whether the deciding bound exceeds the level of the counts; far faster than the bound."""
    return any(
        correct >= count
        for (_, correct), count in zip(guesses_on_grid(scores, coins), needed, strict=True)
    )


@pytest.mark.parametrize("level", [0.0, 0.4, 1.0])
def test_needed_counts_say_what_the_bound_says(level):
    """The needed counts agree with the bound itself, near the level and on both sides of it."""
    generator, needed, seen = np.random.default_rng(6), critical_counts(60, 1e-5, ALPHA, level), []
    for _ in range(40):
        scores, coins = _randomised_response(generator, 60, level + 1.0, ties=False)
        found = one_run_search(scores, coins, 1e-5, ALPHA).epsilon > level
        assert found == _exceeds(scores, coins, needed)
        seen.append(found)
    assert 0 < sum(seen) < 40


@pytest.mark.parametrize(
    ("canaries", "runs"), [(200, 1_500), (1_000, 800), (5_000, 300), (20_000, 120)]
)
def test_null_with_the_search(canaries, runs):
    """The search errs in at most 5 %.

    jax_privacy divides α by the size of a hull that the scores make, and errs in 5.2 % to 8.5 %
    here.
    """
    generator, needed = np.random.default_rng(7), critical_counts(canaries, 0.0, ALPHA)
    draws = (
        (generator.normal(size=canaries), generator.random(canaries) < 0.5) for _ in range(runs)
    )
    assert sum(_exceeds(scores, coins, needed) for scores, coins in draws) <= _allowed(runs)


def test_a_search_without_correction_is_what_the_null_refutes():
    """ml_privacy_meter's uncorrected rule errs in 23 % at 200 canaries; ours stays within 5 %."""
    canaries, runs, sizes = 200, 500, np.arange(1, 101)
    uncorrected = binom.isf(ALPHA, 2 * sizes, 0.5) + 1
    generator, needed = np.random.default_rng(8), critical_counts(canaries, 0.0, ALPHA)
    theirs = ours = 0
    for _ in range(runs):
        scores, coins = generator.random(canaries), generator.random(canaries) < 0.5
        ranked = coins[np.argsort(scores)]
        right = np.cumsum(ranked[::-1])[:100] + np.cumsum(~ranked)[:100]
        theirs += bool((right >= uncorrected).any())
        ours += _exceeds(scores, coins, needed)
    assert theirs / runs > 0.15
    assert ours <= _allowed(runs)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(
    ("canaries", "runs"),
    [(200, 800), (1_000, 400), pytest.param(5_000, 1_500, marks=pytest.mark.slow)],
)
@pytest.mark.parametrize("true_epsilon", [0.0, 1.0, 2.0])
def test_coverage_with_the_search(true_epsilon, canaries, runs, ties):
    """An exactly true claim is refuted in at most 5 %; the reference measured at most 2.2 %."""
    generator, needed = (
        np.random.default_rng(9),
        critical_counts(canaries, 0.0, ALPHA, true_epsilon),
    )
    refuted = sum(
        _exceeds(*_randomised_response(generator, canaries, true_epsilon, ties=ties), needed)
        for _ in range(runs)
    )
    assert refuted <= _allowed(runs)


# Gaussian scores: shift, canaries, medians of the two-sided grid and of jax_privacy's hull rule
# (reference, simulation 2), and the best of its three other rules (simulation 1).
POWER = [
    (0.5, 1_000, 0.581, 0.484, 0.468),
    (0.5, 4_000, 0.821, 0.704, 0.725),
    (1.0, 1_000, 1.458, 1.234, 1.210),
    (1.0, 4_000, 1.999, 1.703, 1.696),
    (2.0, 1_000, 3.045, 2.765, 2.668),
    (2.0, 4_000, 3.907, 3.587, 3.458),
]


@cache
def _bounds(shift: float, canaries: int, runs: int) -> np.ndarray:
    generator = np.random.default_rng(10)
    found = []
    for _ in range(runs):
        coins = generator.random(canaries) < 0.5
        found.append(
            one_run_search(
                generator.normal(size=canaries) + shift * coins, coins, 0.0, ALPHA
            ).epsilon
        )
    return np.array(found)


@pytest.mark.parametrize(
    ("shift", "canaries", "same", "hull", "other"),
    POWER,
)
def test_power_is_no_lower_than_that_of_other_rules(shift, canaries, same, hull, other):
    """The median of 60 runs is within three standard errors of the reference.

    It is above that of all other rules. The first part fails by chance with probability 0.13 % a
    case.
    """
    found = _bounds(shift, canaries, 60)
    error = 1.25 * found.std() / math.sqrt(len(found))
    assert np.median(found) >= same - 3 * error
    assert np.median(found) > max(hull, other)


JAX = [(1, 386, 1.13346, 2.164749), (2, 374, 2.311945, 4.7218075), (4, 140, 4.395568, 9.133752)]


def _turn(first: tuple[int, int], second: tuple[int, int], third: tuple[int, int]) -> int:
    (a, b), (c, d), (e, f) = first, second, third
    return (c - a) * (f - b) - (d - b) * (e - a)


def _hull(shift: float) -> np.ndarray:
    """False and true positives on the concave hull of 10,000 normal quantiles of each kind."""
    out = norm.ppf((np.arange(10_000) + 0.5) / 10_000)
    thresholds = np.union1d(out, out + shift)[::-1]
    points = [
        (10_000 - np.searchsorted(out, t), 10_000 - np.searchsorted(out + shift, t))
        for t in thresholds
    ]
    kept: list[tuple[int, int]] = []
    for x, y in [(0, 0), *points]:
        while len(kept) > 1 and (kept[-1][0] - kept[-2][0]) * (y - kept[-2][1]) >= (
            kept[-1][1] - kept[-2][1]
        ) * (x - kept[-2][0]):
            kept.pop()
        kept.append((int(x), int(y)))
    return np.array(kept)


@pytest.mark.parametrize(("shift", "size", "expected", "_f_dp"), JAX)
def test_jax_privacy_s_regression_numbers(shift, size, expected, _f_dp):
    """Their rule, α over the hull's size, with our p-value gives their numbers.

    No point refutes a larger ε, and one refutes as much.
    """
    hull = _hull(shift)
    assert len(hull) == size
    level = ALPHA / size
    above = [
        one_run_p_value(20_000, int(x + y), int(y), expected + 1e-5, 1e-6) for x, y in hull[1:]
    ]
    assert min(above) >= level
    x, y = hull[1:][int(np.argmin(above))]
    assert one_run_bound(20_000, int(x + y), int(y), 1e-6, level) == pytest.approx(
        expected, abs=1e-5
    )


@pytest.mark.slow
@pytest.mark.parametrize(("shift", "size", "_expected", "f_dp"), JAX)
def test_jax_privacy_s_f_dp_numbers(shift, size, _expected, f_dp):
    from privgan.audit.lower_bounds.fdp import refuted_mu
    from privgan.privacy.tradeoff import Gaussian

    hull = _hull(shift)[1:]
    mu = max(refuted_mu(20_000, int(x + y), int(y), ALPHA / size) for x, y in hull)
    found = Gaussian(mu).epsilon(1e-6)
    assert found == pytest.approx(f_dp, abs=1e-3)
