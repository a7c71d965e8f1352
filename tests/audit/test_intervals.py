"""Intervals, areas and ceilings against closed forms and scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, fisher_exact, norm
from sklearn.metrics import roc_auc_score

from privgan.audit.intervals import (
    area_under_curve,
    bootstrap_weights,
    clopper_pearson,
    difference_interval,
    fisher_p_value,
    hanley_mcneil,
    jackknife_error,
    normal_interval,
    weighted_areas,
)
from privgan.audit.lower_bounds.ceilings import Claim
from privgan.errors import UsageError

CEILINGS = [
    (0.1, 0.5250, 0.0500, 0.0011, 0.0111),
    (0.5, 0.6225, 0.2449, 0.0017, 0.0165),
    (1.0, 0.7311, 0.4621, 0.0027, 0.0272),
    (2.0, 0.8808, 0.7616, 0.0074, 0.0739),
    (3.0, 0.9526, 0.9051, 0.0201, 0.2009),
    (4.0, 0.9820, 0.9640, 0.0546, 0.5460),
    (8.0, 0.9997, 0.9993, 0.9997, 0.9997),
]


@pytest.mark.parametrize(("epsilon", "area", "advantage", "thousandth", "hundredth"), CEILINGS)
def test_ceilings(epsilon, area, advantage, thousandth, hundredth):
    claim = Claim(epsilon, 1e-5)
    found = [
        claim.area_under_curve(),
        claim.advantage(),
        claim.true_positive_rate(1e-3),
        claim.true_positive_rate(0.01),
    ]
    assert found == pytest.approx([area, advantage, thousandth, hundredth], abs=6e-5)


def test_ceiling_with_a_large_delta_and_without_a_claim():
    assert Claim(1.3, 0.02).area_under_curve() == pytest.approx(0.794316, abs=1e-6)
    assert Claim(1.3, 0.02).advantage() == pytest.approx(
        (math.exp(1.3) - 1 + 0.04) / (math.exp(1.3) + 1)
    )
    endless = Claim(math.inf, 0.0)
    assert (endless.area_under_curve(), endless.advantage(), endless.true_positive_rate(0.01)) == (
        1.0,
        1.0,
        1.0,
    )


@pytest.mark.parametrize(
    ("epsilon", "delta"), [(-1.0, 0.0), (math.nan, 0.0), (1.0, 1.0), (1.0, -1e-9)]
)
def test_impossible_claims_are_refused(epsilon, delta):
    with pytest.raises(UsageError):
        Claim(epsilon, delta)


@pytest.mark.parametrize(("count", "trials"), [(0, 10), (10, 10), (3, 17), (499, 500)])
def test_clopper_pearson_is_scipys_exact_interval(count, trials):
    expected = binomtest(count, trials).proportion_ci(0.95, "exact")
    assert clopper_pearson(count, trials) == pytest.approx((expected.low, expected.high), abs=1e-10)


def test_fishers_test_is_scipys_for_one_table_and_for_several():
    hits, control = np.array([5, 30, 0]), np.array([2, 12, 4])
    found = fisher_p_value(hits, 100, control, 80)
    tables = ([[a, 100 - a], [b, 80 - b]] for a, b in zip(hits, control, strict=True))
    assert found == pytest.approx(
        [fisher_exact(table, alternative="greater")[1] for table in tables]
    )
    assert fisher_p_value(5, 100, 2, 80) == pytest.approx(found[0])


def test_normal_interval_holds_for_all_tests_at_once_and_within_its_bounds():
    assert normal_interval(1.0, 2.0) == pytest.approx(
        (1 - 2 * norm.ppf(0.975), 1 + 2 * norm.ppf(0.975))
    )
    assert normal_interval(1.0, 2.0, tests=10)[1] == pytest.approx(1 + 2 * norm.ppf(1 - 0.05 / 20))
    assert normal_interval(0.1, 2.0, least=0.0, most=1.0) == (0.0, 1.0)


def test_the_jackknife_of_a_mean_is_its_standard_error():
    values = np.random.default_rng(0).normal(size=40)
    left = [values.mean(), *(np.delete(values, i).mean() for i in range(40))]
    assert jackknife_error(np.array(left)) == pytest.approx(values.std(ddof=1) / 40**0.5)


def test_interval_narrows_with_the_root_of_the_sample():
    widths = [np.ptp(difference_interval((n // 4, n), (n // 5, n))) for n in (400, 1600, 6400)]
    assert widths[0] / widths[1] == pytest.approx(2, rel=0.1)
    assert widths[1] / widths[2] == pytest.approx(2, rel=0.1)


@settings(max_examples=40, derandomize=True)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=60))
def test_area_agrees_with_scikit_learn(rows):
    labels, scores = (
        np.array([row[0] for row in rows]),
        np.array([row[1] for row in rows], dtype=float),
    )
    expected = roc_auc_score(labels, scores) if 0 < labels.sum() < len(labels) else 0.5
    assert area_under_curve(labels, scores) == pytest.approx(expected)


def test_weights_are_repetitions():
    labels, scores = np.array([True, False, True, False]), np.array([1.0, 2.0, 3.0, 2.0])
    repeated = np.repeat(np.arange(4), [3, 1, 2, 2])
    found = weighted_areas(labels, scores, np.array([[3.0, 1.0, 2.0, 2.0]]))[0]
    assert found == pytest.approx(roc_auc_score(labels[repeated], scores[repeated]))


def test_area_interval_holds_the_area_and_does_not_collapse_at_the_ends():
    for area in (0.0, 0.5, 0.9, 1.0):
        low, high = hanley_mcneil(area, 50, 60)
        assert 0 <= low <= area <= high <= 1
        assert high - low > 0.01
    low, high = hanley_mcneil(0.5, 1000, 1000)
    assert (high - low) / 2 == pytest.approx(
        1.96 * math.sqrt(2001 / 12 / 1e6), rel=0.01
    )  # the rank sum's variance


def test_a_bootstrap_draws_customers_with_all_their_rows() -> None:
    customers = np.array([5, 5, 5, 2, 9, 9])
    weights = bootstrap_weights(6, 300, np.random.default_rng(0), customers)
    assert (weights[0] == 1).all()
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, 4] == weights[:, 5]).all()
    assert (weights[1:, [0, 3, 4]].sum(axis=1) == 3).all()
    assert weights[:, 0].std() > 0
