"""The accountant: golden numbers, direct numerical oracles, and Opacus as a second opinion."""

import math
from random import Random

import numpy as np
import pytest
from dp_accounting import dp_event
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.privacy import accountant, events
from privgan.privacy import accountant as losses
from privgan.privacy.accountant import epsilon_by_pld, loss_distribution, spent

DELTA = 1e-6
CRITIC = events.dp_sgd(noise_multiplier=3.8, sample_rate=0.05, steps=2_000)
RELEASES = events.SelfComposed(dp_event.GaussianDpEvent(50.0), 30)
CHOICES = events.SelfComposed(events.ExponentialMechanism(0.05), 30)


def test_golden_composition() -> None:
    """A critic of 2,000 steps and 30 releases: PLD 2.83, RDP 3.04; with 30 selections PLD 2.93."""
    cost = spent([CRITIC, RELEASES], DELTA)
    assert cost.epsilon_pld == pytest.approx(2.83, abs=0.005)
    assert cost.epsilon_rdp == pytest.approx(3.04, abs=0.005)
    assert cost.epsilon == cost.epsilon_pld
    assert epsilon_by_pld(events.Composed([CRITIC, RELEASES, CHOICES]), DELTA) == pytest.approx(
        2.93, abs=0.005
    )


def test_a_gaussian_of_equal_zcdp_would_claim_too_little_for_choices() -> None:
    """Why the exponential mechanism has an event of its own.

    Rho = eps²/8 as a Gaussian claims 2.91.
    """
    stand_in = events.SelfComposed(dp_event.GaussianDpEvent(1 / math.sqrt(2 * 0.05**2 / 8)), 30)
    unsound = epsilon_by_pld(events.Composed([CRITIC, RELEASES, stand_in]), DELTA)
    assert unsound < epsilon_by_pld(events.Composed([CRITIC, RELEASES, CHOICES]), DELTA) - 0.01


@pytest.mark.parametrize("epsilon", [0.05, 0.7, 3.0])
def test_bounded_range_delta_is_the_worst_two_point_loss(epsilon: float) -> None:
    """One choice: δ is the largest over two-point losses {t, t − ε}, by brute force over t.

    Dong, Durfee, Rogers 2020.
    """
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
def test_rows_spread_over_cells_cost_at_most_what_is_claimed(
    spread: tuple[int, ...], sigma: float
) -> None:
    """A unit of three rows, in one cell or in two.

    Δ(ε) by summing over the whole grid of outcomes.
    """
    p = q = np.ones(1)
    for shift in spread:
        left, right = _shifted(sigma, shift)
        p, q = np.outer(p, left).ravel(), np.outer(q, right).ravel()
    for level in (0.1, 0.5, 1.5):
        for one, other in ((p, q), (q, p)):
            delta = float(np.maximum(0, one - math.exp(level) * other).sum())
            assert (
                epsilon_by_pld(events.DiscreteGaussian(sigma, 3), max(delta, 1e-12)) >= level - 1e-4
                or delta < 1e-12
            )


@pytest.mark.parametrize("sensitivity", [1, 3])
def test_a_discoverys_own_delta_is_added(sensitivity: int) -> None:
    discovery = events.Discovery(30.0, sensitivity, 4e-7)
    counts = events.DiscreteGaussian(30.0, sensitivity)
    twice = spent([discovery, discovery], 1e-6)
    assert twice.discovery_delta == pytest.approx(8e-7)
    assert twice.epsilon == pytest.approx(spent([counts, counts], 2e-7).epsilon)
    assert spent([discovery] * 3, 1e-6).epsilon == math.inf


@pytest.mark.parametrize(
    ("noise", "rate", "steps", "published"),
    [
        # Abadi and others 2016, section 3.2 and figure 2: q = 0.01, σ = 4, 10,000 steps, moments
        # accountant.
        (4.0, 0.01, 10_000, 1.26),
        # TensorFlow Privacy's tutorial on MNIST: 60 epochs of 60,000 rows in batches of 256, noise
        # 1.1.
        (1.1, 256 / 60_000, 14_062, 3.01),
    ],
)
def test_published_dp_sgd(noise: float, rate: float, steps: int, published: float) -> None:
    """The published figures convert by ε = RDP(α) + log(1/δ)/(α − 1).

    The conversions in use since are tighter.
    """
    event = events.dp_sgd(noise_multiplier=noise, sample_rate=rate, steps=steps)
    orders = [1 + tenth / 10 for tenth in range(1, 100)] + [float(order) for order in range(12, 64)]
    curve = accountant._Rdp(orders=orders)
    curve.compose(event)
    converted = min(
        value + math.log(1e5) / (order - 1) for value, order in zip(curve._rdp, orders, strict=True)
    )
    assert converted == pytest.approx(published, abs=0.006)
    cost = spent([event], 1e-5)
    assert 0.7 * published < cost.epsilon_pld < cost.epsilon_rdp < published


