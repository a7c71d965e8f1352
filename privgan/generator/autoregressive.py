"""Define the conditional network: a masked autoregressive model of codes.

Each column's softmax reads the columns before it: directly, and through one hidden layer. Masks
keep all others out, so that one pass gives the likelihood of a whole row. After Germain, Gregor,
Murray and Larochelle 2015, MADE: Masked Autoencoder for Distribution Estimation, section 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from privgan.generator.chain import Chain
from privgan.generator.network_form import last_read
from privgan.generator.one_hot import Layout, shares_of

# Inputs are one-hot: a hidden unit adds up one weight for each column.
_FIRST_DEVIATION, _OUT_DEVIATION = 0.3, 0.02
_INPUT_POWER, _FLOW_POWER, _SMOOTHING = 0.1, 0.2, 1e-4
_SCALE = "scale_of_"
_TINY = 1e-30


class MaskedLinear(nn.Linear):
    """A linear layer with a fixed mask; outputs of one group read the same inputs.

    Args:
        reads: Which inputs each group of outputs reads [groups, inputs], 0 or 1.
        group: The group of each output [outputs].
    """

    def __init__(self, reads: Tensor, group: Tensor) -> None:
        super().__init__(reads.shape[1], len(group))
        # Not buffers: Opacus refuses those, lest they hold a statistic of rows.
        self.reads, self.group = reads, group

    @property
    def mask(self) -> Tensor:
        """Which weights count [outputs, inputs], 0 or 1."""
        return self.reads[self.group].to(self.weight.dtype)

    @property
    def masked(self) -> Tensor:
        """The weights [outputs, inputs] that count; the others are 0."""
        return self.weight * self.mask

    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs [..., outputs] of inputs [..., inputs]."""
        return F.linear(inputs, self.masked, self.bias)

    def squared_norms(self, inputs: Tensor, flow: Tensor) -> Tensor:
        """Squared norms [samples] of each sample's gradient of the masked weights.

        Args:
            inputs: The layer's inputs [samples, inputs].
            flow: The gradients of its outputs [samples, outputs].
        """
        by_group = flow.new_zeros(len(flow), len(self.reads))
        by_group.index_add_(1, self.group, flow.square())
        found: Tensor = ((by_group @ self.reads.to(flow.dtype)) * inputs.square()).sum(1)
        return found


