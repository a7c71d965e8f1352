"""Each mechanism's noise has its stated distribution and scale, not two thirds or 1.5 times it.

All draws come from the operating system's coins, by the paths that a run uses: OpenDP for counts
and choices, the stream for gradients. A right scale fails by chance, and a wrong one passes, with
probability below 1e-6 in all tests together.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from privgan.generator.dpsgd import PrivateTrainer
from privgan.planning.dpsgd_settings import CriticSettings
from privgan.privacy.mechanisms import CountHistogram, Selection, TotalCount
from privgan.privacy.randomness import SecretStream
from tests.coins import RepeatableStream

ALPHA = 1e-8
WRONG = (2 / 3, 3 / 2)
Distribution = Callable[[np.ndarray], np.ndarray]


def _p_value(draws: np.ndarray, weights: Distribution) -> float:
    """Chi-square test of integer draws against weights of the integers, rare ones put together."""
    points = np.arange(-2_000, 2_001)
    expected = weights(points) / weights(points).sum() * len(draws)
    seen = np.bincount(draws + 2_000, minlength=len(points)).astype(float)
    common = expected >= 10
    pairs = np.array(
        [[*seen[common], seen[~common].sum()], [*expected[common], expected[~common].sum()]]
    )
    return float(stats.chisquare(pairs[0], pairs[1] * pairs[0].sum() / pairs[1].sum()).pvalue)


def _discrete_gaussian(scale: float) -> Distribution:
    return lambda points: np.exp(-(points**2) / (2 * scale**2))


def _discrete_laplace(scale: float) -> Distribution:
    return lambda points: np.exp(-np.abs(points) / scale)


def _only_at_its_scale(
    draws: np.ndarray, family: Callable[[float], Distribution], scale: float
) -> None:
    assert _p_value(draws, family(scale)) > ALPHA
    for factor in WRONG:
        assert _p_value(draws, family(scale * factor)) < ALPHA


@pytest.mark.parametrize("sigma", [1.7, 20.0])
@pytest.mark.parametrize("sensitivity", [1, 3])
def test_a_histogram_has_discrete_gaussian_noise(sigma: float, sensitivity: int) -> None:
    """The standard deviation is the noise's own, whatever the sensitivity that it was chosen for.

    Empty cells get it too.
    """
    counts = np.tile([0, 5, 40_000_000], 3_000)
    mechanism = CountHistogram(standard_deviation=sigma, sensitivity=sensitivity)
    noisy = mechanism.release(counts, SecretStream())
    assert noisy.dtype == np.int64
    for count in (0, 5, 40_000_000):
        _only_at_its_scale((noisy - counts)[counts == count], _discrete_gaussian, sigma)


def test_cells_of_one_histogram_have_noise_of_their_own() -> None:
    coins, mechanism = SecretStream(), CountHistogram(standard_deviation=50.0, sensitivity=1)
    drawn = np.array([mechanism.release(np.zeros(4, dtype=np.int64), coins) for _ in range(1_500)])
    alike = np.corrcoef(drawn.T) - np.eye(4)
    assert np.abs(alike).max() < 6.5 / np.sqrt(len(drawn))
    assert np.abs(np.corrcoef(drawn[1:, 0], drawn[:-1, 0])[0, 1]) < 6.5 / np.sqrt(len(drawn))


@pytest.mark.parametrize("sensitivity", [1, 3])
def test_a_row_count_has_discrete_laplace_noise(sensitivity: int) -> None:
    coins, mechanism = SecretStream(), TotalCount(epsilon=0.4, sensitivity=sensitivity)
    draws = np.array([mechanism.release(1_000, coins) - 1_000 for _ in range(3_000)])
    _only_at_its_scale(draws, _discrete_laplace, sensitivity / 0.4)


@pytest.mark.parametrize("sensitivity", [1.0, 3.0])
def test_a_choice_follows_the_exponential_mechanism(sensitivity: float) -> None:
    """Frequencies are exp(ε · score / (2 · sensitivity)), normalised.

    At two thirds and one and a half of ε they are not.
    """
    coins, mechanism = SecretStream(), Selection(epsilon=1.2, sensitivity=sensitivity)
    scores = np.array([-1.0, 0.0, 2.0, 5.0, 6.0]) * sensitivity
    chosen = np.bincount(
        [mechanism.choose(scores, coins) for _ in range(5_000)], minlength=len(scores)
    )

    def p_value(epsilon: float) -> float:
        weights = np.exp(epsilon * scores / (2 * sensitivity))
        return float(stats.chisquare(chosen, chosen.sum() * weights / weights.sum()).pvalue)

    assert p_value(1.2) > ALPHA
    for factor in WRONG:
        assert p_value(1.2 * factor) < ALPHA


class _Flat(nn.Module):
    """A linear critic: a row of zeros has no gradient."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, 1, bias=False)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.linear(rows)[:, 0]


def test_a_dp_sgd_step_has_gaussian_noise_of_multiplier_times_clip_norm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What reaches Adam of rows without gradient, times the expected batch."""
    settings = CriticSettings(
        steps=3,
        sample_rate=0.2,
        expected_batch_size=25,
        noise_multiplier=1.9,
        max_grad_norm=0.3,
        width=1,
        steps_per_generator_step=1,
        learning_rate=1e-3,
        generator_learning_rate=1e-3,
        marginal_weight=1.0,
    )
    critic, caught = _Flat(3_000), list[np.ndarray]()
    trainer = PrivateTrainer(
        critic, settings, settings.event, lambda scores, kinds: scores, SecretStream()
    )
    monkeypatch.setattr(
        torch.optim.Adam,
        "step",
        lambda self: caught.append(critic.linear.weight.grad.double().numpy().ravel()),
    )
    for _ in range(settings.steps):
        trainer.step(torch.zeros(2, 3_000), torch.ones(2).bool())
    noise = np.concatenate(caught) * 25 / (1.9 * 0.3)
    assert stats.kstest(noise, "norm").pvalue > ALPHA
    for factor in WRONG:
        assert stats.kstest(noise * factor, "norm").pvalue < ALPHA
    assert np.abs(np.corrcoef(caught) - np.eye(3)).max() < 6.5 / np.sqrt(3_000)


@pytest.mark.parametrize(
    "make", [SecretStream, lambda: RepeatableStream(3)], ids=["secret", "repeatable"]
)
def test_standard_gradient_noise_is_standard_normal_in_its_tails_too(
    make: Callable[[], SecretStream],
) -> None:
    noise = make().gaussian_noise(60_000)
    assert stats.kstest(noise, "norm").pvalue > ALPHA
    for size in (2.0, 3.0):
        assert (
            stats.binomtest(
                int((np.abs(noise) > size).sum()), len(noise), 2 * stats.norm.sf(size)
            ).pvalue
            > ALPHA
        )
    assert len(np.unique(noise)) == len(noise)


def test_repeatable_count_noise_has_about_the_same_distributions() -> None:
    """Tests that lean on repeatable coins see noise of the right size."""
    coins = RepeatableStream(4)
    _only_at_its_scale(
        coins.discrete_gaussian(np.zeros(6_000, dtype=np.int64), 20.0), _discrete_gaussian, 20.0
    )
    draws = np.array([coins.discrete_laplace(0, 8.0) for _ in range(4_000)])
    assert 0.9 < np.abs(draws).mean() / 8.0 < 1.1
