"""Training on likelihood: free steps learn, and private steps are what the theory says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.generator.autoregressive import Autoregressive, one_hot
from privgan.generator.dpsgd import CLIP_MARGIN, PrivateTrainer
from privgan.generator.likelihood import (
    LikelihoodTraining,
    fit_likelihood,
    likelihood_losses,
    momentum,
)
from privgan.generator.losses import ABSENT
from privgan.generator.refine import Training
from privgan.owner.private_table import Samples
from privgan.planning.dpsgd_settings import NetworkSettings
from privgan.privacy.randomness import SecretStream
from tests.coins import RepeatableStream
from tests.generator.test_autoregressive import network
from tests.sabotage.world import model_of

SIZES = (3, 2, 4)
SETTINGS = NetworkSettings(
    steps=4,
    sample_rate=0.2,
    expected_batch_size=10,
    noise_multiplier=1.3,
    max_grad_norm=0.4,
    width=5,
    learning_rate=0.01,
    distil_steps=2,
    distil_rows=10,
    distil_learning_rate=0.01,
    raking_rounds=1,
)


class _Silent(SecretStream):
    """Coins whose noise is zero: shows the sum under the noise."""

    def gaussian_noise(self, count: int) -> np.ndarray:
        return np.zeros(count)


def _codes(seed: int, rows: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(size, size=rows) for size in SIZES], 1)


def _clipped(made: Autoregressive, loss: torch.Tensor) -> torch.Tensor:
    parts = torch.autograd.grad(loss, list(made.parameters()))
    gradient = torch.cat([part.flatten() for part in parts])
    return gradient * min(1.0, SETTINGS.max_grad_norm * (1 - CLIP_MARGIN) / float(gradient.norm()))


def _sum(rows: torch.Tensor, kinds: torch.Tensor) -> torch.Tensor:
    made = network().to(rows.dtype)
    trainer = PrivateTrainer(made, SETTINGS, SETTINGS.event, likelihood_losses, _Silent(), momentum)
    trainer.step(rows, kinds)
    return torch.cat([parameter.clipped_sum.flatten() for parameter in made.parameters()])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 9))
def test_the_sum_is_the_loop_over_rows(seed: int, rows: int) -> None:
    hot = one_hot(torch.from_numpy(_codes(seed, rows)), SIZES)
    made = network()
    wanted = sum(_clipped(made, -made(row[None]).sum()) for row in hot)
    found = _sum(hot, torch.ones(rows))
    torch.testing.assert_close(found.float(), wanted, rtol=1e-4, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 5))
def test_customers_of_several_rows_are_clipped_whole(seed: int, customers: int) -> None:
    hot = one_hot(torch.from_numpy(_codes(seed, 3 * customers)), SIZES).double()
    rng = np.random.default_rng(seed)
    there = torch.from_numpy(rng.random((customers, 3)) < 0.7)
    samples = hot.view(customers, 3, -1) * there[..., None]
    made = network().double()
    wanted = sum(
        _clipped(made, -(made(rows) * here).sum())
        for rows, here in zip(samples, there, strict=True)
        if here.any()
    )
    kinds = torch.where(there, 1.0, ABSENT)
    if not there.any():
        wanted = torch.zeros(1, dtype=torch.float64)
    found = _sum(samples, kinds)
    torch.testing.assert_close(found, wanted + torch.zeros_like(found), rtol=1e-5, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 5))
def test_one_customer_more_moves_the_sum_by_at_most_the_clip_norm(seed: int, rows: int) -> None:
    hot = one_hot(torch.from_numpy(_codes(seed, rows + 1)), SIZES)
    more, less = (_sum(part, torch.ones(len(part))) for part in (hot, hot[1:]))
    assert float((more - less).norm()) <= SETTINGS.max_grad_norm


def test_an_empty_batch_is_a_step_of_noise() -> None:
    made, coins = network(), RepeatableStream(0)
    before = [part.detach().clone() for part in made.parameters()]
    trainer = PrivateTrainer(made, SETTINGS, SETTINGS.event, likelihood_losses, coins, momentum)
    trainer.step(torch.zeros(0, sum(SIZES)), torch.zeros(0))
    assert trainer.steps_done == 1
    for now, then in zip(made.parameters(), before, strict=True):
        assert not torch.equal(now, then)


def test_free_steps_bring_the_likelihood_near_the_entropy() -> None:
    rng = np.random.default_rng(0)

    def draw(rows: int) -> np.ndarray:
        first = rng.integers(3, size=rows)
        return np.stack([first, (first > 0) ^ (rng.random(rows) < 0.1), (first + 1) % 4], 1)

    made = Autoregressive(SIZES, width=16)
    fit_likelihood(made, draw, steps=300, rows=500, learning_rate=0.02)
    held_out = one_hot(torch.from_numpy(draw(20_000)).long(), SIZES)
    reached = float(made(held_out).detach().mean())
    entropy = -np.log(3) + 0.1 * np.log(0.1) + 0.9 * np.log(0.9)
    assert entropy - 0.02 < reached < entropy + 0.02


@pytest.mark.parametrize("rows_of_each", [(1.0,), (0.5, 0.3, 0.2)])
def test_private_steps_run_to_the_end_and_average(rows_of_each: tuple[float, ...]) -> None:
    codes = _codes(1, 60)
    customers = np.arange(60) if len(rows_of_each) == 1 else np.arange(60) // 2
    training = Training(coins=RepeatableStream(0), seed=0, rows_of_each=rows_of_each)
    model, _ = model_of(SIZES)
    phase = LikelihoodTraining(model, network(), SETTINGS.event, SETTINGS, training)
    told: list[tuple[int, int]] = []
    phase.run(Samples(codes, customers), SETTINGS.steps, lambda *now: told.append(now))
    made = phase.averaged()
    assert phase.step == SETTINGS.steps
    assert told[-1] == (4, 4)
    assert all(part.isfinite().all() for part in made.parameters())
    assert next(made.parameters()).dtype == torch.float32
    # A hook would hold the trainer, and with it sums of the last batch.
    assert not any(part._forward_hooks or part._backward_hooks for part in made.modules())
