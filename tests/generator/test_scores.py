"""White-box audit of our own DP-SGD step.

An attacker who sees the noisy gradient and plants gradients of his own.

Canary j has the gradient max_grad_norm in coordinate j alone (a Dirac gradient), and is in by a
fair coin of its own. Its score is that coordinate of the noisy gradient: one step gives one score
for each of many canaries, each independent of all others, so that every canary of every repetition
is a membership game of its own.

With sample rate 1 and one step the mechanism is the Gaussian one, whose (ε, δ) is tight: the test
that says "in" above the score where the likelihood ratio is exp(ε) has TPR = exp(ε) · FPR + δ. So
the bound must come near the claimed ε there, and nothing but the number of repetitions keeps it
below.

The coins are repeatable ones, which draw gradient noise by the same code, so that each statement at
95 % is about fixed numbers; once more with secret coins at a significance of 1e-9.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
import torch
from scipy import optimize, stats
from torch import Tensor, nn

from privgan.audit.intervals import upper_limit
from privgan.audit.lower_bounds.bounds import clopper_pearson_bound
from privgan.generator.dpsgd import PrivateTrainer, _SecretNoiseOptimizer
from privgan.generator.losses import critic_losses
from privgan.planning.dpsgd_settings import CriticSettings
from privgan.privacy import accountant
from privgan.privacy.randomness import SecretStream
from tests.coins import RepeatableStream

CANARIES = 1_000
DELTA = 1e-2
CLIP = 0.5
_BATCH = CANARIES // 2


class _Linear(nn.Module):
    """Its gradient for a row is that row, times the loss's slope."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(CANARIES, 1, bias=False)
        nn.init.zeros_(self.linear.weight)

    def forward(self, rows: Tensor) -> Tensor:
        return self.linear(rows)[:, 0]


def _settings(noise: float, rate: float = 1.0, steps: int = 1) -> CriticSettings:
    return CriticSettings(
        steps=steps,
        sample_rate=rate,
        expected_batch_size=_BATCH,
        noise_multiplier=noise,
        max_grad_norm=CLIP,
        width=1,
        steps_per_generator_step=1,
        learning_rate=1e-12,
        generator_learning_rate=1e-3,
        marginal_weight=1.0,
    )


def _game(
    settings: CriticSettings, coins: SecretStream, inside: np.ndarray, size: float
) -> np.ndarray:
    """Scores [steps, canaries] of one repetition: noisy gradients in units of the clip norm.

    Args:
        settings: The plan's.
        coins: Noise and membership.
        inside: Which canaries are in [canaries].
        size: Norm of a canary's gradient before clipping, in clip norms.
    """
    critic, caught = _Linear(), []
    trainer = PrivateTrainer(critic, settings, settings.event, critic_losses, coins)
    step = torch.optim.Adam.step

    def catching(self: torch.optim.Adam) -> None:
        caught.append(
            critic.linear.weight.grad[0].double().numpy() * settings.expected_batch_size / CLIP
        )
        step(self)

    planted = -2 * size * CLIP * torch.eye(CANARIES)[torch.from_numpy(np.flatnonzero(inside))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.Adam, "step", catching)
        for _ in range(settings.steps):
            rows = planted[trainer.batch_members(len(planted))]
            trainer.step(rows, torch.ones(len(rows)).bool())
    return np.array(caught)


def _scores(
    settings: CriticSettings, coins: SecretStream, repetitions: int, seed: int, size: float = 3.0
) -> tuple[np.ndarray, np.ndarray]:
    """Log likelihood ratios and coins of all canaries of all repetitions.

    The best test there is.
    """
    flips = np.random.default_rng(seed)
    rate, noise = settings.sample_rate, settings.noise_multiplier
    ratios, members = [], []
    for _ in range(repetitions):
        inside = flips.random(CANARIES) < 0.5
        seen = _game(settings, coins, inside, size)
        slopes = (2 * seen - 1) / (2 * noise**2)
        with np.errstate(divide="ignore"):
            ratios.append(np.logaddexp(np.log(1 - rate), np.log(rate) + slopes).sum(0))
        members.append(inside)
    return np.concatenate(ratios), np.concatenate(members)


def _rates(scores: np.ndarray, inside: np.ndarray, threshold: float) -> tuple[int, int, int, int]:
    """Missed members, alarms, members and non-members."""
    said = scores > threshold
    return (
        int((inside & ~said).sum()),
        int((~inside & said).sum()),
        int(inside.sum()),
        int((~inside).sum()),
    )


