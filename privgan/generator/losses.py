"""Compute the generator's losses: adversarial, and distance to noisy marginals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from privgan.generator.one_hot import Layout, information, shares_of
from privgan.generator.sampling import total_correlation
from privgan.measurement.coarse import indicator
from privgan.measurement.marginals import Target

T = TypeVar("T")
_INFORMATION_PRICE = 0.19
# With fewer rows than this many times the marginals' noise the price grows, up to twice.
_HARDLY_SEEN, _GROWTH, _HIGHEST = 60.0, 0.6, 2.0
_ROWS_PER_STEP = 250
# Nats of information at which a column's price is half that of a column without any.
_DEPENDENT = 1.0


class FitLoss:
    """The warm start's loss: the marginals' error and a price for unmeasured dependence.

    The price has two parts. One is half the mutual information between the codebook entry and each
    column. The other is half the columns' total correlation. Of all mixtures that agree with noisy
    marginals, the price prefers the one that says least beyond them. So does a maximum-entropy
    model. Without a price the many free parameters would fit the noise.

    The information bounds the total correlation from above. Alone, it leaves mixtures whose rows
    hold more structure than their pairs of columns need.

    The weight is proportional to the noise's standard deviation and to the square root of the
    number of codes. The largest singular value of a noise matrix grows likewise, and the penalty
    must reach it. Its factor was chosen on Adult and confirmed on three other tables
    (``reports/benchmarks``). In a small table of many columns the price is up to twice as high.

    A uniform price would also push back strong dependence, as where one column follows from others.
    So columns with much information pay less of the first part, and the others more, at the same
    mean. The re-weighting follows Candès, Wakin and Boyd 2008, Enhancing Sparsity by Reweighted ℓ1
    Minimization.

    Args:
        targets: Noisy marginals as shares.
        device: Where the mixture is.
    """

    def __init__(self, targets: Sequence[Target], device: torch.device) -> None:
        self._error = MarginalLoss(targets, device)
        self._price = price_of(sum(self._error.layout.sizes), math.sqrt(self._error.mean_precision))

    def __call__(self, logits: Tensor, rng: np.random.Generator) -> Tensor:
        """The loss of all columns' logits [entries, all codes]."""
        shares = shares_of(logits, self._error.layout)
        told = information(shares, self._error.layout)
        apart = (weights_by_dependence(told.detach()) * told).sum()
        together = total_correlation(shares, self._error.layout, _ROWS_PER_STEP, rng)
        return self._error(shares, rng) + self._price * (apart + together) / 2


def price_of(codes: int, seen: float) -> float:
    """The price of one nat of unmeasured dependence.

    Args:
        codes: The number of codes of all columns.
        seen: How well marginals are seen: rows over the standard deviation of a count's noise.
    """
    hardly = min(_HIGHEST, max(1.0, (_HARDLY_SEEN / seen) ** _GROWTH))
    return hardly * _INFORMATION_PRICE * math.sqrt(codes) / seen


def weights_by_dependence(told: Tensor) -> Tensor:
    """Weights [columns] of mean 1, smaller for columns with more information [columns]."""
    weights = 1 / (1 + told / _DEPENDENT)
    return weights / weights.mean()


REAL, FAKE, ABSENT = 1.0, 0.0, -1.0


def critic_losses(scores: Tensor, kinds: Tensor) -> Tensor:
    """Logistic loss of each sample [batch], summed over its rows.

    Args:
        scores: Of one row a sample [batch], or of several [batch, rows].
        kinds: REAL or FAKE for each score, or ABSENT where a sample has fewer rows than the widest.
    """
    losses = F.softplus(torch.where(kinds == REAL, -scores, scores)) * (kinds != ABSENT)
    return losses.flatten(1).sum(1) if losses.dim() > 1 else losses


def generator_loss(scores: Tensor) -> Tensor:
    """Non-saturating loss of fake rows' scores [batch] (Goodfellow et al. 2014, section 3)."""
    return F.softplus(-scores).mean()


CODES_PER_STEP = 240
_DRAWN_FROM = 2.0


@dataclass(frozen=True, eq=False)
class _Triple:
    """A 3-way target, its largest column last.

    Only the outer product of the other two columns is ever materialised.

    Attributes:
        spans: Where the codes of its columns are.
        wanted: Noisy shares [codes of the first · codes of the second, codes of the last].
        weight: Of its squared error.
    """

    spans: tuple[slice, slice, slice]
    wanted: Tensor
    weight: float


