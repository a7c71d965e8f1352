"""Balance samples: exchange values within entries until 3-way counts fit the mixture.

Given its entry, a row's columns are independent. So an exchange between two rows of one entry keeps
the sample's likelihood and its 1-way counts. Balancing lowers the chance deviations of independent
draws, as balanced sampling from finite populations does. Only synthetic rows are read.

Source: Deville and Tillé 2004, Efficient balanced sampling: the cube method.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from privgan.generator.one_hot import Layout
from privgan.measurement.marginals import exact_counts

_TINY = 1e-12
_FARTHEST = 60.0


def total_correlation(
    shares: Tensor, layout: Layout, rows: int, rng: np.random.Generator
) -> Tensor:
    """Total correlation of the columns in nats: the sum of their entropies less the joint one.

    Watanabe 1960, Information Theoretical Analysis of Multivariate Correlation. The joint entropy
    of a mixture has no closed form. It is estimated from rows drawn from the mixture. Its gradient
    is the score function's (Williams 1992, Simple Statistical Gradient-Following Algorithms,
    section 2).

    Args:
        shares: Probabilities of all codes [entries, codes].
        layout: Which codes are whose.
        rows: How many are drawn, evenly from all entries; at least 2.
        rng: Public randomness.
    """
    told: Tensor = _TotalCorrelation.apply(shares, draw_rows(shares.detach(), layout, rows, rng))
    return told


def draw_rows(shares: Tensor, layout: Layout, rows: int, rng: np.random.Generator) -> Tensor:
    """Draw rows of the mixture, one-hot [rows, codes]."""
    entries = (np.arange(rows) * len(shares) // rows + rng.integers(len(shares))) % len(shares)
    places = rng.random((rows, len(layout.sizes)), dtype=np.float32) + np.arange(
        len(layout.sizes), dtype=np.float32
    )
    chosen = shares[torch.from_numpy(entries).to(shares.device)]
    # A column's shares sum to one, so column j covers j to j + 1 of the cumulative
    # sum.
    codes = torch.searchsorted(chosen.cumsum(1), torch.from_numpy(places).to(shares.device))
    first, last = layout.ends
    return torch.zeros_like(chosen).scatter_(1, codes.clamp(first, last), 1.0)


class _TotalCorrelation(torch.autograd.Function):
    """The rows' mean log-likelihood under the mixture, and the columns' entropies."""

    @staticmethod
    def forward(ctx: Any, shares: Tensor, rows: Tensor) -> Tensor:
        known = shares.clamp_min(_TINY)
        entry_of, likelihood = _posterior(rows @ known.log().T)
        mean = shares.mean(0).clamp_min(_TINY)
        # The mean is a baseline that removes most of the gradient's variance.
        # It costs one degree of freedom, hence the divisor.
        surplus = (likelihood - likelihood.mean()) / (len(rows) - 1)
        pull = (entry_of * surplus[:, None]).T @ rows
        ctx.save_for_backward(pull.div_(known).sub_((mean.log() + 1) / len(shares)))
        return likelihood.mean() - (mean * mean.log()).sum()

    @staticmethod
    def backward(ctx: Any, *flow: Tensor) -> tuple[Tensor | None, ...]:
        (slope,) = ctx.saved_tensors
        return slope * flow[0], None


def _posterior(by_entry: Tensor) -> tuple[Tensor, Tensor]:
    """The probability of each entry given a row [rows, entries], and the row's log-likelihood.

    Entries e^60 times less likely than the best count as so likely. Of many columns most are far
    below, and a processor takes a hundred times as long for numbers near the smallest.

    Args:
        by_entry: Log-probability of each row in each entry [rows, entries].
    """
    best = by_entry.amax(1, keepdim=True)
    weights = (by_entry - best).clamp_min_(-_FARTHEST).exp_()
    total = weights.sum(1, keepdim=True)
    likelihood = (best + total.log())[:, 0] - math.log(by_entry.shape[1])
    return weights.div_(total), likelihood


# The first sweep brings most of it, and the more rows the less there is to bring.
_SWEEPS, _SWEEPS_OF_MANY, _MANY_ROWS = 4, 1, 50_000
_BLOCKS = 1.5
# More than 40 triples per column hardly help, so the cost is linear in the columns.
_TRIPLES_PER_COLUMN, _MOST_CELLS = 40, 4_000_000
# Their cells and addresses stay in a core's cache.
_TRIPLES_AT_ONCE = 16


def balance(
    codes: np.ndarray,
    entries: np.ndarray,
    probabilities: Sequence[np.ndarray],
    rng: np.random.Generator,
) -> None:
    """Exchange codes within entries, in place.

    Args:
        codes: Drawn codes [rows, columns], int32.
        entries: The entry of each row [rows], ascending.
        probabilities: For each column the probability of each code in each entry [entries, codes].
        rng: Public randomness.
    """
    if codes.shape[1] < 3:
        return
    excess = _Excess(codes, entries, probabilities)
    # Column by column: each is read and exchanged alone.
    lines = np.ascontiguousarray(codes.T)
    # Exchanges of one block are judged by the same counts.
    # The number of blocks grows with the deviations to correct.
    blocks = max(1, round(_BLOCKS * math.sqrt(len(codes) / excess.mean_cells)))
    for _ in range(_SWEEPS if len(codes) <= _MANY_ROWS else _SWEEPS_OF_MANY):
        for column in rng.permutation(len(lines)):
            for pairs in np.array_split(_partners(entries, lines[column], rng), blocks, axis=1):
                excess.exchange(lines, int(column), *pairs)
    codes[:] = lines.T


def _partners(entries: np.ndarray, codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Pair rows [2, pairs] at random: one entry, different codes, no row twice."""
    order = np.argsort(entries + rng.random(len(entries)))
    pairs = np.stack([order[: len(order) - 1 : 2], order[1::2]])
    differ = (entries[pairs[0]] == entries[pairs[1]]) & (codes[pairs[0]] != codes[pairs[1]])
    return rng.permutation(pairs[:, differ], axis=1)


