"""Adversarial refinement: the critic sees real rows only through DP-SGD; the generator sees the critic and the marginals."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from privgan.gan.conditions import UNCONDITIONED_SHARE, marks_for_rows
from privgan.gan.dpsgd import PrivateTrainer
from privgan.gan.losses import MarginalLoss, critic_losses, generator_loss
from privgan.gan.model import GeneratorModel
from privgan.gan.networks import Critic
from privgan.measurement.marginals import Measurements
from privgan.planning.plan import CriticSettings
from privgan.privacy.events import DpEvent
from privgan.privacy.randomness import SecretStream

Progress = Callable[[int, int, float], None]
_AVERAGE_DECAY = 0.995


def refine(
    model: GeneratorModel,
    measurements: Measurements,
    codes: np.ndarray,
    charged: DpEvent,
    settings: CriticSettings,
    *,
    coins: SecretStream,
    seed: int,
    progress: Progress | None = None,
) -> PrivateTrainer:
    """Train critic and generator against each other.

    Args:
        model: The generator, warm-started; changed in place, ends at its averaged weights.
        measurements: Noisy marginals, which the generator keeps to.
        codes: Private rows as codes [rows, columns], handed out against a receipt.
        charged: The receipt's event.
        settings: The plan's critic settings.
        coins: Secret coins.
        seed: Moves the critic's initial weights.
        progress: Called with the step, the number of steps and the generator's loss (on fake rows only).

    Returns:
        The trainer, whose critic may be audited from inside.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed + 1)
        critic = Critic(sum(model.sizes) + len(model.sizes), width=settings.width).to(model.device)
    trainer = PrivateTrainer(critic, settings, charged, critic_losses, coins)
    private = torch.as_tensor(codes, device=model.device)
    loss_of = MarginalLoss(measurements.targets(), model.device)
    optimiser = torch.optim.Adam(model.network.parameters(), settings.generator_learning_rate, betas=(0.5, 0.9))
    model.restart_average()
    loss = 0.0
    components = _frozen_components(model)
    for step in range(1, settings.steps + 1):
        fakes = model.fake_rows(components, settings.expected_batch_size)
        members = trainer.batch_members(len(private)).to(model.device)
        reals = _real_rows(private[members], model.sizes, coins)
        real = torch.cat([torch.ones(len(reals)), torch.zeros(len(fakes))]).bool().to(model.device)
        trainer.step(torch.cat([reals, fakes]), real)
        if step % settings.steps_per_generator_step == 0:
            loss = _generator_step(model, trainer, loss_of, optimiser, settings)
            components = _frozen_components(model)
            model.follow(_AVERAGE_DECAY)
        if progress and (step % 10 == 0 or step == settings.steps):
            progress(step, settings.steps, loss)
    model.use_average()
    return trainer


@torch.no_grad()
def _frozen_components(model: GeneratorModel) -> tuple[Tensor, ...]:
    """The mixture as it is until the generator's next step."""
    return model.components()


def _real_rows(codes: Tensor, sizes: Sequence[int], coins: SecretStream) -> Tensor:
    """Real rows one-hot with their marks [batch, inputs]; each from its own codes and its own coin."""
    parts = [F.one_hot(codes[:, column], size) for column, size in enumerate(sizes)]
    picks = _column_picks(len(codes), len(sizes), coins).to(codes.device)
    return torch.cat([*(part.float() for part in parts), marks_for_rows(len(sizes), picks)], 1)


def _column_picks(rows: int, columns: int, coins: SecretStream) -> Tensor:
    """For each row the column that is its condition, or ``columns`` for none, in the shares of the fake rows."""
    uniform = coins.uniform(rows)
    picks = np.floor(uniform / (1 - UNCONDITIONED_SHARE) * columns)
    return torch.from_numpy(np.minimum(picks, columns).astype(np.int64))


def _generator_step(
    model: GeneratorModel,
    trainer: PrivateTrainer,
    loss_of: MarginalLoss,
    optimiser: torch.optim.Optimizer,
    settings: CriticSettings,
) -> float:
    components = model.components()
    adversarial = generator_loss(trainer.scores(model.fake_rows(components, model.settings.fake_rows)))
    loss = adversarial + settings.marginal_weight * loss_of([F.softmax(part, 1) for part in components], model.rng)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return float(loss.detach())
