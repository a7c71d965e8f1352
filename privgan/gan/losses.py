"""Losses: batch in, figures out; no optimiser, no real row."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from privgan.gan.marginal_loss import MarginalLoss
from privgan.gan.side_by_side import information, shares_of
from privgan.gan.total_correlation import total_correlation
from privgan.measurement.marginals import Target

_INFORMATION_PRICE = 0.19
# Where the rows are fewer than so many times the marginals' noise, the price grows, up to twice.
_HARDLY_SEEN, _GROWTH, _HIGHEST = 60.0, 0.6, 2.0
_ROWS_PER_STEP = 250
_DEPENDENT = 1.0  # Nats: a column with that much information about the entry is priced half as high as one with none.


class FitLoss:
    """What the generator is fitted by: the marginals' error, and a price for what they do not ask for.

    The price is half of the mutual information between the codebook's entry and each column and half of the columns' total
    correlation, times a weight. Of all mixtures that agree with noisy marginals it prefers the one that says least beyond
    them, as a maximum-entropy model does; without it the many free parameters fit the noise. The information bounds the
    total correlation from above, but alone it leaves mixtures whose rows hold more structure than their pairs of columns
    need. The weight is proportional to the noise's standard deviation and to the square root of the number of codes, as the
    largest singular value of a matrix of noise is, which a penalty must reach to keep it out; its factor was chosen on Adult
    and held on three other tables (``reports/benchmarks``). Where hardly anything is seen, a small table of many columns, the
    price is up to twice as high.

    A price alike for all columns would also push back what stands far out of the noise, as where one column follows from
    others. So columns that already tell much pay less of the first part, and the others more: on average as much
    (re-weighting as in Candès, Wakin and Boyd 2008, Enhancing Sparsity by Reweighted ℓ1 Minimization).

    Args:
        targets: Noisy marginals as shares.
        device: Where the mixture is.
    """

    def __init__(self, targets: Sequence[Target], device: torch.device) -> None:
        self._error = MarginalLoss(targets, device)
        self._price = price_of(sum(self._error.layout.sizes), math.sqrt(self._error.mean_precision))

    def __call__(self, logits: Tensor, rng: np.random.Generator) -> Tensor:
        """The loss of the logits of all columns [entries, all codes]."""
        shares = shares_of(logits, self._error.layout)
        told = information(shares, self._error.layout)
        apart = (weights_by_dependence(told.detach()) * told).sum()
        together = total_correlation(shares, self._error.layout, _ROWS_PER_STEP, rng)
        return self._error(shares, rng) + self._price * (apart + together) / 2


def price_of(codes: int, seen: float) -> float:
    """The price of one nat.

    Args:
        codes: The number of codes of all columns.
        seen: How well marginals are seen: rows over the standard deviation of a count's noise.
    """
    hardly = min(_HIGHEST, max(1.0, (_HARDLY_SEEN / seen) ** _GROWTH))
    return hardly * _INFORMATION_PRICE * math.sqrt(codes) / seen


def weights_by_dependence(told: Tensor) -> Tensor:
    """Weights [columns] of mean 1, smaller for columns with more information [columns] about the entry."""
    weights = 1 / (1 + told / _DEPENDENT)
    return weights / weights.mean()


REAL, FAKE, ABSENT = 1.0, 0.0, -1.0


def critic_losses(scores: Tensor, kinds: Tensor) -> Tensor:
    """Logistic loss of each sample [batch] on its own scores: the sum over its rows.

    Args:
        scores: Of one row a sample [batch], or of several [batch, rows].
        kinds: REAL or FAKE for each score, or ABSENT where a sample has fewer rows than the widest.
    """
    losses = F.softplus(torch.where(kinds == REAL, -scores, scores)) * (kinds != ABSENT)
    return losses.flatten(1).sum(1) if losses.dim() > 1 else losses


def generator_loss(scores: Tensor) -> Tensor:
    """Non-saturating loss of fake rows' scores [batch] (Goodfellow et al. 2014, section 3)."""
    return F.softplus(-scores).mean()
