"""Plant white-box canaries in DP-SGD, for self-tests only.

Canary j is one more customer, whose clipped gradient is the clip norm in a coordinate of its own.
This is a Dirac gradient (Nasr et al. 2023, section 4.2). The noisy gradient then reveals as much
about it as DP-SGD reveals about anybody. The network gets one more layer for these
coordinates, which no other row reaches. Its weights stay 0. Sampling, clipping, noise and the other
customers run the training code itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from privgan.generator.autoregressive import Autoregressive
from privgan.generator.dpsgd import PrivateTrainer
from privgan.generator.losses import ABSENT, REAL
from privgan.generator.networks import Critic

# Norm of a planted gradient before clipping, in clip norms: far above 1, so that it is clipped.
LOUDNESS = 10.0

Observe = Callable[[NDArray[np.float64]], None]


class ProbedNetwork(nn.Module):
    """Add one coordinate per canary to a network.

    Args:
        network: The critic, or the conditional network.
        canaries: The number of canaries.
    """

    def __init__(self, network: Critic | Autoregressive, canaries: int) -> None:
        super().__init__()
        self.network, self.inputs = network, network.first.in_features
        self.probe = nn.Linear(canaries, 1, bias=False)
        nn.init.zeros_(self.probe.weight)

    def forward(self, rows: Tensor) -> Tensor:
        """Scores [batch] or [batch, rows].

        A row may have one more number for each canary, all 0 unless it is a canary.
        """
        if rows.shape[-1] == self.inputs:
            plain: Tensor = self.network(rows)
            return plain
        own, marks = rows.split([self.inputs, rows.shape[-1] - self.inputs], -1)
        is_canary = (marks != 0).any(-1)
        scores: Tensor = torch.where(is_canary, 0.0, self.network(own)) + self.probe(marks)[..., 0]
        return scores


class ProbedTrainer(PrivateTrainer):
    """The private trainer with canaries among its customers.

    See :class:`PrivateTrainer` for the other arguments.

    Args:
        inside: Which canaries are in [canaries], bool.
        observe: Called at each step with the noisy gradient in the canaries' coordinates
            [canaries], in clip norms: 1 for a canary in the batch and 0 for another one, plus
            noise.
    """

    def __init__(
        self,
        network: Critic | Autoregressive,
        *rest: Any,
        inside: NDArray[np.bool_],
        observe: Observe,
    ) -> None:
        weight = network.first.weight
        probed = ProbedNetwork(network, len(inside)).to(weight.device, weight.dtype)
        super().__init__(probed, *rest)
        self._inside, self._observe = torch.from_numpy(np.flatnonzero(inside)), observe
        self._drawn = self._inside[:0]
        self.optimiser.register_step_pre_hook(lambda *_: self._see())

    def batch_members(self, customers: int) -> Tensor:
        """Indices of this step's batch among the customers.

        The canaries are drawn with them, as the last ones.
        """
        members = super().batch_members(customers + len(self._inside))
        self._drawn = self._inside[members[members >= customers] - customers]
        return members[members < customers]

    def step(self, rows: Tensor, kinds: Tensor) -> None:
        """Run one noisy update, with the canaries that were drawn into the batch."""
        width, canaries, drawn = rows.shape[-1], self._probe.numel(), len(self._drawn)
        planted = torch.zeros(drawn, *rows.shape[1:-1], width + canaries, dtype=rows.dtype)
        planted_kinds = torch.full((drawn, *kinds.shape[1:]), ABSENT, dtype=kinds.dtype)
        first: tuple[Any, ...] = (torch.arange(drawn), *[0] * (rows.dim() - 2))
        # The loss falls by 1/2 or more at the score 0, where the canaries' scores stay.
        planted[(*first, width + self._drawn)] = 2.0 * LOUDNESS * self.settings.max_grad_norm
        planted_kinds[first] = REAL
        widened = torch.nn.functional.pad(rows, (0, canaries))
        super().step(
            torch.cat([widened, planted.to(rows.device)]),
            torch.cat([kinds, planted_kinds.to(kinds.device)]),
        )

    @property
    def _probe(self) -> nn.Parameter:
        probed: Any = self.network
        weight: nn.Parameter = probed.probe.weight
        return weight

    def _see(self) -> None:
        """Observe the gradient before it is used, then zero the canaries' coordinates."""
        gradient = self._probe.grad
        assert gradient is not None
        scale = self.settings.expected_batch_size / self.settings.max_grad_norm
        self._observe(-gradient[0].double().cpu().numpy() * scale)
        gradient.zero_()