@dataclass(frozen=True, eq=False)
class _Coarse:
    """A coarse target; only outer products of either half of its columns are materialised.

    Attributes:
        spans: Where the codes of its columns are.
        groups: Which code of each column is in which group [codes, groups].
        wanted: Noisy shares [cells of the first columns, cells of the last].
        weight: Of its squared error.
    """

    spans: Sequence[slice]
    groups: Sequence[Tensor]
    wanted: Tensor
    weight: float

    def error(self, shares: Tensor) -> Tensor:
        """Weighted squared error of a mixture's shares [entries, codes]."""
        parts = [
            shares[:, span] @ groups for span, groups in zip(self.spans, self.groups, strict=True)
        ]
        middle = (len(parts) + 1) // 2
        first, last = _outer(parts[:middle]), _outer(parts[middle:])
        gap = first.T @ last / len(shares) - self.wanted
        return self.weight * gap.square().sum()


def _outer(parts: Sequence[Tensor]) -> Tensor:
    """Outer products [entries, cells] of shares [entries, groups], the last varying fastest."""
    product = parts[0]
    for part in parts[1:]:
        product = (product[:, :, None] * part[:, None, :]).flatten(1)
    return product


class _PairError(torch.autograd.Function):
    """Weighted squared error of 2-way marginals, with its own gradient.

    Forward and backward are one matrix product each.
    """

    @staticmethod
    def forward(
        ctx: Any, shares: Tensor, drawn: Tensor | None, wanted: Tensor, weights: Tensor
    ) -> Tensor:
        """Compute the error.

        Args:
            ctx: What the way back needs.
            shares: Probabilities of all codes [entries, codes].
            drawn: Which codes' marginals with all codes are looked at [drawn], or None for all.
            wanted: Noisy shares of each pair of codes [codes, codes], symmetric.
            weights: Half of each one's weight, in either place; symmetric.
        """
        if drawn is None:
            gap = shares.T @ shares / len(shares) - wanted
            pull = weights * gap
        else:
            gap = shares[:, drawn].T @ shares / len(shares) - wanted[drawn]
            pull = weights[drawn] * gap
        ctx.drawn = drawn
        ctx.save_for_backward(shares, pull)
        return (pull * gap).sum()

    @staticmethod
    def backward(ctx: Any, *flow: Tensor) -> tuple[Tensor | None, ...]:
        shares, pull = ctx.saved_tensors
        scale = 2.0 / len(shares) * flow[0]
        if ctx.drawn is None:
            return scale * 2.0 * (shares @ pull), None, None, None
        slope = shares[:, ctx.drawn] @ pull
        slope.index_add_(1, ctx.drawn, shares @ pull.T)
        return scale * slope, None, None, None


class _TripleError(torch.autograd.Function):
    """Weighted squared error of 3-way marginals, with its own gradient.

    Forward computes the gradient too, while the outer products are in memory.
    """

    @staticmethod
    def forward(ctx: Any, shares: Tensor, triples: Sequence[_Triple]) -> Tensor:
        # Entries last: outer products and their sums then read contiguous memory.
        across = shares.T.contiguous()
        error, slope = shares.new_zeros(()), torch.zeros_like(across)
        for triple in triples:
            first, second, last = (across[span] for span in triple.spans)
            outer = (first[:, None] * second).flatten(0, 1)
            gap = outer @ last.T / len(shares) - triple.wanted
            pull = gap * (2 * triple.weight / len(shares))
            back = (pull @ last).unflatten(0, (len(first), len(second)))
            parts = (back * second).sum(1), (back * first[:, None]).sum(0), pull.T @ outer
            for span, part in zip(triple.spans, parts, strict=True):
                slope[span] += part
            error += triple.weight * gap.square().sum()
        ctx.save_for_backward(slope.T)
        return error

    @staticmethod
    def backward(ctx: Any, *flow: Tensor) -> tuple[Tensor | None, ...]:
        (slope,) = ctx.saved_tensors
        return slope * flow[0], None


