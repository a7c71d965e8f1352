"""Compute softmax and mutual information on columns side by side [rows, all codes].

Both have gradients of their own. Fitting spends its time on these matrices: operations column by
column, with automatic gradients, cost more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

_TINY = 1e-12


class Layout:
    """Column offsets in the concatenated one-hot matrix.

    Args:
        sizes: Number of codes of each column.
        device: Where the matrices are.

    Attributes:
        ends: Each column's first code [columns], and its last [columns].
    """

    def __init__(self, sizes: Sequence[int], device: torch.device) -> None:
        self.sizes = tuple(sizes)
        owner = torch.repeat_interleave(torch.arange(len(self.sizes)), torch.tensor(self.sizes))
        ends = torch.tensor(self.sizes).cumsum(0)
        self.ends = (ends - torch.tensor(self.sizes)).to(device), (ends - 1).to(device)
        self._owner = owner.to(device)

    def sums(self, matrix: Tensor) -> Tensor:
        """Sum over each column's codes: [rows, codes] to [rows, columns]."""
        return matrix.new_zeros(len(matrix), len(self.sizes)).index_add_(1, self._owner, matrix)

    def repeated(self, values: Tensor) -> Tensor:
        """Repeat column values for each code: [rows, columns] to [rows, codes]."""
        return values.index_select(1, self._owner)


def shares_of(logits: Tensor, layout: Layout) -> Tensor:
    """The probabilities [rows, codes] of logits [rows, codes]: a softmax in each column."""
    shares: Tensor = _Softmaxes.apply(logits, layout)
    return shares


def information(shares: Tensor, layout: Layout) -> Tensor:
    """Mutual information [columns], in nats, between row index and each column's code."""
    told: Tensor = _Information.apply(shares, layout)
    return told


class _Softmaxes(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, layout: Layout) -> Tensor:
        # Codes first: a softmax over few codes is then vectorised over the rows.
        parts = logits.T.contiguous().split(layout.sizes)
        shares = torch.cat([part.softmax(0) for part in parts]).T.contiguous()
        ctx.layout = layout
        ctx.save_for_backward(shares)
        return shares

    @staticmethod
    def backward(ctx: Any, *flow: Tensor) -> tuple[Tensor | None, ...]:
        (shares,) = ctx.saved_tensors
        weighted = shares * flow[0]
        return (
            weighted.addcmul_(shares, ctx.layout.repeated(ctx.layout.sums(weighted)), value=-1),
            None,
        )


class _Information(torch.autograd.Function):
    """Per column, Σ over codes of mean(p log p) − p̄ log p̄.

    Cover and Thomas 2006, section 2.4.
    """

    @staticmethod
    def forward(ctx: Any, shares: Tensor, layout: Layout) -> Tensor:
        mean = shares.mean(0, keepdim=True)
        surprise = shares.clamp_min(_TINY).log_() - mean.clamp_min(_TINY).log()
        ctx.layout = layout
        ctx.save_for_backward(surprise)
        return layout.sums((shares * surprise).mean(0, keepdim=True))[0]

    @staticmethod
    def backward(ctx: Any, *flow: Tensor) -> tuple[Tensor | None, ...]:
        (surprise,) = ctx.saved_tensors
        return surprise * ctx.layout.repeated(flow[0][None] / len(surprise)), None