class _Excess:
    """The excess of each 3-way cell over the mixture's expectation, in counts [cells].

    A deviation weighs its square over the root of the expected count. Cells of all sizes then weigh
    alike, as in the total variation distance.

    Attributes:
        mean_cells: Mean number of cells of a triple.
    """

    def __init__(
        self, codes: np.ndarray, entries: np.ndarray, probabilities: Sequence[np.ndarray]
    ) -> None:
        sizes = np.array([part.shape[1] for part in probabilities])
        self._triples = chosen_triples(sizes)
        wide = sizes[self._triples]
        cells = wide.prod(1)
        self.mean_cells = float(cells.mean())
        self._strides = np.stack(
            [wide[:, 1] * wide[:, 2], wide[:, 2], np.ones_like(cells)], 1
        ).astype(np.int32)
        self._base = (np.cumsum(cells) - cells).astype(np.int32)
        self._of = [
            np.flatnonzero((self._triples == column).any(1)) for column in range(len(sizes))
        ]
        expected = self._expected(cells, entries, probabilities)
        self._weight = 1 / np.sqrt(expected + 1)
        self._excess = self._counted(codes, sizes.tolist()) - expected
        # What it would change if one row more left a cell, or entered it: looked up far more often
        # than it changes.
        self._leaving = self._weight * (1 - 2 * self._excess)
        self._entering = self._weight * (1 + 2 * self._excess)

    def _expected(
        self, cells: np.ndarray, entries: np.ndarray, probabilities: Sequence[np.ndarray]
    ) -> np.ndarray:
        parts = [part.astype(np.float32) for part in probabilities]
        rows = np.bincount(entries, minlength=len(parts[0])).astype(np.float32)[:, None]
        expected = np.empty(int(cells.sum()), dtype=np.float32)
        for (first, second), numbers in itertools.groupby(
            range(len(cells)), lambda number: tuple(self._triples[number, :2])
        ):
            outer = ((rows * parts[first])[:, :, None] * parts[second][:, None, :]).reshape(
                len(rows), -1
            )
            for number in numbers:
                start = self._base[number]
                expected[start : start + cells[number]] = (
                    outer.T @ parts[self._triples[number, 2]]
                ).ravel()
        return expected

    def _counted(self, codes: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
        lines = np.asfortranarray(codes)
        return np.concatenate(
            [exact_counts(lines, tuple(triple), sizes) for triple in self._triples.tolist()]
        ).astype(np.float32)

    def exchange(
        self, lines: np.ndarray, column: int, first: np.ndarray, second: np.ndarray
    ) -> None:
        """Exchange a column's codes in those pairs of rows where it lowers the excess.

        Args:
            lines: All codes [columns, rows], changed in place.
            column: The column.
            first: One row of each pair [pairs].
            second: The other, of another code.
        """
        one, two = lines[column, first], lines[column, second]
        of_first, of_second = lines[:, first], lines[:, second]
        change = np.zeros(len(first), dtype=np.float32)
        cells: list[tuple[np.ndarray, ...]] = []
        numbers = self._of[column]
        for start in range(0, len(numbers), _TRIPLES_AT_ONCE):
            part = numbers[start : start + _TRIPLES_AT_ONCE]
            at_first, stride = self._addresses(of_first, part, column)
            at_second, _ = self._addresses(of_second, part, column)
            left = at_first + stride * one, at_second + stride * two
            at_first += stride * two
            at_second += stride * one
            entered = at_first, at_second
            for at in left:
                change += self._leaving.take(at).sum(0)
            for at in entered:
                change += self._entering.take(at).sum(0)
            cells.append((*left, *entered))
        nearer = np.flatnonzero(change < 0)
        for parts in cells:
            self._move([at.take(nearer, axis=1).ravel() for at in parts])
        first, second = first[nearer], second[nearer]
        lines[column, first], lines[column, second] = two[nearer], one[nearer]

    def _move(self, places: Sequence[np.ndarray]) -> None:
        """Count rows out of the first two lists of cells, and into the other two."""
        for at, by in zip(places, (-1.0, -1.0, 1.0, 1.0), strict=True):
            np.add.at(self._excess, at, np.float32(by))
        for at in places:
            weight, excess = self._weight.take(at), self._excess.take(at)
            self._leaving[at] = weight * (1 - 2 * excess)
            self._entering[at] = weight * (1 + 2 * excess)

    def _addresses(
        self, codes: np.ndarray, numbers: np.ndarray, column: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Each row's cell [triples, rows] with a column's code at 0, and its stride [triples, 1].

        Args:
            codes: Codes of some rows [columns, rows].
            numbers: Some triples that hold the column.
            column: The column.
        """
        triples, strides = self._triples[numbers], self._strides[numbers]
        own = triples == column
        others, by = triples[~own].reshape(-1, 2), strides[~own].reshape(-1, 2)
        at = codes.take(others[:, 0], axis=0)
        at *= by[:, :1]
        second = codes.take(others[:, 1], axis=0)
        second *= by[:, 1:]
        at += second
        at += self._base[numbers][:, None]
        return at, strides[own][:, None]


def chosen_triples(sizes: np.ndarray) -> np.ndarray:
    """The triples of columns to balance [triples, 3], ascending, in order.

    All triples where they are few. Otherwise a fixed pseudo-random choice for given sizes, the
    smallest triples first.

    Args:
        sizes: Number of codes of each column [columns].
    """
    columns, rng = len(sizes), np.random.default_rng(0)
    most = _TRIPLES_PER_COLUMN * columns
    if math.comb(columns, 3) <= most:
        triples = np.array(list(itertools.combinations(range(columns), 3)))
    else:
        drawn = rng.permuted(np.tile(np.arange(columns), (2 * most, 1)), axis=1)[:, :3]
        triples = rng.permutation(np.unique(np.sort(drawn, axis=1), axis=0))[:most]
    cells = sizes[triples].prod(1)
    order = np.lexsort((rng.permutation(len(triples)), cells))
    kept = order[np.cumsum(cells[order]) <= _MOST_CELLS]
    return triples[kept][np.lexsort(triples[kept].T[::-1])]