class MarginalLoss:
    """Precision-weighted squared error between a mixture's marginals and noisy ones.

    All 1- and 2-way marginals of a mixture are blocks of one matrix product. With very many codes,
    each evaluation draws some pairs of columns that stand for all. The cost is then linear in the
    number of codes. 3-way and coarse marginals are drawn step by step.

    Args:
        targets: Noisy marginals as shares, the 1-way marginal of every column among them.
        device: Where the mixture is.
        triples_per_step: 3-way targets drawn for one evaluation; they are weighted to stand for
            all.
        coarse_per_step: As ``triples_per_step``, for coarse targets.
        codes_per_step: About how many codes' marginals with all others are looked at in one
            evaluation, where there are more than twice as many.

    Attributes:
        layout: Which codes are whose.
        mean_precision: Of 1- and 2-way targets: weights are relative to it.
    """

    def __init__(
        self,
        targets: Sequence[Target],
        device: torch.device,
        *,
        triples_per_step: int = 15,
        coarse_per_step: int = 4,
        codes_per_step: int = CODES_PER_STEP,
    ) -> None:
        narrow = [target for target in targets if len(target.clique) <= 2]
        self.mean_precision = float(np.mean([target.precision for target in narrow]))
        singles = sorted(
            (target for target in targets if len(target.clique) == 1),
            key=lambda target: target.clique,
        )
        self.layout = Layout([len(target.shares) for target in singles], device)
        ends = np.cumsum(self.layout.sizes)
        self._span = [
            slice(int(end) - size, int(end))
            for end, size in zip(ends, self.layout.sizes, strict=True)
        ]
        codes = int(ends[-1])
        tables = _tables(narrow, self._span, self.mean_precision)
        self._single, self._single_weight, self._pair, self._pair_weight = (
            torch.from_numpy(table).to(device) for table in tables
        )
        self._triples: list[_Triple] = []
        self._coarse: list[_Coarse] = []
        for target in targets:
            if target.groups is not None or len(target.clique) > 2:
                self._place(target, target.precision / self.mean_precision, device)
        self._per_step, self._coarse_per_step = triples_per_step, coarse_per_step
        share = codes_per_step / codes if codes > _DRAWN_FROM * codes_per_step else 1.0
        self._columns_per_step = max(1, round(len(singles) * share))

    def _place(self, target: Target, weight: float, device: torch.device) -> None:
        spans = [self._span[column] for column in target.clique]
        if target.groups is not None:
            self._coarse.append(_coarse_of(target, spans, weight, device))
            return
        sizes = [span.stop - span.start for span in spans]
        table = torch.tensor(target.shares, dtype=torch.float32).view(sizes)
        small, middle, large = sorted(range(len(sizes)), key=sizes.__getitem__)
        wanted = table.permute(small, middle, large).reshape(-1, sizes[large]).to(device)
        self._triples.append(_Triple((spans[small], spans[middle], spans[large]), wanted, weight))

    def __call__(self, shares: Tensor, rng: np.random.Generator) -> Tensor:
        """The loss of all columns' probabilities [entries, all codes]."""
        total = (self._single_weight * (shares.mean(0) - self._single).square()).sum()
        total = total + self._pair_error(shares, rng)
        if self._triples:
            drawn, stands_for = _drawn(self._triples, self._per_step, rng)
            total = total + stands_for * _TripleError.apply(shares, drawn)
        if self._coarse:
            some, stands_for = _drawn(self._coarse, self._coarse_per_step, rng)
            total = total + stands_for * sum(target.error(shares) for target in some)
        return total

    def _pair_error(self, shares: Tensor, rng: np.random.Generator) -> Tensor:
        columns, drawn = len(self._span), None
        if self._columns_per_step < columns:
            chosen = np.sort(rng.choice(columns, size=self._columns_per_step, replace=False))
            codes = np.concatenate(
                [np.arange(self._span[column].start, self._span[column].stop) for column in chosen]
            )
            drawn = torch.from_numpy(codes).to(shares.device)
        error: Tensor = _PairError.apply(shares, drawn, self._pair, self._pair_weight)
        return columns / self._columns_per_step * error if drawn is not None else error


def _tables(
    targets: Sequence[Target], spans: Sequence[slice], mean_precision: float
) -> tuple[np.ndarray, ...]:
    """1-way shares [codes] and 2-way shares [codes, codes], each followed by its weights.

    Pairs are symmetric, with half of a weight in either place. Filled in numpy: of many columns
    there are many small pairs.
    """
    codes = spans[-1].stop
    single, single_weight = np.zeros((2, codes), np.float32)
    pair, pair_weight = np.zeros((2, codes, codes), np.float32)
    for target in targets:
        weight = target.precision / mean_precision
        at = [spans[column] for column in target.clique]
        if target.groups is not None:
            continue
        if len(at) == 1:
            single[at[0]], single_weight[at[0]] = target.shares, weight
            continue
        first, second = at
        table = target.shares.reshape(first.stop - first.start, -1)
        pair[first, second], pair[second, first] = table, table.T
        pair_weight[first, second] = pair_weight[second, first] = weight / 2
    return single, single_weight, pair, pair_weight


def _drawn(targets: Sequence[T], most: int, rng: np.random.Generator) -> tuple[list[T], float]:
    """So many of the targets at most, and how many each of them stands for."""
    if len(targets) <= most:
        return list(targets), 1.0
    drawn = rng.choice(np.arange(len(targets)), size=most, replace=False)
    return [targets[index] for index in drawn], len(targets) / most


def _coarse_of(
    target: Target, spans: Sequence[slice], weight: float, device: torch.device
) -> _Coarse:
    assert target.groups is not None
    groups = [
        torch.tensor(indicator(part), dtype=torch.float32, device=device) for part in target.groups
    ]
    rows = math.prod(part.shape[1] for part in groups[: (len(groups) + 1) // 2])
    wanted = torch.tensor(target.shares, dtype=torch.float32, device=device).view(rows, -1)
    return _Coarse(spans, groups, wanted, weight)
