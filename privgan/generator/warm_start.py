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
from privgan.generator.planting import plant
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
    return minimise(
        model, lambda: loss_of(model.logits(), model.rng), optimiser, Steps(steps, 0.0), progress
    )


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

    Interactions of coarse marginals are planted before.

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
    plant(model, measurements)
    with torch.no_grad():
        before = model.network.before_offsets(model.latents, model.conditions)
    optimiser = torch.optim.Adam([model.network.offsets], learning_rate, betas=_BETAS, fused=True)
    decay_from = _DECAY_FROM if settle else 1.0
    loss_of = FitLoss(measurements.targets(), model.device)

    def loss_now() -> Tensor:
        return loss_of(before + model.network.offsets, model.rng)

    loss = minimise(model, loss_now, optimiser, Steps(steps, decay_from), progress)
    if settle and steps:
        model.use_average()
    return loss


@dataclass(frozen=True)
class Steps:
    """Number of Adam steps, and the share after which the rate falls and weights are averaged."""

    number: int
    decay_from: float

    @property
    def turn(self) -> int:
        """The first step of the fall."""
        return int(self.decay_from * self.number)


def minimise(
    model: GeneratorModel,
    loss_now: Callable[[], Tensor],
    optimiser: torch.optim.Optimizer,
    steps: Steps,
    progress: Progress | None,
) -> float:
    """Run Adam on the fitting loss; returns the last loss."""
    loss = torch.zeros(())
    rates = [group["lr"] for group in optimiser.param_groups]
    turn, number = steps.turn, steps.number
    for step in range(number):
        if step == turn:
            model.restart_average()
        if step >= turn:
            falling = 0.5 * (1 + math.cos(math.pi * (step - turn) / (number - turn)))
            for group, rate in zip(optimiser.param_groups, rates, strict=True):
                group["lr"] = rate * falling
        loss = loss_now()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step >= turn:
            model.update_ema(_AVERAGE_DECAY)
        if progress and (step % 20 == 0 or step == number - 1):
            progress(step + 1, number, float(loss.detach()))
    return float(loss.detach())
