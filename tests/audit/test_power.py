"""Power of a one-run audit: exact against simulation by the deciding search, and its limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.audit.lower_bounds.bounds import (
    guess_grid,
    largest_one_run_bound,
    one_run_bound,
    one_run_search,
)
from privgan.audit.lower_bounds.power import critical_counts, detection_power, epsilon_detectable


def _answers(
    generator: np.random.Generator, canaries: int, epsilon: float
) -> tuple[np.ndarray, np.ndarray]:
    """Scores and coins of randomised response: every score is one of two values."""
    coins = generator.random(canaries) < 0.5
    right = generator.random(canaries) < 1 / (1 + math.exp(-epsilon))
    return np.where(right, coins, ~coins) * 1.0, coins


@pytest.mark.parametrize(("canaries", "above"), [(20, 0.0), (51, 0.7), (300, 0.0)])
def test_power_is_what_the_search_shows(canaries, above):
    """Even and odd numbers, ties, and both levels.

    200 runs lie within 4 standard errors, but for a probability of 6e-5.
    """
    epsilon, generator, runs = (
        epsilon_detectable(canaries, 1e-5, 0.05, above=above),
        np.random.default_rng(5),
        200,
    )
    assert epsilon is not None
    seen = sum(
        one_run_search(*_answers(generator, canaries, epsilon), 1e-5, 0.05).epsilon > above
        for _ in range(runs)
    )
    assert abs(seen / runs - 0.8) < 4 * math.sqrt(0.8 * 0.2 / runs)


def test_smallest_epsilon_by_the_number_of_canaries():
    """It falls like one over the root of the number of canaries.

    The first figure was found by simulation too (above).
    """
    found = {m: epsilon_detectable(m, 1e-6, 0.05) for m in (20, 200, 1000, 4000)}
    assert found == pytest.approx({20: 1.8529, 200: 0.5127, 1000: 0.2230, 4000: 0.1105}, abs=1e-3)
    assert detection_power(found[4000], 4000, critical_counts(4000, 1e-6, 0.05)) == pytest.approx(
        0.8, abs=1e-3
    )


def test_what_no_audit_of_this_size_can_show_is_none():
    largest = largest_one_run_bound(20, 0.0, 0.05)
    assert epsilon_detectable(20, 0.0, 0.05, above=largest + 1e-6) is None
    # Half of 20 canaries were in with probability 0.18: even a perfect attacker must call one of
    # the others wrongly.
    assert epsilon_detectable(20, 0.0, 0.05, above=largest - 0.1) is None
    assert epsilon_detectable(19, 0.0, 0.05) is None


def test_critical_counts_are_where_the_bound_begins():
    for above in (0.0, 1.0):
        needed = critical_counts(200, 1e-5, 0.05, above)
        level = 0.05 / len(needed)
        for size, count in zip(guess_grid(200), needed, strict=True):
            assert count <= 2 * size
            assert one_run_bound(200, 2 * size, count, 1e-5, level) > above
            assert one_run_bound(200, 2 * size, count - 1, 1e-5, level) <= above
    assert critical_counts(20, 1e-5, 0.05, above=9.0) == (21,)


@settings(max_examples=30, derandomize=True)
@given(st.integers(20, 400), st.floats(0.0, 4.0), st.floats(0.05, 1.0))
def test_power_is_a_probability_that_rises_with_epsilon(canaries, epsilon, more):
    needed = critical_counts(canaries, 1e-6, 0.05)
    low, high = (detection_power(each, canaries, needed) for each in (epsilon, epsilon + more))
    assert -1e-9 <= low <= high + 1e-9 <= 1.0 + 2e-9


@settings(max_examples=8, derandomize=True)
@given(st.integers(20, 200), st.sampled_from([0.0, 1e-5, 1e-4]))
def test_delta_a_higher_level_and_more_power_never_make_it_smaller(canaries, delta):
    plain = epsilon_detectable(canaries, delta, 0.05)
    assert plain is not None
    slack = 2e-4
    assert (epsilon_detectable(canaries, delta + 1e-4, 0.05) or math.inf) >= plain - slack
    assert (epsilon_detectable(canaries, delta, 0.05, above=0.3) or math.inf) >= plain - slack
    assert (epsilon_detectable(canaries, delta, 0.05, power=0.9) or math.inf) >= plain - slack


def test_false_alarms_are_at_most_the_significance():
    """Exact at ε = 0, where detection is a false alarm."""
    for canaries in (20, 200, 1000, 5000):
        assert 0.0 < detection_power(0.0, canaries, critical_counts(canaries, 0.0, 0.05)) < 0.05
