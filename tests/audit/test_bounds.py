"""Golden numbers of the bounds (computed with scipy), monotonicity, and the search.

Steinke et al. 2023, Theorem 5.2; Jagielski et al. 2020.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from privgan.audit.intervals import clopper_pearson
from privgan.audit.lower_bounds.bounds import (
    clopper_pearson_bound,
    guess_grid,
    largest_one_run_bound,
    largest_refuted,
    one_run_bound,
    one_run_p_value,
    one_run_search,
)

ONE_RUN = [
    (100, 100, 60, 0.0519, 0.0519, 0.0517),
    (100, 100, 80, 0.9584, 0.9584, 0.9581),
    (100, 100, 100, 3.4930, 3.4927, 3.4902),
    (500, 500, 350, 0.6833, 0.6832, 0.6830),
    (500, 500, 500, 5.1144, 5.1131, 5.1010),
    (1000, 1000, 600, 0.2975, 0.2974, 0.2972),
    (1000, 1000, 800, 1.2543, 1.2543, 1.2540),
    (1000, 1000, 900, 2.0212, 2.0212, 2.0206),
    (1000, 1000, 1000, 5.8091, 5.8064, 5.7823),
    (5000, 5000, 5000, 7.4197, 7.4064, 7.2839),
    (10000, 10000, 10000, 8.1130, 8.0863, 7.8343),
    (1000, 20, 20, 1.8227, 1.8196, 1.7913),
    (1000, 50, 50, 2.7847, 2.7819, 2.7562),
    (1000, 100, 90, 1.6308, 1.6304, 1.6261),
    (1000, 100, 100, 3.4930, 3.4902, 3.4654),
    (1000, 200, 180, 1.7989, 1.7986, 1.7963),
    (1000, 500, 450, 1.9471, 1.9470, 1.9460),
]
PERFECT = [
    (50, 2.7847, 2.5696, 2.1912),
    (100, 3.4930, 3.2813, 2.9112),
    (250, 4.4183, 4.2088, 3.8435),
    (500, 5.1144, 4.9056, 4.5419),
    (1000, 5.8091, 5.6006, 5.2377),
    (2000, 6.5030, 6.2947, 5.9322),
    (5000, 7.4197, 7.2115, 6.8493),
]
BRANCHES = [
    (50, 5, 3.6255, 2.0190),
    (100, 10, 3.0397, 1.3992),
    (250, 5, 2.9776, 0.5840),
    (400, 1, 2.7045, 0.1701),
    (200, 100, 0.8486, 0.5394),
    (450, 0, 2.3245, 0.0707),
]


@pytest.mark.parametrize(("canaries", "guesses", "correct", "pure", "small", "large"), ONE_RUN)
def test_one_run_golden_numbers(canaries, guesses, correct, pure, small, large):
    found = [one_run_bound(canaries, guesses, correct, delta, 0.05) for delta in (0.0, 1e-6, 1e-5)]
    assert found == pytest.approx([pure, small, large], abs=1e-4)


@pytest.mark.parametrize(("trials", "ten", "five", "one"), PERFECT)
def test_perfect_attack_is_certified_a_finite_epsilon(trials, ten, five, one):
    found = [clopper_pearson_bound(0, 0, trials, trials, 0.0, level) for level in (0.1, 0.05, 0.01)]
    assert found == pytest.approx([ten, five, one], abs=1e-4)


@pytest.mark.parametrize(("misses", "alarms", "first", "second"), BRANCHES)
def test_clopper_pearson_branches(misses, alarms, first, second):
    assert clopper_pearson_bound(misses, alarms, 500, 500, 0.0, 0.05) == pytest.approx(
        first, abs=1e-4
    )
    swapped = clopper_pearson_bound(alarms, misses, 500, 500, 0.0, 0.05)
    assert swapped == pytest.approx(max(first, second), abs=1e-4)


def test_delta_lowers_the_clopper_pearson_bound():
    bounds = [
        clopper_pearson_bound(50, 5, 500, 500, delta, 0.05)
        for delta in (0.0, 1e-3, 0.1, 1.0 - 1e-9)
    ]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[0] > bounds[2] > bounds[3] == 0.0


@pytest.mark.parametrize("guesses", [1, 10, 64, 1000])
def test_closed_form_without_delta(guesses):
    share = 0.05 ** (1 / guesses)
    expected = max(0.0, math.log(share / (1 - share)))
    assert one_run_bound(2000, guesses, guesses, 0.0, 0.05) == pytest.approx(expected, abs=1e-9)


def test_p_value_agrees_with_the_naive_sum():
    canaries, guesses, correct, delta = 60, 40, 33, 1e-3
    epsilon = one_run_bound(canaries, guesses, correct, delta, 0.05)
    share = 1 / (1 + math.exp(-epsilon))

    def tail(count):
        return float(binom.sf(count - 1, guesses, share))

    slope = max((tail(correct - i) - tail(correct)) / i for i in range(1, canaries + 1))
    assert tail(correct) + 2 * canaries * delta * slope == pytest.approx(0.05, abs=1e-9)


counts = st.integers(2, 300).flatmap(
    lambda m: st.integers(1, m).flatmap(
        lambda r: st.tuples(st.just(m), st.just(r), st.integers(0, r))
    )
)


@settings(max_examples=60, derandomize=True)
@given(counts, st.sampled_from([0.0, 1e-6, 1e-4, 1e-2]))
def test_monotone_in_hits_canaries_and_delta(sizes, delta):
    canaries, guesses, correct = sizes
    bound = one_run_bound(canaries, guesses, correct, delta, 0.05)
    slack = 1e-9
    assert bound >= 0.0
    assert one_run_bound(canaries + 50, guesses, correct, delta, 0.05) <= bound + slack
    assert one_run_bound(canaries, guesses, correct, delta + 1e-3, 0.05) <= bound + slack
    if correct < guesses:
        assert one_run_bound(canaries, guesses, correct + 1, delta, 0.05) >= bound - slack


def test_impossible_counts_are_refused():
    with pytest.raises(ValueError, match="0 ≤ correct ≤ guesses ≤ canaries"):
        one_run_bound(10, 11, 5, 0.0, 0.05)


def test_grid_is_fixed_by_the_number_of_canaries():
    assert guess_grid(19) == ()
    assert guess_grid(20) == (10,)
    grid = guess_grid(4000)
    assert (grid[0], grid[-1], len(grid)) == (40, 2000, 16)


def test_largest_bound_is_what_perfect_scores_reach():
    is_member = np.arange(200) % 2 == 0
    found = one_run_search(is_member * 1.0, is_member, 1e-6, 0.05)
    assert found.epsilon == pytest.approx(largest_one_run_bound(200, 1e-6, 0.05))
    assert found.epsilon == pytest.approx(
        one_run_bound(200, 200, 200, 1e-6, 0.05 / len(guess_grid(200)))
    )
    assert largest_one_run_bound(19, 0.0, 0.05) == 0.0


def test_uninformative_scores_give_exactly_zero():
    is_member = np.random.default_rng(0).random(1000) < 0.5
    assert one_run_search(np.zeros(1000), is_member, 1e-6, 0.05).epsilon == 0.0


def test_order_of_canaries_does_not_matter():
    generator = np.random.default_rng(1)
    is_member, scores = generator.random(400) < 0.5, np.round(generator.normal(size=400), 1)
    scores = scores + is_member
    order = generator.permutation(400)
    assert one_run_search(scores, is_member, 0.0, 0.05) == one_run_search(
        scores[order], is_member[order], 0.0, 0.05
    )


@pytest.mark.parametrize(
    ("canaries", "guesses", "correct"), [(100, 100, 80), (1000, 50, 50), (1000, 1000, 900)]
)
def test_delta_enters_the_one_run_bound(canaries, guesses, correct):
    """Public ports leave the δ term out."""
    bounds = [one_run_bound(canaries, guesses, correct, delta, 0.05) for delta in (0.0, 1e-5, 1e-3)]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[0] > bounds[2]


def test_no_false_alarm_gives_a_finite_bound_with_half_the_level_for_each_rate():
    """TAPAS says infinity; (α/2) for each rate, not α/4."""
    assert clopper_pearson_bound(0, 0, 500, 500, 0.0, 0.05) == pytest.approx(4.9056, abs=1e-4)
    assert (
        clopper_pearson_bound(0, 0, 500, 500, 0.0, 0.05)
        > clopper_pearson_bound(0, 0, 500, 500, 0.1, 0.05)
        > 0.0
    )


def test_clopper_pearson_limits_are_scipys():
    from scipy.stats import binomtest

    for count, trials in ((0, 50), (7, 50), (50, 50), (250, 500)):
        exact = binomtest(count, trials).proportion_ci(0.95, "exact")
        assert clopper_pearson(count, trials) == pytest.approx((exact.low, exact.high), abs=1e-9)


def test_p_value_is_what_the_bound_inverts():
    bound = one_run_bound(300, 200, 150, 1e-5, 0.05)
    assert one_run_p_value(300, 200, 150, bound, 1e-5) == pytest.approx(0.05, abs=1e-9)
    assert one_run_p_value(300, 200, 0, 0.0, 1e-5) == 1.0


@pytest.mark.parametrize("edge", [0.0, 1e-9, 0.7, 12.5, 3e4])
def test_the_largest_refuted_is_found_to_twelve_digits(edge):
    assert largest_refuted(lambda epsilon: epsilon <= edge) == pytest.approx(
        edge, rel=1e-11, abs=1e-11
    )
    assert largest_refuted(lambda epsilon: False) == 0.0
