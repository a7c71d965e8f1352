"""Total correlation of a mixture of product distributions, estimated from rows drawn from it; no real row."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from privgan.gan.side_by_side import Layout

_TINY = 1e-12


def total_correlation(shares: Tensor, layout: Layout, rows: int, rng: np.random.Generator) -> Tensor:
    """How much all columns together tell of each other, in nats: the sum of their entropies less their joint one.

    (Watanabe 1960, Information Theoretical Analysis of Multivariate Correlation.) The joint entropy of a mixture has no
    closed form. It is estimated from rows that are drawn from the mixture, and its gradient by the score function
    (Williams 1992, Simple Statistical Gradient-Following Algorithms, section 2).

    Args:
        shares: Probabilities of all codes [entries, codes].
        layout: Which codes are whose.
        rows: How many are drawn, evenly from all entries; at least 2.
        rng: Public randomness.
    """
    told: Tensor = _TotalCorrelation.apply(shares, _drawn(shares.detach(), layout, rows, rng))
    return told


def _drawn(shares: Tensor, layout: Layout, rows: int, rng: np.random.Generator) -> Tensor:
    """Rows of the mixture, one-hot [rows, codes]."""
    entries = (np.arange(rows) * len(shares) // rows + rng.integers(len(shares))) % len(shares)
    places = rng.random((rows, len(layout.sizes)), dtype=np.float32) + np.arange(len(layout.sizes), dtype=np.float32)
    chosen = shares[torch.from_numpy(entries).to(shares.device)]
    # A column's shares sum to one: the codes of column j lie between j and j + 1 of the running sum.
    codes = torch.searchsorted(chosen.cumsum(1), torch.from_numpy(places).to(shares.device))
    first, last = layout.ends
    return torch.zeros_like(chosen).scatter_(1, codes.clamp(first, last), 1.0)


class _TotalCorrelation(torch.autograd.Function):
    """Mean log-likelihood of the rows under the mixture, and the entropies of the columns."""

    @staticmethod
    def forward(ctx: Any, shares: Tensor, rows: Tensor) -> Tensor:
        known = shares.clamp_min(_TINY)
        by_entry = rows @ known.log().T
        likelihood = by_entry.logsumexp(1) - math.log(len(shares))
        mean = shares.mean(0).clamp_min(_TINY)
        # Less their mean, a baseline that takes most of the gradient's variance; hence one less to divide by.
        surplus = (likelihood - likelihood.mean()) / (len(rows) - 1)
        pull = (by_entry.softmax(1) * surplus[:, None]).T @ rows
        ctx.save_for_backward(pull.div_(known).sub_((mean.log() + 1) / len(shares)))
        return likelihood.mean() - (mean * mean.log()).sum()

    @staticmethod
    def backward(ctx: Any, *flow: Tensor) -> tuple[Tensor | None, ...]:
        (slope,) = ctx.saved_tensors
        return slope * flow[0], None
