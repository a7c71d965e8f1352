"""Golden numbers and monotonicity of the f-DP and GDP bounds.

Mahloujifar et al. 2024, Nasr et al. 2023; computed with scipy alone.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from privgan.audit.lower_bounds.bounds import one_run_bound
from privgan.audit.lower_bounds.fdp import fdp_search, gdp_bound, gdp_mu, refuted_mu
from privgan.privacy.tradeoff import Gaussian


def fdp_bound(
    canaries: int, guesses: int, correct: int, delta: float, significance: float
) -> float:
    return Gaussian(refuted_mu(canaries, guesses, correct, significance)).epsilon(delta)


# m, guesses, correct, δ, f-DP bound, one-run bound of the same counts.
ONE_RUN = [
    (1000, 1000, 800, 1e-6, 2.6321, 1.2543),
    (1000, 1000, 900, 1e-6, 4.2296, 2.0212),
    (1000, 500, 450, 1e-6, 3.7982, 1.9470),
    (1000, 800, 500, 1e-6, 0.8388, 0.3884),
    (1000, 100, 100, 1e-5, 5.5490, 3.4654),
    (1000, 200, 180, 1e-5, 2.9012, 1.7963),
    (2000, 400, 380, 1e-5, 4.0421, 2.5542),
    (1000, 1000, 500, 1e-5, 0.0, 0.0),
]
RATES = [
    (50, 5, 3.1198),
    (100, 10, 2.5066),
    (250, 5, 1.8798),
    (400, 1, 1.3163),
    (200, 100, 0.8532),
    (450, 0, 1.0011),
]


@pytest.mark.parametrize(("canaries", "guesses", "correct", "delta", "expected", "pure"), ONE_RUN)
def test_f_dp_golden_numbers(canaries, guesses, correct, delta, expected, pure):
    found = fdp_bound(canaries, guesses, correct, delta, 0.05)
    assert found == pytest.approx(expected, abs=1e-4)
    assert one_run_bound(canaries, guesses, correct, delta, 0.05) == pytest.approx(pure, abs=1e-4)
    assert found >= pure


@pytest.mark.parametrize("canaries", [200, 1000])
def test_uninformative_scores_give_exactly_zero(canaries):
    """PrivacyGuard's search ends at a noise of 9.991 and says 0.397 here."""
    is_member = np.random.default_rng(0).random(canaries) < 0.5
    assert fdp_search(np.zeros(canaries), is_member, 1e-6, 0.05).epsilon == 0.0
    assert fdp_bound(canaries, canaries, canaries // 2, 1e-6, 0.05) == 0.0
    assert fdp_bound(canaries, canaries, 0, 1e-6, 0.05) == 0.0


@pytest.mark.parametrize(("misses", "alarms", "expected"), RATES)
def test_gdp_from_error_rates_golden_numbers(misses, alarms, expected):
    assert gdp_mu(misses, alarms, 500, 500, 0.05) == pytest.approx(expected, abs=1e-4)


def test_gdp_extrapolates_far_beyond_what_the_counts_certify():
    """No error in 500 + 500 gives ε 32; exact limits certify 4.91.

    So this bound never decides.
    """
    assert gdp_mu(0, 0, 500, 500, 0.05) == pytest.approx(4.88, abs=5e-3)
    assert gdp_bound(0, 0, 500, 500, 1e-5, 0.05) == pytest.approx(32.0, abs=0.05)


@pytest.mark.parametrize("mu", [0.1, 0.3, 1.0, 3.0])
def test_gdp_finds_a_gaussian_mechanism(mu):
    """Expected counts of 500,000 scores of each kind at δ = 0.05, within 5 %.

    As in jax_privacy's own test.
    """
    draws, delta = 500_000, 0.05
    misses, alarms = (round(draws * norm.cdf(-mu / 2)) for _ in range(2))
    true = Gaussian(mu).epsilon(delta)
    assert true * 0.95 - 1e-9 <= gdp_bound(misses, alarms, draws, draws, delta, 0.05) <= true


def test_one_kind_of_error_only_says_nothing():
    assert gdp_mu(20, 3, 20, 500, 0.05) == 0.0
    assert gdp_mu(0, 20, 500, 20, 0.05) == 0.0


def test_impossible_counts_are_refused():
    with pytest.raises(ValueError, match="0 ≤ correct ≤ guesses ≤ canaries"):
        fdp_bound(10, 11, 5, 1e-6, 0.05)


counts = st.integers(2, 150).flatmap(
    lambda m: st.integers(1, m).flatmap(
        lambda r: st.tuples(st.just(m), st.just(r), st.integers(0, r))
    )
)


@settings(max_examples=60, derandomize=True)
@given(counts, st.sampled_from([1e-6, 1e-4, 1e-2]))
def test_monotone_in_hits_and_delta(sizes, delta):
    canaries, guesses, correct = sizes
    bound, slack = fdp_bound(canaries, guesses, correct, delta, 0.05), 1e-9
    assert bound >= 0.0
    assert fdp_bound(canaries, guesses, correct, delta + 1e-3, 0.05) <= bound + slack
    assert fdp_bound(canaries, guesses, correct, delta, 0.01) <= bound + slack
    if correct < guesses:
        assert fdp_bound(canaries, guesses, correct + 1, delta, 0.05) >= bound - slack


@settings(max_examples=60, derandomize=True)
@given(st.integers(0, 60), st.integers(0, 60), st.sampled_from([1e-6, 1e-3]))
def test_gdp_falls_with_errors_and_delta(misses, alarms, delta):
    bound = gdp_bound(misses, alarms, 100, 100, delta, 0.05)
    assert gdp_bound(misses + 1, alarms, 100, 100, delta, 0.05) <= bound
    assert gdp_bound(misses, alarms + 1, 100, 100, delta, 0.05) <= bound
    assert gdp_bound(misses, alarms, 100, 100, delta * 2, 0.05) <= bound


def test_the_search_is_the_best_grid_point_and_no_order_moves_it():
    generator = np.random.default_rng(3)
    is_member = generator.random(400) < 0.5
    scores, order = generator.normal(size=400) + 1.5 * is_member, generator.permutation(400)
    found = fdp_search(scores, is_member, 1e-5, 0.05)
    assert found == fdp_search(scores[order], is_member[order], 1e-5, 0.05)
    assert found.epsilon == pytest.approx(
        fdp_bound(400, found.guesses, found.correct, 1e-5, 0.05 / 16), abs=1e-9
    )


def test_coverage_for_a_gaussian_mechanism():
    """Scores N(0, 1) and N(1, 1) are 1-GDP.

    With a true rate of 5 % 100 runs exceed the limit with probability below 1 %.
    """
    generator, exceeded = np.random.default_rng(4), 0
    true = Gaussian(1.0).epsilon(1e-5)
    for _ in range(100):
        is_member = generator.random(200) < 0.5
        exceeded += (
            fdp_search(generator.normal(size=200) + is_member, is_member, 1e-5, 0.05).epsilon > true
        )
    assert exceeded <= 11