def test_the_gaussian_has_its_analytic_delta() -> None:
    """Balle and Wang 2018, Theorem 5: δ(1) = Φ(−1/2) − e·Φ(−3/2) = 0.126937 at noise 1.

    Any split of it costs the same.
    """
    delta = 0.12693673750664
    assert epsilon_by_pld(dp_event.GaussianDpEvent(1.0), delta) == pytest.approx(1.0, abs=1e-4)
    split = events.SelfComposed(dp_event.GaussianDpEvent(3.0), 9)
    assert epsilon_by_pld(split, delta) == pytest.approx(1.0, abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("noise", "rate", "steps", "delta"),
    [
        (3.8, 0.05, 2_000, 1e-6),
        (0.8, 0.01, 1_000, 1e-5),
        (2.0, 0.1, 500, 1e-6),
        (10.0, 0.5, 300, 1e-6),
        (1.1, 0.004, 5_000, 1e-5),
    ],
)
def test_opacus_finds_the_same(noise: float, rate: float, steps: int, delta: float) -> None:
    """Opacus as an oracle.

    Its RDP over our orders, and its numerical accountant (PRV), which states an error of 0.01.
    """
    from dp_accounting.rdp.rdp_privacy_accountant import DEFAULT_RDP_ORDERS
    from opacus.accountants import PRVAccountant
    from opacus.accountants.analysis import rdp

    cost = spent([events.dp_sgd(noise_multiplier=noise, sample_rate=rate, steps=steps)], delta)
    orders = [float(order) for order in DEFAULT_RDP_ORDERS]
    curve = rdp.compute_rdp(q=rate, noise_multiplier=noise, steps=steps, orders=orders)
    theirs, _ = rdp.get_privacy_spent(orders=orders, rdp=curve, delta=delta)
    assert cost.epsilon_rdp == pytest.approx(theirs, rel=3e-3)
    numerical = PRVAccountant()
    numerical.history = [(noise, rate, steps)]
    upper = numerical.get_epsilon(delta, eps_error=0.01)
    assert upper - 0.021 <= cost.epsilon_pld <= upper


@pytest.mark.parametrize(("noise", "rate"), [(1.0, 0.05), (0.6, 0.5), (4.0, 0.2)])
def test_one_sampled_gaussian_against_direct_integration(noise: float, rate: float) -> None:
    """δ(ε) = ∫ max(0, P − e^ε Q) in both directions, on a fine grid of outcomes."""
    outcomes, step = np.linspace(-12 * noise, 12 * noise + 1, 400_001, retstep=True)
    without = np.exp(-(outcomes**2) / (2 * noise**2)) / (noise * math.sqrt(2 * math.pi))
    within = (1 - rate) * without + rate * np.exp(-((outcomes - 1) ** 2) / (2 * noise**2)) / (
        noise * math.sqrt(2 * math.pi)
    )
    loss = loss_distribution(events.dp_sgd(noise_multiplier=noise, sample_rate=rate, steps=1))
    for level in (0.0, 0.05, 0.3, 1.0):
        pairs = ((within, without), (without, within))
        exact = max(
            float(np.maximum(0, one - math.exp(level) * other).sum() * step) for one, other in pairs
        )
        assert exact - 1e-7 <= loss.get_delta_for_epsilon(level) <= exact * 1.001 + 1e-7


@pytest.mark.parametrize("sigmas", [(1.5, 1.5, 1.5), (0.8, 3.0), (6.0, 6.0, 2.0)], ids=str)
def test_composed_counts_against_the_grid_of_all_outcomes(sigmas: tuple[float, ...]) -> None:
    """Two or three counts: δ(ε) over the product of their outcomes, by a direct sum.

    Compare CKS 2020, Theorem 7, for one.
    """
    with_unit = without = np.ones(1)
    for sigma in sigmas:
        points = np.arange(-int(9 * sigma) - 3, int(9 * sigma) + 4)
        moved, still = (np.exp(-((points - shift) ** 2) / (2 * sigma**2)) for shift in (1, 0))
        with_unit = np.outer(with_unit, moved / moved.sum()).ravel()
        without = np.outer(without, still / still.sum()).ravel()
    loss = loss_distribution(events.Composed([events.DiscreteGaussian(sigma) for sigma in sigmas]))
    for level in (0.0, 0.1, 0.7, 2.0):
        exact = float(np.maximum(0, with_unit - math.exp(level) * without).sum())
        assert exact - 1e-12 <= loss.get_delta_for_epsilon(level) <= exact * 1.001 + 1e-9


