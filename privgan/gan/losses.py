"""Losses: batch in, figures out; no optimiser, no real row."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from privgan.gan.marginal_loss import MarginalLoss
from privgan.measurement.marginals import Target

_INFORMATION_PRICE = 0.19
_TINY = 1e-12


class FitLoss:
    """What the generator is fitted by: the marginals' error, and a price for what they do not ask for.

    The price is the mutual information between the codebook's entry and each column, times a weight. Of all mixtures that
    agree with noisy marginals it prefers the one that says least beyond them, as a maximum-entropy model does; without it
    the many free parameters fit the noise. The weight is proportional to the noise's standard deviation and to the square
    root of the number of codes, as the largest singular value of a matrix of noise is, which a penalty must reach to
    keep it out; its factor was chosen on Adult and held on three other tables (``reports/benchmarks``).

    Args:
        targets: Noisy marginals as shares.
        device: Where the mixture is.
    """

    def __init__(self, targets: Sequence[Target], device: torch.device) -> None:
        self._error = MarginalLoss(targets, device)
        codes = sum(len(target.shares) for target in targets if len(target.clique) == 1)
        self._price = _INFORMATION_PRICE * math.sqrt(codes / self._error.mean_precision)

    def __call__(self, logits: Sequence[Tensor], rng: np.random.Generator) -> Tensor:
        """The loss of logits, each [entries, codes]."""
        logs = [F.log_softmax(part, 1) for part in logits]
        shares = [part.exp() for part in logs]
        return self._error(shares, rng) + self._price * information(shares, logs)


def information(shares: Sequence[Tensor], logs: Sequence[Tensor]) -> Tensor:
    """Mutual information in nats between a mixture's entry and each column, summed over columns.

    Args:
        shares: Probabilities of each column, each [entries, codes].
        logs: Their logarithms.
    """
    total = torch.zeros((), device=shares[0].device)
    for part, log in zip(shares, logs, strict=True):
        total = total + (part * (log - part.mean(0).clamp_min(_TINY).log())).sum(1).mean()
    return total


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
