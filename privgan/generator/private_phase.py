"""Say what a phase of DP-SGD is, whatever it trains: resumable steps, with a state of tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import nn

from privgan.generator.dpsgd import PrivateTrainer
from privgan.generator.mixture import GeneratorModel
from privgan.owner.private_table import Samples
from privgan.planning.dpsgd_settings import DpSgdSettings


class Told(Protocol):
    """Told the step, the number of steps, and perhaps a loss on synthetic rows."""

    def __call__(self, step: int, total: int, loss: float | None = None, /) -> object:
        """Tell the owner."""


class PrivatePhase(Protocol):
    """A phase of DP-SGD."""

    model: GeneratorModel
    trainer: PrivateTrainer

    @property
    def settings(self) -> DpSgdSettings:
        """The plan's."""

    @property
    def step(self) -> int:
        """The number of private steps done so far."""

    def run(self, samples: Samples, until: int, progress: Told | None = None) -> None:
        """Train until a given step.

        Args:
            samples: Private rows as codes by customer, handed out against a receipt.
            until: The last step of this part.
            progress: Told each step; nothing in it comes from a real row without noise.
        """

    def networks(self) -> Mapping[str, nn.Module]:
        """The networks by their names in a checkpoint."""

    def optimisers(self) -> Mapping[str, torch.optim.Optimizer]:
        """The optimisers by their names in a checkpoint."""