@pytest.mark.parametrize("epsilon", [0.1, 0.5, 1.5])
def test_composed_choices_against_the_worst_adaptive_pair(epsilon: float) -> None:
    """Two or three choices.

    An adversary that picks each offset t after the last loss, by recursion over a grid of losses.

    δ_k(e) = max over t of p(t)·δ_{k−1}(e − t) + (1 − p(t))·δ_{k−1}(e − t + ε), the best that
    two-point losses can do.
    """
    cells = 400
    step = epsilon / cells
    levels = np.arange(-4 * cells, 4 * cells + 1) * step
    offsets = np.arange(1, cells) * step
    weights = (math.exp(epsilon) - np.exp(offsets)) / math.expm1(epsilon)
    exact = np.maximum(0.0, -np.expm1(levels))
    for count in (1, 2, 3):
        padded = np.concatenate(
            [-np.expm1(levels[0] - np.arange(cells, 0, -1) * step), exact, np.zeros(cells)]
        )
        exact = np.max(
            [
                weight * padded[cells - shift : cells - shift + len(levels)]
                + (1 - weight) * padded[2 * cells - shift : 2 * cells - shift + len(levels)]
                for shift, weight in zip(range(1, cells), weights, strict=True)
            ],
            axis=0,
        )
        loss = loss_distribution(events.SelfComposed(events.ExponentialMechanism(epsilon), count))
        for level in (0.0, 0.4 * epsilon, 0.8 * epsilon):
            truth = float(np.interp(level, levels, exact))
            assert (
                truth * (1 - 1e-3)
                <= loss.get_delta_for_epsilon(level)
                <= truth * (1.35 if count > 1 else 1.01)
            )


def test_a_discrete_gaussian_is_accounted_by_its_own_losses_not_by_a_gaussian_s() -> None:
    """At small noise the two differ.

    Δ(1) of the discrete one at σ = 0.5, by a direct sum, is not the continuous one's.
    """
    p, q = _shifted(0.5, 1)
    exact = float(np.maximum(0, p - math.e * q).sum())
    assert loss_distribution(events.DiscreteGaussian(0.5)).get_delta_for_epsilon(
        1.0
    ) == pytest.approx(exact, rel=1e-6)
    assert (
        abs(loss_distribution(dp_event.GaussianDpEvent(0.5)).get_delta_for_epsilon(1.0) - exact)
        > 0.01
    )


def test_rows_as_they_are_cost_everything() -> None:
    cost = spent([CHOICES, events.NonPrivate()], DELTA)
    assert cost.epsilon == cost.epsilon_pld == cost.epsilon_rdp == math.inf


_SINGLE = st.one_of(
    st.builds(events.DiscreteGaussian, st.floats(0.5, 1e3), st.integers(1, 5)),
    st.builds(events.Discovery, st.floats(0.5, 1e3), st.integers(1, 5), st.floats(1e-12, 1e-3)),
    st.builds(events.ExponentialMechanism, st.floats(1e-3, 5)),
    st.builds(events.DiscreteLaplace, st.floats(1e-3, 5), st.integers(1, 5)),
    st.builds(
        events.dp_sgd,
        noise_multiplier=st.floats(0.5, 20),
        sample_rate=st.floats(0.001, 0.5),
        steps=st.integers(1, 9_999),
    ),
)


@given(st.lists(_SINGLE, max_size=4))
def test_events_survive_writing(parts: list[events.DpEvent]) -> None:
    event = events.Composed(parts)
    assert events.from_json(events.to_json(event)) == event


@settings(max_examples=8, derandomize=True)
@given(st.lists(_SINGLE, min_size=2, max_size=4), st.randoms(use_true_random=False), _SINGLE)
def test_order_does_not_matter_and_one_more_step_never_costs_less(
    parts: list[events.DpEvent], random: Random, more: events.DpEvent
) -> None:
    shuffled = random.sample(parts, len(parts))
    first, again, longer = (spent(steps, 0.01) for steps in (parts, shuffled, [*parts, more]))
    assert again.epsilon_rdp == pytest.approx(first.epsilon_rdp, rel=1e-9)
    assert again.epsilon_pld == pytest.approx(first.epsilon_pld, rel=1e-6, abs=1e-9)
    assert longer.epsilon >= first.epsilon * (1 - 2e-3)
    assert longer.discovery_delta >= first.discovery_delta == again.discovery_delta


@pytest.mark.parametrize("compositions", [1, 30, 2_000])
@pytest.mark.parametrize("variance", [0.0, 1e-6, 0.04, 9.0, 1e5, math.inf, math.nan])
def test_the_grid_s_interval_stays_in_its_range(variance: float, compositions: int) -> None:
    interval = losses.interval_for(variance, variance, compositions)
    assert losses.FINEST <= interval <= losses.COARSEST
    assert math.log2(interval).is_integer()


@pytest.mark.parametrize(
    "event",
    [
        events.dp_sgd(noise_multiplier=1.06, sample_rate=0.05, steps=1_500),
        events.dp_sgd(noise_multiplier=60, sample_rate=0.05, steps=4_000),
        events.dp_sgd(noise_multiplier=0.7, sample_rate=0.001, steps=500),
        events.SelfComposed(events.DiscreteGaussian(20.0), 30),
        events.DiscreteLaplace(0.04, 1),
    ],
    ids=["ε 14", "ε 0.2", "low rate", "counts", "one bounded loss"],
)
def test_the_grid_loses_less_than_a_hundredth(
    event: events.DpEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A coarser grid can only claim more.

    The one that is taken claims less than 1 % more than one eight times as fine.
    """
    chosen = losses.interval_for(*accountant._spread(event), accountant._compositions(event))
    claimed = epsilon_by_pld(event, DELTA)
    monkeypatch.setattr(losses, "interval_for", lambda *_: chosen / 8)
    finer = epsilon_by_pld(event, DELTA)
    assert finer * (1 - 1e-9) <= claimed <= finer * 1.01
