"""The accountant: golden numbers, direct numerical oracles, and Opacus' accountant as a second opinion."""

import math

import numpy as np
import pytest
from dp_accounting import dp_event
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.privacy import events
from privgan.privacy.accountant import epsilon_by_pld, epsilon_by_rdp, spent
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.calibration import calibrate

DELTA = 1e-6
CRITIC = events.dp_sgd(noise_multiplier=3.8, sample_rate=0.05, steps=2_000)
RELEASES = events.SelfComposed(dp_event.GaussianDpEvent(50.0), 30)
CHOICES = events.SelfComposed(events.ExponentialMechanism(0.05), 30)


def test_golden_composition() -> None:
    """The design's own numbers (section 1.3): PLD 2.83, RDP 3.04; with 30 selections PLD 2.93."""
    cost = spent([CRITIC, RELEASES], DELTA)
    assert cost.epsilon_pld == pytest.approx(2.83, abs=0.005)
    assert cost.epsilon_rdp == pytest.approx(3.04, abs=0.005)
    assert cost.epsilon == cost.epsilon_pld
    assert epsilon_by_pld(events.Composed([CRITIC, RELEASES, CHOICES]), DELTA) == pytest.approx(2.93, abs=0.005)


def test_a_gaussian_of_equal_zcdp_would_claim_too_little_for_choices() -> None:
    """Why the exponential mechanism has an event of its own: rho = eps²/8 as a Gaussian claims 2.91 (design, section 1.3)."""
    stand_in = events.SelfComposed(dp_event.GaussianDpEvent(1 / math.sqrt(2 * 0.05**2 / 8)), 30)
    unsound = epsilon_by_pld(events.Composed([CRITIC, RELEASES, stand_in]), DELTA)
    assert unsound < epsilon_by_pld(events.Composed([CRITIC, RELEASES, CHOICES]), DELTA) - 0.01


@pytest.mark.parametrize("epsilon", [0.05, 0.7, 3.0])
def test_bounded_range_delta_is_the_worst_two_point_loss(epsilon: float) -> None:
    """One choice: its δ is the largest over two-point losses {t, t − ε} (Dong, Durfee, Rogers 2020), by brute force over t."""
    offsets = np.linspace(0, epsilon, 4_001)
    weight = (math.exp(epsilon) - np.exp(offsets)) / math.expm1(epsilon)
    for level in (0.1 * epsilon, 0.5 * epsilon, 0.9 * epsilon):
        worst = float(np.max(weight * np.clip(1 - np.exp(level - offsets), 0, None)))
        claimed = epsilon_by_pld(events.ExponentialMechanism(epsilon), worst)
        assert level - 1e-9 <= claimed <= level + 5e-4


def _shifted(sigma: float, shift: int) -> tuple[np.ndarray, np.ndarray]:
    points = np.arange(-200, 201)
    weights = np.exp(-(points**2) / (2 * sigma**2))
    moved = np.exp(-((points - shift) ** 2) / (2 * sigma**2))
    return weights / weights.sum(), moved / moved.sum()


@pytest.mark.parametrize("sigma", [5.0, 0.8])
def test_discrete_gaussian_against_a_direct_sum(sigma: float) -> None:
    """δ(ε) by summing max(0, P − e^ε Q) over the integers."""
    p, q = _shifted(sigma, 1)
    for level in (0.2, 1.0):
        delta = float(np.maximum(0, p - math.exp(level) * q).sum())
        if delta > 1e-12:
            claimed = epsilon_by_pld(events.DiscreteGaussian(sigma), delta)
            assert level - 1e-6 <= claimed <= level + 1e-3


@pytest.mark.parametrize("spread", [(3,), (2, 1), (1, 2)], ids=str)
@pytest.mark.parametrize("sigma", [2.0, 9.0])
def test_rows_spread_over_cells_cost_at_most_what_is_claimed(spread: tuple[int, ...], sigma: float) -> None:
    """A unit of three rows, in one cell or in two: δ(ε) by summing over the whole grid of outcomes."""
    p = q = np.ones(1)
    for shift in spread:
        left, right = _shifted(sigma, shift)
        p, q = np.outer(p, left).ravel(), np.outer(q, right).ravel()
    for level in (0.1, 0.5, 1.5):
        for one, other in ((p, q), (q, p)):
            delta = float(np.maximum(0, one - math.exp(level) * other).sum())
            assert epsilon_by_pld(events.DiscreteGaussian(sigma, 3), max(delta, 1e-12)) >= level - 1e-4 or delta < 1e-12


@pytest.mark.parametrize("sensitivity", [1, 3])
def test_a_discoverys_own_delta_is_added(sensitivity: int) -> None:
    discovery = events.Discovery(30.0, sensitivity, 4e-7)
    counts = events.DiscreteGaussian(30.0, sensitivity)
    twice = spent([discovery, discovery], 1e-6)
    assert twice.discovery_delta == pytest.approx(8e-7)
    assert twice.epsilon == pytest.approx(spent([counts, counts], 2e-7).epsilon)
    assert spent([discovery] * 3, 1e-6).epsilon == math.inf


def test_rdp_agrees_with_opacus() -> None:
    """Opacus' accountant, with the same orders, as an oracle for the Poisson-sampled Gaussian."""
    from dp_accounting.rdp.rdp_privacy_accountant import DEFAULT_RDP_ORDERS
    from opacus.accountants.analysis import rdp

    orders = [float(order) for order in DEFAULT_RDP_ORDERS]
    curve = rdp.compute_rdp(q=0.05, noise_multiplier=3.8, steps=2_000, orders=orders)
    theirs, _ = rdp.get_privacy_spent(orders=orders, rdp=curve, delta=DELTA)
    assert epsilon_by_rdp(CRITIC, DELTA) == pytest.approx(theirs, rel=1e-3)


_SINGLE = st.one_of(
    st.builds(events.DiscreteGaussian, st.floats(0.5, 1e3), st.integers(1, 5)),
    st.builds(events.Discovery, st.floats(0.5, 1e3), st.integers(1, 5), st.floats(1e-12, 1e-3)),
    st.builds(events.ExponentialMechanism, st.floats(1e-3, 5)),
    st.builds(events.DiscreteLaplace, st.floats(1e-3, 5), st.integers(1, 5)),
    st.builds(events.dp_sgd, noise_multiplier=st.floats(0.5, 20), sample_rate=st.floats(0.001, 0.5), steps=st.integers(1, 9_999)),
)


@given(st.lists(_SINGLE, max_size=4))
def test_events_survive_writing(parts: list[events.DpEvent]) -> None:
    event = events.Composed(parts)
    assert events.from_json(events.to_json(event)) == event


@settings(max_examples=12, deadline=None)
@given(st.floats(math.log(0.05), math.log(50)).map(math.exp))
def test_calibration_never_exceeds_what_was_asked(epsilon: float) -> None:
    def at(noise: float) -> list[events.DpEvent]:
        return [events.dp_sgd(noise_multiplier=noise, sample_rate=0.05, steps=500)]

    noise = calibrate(at, PrivacyBudget(epsilon=epsilon, delta=DELTA), lowest=0.2, highest=1e4)
    cost = spent(at(noise), DELTA).epsilon
    assert cost <= epsilon
    if 0.2 <= epsilon <= 10:
        assert cost >= 0.97 * epsilon
