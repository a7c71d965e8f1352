"""The generator with its conditions and its public randomness: what can be fitted and sampled."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from privgan.gan.conditions import ConditionSampler
from privgan.gan.networks import Generator
from privgan.measurement.marginals import Measurements
from privgan.planning.plan import GeneratorSettings

_SAMPLE_BATCH = 5_000
_TEMPERATURE = 0.5


class GeneratorModel:
    """A generator being fitted. It never receives a tensor made from real rows.

    Args:
        measurements: Noisy frequencies for the conditions.
        settings: Network sizes.
        seed: Moves initial weights, latent noise and conditions.
        device: Where to compute.
    """

    def __init__(self, measurements: Measurements, settings: GeneratorSettings, *, seed: int, device: torch.device) -> None:
        self.settings, self.device = settings, device
        self.random = torch.Generator().manual_seed(seed)
        self.rng = np.random.default_rng([seed, 1])
        self.conditions = ConditionSampler(measurements)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = Generator(measurements.sizes, latent=settings.latent, width=settings.width)
        self.network = network.to(device)
        self.average = copy.deepcopy(self.network).requires_grad_(False)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of codes of each column."""
        return self.network.sizes

    def update_conditions(self, measurements: Measurements) -> None:
        """Take the frequencies from more measurements."""
        self.conditions = ConditionSampler(measurements)

    def draw(self, batch: int) -> tuple[tuple[Tensor, ...], Tensor]:
        """Logits of each column [batch, codes] and the conditions [batch, all codes] of a fake batch."""
        conditions = self.conditions.draw(batch, self.random).to(self.device)
        latent = torch.randn(batch, self.network.latent, generator=self.random).to(self.device)
        return self.network(latent, conditions), conditions

    def hard(self, logits: Sequence[Tensor]) -> Tensor:
        """One-hot rows [batch, all codes] drawn from logits, with a straight-through gradient (Jang et al. 2017)."""
        return torch.cat([self._gumbel_softmax(part) for part in logits], 1)

    def _gumbel_softmax(self, logits: Tensor) -> Tensor:
        uniform = torch.rand(logits.shape, generator=self.random).clamp_(1e-10, 1 - 1e-7).to(self.device)
        soft = F.softmax((logits - torch.log(-torch.log(uniform))) / _TEMPERATURE, 1)
        hard = F.one_hot(soft.argmax(1), logits.shape[1]).to(soft.dtype)
        return hard - soft.detach() + soft

    def follow(self, decay: float) -> None:
        """Move the averaged weights towards the current ones."""
        with torch.no_grad():
            for slow, fast in zip(self.average.parameters(), self.network.parameters(), strict=True):
                slow.lerp_(fast, 1 - decay)

    def use_average(self) -> None:
        """Go on from the averaged weights."""
        self.network.load_state_dict(self.average.state_dict())

    def restart_average(self) -> None:
        """Let the average begin at the current weights."""
        self.average.load_state_dict(self.network.state_dict())

    @torch.no_grad()
    def codes(self, rows: int) -> np.ndarray:
        """Synthetic codes [rows, columns] from the current weights."""
        parts = [self._codes(min(_SAMPLE_BATCH, rows - start)) for start in range(0, rows, _SAMPLE_BATCH)]
        return np.concatenate(parts)

    def _codes(self, rows: int) -> np.ndarray:
        logits, _ = self.draw(rows)
        return np.stack([self._choose(part) for part in logits], axis=1)

    def _choose(self, logits: Tensor) -> np.ndarray:
        uniform = torch.rand(logits.shape, generator=self.random).clamp_(1e-10, 1 - 1e-7).to(self.device)
        chosen: np.ndarray = (logits - torch.log(-torch.log(uniform))).argmax(1).cpu().numpy()
        return chosen
