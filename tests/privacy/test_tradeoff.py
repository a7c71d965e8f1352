"""Ceilings on attacks.

The reference table, closed forms of the Gaussian, brute force, and what must hold of any curve.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from dp_accounting import dp_event
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from privgan.errors import UsageError
from privgan.privacy import events, tradeoff
from privgan.privacy.accountant import spent

RATES = (0.0, 1e-6, 1e-3, 0.01, 0.1, 0.5, 0.9, 0.999, 1.0)

# ε at δ = 1e-5; AUC, advantage, TPR at 0.1 % and at 1 % FPR (Kairouz, Oh, Viswanath 2015, Theorem
# 2.1).
REFERENCE = [
    (0.1, 0.5250, 0.0500, 0.0011, 0.0111),
    (0.5, 0.6225, 0.2449, 0.0017, 0.0165),
    (1, 0.7311, 0.4621, 0.0027, 0.0272),
    (2, 0.8808, 0.7616, 0.0074, 0.0739),
    (3, 0.9526, 0.9051, 0.0201, 0.2009),
    (4, 0.9820, 0.9640, 0.0546, 0.5460),
    (8, 0.9997, 0.9993, 0.9997, 0.9997),
]


@pytest.mark.parametrize(
    ("epsilon", "area", "advantage", "at_a_thousandth", "at_a_hundredth"), REFERENCE
)
def test_worst_case_of_epsilon_and_delta(
    epsilon: float, area: float, advantage: float, at_a_thousandth: float, at_a_hundredth: float
) -> None:
    curve = tradeoff.of_budget(epsilon, 1e-5)
    found = (
        curve.area_under_curve(),
        curve.advantage(),
        curve.true_positive_rate(0.001),
        curve.true_positive_rate(0.01),
    )
    assert found == pytest.approx((area, advantage, at_a_thousandth, at_a_hundredth), abs=6e-5)
    assert curve.area_under_curve() >= 1 - (1 - 1e-5) ** 2 / (1 + math.exp(epsilon))


def test_area_of_a_large_delta() -> None:
    assert tradeoff.of_budget(1.3, 0.02).area_under_curve() == pytest.approx(0.794316, abs=1e-6)


@pytest.mark.parametrize("shift", [0.05, 0.5, 1.0, 2.0, 4.0])
def test_a_gaussian_has_its_closed_forms_and_never_less(shift: float) -> None:
    """μ-GDP: advantage 2Φ(μ/2) − 1, TPR Φ(Φ⁻¹(FPR) + μ), AUC Φ(μ/√2) (Dong, Roth, Su 2022)."""
    curve = tradeoff.of_events([dp_event.GaussianDpEvent(1 / shift)])
    exact = [
        (curve.advantage(), 2 * norm.cdf(shift / 2) - 1),
        (curve.area_under_curve(), norm.cdf(shift / math.sqrt(2))),
    ]
    exact += [
        (curve.true_positive_rate(rate), norm.cdf(norm.ppf(rate) + shift)) for rate in RATES[1:-1]
    ]
    for ceiling, truth in exact:
        assert truth - 1e-12 <= ceiling <= truth * (1 + 1e-4) + 1e-11


@pytest.mark.parametrize("shift", [0.05, 1.0, 6.0])
def test_the_curve_of_a_gaussian_mechanism(shift: float) -> None:
    """δ(ε) by Balle and Wang 2018, Theorem 8, and the ways back to μ."""
    curve = tradeoff.Gaussian(shift)
    epsilon = curve.epsilon(1e-6)
    delta = norm.cdf(shift / 2 - epsilon / shift) - math.exp(epsilon) * norm.cdf(
        -shift / 2 - epsilon / shift
    )
    assert delta == pytest.approx(1e-6, rel=1e-6)
    missed = curve.least_false_negative_rate(0.99)
    assert missed == pytest.approx(norm.cdf(norm.ppf(0.99) - shift), rel=1e-12)
    assert tradeoff.Gaussian.of_rates(missed, 0.01).shift == pytest.approx(shift)
    assert tradeoff.Gaussian.of_advantage(2 * norm.cdf(shift / 2) - 1).shift == pytest.approx(shift)


def test_a_gaussian_that_tells_nothing() -> None:
    assert tradeoff.Gaussian(0.0).epsilon(1e-6) == tradeoff.Gaussian(1e-9).epsilon(1e-6) == 0.0
    assert tradeoff.Gaussian.of_rates(0.6, 0.5).shift == 0.0
    with pytest.raises(ValueError, match="δ is 0"):
        tradeoff.Gaussian(1.0).epsilon(0.0)


@pytest.mark.parametrize(("epsilon", "delta"), [(0.5, 0.0), (3.0, 1e-3), (800.0, 0.0)])
def test_the_ceiling_of_a_budget_bends_once(epsilon: float, delta: float) -> None:
    bend = tradeoff.bend_of_budget(epsilon, delta)
    assert min(1.0, math.exp(min(epsilon, 700)) * bend + delta) == pytest.approx(
        1 - math.exp(-epsilon) * (1 - bend - delta)
    )


def test_two_counts_against_the_best_test_of_all() -> None:
    """Neyman and Pearson by brute force.

    Outcomes of two discrete Gaussian counts, by falling likelihood ratio.
    """
    points = np.arange(-60, 62)
    weights = [
        np.exp(-((points - centre) ** 2) / (2 * sigma**2))
        for centre in (0, 1)
        for sigma in (1.5, 4.0)
    ]
    with_unit, without = (
        np.outer(first / first.sum(), second / second.sum()).ravel()
        for first, second in (weights[:2], weights[2:])
    )
    order = np.argsort(-with_unit / np.maximum(without, 1e-300))
    found, alarms = np.cumsum(with_unit[order]), np.cumsum(without[order])
    curve = tradeoff.of_events([events.DiscreteGaussian(1.5), events.DiscreteGaussian(4.0)])
    assert curve.advantage() == pytest.approx(np.abs(with_unit - without).sum() / 2, rel=1e-3)
    for index in range(0, len(order), 37):
        if alarms[index] <= 1:
            assert curve.true_positive_rate(float(alarms[index])) >= found[index] - 1e-12
    middle = int(np.searchsorted(alarms, 0.01))
    assert curve.true_positive_rate(float(alarms[middle])) == pytest.approx(found[middle], rel=2e-2)


_EVENT = st.one_of(
    st.builds(events.DiscreteGaussian, st.floats(1.0, 1e3), st.integers(1, 2)),
    st.builds(events.Discovery, st.floats(5.0, 1e3), st.just(1), st.floats(1e-9, 1e-4)),
    st.builds(events.ExponentialMechanism, st.floats(0.01, 2)),
    st.builds(
        events.dp_sgd,
        noise_multiplier=st.floats(0.8, 20),
        sample_rate=st.floats(0.01, 0.5),
        steps=st.integers(1, 300),
    ),
)


@settings(max_examples=10, derandomize=True)
@given(st.lists(_EVENT, min_size=1, max_size=3))
def test_any_curve_rises_and_stays_below_its_epsilon_and_delta(parts: list[events.DpEvent]) -> None:
    curve = tradeoff.of_events(parts)
    rates = [curve.true_positive_rate(rate) for rate in RATES]
    assert rates == sorted(rates)
    assert all(found >= alarms for found, alarms in zip(rates, RATES, strict=True))
    assert (
        max(found - alarms for found, alarms in zip(rates, RATES, strict=True))
        <= curve.advantage() + 1e-9
    )
    assert (
        0.5
        <= curve.area_under_curve()
        <= 0.5 + curve.advantage() - curve.advantage() ** 2 / 2 + 1e-6
    )
    for delta in (1e-3, 1e-2):
        worst = tradeoff.of_budget(spent(parts, delta).epsilon_pld, delta)
        assert curve.advantage() <= worst.advantage() + 1e-9
        for found, alarms in zip(rates, RATES, strict=True):
            assert found <= worst.true_positive_rate(alarms) + 1e-6


@settings(max_examples=40, derandomize=True)
@given(st.floats(0, 60), st.floats(0, 5), st.floats(0, 0.4), st.floats(0, 0.4))
def test_more_epsilon_or_delta_allows_more(
    epsilon: float, more: float, delta: float, more_delta: float
) -> None:
    less, much = (
        tradeoff.of_budget(epsilon, delta),
        tradeoff.of_budget(epsilon + more, delta + more_delta),
    )
    assert less.advantage() <= much.advantage() + 1e-12
    assert less.area_under_curve() <= much.area_under_curve() + 1e-12
    assert all(
        less.true_positive_rate(rate) <= much.true_positive_rate(rate) + 1e-12 for rate in RATES
    )


def test_one_more_step_allows_no_less_and_a_discoverys_delta_is_added() -> None:
    first, second = events.DiscreteGaussian(9.0), events.ExponentialMechanism(0.3)
    one, both = tradeoff.of_events([first]), tradeoff.of_events([first, second])
    assert all(
        one.true_positive_rate(rate) <= both.true_positive_rate(rate) + 1e-9 for rate in RATES
    )
    discovered = tradeoff.of_events([events.Discovery(9.0, 1, 1e-3)])
    assert discovered.advantage() == pytest.approx(one.advantage() + 1e-3, abs=1e-9)
    assert discovered.true_positive_rate(0.0) >= 1e-3


def test_rows_as_they_are_protect_nobody() -> None:
    curve = tradeoff.of_events([events.NonPrivate()])
    assert (
        curve.advantage(),
        curve.certainty(),
        curve.true_positive_rate(0.0),
        curve.area_under_curve(),
    ) == (1, 1, 1, 1)


def test_the_lower_of_two_is_below_both() -> None:
    first, second = (
        tradeoff.of_budget(1.0, 1e-6),
        tradeoff.of_events([dp_event.GaussianDpEvent(2.0)]),
    )
    both = tradeoff.lower(first, second)
    assert both.advantage() == min(first.advantage(), second.advantage())
    for rate in RATES:
        assert (
            both.true_positive_rate(rate)
            <= min(first.true_positive_rate(rate), second.true_positive_rate(rate)) + 1e-15
        )


@pytest.mark.parametrize(
    ("epsilon", "delta"), [(-0.1, 0.0), (float("nan"), 0.0), (1.0, -1e-9), (1.0, 1.1)]
)
def test_what_is_no_guarantee_is_refused(epsilon: float, delta: float) -> None:
    with pytest.raises(UsageError):
        tradeoff.of_budget(epsilon, delta)


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_what_is_no_rate_is_refused(rate: float) -> None:
    with pytest.raises(UsageError):
        tradeoff.of_budget(1.0, 1e-6).true_positive_rate(rate)
