"""Calibration: at most the asked ε and close to it, with at most six PLD evaluations."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.errors import UsageError
from privgan.privacy import accountant, events
from privgan.privacy.accountant import spent
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.calibration import PLD_EVALUATIONS, calibrate, zcdp_of
from tests.thinning import some

DELTA = 1e-6
EPSILONS = (0.05, 0.2, 1, 3, 10, 20, 50)
Plan = Callable[[float], Sequence[events.DpEvent]]


def sgd(sample_rate: float, steps: int) -> Plan:
    return lambda noise: [
        events.dp_sgd(noise_multiplier=noise, sample_rate=sample_rate, steps=steps)
    ]


def marginals(scale: float) -> Sequence[events.DpEvent]:
    """Twelve counts and eight choices of rising precision, as in a plan of marginals."""
    counts = [events.DiscreteGaussian(scale * (30 - index)) for index in range(12)]
    return [
        *counts,
        *(events.ExponentialMechanism(0.1 / scale * (1 + index / 4)) for index in range(8)),
    ]


def both(noise: float) -> Sequence[events.DpEvent]:
    """A critic beside fixed counts that take a part of the budget."""
    return [*(events.DiscreteGaussian(300.0) for _ in range(5)), *sgd(0.05, 800)(noise)]


def several_rows(scale: float) -> Sequence[events.DpEvent]:
    return [
        events.SelfComposed(events.DiscreteGaussian(scale, 3), 20),
        events.Discovery(scale * 2, 3, 1e-7),
    ]


PLANS: dict[str, tuple[Plan, float]] = {
    "rate 0.001": (sgd(0.001, 500), 0.1),
    "rate 0.05": (sgd(0.05, 1_500), 0.2),
    "rate 0.5": (sgd(0.5, 300), 0.2),
    "marginals": (marginals, 1e-3),
    "several rows": (several_rows, 1e-2),
}


@pytest.fixture
def evaluations(monkeypatch: pytest.MonkeyPatch) -> list[events.DpEvent]:
    """Every event whose loss distribution is computed."""
    found: list[events.DpEvent] = []
    real = accountant.loss_distribution

    def counted(event: events.DpEvent) -> object:
        found.append(event)
        return real(event)

    monkeypatch.setattr(accountant, "loss_distribution", counted)
    return found


@pytest.mark.parametrize("epsilon", some(EPSILONS))
@pytest.mark.parametrize("name", PLANS)
def test_close_below_what_was_asked_in_six_evaluations(
    name: str, epsilon: float, evaluations: list[events.DpEvent]
) -> None:
    at, lowest = PLANS[name]
    scale = calibrate(at, PrivacyBudget(epsilon=epsilon, delta=DELTA), lowest=lowest, highest=1e4)
    assert 1 <= len(evaluations) <= PLD_EVALUATIONS == 6
    assert events.Composed(list(at(scale))) in evaluations, (
        "the scale that is handed out was itself evaluated"
    )
    cost = spent(at(scale), DELTA).epsilon
    assert 0.97 * epsilon <= cost <= epsilon


@settings(max_examples=6, derandomize=True)
@given(st.floats(math.log(0.05), math.log(50)).map(math.exp), st.sampled_from([1e-9, 1e-6, 1e-4]))
def test_never_more_than_what_was_asked(epsilon: float, delta: float) -> None:
    scale = calibrate(
        sgd(0.05, 500), PrivacyBudget(epsilon=epsilon, delta=delta), lowest=0.2, highest=1e4
    )
    assert 0.97 * epsilon <= spent(sgd(0.05, 500)(scale), delta).epsilon <= epsilon


def test_beside_a_fixed_part() -> None:
    scale = calibrate(both, PrivacyBudget(epsilon=1.0, delta=DELTA), lowest=0.2, highest=1e4)
    assert 0.99 <= spent(both(scale), DELTA).epsilon <= 1.0


def test_the_lowest_scale_is_taken_where_it_fits() -> None:
    assert calibrate(
        marginals, PrivacyBudget(epsilon=50, delta=DELTA), lowest=3.0, highest=1e4
    ) == pytest.approx(3.0)


@pytest.mark.parametrize("epsilon", [3, 10, 20])
def test_a_single_count_whose_cost_jumps_is_still_never_above(epsilon: float) -> None:
    """Below one row of noise a count's ε jumps as the noise falls.

    What is found may lie far below, never above.
    """
    scale = calibrate(
        lambda s: [events.DiscreteGaussian(s)],
        PrivacyBudget(epsilon=epsilon, delta=DELTA),
        lowest=0.1,
        highest=1e4,
    )
    assert 0.7 * epsilon <= spent([events.DiscreteGaussian(scale)], DELTA).epsilon <= epsilon


def test_too_little_is_refused_with_what_to_do() -> None:
    with pytest.raises(UsageError, match=r"epsilon = 0.001 is too small.*ask for more"):
        calibrate(
            sgd(0.5, 100_000), PrivacyBudget(epsilon=0.001, delta=DELTA), lowest=0.2, highest=1e4
        )


def test_a_discovery_that_takes_the_whole_delta_is_refused() -> None:
    with pytest.raises(UsageError, match="too small"):
        calibrate(
            lambda s: [events.Discovery(s, 1, 2e-6)],
            PrivacyBudget(epsilon=1.0, delta=DELTA),
            lowest=0.2,
            highest=1e4,
        )


@given(
    st.floats(min_value=-12, max_value=2).map(lambda power: 10**power),
    st.sampled_from([1e-3, 1e-6, 1e-12]),
)
def test_every_budget_has_a_concentration_that_keeps_it(epsilon: float, delta: float) -> None:
    """Canonne, Kamath, Steinke 2020, Corollary 13: ε = ρ + 2 √(ρ log(1/δ)) suffices."""
    rho = zcdp_of(PrivacyBudget(epsilon=epsilon, delta=delta))
    simple = (math.sqrt(epsilon - math.log(delta)) - math.sqrt(-math.log(delta))) ** 2
    assert rho > 0
    assert rho >= simple * (1 - 1e-3) or epsilon < 1e-9  # There the right side is rounding alone.
