"""Losses: batch in, figures out; no optimiser, no real row."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from privgan.measurement.marginals import Clique, Target

_INFORMATION_PRICE = 0.19
_TINY = 1e-12


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

    All 1- and 2-way marginals of a mixture are blocks of one product of matrices; 3-way ones are drawn step by step.

    Args:
        targets: Noisy marginals as shares, the 1-way marginal of every column among them.
        device: Where the mixture is.
        triples_per_step: 3-way targets drawn for one evaluation; they are weighted to stand for all.

    Attributes:
        mean_precision: Of 1- and 2-way targets: weights are relative to it.
    """

    def __init__(self, targets: Sequence[Target], device: torch.device, *, triples_per_step: int = 15) -> None:
        narrow = [target for target in targets if len(target.clique) <= 2]
        self.mean_precision = float(np.mean([target.precision for target in narrow]))
        singles = sorted((target for target in targets if len(target.clique) == 1), key=lambda target: target.clique)
        ends = np.cumsum([len(target.shares) for target in singles])
        self._span = [slice(int(end) - len(target.shares), int(end)) for end, target in zip(ends, singles, strict=True)]
        codes = int(ends[-1])
        self._single, self._single_weight = torch.zeros(codes), torch.zeros(codes)
        self._pair, self._pair_weight = torch.zeros(codes, codes), torch.zeros(codes, codes)
        self._triples: list[tuple[Clique, Tensor, float]] = []
        for target in targets:
            self._place(target, target.precision / self.mean_precision, device)
        self._single, self._single_weight = self._single.to(device), self._single_weight.to(device)
        self._pair, self._pair_weight = self._pair.to(device), self._pair_weight.to(device)
        self._per_step = triples_per_step

    def _place(self, target: Target, weight: float, device: torch.device) -> None:
        shares, spans = torch.tensor(target.shares, dtype=torch.float32), [self._span[column] for column in target.clique]
        if len(spans) == 1:
            self._single[spans[0]], self._single_weight[spans[0]] = shares, weight
        elif len(spans) == 2:
            block = spans[0], spans[1]
            self._pair[block], self._pair_weight[block] = shares.view(self._pair[block].shape), weight
        else:
            self._triples.append((target.clique, shares.to(device), weight))

    def __call__(self, probabilities: Sequence[Tensor], rng: np.random.Generator) -> Tensor:
        """The loss of column probabilities, each [entries, codes]."""
        together = torch.cat(list(probabilities), 1)
        total = (self._single_weight * (together.mean(0) - self._single).square()).sum()
        pairs = together.T @ together / len(together)
        total = total + (self._pair_weight * (pairs - self._pair).square()).sum()
        drawn = np.arange(len(self._triples))
        if len(drawn) > self._per_step:
            drawn = rng.choice(drawn, size=self._per_step, replace=False)
        for index in drawn:
            clique, shares, weight = self._triples[index]
            error = (soft_marginal(probabilities, clique) - shares).square().sum()
            total = total + len(self._triples) / len(drawn) * weight * error
        return total


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
