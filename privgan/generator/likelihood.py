"""Train the conditional network on likelihood: free on the mixture's rows, then by DP-SGD.

Only DP-SGD reads real rows. A row's loss is its −log p, so all customers pull the network towards
the table itself, in every number of columns at once. Source: Abadi et al. 2016, Deep Learning with
Differential Privacy, Algorithm 1.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from privgan.generator.autoregressive import Autoregressive
from privgan.generator.losses import ABSENT
from privgan.generator.mixture import GeneratorModel
from privgan.generator.private_phase import Told
from privgan.generator.refine import Training, stacked
from privgan.owner.private_table import Samples
from privgan.planning.dpsgd_settings import DpSgdSettings, LikelihoodSettings
from privgan.privacy.events import DpEvent

_MOMENTUM = 0.9
_DECAY_FROM, _AVERAGE_FROM = 0.5, 0.7
_BETAS = (0.9, 0.99)
_PRESENT = 1.0


def fit_likelihood(
    network: Autoregressive,
    draw: Callable[[int], np.ndarray],
    *,
    steps: int,
    rows: int,
    learning_rate: float,
    progress: Told | None = None,
) -> None:
    """Fit the network to synthetic rows by maximum likelihood; no real row is read.

    Args:
        network: Changed in place.
        draw: Synthetic codes [rows, columns] of a given number.
        steps: Number of Adam steps.
        rows: Rows of one step.
        learning_rate: Adam's, which falls to 0 by a cosine.
        progress: Called with the step and the number of steps.
    """
    optimiser = torch.optim.Adam(network.parameters(), learning_rate, betas=_BETAS, fused=True)
    (group,) = optimiser.param_groups
    for step in range(steps):
        group["lr"] = learning_rate * 0.5 * (1 + math.cos(math.pi * step / steps))
        loss = -network(network.inputs(draw(rows))).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if progress and (step % 20 == 0 or step == steps - 1):
            progress(step + 1, steps)


def likelihood_losses(likelihoods: Tensor, kinds: Tensor) -> Tensor:
    """−log p of each customer [batch], summed over the rows that are there.

    Args:
        likelihoods: Of one row a customer [batch], or of several [batch, rows].
        kinds: ABSENT where a customer has fewer rows than the widest.
    """
    losses = -likelihoods * (kinds != ABSENT)
    return losses.flatten(1).sum(1) if losses.dim() > 1 else losses


def momentum(parameters: Iterable[nn.Parameter], settings: DpSgdSettings) -> torch.optim.Optimizer:
    """SGD with momentum.

    Under noise that is alike in every weight, Adam's own scaling would only follow the noise.
    """
    rate = settings.learning_rate
    return torch.optim.SGD(parameters, rate, momentum=_MOMENTUM, dampening=_MOMENTUM)


class LikelihoodTraining:
    """Train a network by DP-SGD on −log p, in resumable steps: one to release, or a GAN's critic.

    Args:
        model: The mixture that it was distilled from.
        network: Fitted to the mixture's rows; changed in place.
        charged: The receipt's event.
        settings: The plan's.
        training: Coins and trainer.
    """

    def __init__(
        self,
        model: GeneratorModel,
        network: Autoregressive,
        charged: DpEvent,
        settings: LikelihoodSettings,
        training: Training,
    ) -> None:
        self.model, self.network, self.settings = model, network, settings
        self._wide = len(training.rows_of_each) > 1
        # As in ``Refinement``: several rows need double precision.
        self._type = torch.float64 if self._wide else torch.float32
        network.to(self._type)
        # Copied before the trainer hangs its hooks on the network.
        self.average = copy.deepcopy(network).requires_grad_(False)
        self.trainer = training.trainer(
            network, settings, charged, likelihood_losses, training.coins, momentum
        )
        (self._group,) = self.trainer.optimiser.param_groups
        self._rate = float(self._group["lr"])

    @property
    def step(self) -> int:
        """The number of private steps done so far."""
        return self.trainer.steps_done

    def run(self, samples: Samples, until: int, progress: Told | None = None) -> None:
        """Train until a given step.

        Args:
            samples: Private rows as codes by customer, handed out against a receipt.
            until: The last step of this part.
            progress: Called with the step and the number of steps; no loss, which would be real.
        """
        while self.step < until:
            self._group["lr"] = self._rate * _falling((self.step + 1) / self.settings.steps)
            self._private_step(samples)
            self._update_average()
            if progress and (self.step % 10 == 0 or self.step == self.settings.steps):
                progress(self.step, self.settings.steps)

    def _private_step(self, samples: Samples) -> None:
        members = self.trainer.batch_members(len(samples)).numpy()
        codes, place = samples.batch(members)
        rows, kinds = stacked(
            self.network.inputs(codes),
            place,
            len(members),
            _PRESENT,
            wide=self._wide,
        )
        self.trainer.step(rows.to(self._type), kinds)

    @torch.no_grad()
    def _update_average(self) -> None:
        """Update the mean of the last steps' weights (Polyak and Juditsky 1992)."""
        number = self.step - math.floor(_AVERAGE_FROM * self.settings.steps)
        if number > 0:
            weights = zip(self.average.parameters(), self.network.parameters(), strict=True)
            for mean, now in weights:
                mean.lerp_(now, 1 / number)

    def averaged(self) -> Autoregressive:
        """The network with the mean of the last steps' weights, its scales folded in."""
        self.average.fold()
        return self.average.float()

    def networks(self) -> Mapping[str, nn.Module]:
        """The networks by their names in a checkpoint."""
        return {
            "generator": self.model.network,
            "network": self.trainer.network,
            "average": self.average,
        }

    def optimisers(self) -> Mapping[str, torch.optim.Optimizer]:
        """The optimisers by their names in a checkpoint."""
        return {"network-sgd": self.trainer.optimiser}


def _falling(share: float) -> float:
    """The rate's factor after a share of the steps: 1, then falling in a line to 0."""
    return min(1.0, (1.0 - share) / (1.0 - _DECAY_FROM) + 1e-3)