class Autoregressive(nn.Module):
    """p(row) = Π p(column | columns before it), in the columns' fixed order.

    Args:
        sizes: Number of codes of each of the table's columns.
        width: Units of the hidden layer.
        seed: Moves the initial weights.
        chain: The order of its columns, and which of them are given: the likelihood is that of the
            others; None for the table's order, with all of them drawn.

    Attributes:
        sizes: Number of codes of each column, in the chain's order.
        table_sizes: The same in the table's order.
    """

    def __init__(
        self, sizes: Sequence[int], *, width: int, seed: int = 0, chain: Chain | None = None
    ) -> None:
        super().__init__()
        self.chain = Chain.plain(len(sizes)) if chain is None else chain
        self.sizes, self.table_sizes = self.chain.sizes(sizes), tuple(sizes)
        self.width = width
        columns = torch.arange(len(self.sizes))
        owner = columns.repeat_interleave(torch.tensor(self.sizes))
        # The last column that each hidden unit reads.
        last = torch.from_numpy(last_read(width, len(self.sizes)))
        self.first = MaskedLinear((owner[None] <= columns[:, None]).float(), last)
        before = torch.cat([last, owner])[None] < columns[:, None]
        self.out = MaskedLinear(before.float(), owner)
        self._layout = Layout(self.sizes, torch.device("cpu"))
        # Not a buffer, as the masks.
        given = torch.tensor([at in self.chain.given for at in range(len(self.sizes))])
        self._counted = (~given[owner]).float()
        self._hold(_Scales.none(sum(self.sizes), width))
        self._restart(seed)

    def _restart(self, seed: int) -> None:
        """Set the initial weights; nothing but the seed moves them."""
        random = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for layer, deviation in ((self.first, _FIRST_DEVIATION), (self.out, _OUT_DEVIATION)):
                layer.weight.copy_(deviation * torch.randn(layer.weight.shape, generator=random))
                layer.bias.zero_()
            self.out.weight[:, self.width :] = 0.0

    def inputs(self, codes: np.ndarray) -> Tensor:
        """One-hot rows [rows, all codes] of codes in the table's order [rows, columns]."""
        return one_hot(torch.from_numpy(self.chain.of(codes).astype(np.int64)), self.sizes)

    def logits(self, rows: Tensor) -> Tensor:
        """Logits [..., all codes] of one-hot rows [..., all codes].

        A column's logits depend on the columns before it alone.
        """
        scales = self._scales
        inputs = rows * scales.codes
        hidden = torch.tanh(scales.units * self.first(inputs)) * scales.hidden
        logits: Tensor = scales.logits * self.out(torch.cat([hidden, inputs], -1))
        return logits

    def forward(self, rows: Tensor) -> Tensor:
        """Log-likelihoods [...], in nats, of one-hot rows [..., all codes]; given what is given."""
        logits = self.logits(rows).flatten(0, -2)
        counted = rows.flatten(0, -2) * self._counted.to(rows.dtype)
        found: Tensor = _LogLikelihood.apply(
            logits, counted, self._layout, self._counted.to(rows.dtype)
        )
        return found.unflatten(0, rows.shape[:-1])

    @torch.no_grad()
    def precondition(self, rows: Tensor) -> None:
        """Rescale all weights so that each one's gradient is about as large; p stays the same.

        Noise of DP-SGD is alike in all weights, so those of rare codes would drown in it. Scales
        come from synthetic rows. Source: Li, Zaheer, Reddi and Smith 2022, Private Adaptive
        Optimization with Side Information, Algorithm 1; here by factors of inputs and outputs.

        Args:
            rows: Synthetic one-hot rows [rows, all codes].
        """
        hidden = torch.tanh(self.first(rows))
        logits = self.out(torch.cat([hidden, rows], 1))
        flow = (rows - shares_of(logits, self._layout)) * self._counted
        back = (flow @ self.out.masked[:, : self.width]) * (1 - hidden.square())
        scales = _Scales(
            codes=_scale(rows, _INPUT_POWER),
            units=_scale(back, _FLOW_POWER),
            hidden=_scale(hidden, _INPUT_POWER),
            logits=_scale(flow, _FLOW_POWER),
        )
        # Weights of given columns have no gradient: their scale is that of all.
        scales.logits[self._counted == 0] = scales.logits[self._counted > 0].mean()
        self._hold(scales.of_mean_square_one(self.first.mask, self.out.mask))
        self._multiply(-1)

    @torch.no_grad()
    def fold(self) -> None:
        """Multiply the scales into the weights; masked weights become 0, p stays the same."""
        self._multiply(1)
        self._hold(_Scales.none(sum(self.sizes), self.width))
        for layer in (self.first, self.out):
            layer.weight.mul_(layer.mask)

    @property
    def _scales(self) -> _Scales:
        """The scales in use."""
        named = dict(self.named_buffers(recurse=False))
        return _Scales(**{name.removeprefix(_SCALE): part for name, part in named.items()})

    def _hold(self, scales: _Scales) -> None:
        """Use scales; they are part of the network's state."""
        for name, part in vars(scales).items():
            self.register_buffer(_SCALE + name, part)

    def _multiply(self, power: int) -> None:
        """Multiply the weights by the scales of their inputs and outputs, to a power."""
        scales = self._scales
        inputs = torch.cat([scales.hidden, scales.codes])
        for layer, into, out in (
            (self.first, scales.codes, scales.units),
            (self.out, inputs, scales.logits),
        ):
            layer.weight.mul_(torch.outer(out, into).pow(power))
            layer.bias.mul_(out.pow(power))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Scales:
    """Factors of the layers' inputs and outputs, by which weights are reparametrised.

    Attributes:
        codes: Of each code as an input [codes].
        units: Of each hidden unit's sum [width].
        hidden: Of each hidden unit as an input [width].
        logits: Of each logit [codes].
    """

    codes: Tensor
    units: Tensor
    hidden: Tensor
    logits: Tensor

    @classmethod
    def none(cls, codes: int, width: int) -> _Scales:
        """Factors of 1."""
        return cls(
            codes=torch.ones(codes),
            units=torch.ones(width),
            hidden=torch.ones(width),
            logits=torch.ones(codes),
        )

    def of_mean_square_one(self, first: Tensor, out: Tensor) -> _Scales:
        """The same up to one factor, with which the weights that count have a mean square of 1.

        Args:
            first: The first layer's mask.
            out: The last layer's mask.
        """
        inputs = torch.cat([self.hidden, self.codes])
        squares = [
            torch.outer(self.units, self.codes).square()[first > 0],
            torch.outer(self.logits, inputs).square()[out > 0],
            self.units.square(),
            self.logits.square(),
        ]
        size = torch.cat(squares).mean().sqrt()
        return replace(self, units=self.units / size, logits=self.logits / size)


def _scale(values: Tensor, power: float) -> Tensor:
    """Mean squares [parts] of values [rows, parts], to a negative power."""
    return (values.square().mean(0) + _SMOOTHING).pow(-power)


class _LogLikelihood(torch.autograd.Function):
    """Log-likelihoods [rows]; their gradient is the one-hot row less the shares.

    Of columns that do not count the rows are 0, as the factors of their codes.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, rows: Tensor, layout: Layout, counted: Tensor) -> Tensor:
        shares = shares_of(logits, layout)
        ctx.save_for_backward(rows - shares * counted)
        return (rows * shares.clamp_min(_TINY).log()).sum(1)

    @staticmethod
    def backward(ctx: Any, *flow: Tensor) -> tuple[Tensor | None, ...]:
        (slope,) = ctx.saved_tensors
        return slope * flow[0][:, None], None, None, None


def one_hot(codes: Tensor, sizes: Sequence[int]) -> Tensor:
    """Codes [rows, columns], int64, as one-hot rows [rows, all codes]."""
    ends = torch.tensor(sizes).cumsum(0)
    places = codes + (ends - torch.tensor(sizes))
    return torch.zeros(len(codes), int(ends[-1])).scatter_(1, places, 1.0)
