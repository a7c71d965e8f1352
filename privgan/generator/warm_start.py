"""Warm start: fit the generator to noisy marginals.

No row is read, so it costs no budget. The network first learns the table's shape, then each entry's
offsets fit closely.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from privgan.generator.losses import FitLoss
from privgan.generator.mixture import GeneratorModel
from privgan.measurement.marginals import Measurements

Progress = Callable[[int, int, float], None]
_BETAS = (0.9, 0.99)
_DECAY_FROM = 0.5
_AVERAGE_DECAY = 0.98


def fit_network(
    model: GeneratorModel,
    measurements: Measurements,
    *,
    steps: int,
    learning_rate: float,
    progress: Progress | None = None,
) -> float:
    """Fit the network to the noisy 1- and 2-way marginals, with cosine annealing.

    Args:
        model: The generator, changed in place.
        measurements: What to reproduce.
        steps: Number of Adam steps.
        learning_rate: Adam's, at first.
        progress: Called with the step, the number of steps and the loss (no row is in it).

    Returns:
        The last loss.
    """
    model.update_conditions(measurements)
    optimiser = torch.optim.Adam(model.network.weights, learning_rate, betas=_BETAS, fused=True)
    loss_of = FitLoss(
        [target for target in measurements.targets() if len(target.clique) <= 2], model.device
    )
    schedule = _Schedule(steps, decay_from=0.0, progress=progress)
    return _minimise(model, loss_of, optimiser, model.logits, schedule)


def fit_offsets(
    model: GeneratorModel,
    measurements: Measurements,
    *,
    steps: int,
    learning_rate: float,
    settle: bool = False,
    progress: Progress | None = None,
) -> float:
    """Fit the codebook's offsets to all noisy marginals; the network stays fixed.

    Args:
        model: The generator, changed in place.
        measurements: What to reproduce.
        steps: Number of Adam steps.
        learning_rate: Adam's, at first.
        settle: Whether to anneal the learning rate over the second half and end at the averaged
            weights.
        progress: Called with the step, the number of steps and the loss (no row is in it).

    Returns:
        The last loss.
    """
    with torch.no_grad():
        before = model.network.before_offsets(model.latents, model.conditions)
    optimiser = torch.optim.Adam([model.network.offsets], learning_rate, betas=_BETAS, fused=True)
    decay_from = _DECAY_FROM if settle else 1.0
    loss_of = FitLoss(measurements.targets(), model.device)
    schedule = _Schedule(steps, decay_from=decay_from, progress=progress)
    loss = _minimise(model, loss_of, optimiser, lambda: before + model.network.offsets, schedule)
    if settle and steps:
        model.use_average()
    return loss


@dataclass(frozen=True)
class _Schedule:
    """The steps of one minimisation.

    Attributes:
        steps: Number of Adam steps.
        decay_from: Share of the steps after which the rate follows a cosine and weights are
            averaged.
        progress: Called with the step, the number of steps and the loss.
    """

    steps: int
    decay_from: float
    progress: Progress | None


def _minimise(
    model: GeneratorModel,
    loss_of: FitLoss,
    optimiser: torch.optim.Optimizer,
    logits: Callable[[], Tensor],
    schedule: _Schedule,
) -> float:
    """Run Adam on the fitting loss; returns the last loss."""
    loss, steps, progress = torch.zeros(()), schedule.steps, schedule.progress
    (group,) = optimiser.param_groups
    rate, turn = group["lr"], int(schedule.decay_from * steps)
    for step in range(steps):
        if step == turn:
            model.restart_average()
        if step >= turn:
            group["lr"] = rate * 0.5 * (1 + math.cos(math.pi * (step - turn) / (steps - turn)))
        loss = loss_of(logits(), model.rng)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step >= turn:
            model.update_ema(_AVERAGE_DECAY)
        if progress and (step % 20 == 0 or step == steps - 1):
            progress(step + 1, steps, float(loss.detach()))
    return float(loss.detach())
