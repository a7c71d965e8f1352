"""Planted gradients: what the attacker sees of them, and that a step is otherwise unchanged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from privgan.audit.lower_bounds.twin import GradientAttack
from privgan.generator.dpsgd import CLIP_MARGIN, PrivateTrainer
from privgan.generator.losses import ABSENT, REAL, critic_losses
from privgan.generator.networks import Critic
from privgan.generator.probes import ProbedTrainer
from privgan.planning.dpsgd_settings import CriticSettings
from tests.coins import RepeatableStream

INPUTS, CANARIES = 6, 40
SETTINGS = CriticSettings(
    steps=3,
    sample_rate=0.5,
    expected_batch_size=30,
    noise_multiplier=1e-6,
    max_grad_norm=0.3,
    width=8,
    steps_per_generator_step=1,
    learning_rate=1e-2,
    generator_learning_rate=1e-3,
    marginal_weight=1.0,
)


def _critic(seed: int = 0) -> Critic:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Critic(INPUTS, width=SETTINGS.width)


def _probed(
    settings: CriticSettings = SETTINGS, seed: int = 1
) -> tuple[ProbedTrainer, np.ndarray, list[np.ndarray]]:
    inside, seen = np.arange(CANARIES) % 3 == 0, []
    trainer = ProbedTrainer(
        _critic(),
        settings,
        settings.event,
        critic_losses,
        RepeatableStream(seed),
        inside=inside,
        observe=seen.append,
    )
    return trainer, inside, seen


@pytest.mark.parametrize("rows_each", [None, 3], ids=["one row", "three rows"])
def test_a_drawn_canary_shows_as_one_clip_norm_at_every_step(rows_each: int | None) -> None:
    """Nearly without noise; however often its coordinate was hit before."""
    trainer, inside, seen = _probed()
    shape = (20, INPUTS) if rows_each is None else (20, rows_each, INPUTS)
    if rows_each:
        trainer.network.double()
    for step in range(SETTINGS.steps):
        members = trainer.batch_members(20)
        assert (members < 20).all()
        rows = torch.randn(
            shape,
            generator=torch.Generator().manual_seed(step),
            dtype=torch.float64 if rows_each else None,
        )
        trainer.step(rows[members], torch.full(rows[members].shape[:-1], REAL))
        drawn = trainer._drawn.numpy()
        assert set(drawn) <= set(np.flatnonzero(inside))
        expected = np.isin(np.arange(CANARIES), drawn) * (1 - CLIP_MARGIN)
        assert seen[step] == pytest.approx(expected, abs=1e-4)
    assert 0 < sum(part.sum() for part in seen) < SETTINGS.steps * inside.sum()


def test_the_critic_s_own_update_is_that_of_a_trainer_without_canaries() -> None:
    """Same rows and no noise to speak of.

    The canaries take nothing from the other weights' gradients.
    """
    rows, kinds = (
        torch.randn(15, INPUTS, generator=torch.Generator().manual_seed(7)),
        torch.full((15,), REAL),
    )
    plain = PrivateTrainer(_critic(), SETTINGS, SETTINGS.event, critic_losses, RepeatableStream(1))
    probed, _, _ = _probed()
    probed.batch_members(15)
    for trainer in (plain, probed):
        trainer.step(rows, kinds)
    for mine, theirs in zip(
        plain.network.parameters(), probed.network.network.parameters(), strict=True
    ):  # type: ignore[union-attr, arg-type]
        assert torch.allclose(mine, theirs, atol=1e-4)
    assert torch.equal(probed.network.probe.weight, torch.zeros(1, CANARIES))  # type: ignore[union-attr]
    assert torch.allclose(plain.scores(rows), probed.scores(rows), atol=1e-3)


def test_canaries_are_drawn_as_customers_are() -> None:
    """By the trainer's own Poisson sampling, at its rate.

    400 draws of each, within 5 standard errors.
    """
    trainer, inside, _ = _probed(replace(SETTINGS, sample_rate=0.2))
    customers, canaries = np.zeros(25), np.zeros(CANARIES)
    for _ in range(400):
        customers[trainer.batch_members(25).numpy()] += 1
        canaries[trainer._drawn.numpy()] += 1
    slack = 5 * np.sqrt(0.2 * 0.8 / 400)
    assert np.abs(np.append(customers, canaries[inside]) / 400 - 0.2).max() < slack
    assert canaries[~inside].sum() == 0


def test_scores_are_the_exact_log_likelihood_ratios() -> None:
    rate, noise, rng = 0.3, 1.7, np.random.default_rng(0)
    game, noisy = (
        GradientAttack(5, sample_rate=rate, noise_multiplier=noise),
        rng.normal(size=(4, 5)),
    )

    def density(seen: np.ndarray, mean: float) -> np.ndarray:
        return np.exp(-((seen - mean) ** 2) / (2 * noise**2))

    for step in noisy:
        game.see(step)
    expected = np.log(
        (rate * density(noisy, 1.0) + (1 - rate) * density(noisy, 0.0)) / density(noisy, 0.0)
    ).sum(0)
    assert game.scores == pytest.approx(expected)
    assert game.steps == 4


def test_a_step_without_any_canary_or_any_customer_is_a_step() -> None:
    trainer, _, seen = _probed(replace(SETTINGS, sample_rate=1e-9))
    assert len(trainer.batch_members(20)) == 0
    trainer.step(torch.zeros(1, INPUTS), torch.full((1,), ABSENT))
    assert seen[0] == pytest.approx(np.zeros(CANARIES), abs=1e-4)
