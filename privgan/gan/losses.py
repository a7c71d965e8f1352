"""Losses: batch in, figures out; no optimiser, no real row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from privgan.measurement.marginals import Clique, Target


def soft_marginal(probabilities: Sequence[Tensor], clique: Clique) -> Tensor:
    """The shares [cells] of a clique in a mixture: the mean over its entries of outer products of column probabilities."""
    product = probabilities[clique[0]]
    if len(clique) == 1:
        return product.mean(0)
    for column in clique[1:-1]:
        product = (product.unsqueeze(2) * probabilities[column].unsqueeze(1)).flatten(1)
    return (product.T @ probabilities[clique[-1]]).flatten() / len(product)


class MarginalLoss:
    """Precision-weighted squared error between a mixture's marginals and noisy ones.

    Args:
        targets: Noisy marginals as shares.
        device: Where the mixture is.
        cliques_per_step: Wider targets drawn for one evaluation; they are weighted to stand for all.
    """

    def __init__(self, targets: Sequence[Target], device: torch.device, *, cliques_per_step: int = 12) -> None:
        precisions = np.array([target.precision for target in targets])
        self._weights = [float(weight) for weight in precisions / precisions.mean()]
        self._targets = [(target.clique, torch.tensor(target.shares, dtype=torch.float32, device=device)) for target in targets]
        self._single = [i for i, target in enumerate(targets) if len(target.clique) == 1]
        self._wider = [i for i, target in enumerate(targets) if len(target.clique) > 1]
        self._per_step = cliques_per_step

    def __call__(self, probabilities: Sequence[Tensor], rng: np.random.Generator) -> Tensor:
        """The loss of column probabilities, each [entries, codes]."""
        drawn = self._wider
        if len(drawn) > self._per_step:
            drawn = list(rng.choice(self._wider, size=self._per_step, replace=False))
        scale = len(self._wider) / max(1, len(drawn))
        total = torch.zeros((), device=probabilities[0].device)
        for index in self._single:
            total = total + self._error(probabilities, index)
        for index in drawn:
            total = total + scale * self._error(probabilities, int(index))
        return total

    def _error(self, probabilities: Sequence[Tensor], index: int) -> Tensor:
        clique, shares = self._targets[index]
        return self._weights[index] * (soft_marginal(probabilities, clique) - shares).square().sum()


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
