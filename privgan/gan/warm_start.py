"""Warm start: the generator learns to reproduce noisy marginals. It reads no row, so it costs nothing."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F

from privgan.gan.losses import MarginalLoss
from privgan.gan.model import GeneratorModel
from privgan.measurement.marginals import Measurements

Progress = Callable[[int, int, float], None]
_AVERAGE_FROM = 0.5
_AVERAGE_DECAY = 0.99


def fit(
    model: GeneratorModel,
    measurements: Measurements,
    *,
    steps: int,
    learning_rate: float,
    decay: bool = False,
    progress: Progress | None = None,
) -> float:
    """Fit the generator to all noisy marginals.

    Args:
        model: The generator, changed in place.
        measurements: What to reproduce.
        steps: Number of Adam steps.
        learning_rate: Adam's.
        decay: Whether to anneal the learning rate by a cosine and end at the averaged weights.
        progress: Called with the step, the number of steps and the loss (no row is in it).

    Returns:
        The last loss.
    """
    model.update_conditions(measurements)
    loss_of = MarginalLoss(measurements.targets(), model.device)
    optimiser = torch.optim.Adam(model.network.parameters(), learning_rate, betas=(0.9, 0.99))
    loss = torch.zeros(())
    for step in range(steps):
        if decay:
            optimiser.param_groups[0]["lr"] = learning_rate * 0.5 * (1 + math.cos(math.pi * step / steps))
        loss = loss_of([F.softmax(part, 1) for part in model.components()], model.rng)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if decay and step == int(_AVERAGE_FROM * steps):
            model.restart_average()
        if decay and step > _AVERAGE_FROM * steps:
            model.follow(_AVERAGE_DECAY)
        if progress and (step % 20 == 0 or step == steps - 1):
            progress(step + 1, steps, float(loss.detach()))
    if decay and steps:
        model.use_average()
    return float(loss.detach())