def _audited(
    settings: CriticSettings,
    make: Callable[[int], SecretStream],
    significance: float,
    **more: float,
) -> float:
    """The lower bound on ε; its threshold is fixed on other repetitions."""
    repetitions = 60
    tried, tried_inside = _scores(settings, make(1), repetitions, 1, **more)
    grid = np.quantile(tried, np.linspace(0.02, 0.998, 80))
    threshold = max(
        grid,
        key=lambda t: clopper_pearson_bound(*_rates(tried, tried_inside, t), DELTA, significance),
    )
    scores, inside = _scores(settings, make(2), repetitions, 2, **more)
    return clopper_pearson_bound(*_rates(scores, inside, threshold), DELTA, significance)


@cache
def _claimed(settings: CriticSettings, delta: float = DELTA) -> float:
    return accountant.spent([settings.event], delta).epsilon


@pytest.mark.parametrize("noise", [0.7, 1.0, 2.0])
def test_the_bound_stays_below_the_claim_and_comes_near_it(noise: float) -> None:
    """One step at sample rate 1.

    Theory says that the bound can reach the claim, so at least 70 % of it must show.
    """
    settings = _settings(noise)
    found = _audited(settings, RepeatableStream, 0.05)
    assert 0.7 * _claimed(settings) <= found <= _claimed(settings)


def test_secret_coins_stay_below_the_claim() -> None:
    """By chance above it with probability at most 1e-9."""
    settings = _settings(1.0)
    assert (
        0.4 * _claimed(settings)
        <= _audited(settings, lambda _: SecretStream(), 1e-9)
        <= _claimed(settings)
    )


def test_as_a_gaussian_mechanism_it_has_the_claimed_mu() -> None:
    """μ from both error rates (Nasr et al. 2023), at the usual δ.

    It assumes a Gaussian, which one full step is.
    """
    settings, delta, alpha = _settings(1.0), 1e-6, 0.05
    scores, inside = _scores(settings, RepeatableStream(5), 40, 5)
    missed, alarms, members, others = _rates(scores, inside, 0.0)
    mu = stats.norm.isf(upper_limit(alarms, others, alpha / 2)) - stats.norm.ppf(
        upper_limit(missed, members, alpha / 2)
    )
    assert 0.9 < mu <= 1.0
    epsilon = optimize.brentq(
        lambda e: (
            stats.norm.cdf(-e / mu + mu / 2) - np.exp(e) * stats.norm.cdf(-e / mu - mu / 2) - delta
        ),
        0,
        30,
    )
    assert 0.85 * _claimed(settings, delta) <= epsilon <= _claimed(settings, delta)


def test_several_poisson_sampled_steps_stay_below_the_claim() -> None:
    """The canary's loss is the one that the accountant composes.

    It says "in" by the product of the steps' ratios.
    """
    settings = _settings(0.8, rate=0.3, steps=5)
    found = _audited(settings, RepeatableStream, 0.05)
    assert 0.5 * _claimed(settings) <= found <= _claimed(settings)


def _without_noise(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RepeatableStream, "gaussian_noise", lambda self, count: self.normal(count) * 1e-6)


def _half_noise(patch: pytest.MonkeyPatch) -> None:
    drawn = SecretStream.gaussian_noise
    patch.setattr(RepeatableStream, "gaussian_noise", lambda self, count: drawn(self, count) / 2)


def _normalised_twice(patch: pytest.MonkeyPatch) -> None:
    """The noise is divided by the batch before it is added to the sum, which is divided again."""
    add = _SecretNoiseOptimizer.add_noise

    def divided(self: _SecretNoiseOptimizer) -> None:
        self.noise_multiplier, whole = (
            self.noise_multiplier / self.expected_batch_size,
            self.noise_multiplier,
        )
        add(self)
        self.noise_multiplier = whole

    patch.setattr(_SecretNoiseOptimizer, "add_noise", divided)


def _without_clipping(patch: pytest.MonkeyPatch) -> None:
    module = "opacus.grad_sample.GradSampleModuleFastGradientClipping.get_clipping_coef"
    patch.setattr(module, lambda self: torch.ones_like(self.get_norm_sample()))


@pytest.mark.parametrize(
    "broken",
    [_without_noise, _half_noise, _normalised_twice, _without_clipping],
    ids=lambda f: f.__name__,
)
def test_a_broken_step_is_refuted(
    broken: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same audit, at a significance of 1e-6, finds more than was claimed."""
    broken(monkeypatch)
    settings = _settings(1.0)
    assert _audited(settings, RepeatableStream, 1e-6) > 1.1 * _claimed(settings)
