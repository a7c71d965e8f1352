"""One DP-SGD step is what the theory says.

Each row's gradient clipped, summed, noised once, divided by the expected batch.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch import nn

from privgan.errors import InternalError
from privgan.generator.dpsgd import CLIP_MARGIN, PrivateTrainer
from privgan.generator.losses import critic_losses
from privgan.generator.networks import Critic
from privgan.planning.dpsgd_settings import CriticSettings
from privgan.privacy.randomness import SecretStream
from tests.coins import RepeatableStream

INPUTS = 7
SETTINGS = CriticSettings(
    steps=3,
    sample_rate=0.2,
    expected_batch_size=10,
    noise_multiplier=1.3,
    max_grad_norm=0.4,
    width=5,
    steps_per_generator_step=1,
    learning_rate=1e-3,
    generator_learning_rate=1e-3,
    marginal_weight=1.0,
)


class _Silent(SecretStream):
    """Coins whose noise is zero: shows the sum under the noise."""

    def gaussian_noise(self, count: int) -> np.ndarray:
        return np.zeros(count)


def _critic(seed: int = 0) -> Critic:
    torch.manual_seed(seed)
    return Critic(INPUTS, width=SETTINGS.width)


def _trainer(
    critic: nn.Module, coins: SecretStream, plan: CriticSettings = SETTINGS
) -> PrivateTrainer:
    return PrivateTrainer(critic, plan, plan.event, critic_losses, coins)


def _gradients(
    rows: torch.Tensor, real: torch.Tensor, coins: SecretStream | None = None
) -> torch.Tensor:
    """The gradient that reaches Adam, flattened: caught by standing in for its step."""
    critic = _critic()
    trainer = _trainer(critic, coins or _Silent())
    caught: list[torch.Tensor] = []
    trainer._optimizer.original_optimizer.step = lambda: caught.append(
        torch.cat([parameter.grad.flatten().clone() for parameter in critic.parameters()])
    )
    trainer.step(rows, real)
    return caught[0]


def _clipped_sum(rows: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """The oracle: a loop over single rows with plain autograd."""
    critic, total = _critic(), torch.zeros(())
    for row, flag in zip(rows, real, strict=True):
        loss = critic_losses(critic(row[None]), flag[None]).sum()
        gradient = torch.cat(
            [part.flatten() for part in torch.autograd.grad(loss, list(critic.parameters()))]
        )
        total = total + gradient * min(
            1.0, SETTINGS.max_grad_norm * (1 - CLIP_MARGIN) / float(gradient.norm())
        )
    return total


def _batch(seed: int, reals: int, fakes: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(reals + fakes, INPUTS, generator=generator) * 2
    return rows, torch.arange(reals + fakes) < reals


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(0, 6), st.integers(1, 6))
def test_the_sum_is_the_loop_over_rows(seed: int, reals: int, fakes: int) -> None:
    rows, real = _batch(seed, reals, fakes)
    expected = _clipped_sum(rows, real) / SETTINGS.expected_batch_size
    torch.testing.assert_close(_gradients(rows, real), expected, rtol=1e-4, atol=1e-6)


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.floats(0.1, 1e3))
def test_one_real_row_more_moves_the_sum_by_at_most_the_clip_norm(seed: int, size: float) -> None:
    rows, real = _batch(seed, 4, 5)
    extra = torch.randn(1, INPUTS, generator=torch.Generator().manual_seed(seed + 1)) * size
    more = _gradients(torch.cat([extra, rows]), torch.cat([torch.tensor([True]), real]))
    moved = (more - _gradients(rows, real)).norm() * SETTINGS.expected_batch_size
    assert float(moved) <= SETTINGS.max_grad_norm


@pytest.mark.parametrize("count", [1, 8_191, 8_192, 150_000])
def test_one_row_among_very_many_alike_moves_the_sum_by_at_most_the_clip_norm(count: int) -> None:
    """In single precision the rounding of so many equal terms adds up to more than the norm."""
    row = torch.randn(1, INPUTS, generator=torch.Generator().manual_seed(3)) * 3
    sums = []
    for rows in (count, count + 1):
        critic = _critic()
        trainer = _trainer(critic, _Silent())
        trainer.step(row.expand(rows, INPUTS), torch.ones(rows))
        sums.append(
            torch.cat([parameter.clipped_sum.flatten() for parameter in critic.parameters()])
        )
    assert sums[0].dtype == torch.float64
    assert 0.99 < float((sums[1] - sums[0]).norm()) / SETTINGS.max_grad_norm <= 1


def test_noise_is_added_once_at_the_plans_scale() -> None:
    rows, real = _batch(1, 4, 5)
    clean = _gradients(rows, real)
    draws = torch.cat([_gradients(rows, real, SecretStream()) - clean for _ in range(60)]).numpy()
    scale = SETTINGS.noise_multiplier * SETTINGS.max_grad_norm / SETTINGS.expected_batch_size
    assert stats.kstest(draws / scale, "norm").pvalue > 1e-7
    assert stats.kstest(draws / scale * 1.5, "norm").pvalue < 1e-7
    assert stats.kstest(draws / scale / 1.5, "norm").pvalue < 1e-7


def test_a_step_more_than_planned_is_refused() -> None:
    trainer, (rows, real) = _trainer(_critic(), SecretStream()), _batch(0, 2, 2)
    for _ in range(SETTINGS.steps):
        trainer.step(rows, real)
    with pytest.raises(InternalError, match="3 private steps"):
        trainer.step(rows, real)


@pytest.mark.parametrize(
    "change",
    [{"noise_multiplier": 1.2}, {"steps": 4}, {"sample_rate": 0.3}],
    ids=lambda change: next(iter(change)),
)
def test_what_runs_must_be_what_was_charged(change: dict[str, float]) -> None:
    with pytest.raises(InternalError, match="charged"):
        PrivateTrainer(
            _critic(), replace(SETTINGS, **change), SETTINGS.event, critic_losses, SecretStream()
        )


def test_a_layer_whose_clipped_sum_is_not_known_is_refused() -> None:
    critic = nn.Sequential(nn.Linear(INPUTS, 4), nn.LayerNorm(4), nn.Linear(4, 1))
    with pytest.raises(InternalError, match="layer with parameters that is not linear"):
        PrivateTrainer(critic, SETTINGS, SETTINGS.event, critic_losses, SecretStream())


@pytest.mark.parametrize("layer", [nn.BatchNorm1d(1), nn.InstanceNorm1d(1)])
def test_layers_that_mix_rows_are_refused(layer: nn.Module) -> None:
    critic = nn.Sequential(nn.Linear(INPUTS, 1), layer)
    with pytest.raises(InternalError, match="mixes rows"):
        _trainer(critic, SecretStream())


def test_batches_are_poisson_samples() -> None:
    trainer = _trainer(_critic(), SecretStream())
    sizes = np.array([len(trainer.batch_members(400)) for _ in range(400)])
    assert stats.binomtest(int(sizes.sum()), 400 * 400, SETTINGS.sample_rate).pvalue > 1e-7
    spread = sizes.var(ddof=1) * 399 / (400 * 0.2 * 0.8)
    assert 1e-7 < stats.chi2.sf(spread, 399) < 1 - 1e-7
    assert all(
        len(set(members.tolist())) == len(members) for members in [trainer.batch_members(50)]
    )


def test_the_generators_scores_leave_the_critic_alone() -> None:
    critic = _critic()
    trainer = _trainer(critic, SecretStream())
    rows = torch.randn(3, INPUTS, requires_grad=True)
    trainer.scores(rows).sum().backward()
    assert rows.grad is not None
    assert all(parameter.grad is None for parameter in critic.parameters())


def test_a_critics_gradient_of_one_row_ignores_the_others() -> None:
    rows, _ = _batch(3, 3, 3)
    other = rows.clone()
    other[1:] += 1.0
    critic = _critic()
    assert torch.equal(critic(rows)[0], critic(other)[0])


def test_memory_of_past_batches_is_not_kept() -> None:
    trainer, (rows, real) = _trainer(_critic(), RepeatableStream(0)), _batch(0, 2, 2)
    trainer.step(rows, real)
    assert all(
        not getattr(module, "activations", None) for module in trainer.module._module.modules()
    )
