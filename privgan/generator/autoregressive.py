"""Define the conditional network: a masked autoregressive model of codes.

Each column's softmax reads the columns before it: directly, and through one hidden layer. Masks
keep all others out, so that one pass gives the likelihood of a whole row. After Germain, Gregor,
Murray and Larochelle 2015, MADE: Masked Autoencoder for Distribution Estimation, section 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from privgan.generator.network_form import last_read
from privgan.generator.one_hot import Layout, shares_of

_START = 0.3  # Deviation of the first layer's weights: one-hot inputs, so few of them add up.
_TINY = 1e-30


class MaskedLinear(nn.Linear):
    """A linear layer of which a fixed mask [outputs, inputs] leaves only some weights."""

    mask: Tensor

    def __init__(self, mask: Tensor, *, bias: bool = True) -> None:
        outputs, inputs = mask.shape
        super().__init__(inputs, outputs, bias=bias)
        self.register_buffer("mask", mask, persistent=False)

    @property
    def masked(self) -> Tensor:
        """The weights [outputs, inputs] that count; the others are 0."""
        return self.weight * self.mask

    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs [..., outputs] of inputs [..., inputs]."""
        return F.linear(inputs, self.masked, self.bias)


class Autoregressive(nn.Module):
    """p(row) = Π p(column | columns before it), in the columns' fixed order.

    Args:
        sizes: Number of codes of each column.
        width: Units of the hidden layer.
        seed: Moves the initial weights.
    """

    def __init__(self, sizes: Sequence[int], *, width: int, seed: int = 0) -> None:
        super().__init__()
        self.sizes, self.width = tuple(sizes), width
        owner = torch.repeat_interleave(torch.arange(len(self.sizes)), torch.tensor(self.sizes))
        # The last column that a hidden unit reads.
        reads = torch.from_numpy(last_read(width, len(self.sizes)))
        self.first = MaskedLinear((owner[None] <= reads[:, None]).float())
        self.second = MaskedLinear((reads[None] < owner[:, None]).float())
        self.direct = MaskedLinear((owner[None] < owner[:, None]).float(), bias=False)
        self._layout = Layout(self.sizes, torch.device("cpu"))
        self._restart(seed)

    def _restart(self, seed: int) -> None:
        """Set the initial weights; nothing but the seed moves them."""
        random = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for part in self.parameters():
                part.zero_()
            self.first.weight.copy_(_START * torch.randn(self.first.weight.shape, generator=random))
            self.second.weight.copy_(0.02 * torch.randn(self.second.weight.shape, generator=random))

    def logits(self, rows: Tensor) -> Tensor:
        """Logits [..., all codes] of one-hot rows [..., all codes].

        A column's logits depend on the columns before it alone.
        """
        hidden = torch.tanh(self.first(rows))
        logits: Tensor = self.second(hidden) + self.direct(rows)
        return logits

    def forward(self, rows: Tensor) -> Tensor:
        """Log-likelihoods [...], in nats, of one-hot rows [..., all codes]."""
        flat = rows.flatten(0, -2)
        logits = self.logits(rows).flatten(0, -2)
        likelihoods: Tensor = _LogLikelihood.apply(logits, flat, self._layout)
        return likelihoods.unflatten(0, rows.shape[:-1])


class _LogLikelihood(torch.autograd.Function):
    """Log-likelihoods [rows]; their gradient is the one-hot row less the shares."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, rows: Tensor, layout: Layout) -> Tensor:
        shares = shares_of(logits, layout)
        ctx.save_for_backward(rows - shares)
        return (rows * shares.clamp_min(_TINY).log()).sum(1)

    @staticmethod
    def backward(ctx: Any, *flow: Tensor) -> tuple[Tensor | None, ...]:
        (slope,) = ctx.saved_tensors
        return slope * flow[0][:, None], None, None


def one_hot(codes: Tensor, sizes: Sequence[int]) -> Tensor:
    """Codes [rows, columns], int64, as one-hot rows [rows, all codes]."""
    ends = torch.tensor(sizes).cumsum(0)
    places = codes + (ends - torch.tensor(sizes))
    return torch.zeros(len(codes), int(ends[-1])).scatter_(1, places, 1.0)
